#include <string.h>
#include <strings.h>

#include "app/dburi.h"
#include "app/variable.h"
#include "doctor/app.h"

/* What the guide calls obligatory.  What the source never reads does no harm
 * when it is missing. */
static void
check_required(struct doctor_app *a)
{
	struct doctor_finding f = { "required", SPACEFERRY_FAIL,
	    "set them as secrets of the new host, and in the env file" };
	struct app_list missing = { 0 }, unread = { 0 };
	size_t i;

	for (i = 0; i < variable_required_count; i++) {
		const char *name = variable_required[i];
		const char *value = doctor_app_value(a, name);
		bool unused = a->has_tree && doctor_app_use(a, name) == NULL;

		if (value != NULL && *value != '\0')
			continue;
		if (unused)
			doctor_app_list(&unread, "%s is %s, but the source "
			    "never reads it", name,
			    value == NULL ? "missing" : "empty");
		else
			doctor_app_list(&missing, "%s is %s", name,
			    value == NULL ? "missing" : "empty");
	}
	if (missing.n == 0 && unread.n > 0) {
		f.verdict = SPACEFERRY_WARN;
		f.remedy = "set them if another part of the app needs them";
		missing = unread;
	}
	doctor_app_verdict(a, &f, &missing, "all that the guide calls "
	    "obligatory are there");
}

static void
check_placeholders(struct doctor_app *a)
{
	const struct doctor_finding f = { "placeholders", SPACEFERRY_FAIL,
	    "put the real values in" };
	struct app_list l = { 0 };
	size_t i;

	for (i = 0; i < a->env.n; i++) {
		const struct envfile_variable *v = &a->env.variable[i];
		const char *why;

		if (!variable_is_required(v->name) &&
		    !variable_is_secret(v->name))
			continue;
		if ((why = variable_placeholder(v->value)) != NULL)
			doctor_app_list(&l, "%.100s (line %u): %s", v->name,
			    v->line, why);
	}
	doctor_app_verdict(a, &f, &l, "no example value was left in");
}

static void
check_smtp(struct doctor_app *a)
{
	const struct doctor_finding f = { "smtp", SPACEFERRY_WARN,
	    "Spaces let nothing out on ports 25, 465 and 587: send mail by an "
	    "HTTPS API, as BREVO_API_KEY does" };
	struct app_list l = { 0 };
	size_t i;

	for (i = 0; i < a->env.n; i++) {
		const struct envfile_variable *v = &a->env.variable[i];

		if (variable_is_smtp(v->name, v->value))
			doctor_app_list(&l, "%.100s (line %u)", v->name,
			    v->line);
	}
	doctor_app_verdict(a, &f, &l, "no mail by SMTP");
}

/* A plain switch: what is no yes or no is a mistake, or a secret that went to
 * the wrong name. */
static void
check_switch(struct doctor_app *a)
{
	static const char *const words[] = { "true", "false", "1", "0", "" };
	const char *value = doctor_app_value(a, "DISABLE_ECOSYSTEM_FEATURE");
	const struct doctor_finding f = { "switches", SPACEFERRY_WARN,
	    "true or false, as a public variable of the new host" };
	size_t i;

	for (i = 0; value != NULL && i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(value, words[i]) == 0)
			return;
	}
	if (value != NULL)
		doctor_tell(a->d, &f, "DISABLE_ECOSYSTEM_FEATURE is neither "
		    "true nor false");
}

void
doctor_app_variables(struct doctor_app *a)
{

	check_required(a);
	check_placeholders(a);
	check_smtp(a);
	check_switch(a);
}

/* What makes the URI unfit for another host; true when it told so. */
static bool
tell_broken_uri(struct doctor_app *a, const struct dburi *u)
{
	struct doctor_finding f = { "mongodb-uri", SPACEFERRY_FAIL,
	    "mongodb+srv://USER:PASSWORD@CLUSTER/DATABASE" };

	if (u->unescaped) {
		f.remedy = "percent-encode it: @ is %40, : %3A, / %2F, ? %3F, "
		    "# %23, % %25";
		doctor_tell(a->d, &f, "MONGODB_URI: its user or password has "
		    "a character that must be percent-encoded");
	} else if (!u->valid) {
		doctor_tell(a->d, &f, "MONGODB_URI is no mongodb:// or "
		    "mongodb+srv:// URI with a host");
	} else if (u->srv_port) {
		f.remedy = "mongodb+srv:// takes one name, without a port";
		doctor_tell(a->d, &f, "MONGODB_URI: mongodb+srv:// with a port "
		    "or with several hosts");
	} else {
		return false;
	}
	return true;
}

static bool
is_host_of(const char *end, const struct dburi *u)
{
	struct dburi e;

	if (end == NULL)
		return false;
	dburi_read(&e, end);
	return e.valid && strcasecmp(e.host, u->host) == 0;
}

/* The env file is that of the app as it runs now. */
static bool
tell_source(struct doctor_app *a, const struct dburi *u)
{
	const struct spaceferry_options *o = a->d->job.options;
	const struct doctor_finding f = { "mongodb-uri", SPACEFERRY_WARN,
	    "the new host needs the target's URI (--to) there; here it may "
	    "stay until the app moves" };

	if (!is_host_of(o->from, u) || is_host_of(o->to, u))
		return false;
	doctor_tell(a->d, &f, "MONGODB_URI leads to %.100s, the source of the "
	    "migration", u->host);
	return true;
}

static bool
tell_reach(struct doctor_app *a, const struct dburi *u)
{
	static const char *const words[] = {
		[DBURI_LOCAL] = "the machine itself",
		[DBURI_BARE] = "a name without a dot, a container's",
		[DBURI_PRIVATE] = "in a private network",
	};
	const struct doctor_finding f = { "mongodb-uri", SPACEFERRY_FAIL,
	    "on the new host, set it to where the data moves to (--to)" };

	if (u->reach == DBURI_PUBLIC)
		return false;
	doctor_tell(a->d, &f, "MONGODB_URI leads to %.100s, %s: nothing on the "
	    "new host can reach that", u->host, words[u->reach]);
	return true;
}

/* Against --to: the app would read something else than what is moved. */
static bool
tell_other_target(struct doctor_app *a, const struct dburi *u)
{
	const char *to = a->d->job.options->to;
	struct doctor_finding f = { "mongodb-uri", SPACEFERRY_WARN,
	    "on the new host, set it to the target of the migration" };
	struct dburi t;

	if (to == NULL)
		return false;
	dburi_read(&t, to);
	if (!t.valid || t.unescaped)
		return false;
	if (strcasecmp(t.host, u->host) != 0)
		doctor_tell(a->d, &f, "MONGODB_URI leads to %.100s, --to to "
		    "%.100s", u->host, t.host);
	else if (t.database[0] != '\0' && strcmp(t.database, u->database) != 0)
		doctor_tell(a->d, &f, "MONGODB_URI names the database "
		    "\"%.64s\", --to \"%.64s\"", u->database, t.database);
	else
		return false;
	return true;
}

void
doctor_app_database(struct doctor_app *a)
{
	const char *value = doctor_app_value(a, "MONGODB_URI");
	struct doctor_finding f = { "mongodb-uri", SPACEFERRY_WARN, "" };
	struct dburi u;

	/* Those have been told as such. */
	if (value == NULL || *value == '\0' || variable_placeholder(value))
		return;
	dburi_read(&u, value);
	if (tell_broken_uri(a, &u) || tell_source(a, &u) ||
	    tell_reach(a, &u))
		return;
	if (u.database[0] == '\0') {
		f.remedy = "…/DATABASE before the ?";
		doctor_tell(a->d, &f, "MONGODB_URI names no database: drivers "
		    "take \"test\"");
	} else if (!u.user) {
		f.remedy = "mongodb+srv://USER:PASSWORD@…";
		doctor_tell(a->d, &f, "MONGODB_URI names no user");
	} else if (!u.srv && !u.auth_source &&
	    strstr(u.host, ".mongodb.net") != NULL) {
		f.remedy = "add authSource=admin, or use the mongodb+srv:// URI "
		    "that Atlas shows";
		doctor_tell(a->d, &f, "MONGODB_URI: without authSource Atlas "
		    "looks for the user in \"%s\"", u.database);
	} else if (!tell_other_target(a, &u)) {
		doctor_pass(a->d, f.name, "%.100s, database %s", u.host,
		    u.database);
	}
}
