#include <stdio.h>
#include <string.h>

#include "app/span.h"
#include "app/variable.h"
#include "doctor/app.h"

static bool
is_set_in_image(const struct doctor_app *a, const char *name)
{
	struct span value;

	return a->has_docker &&
	    dockerfile_env(&a->docker, name, &value) != NULL;
}

/* The guide's are told by themselves. */
static bool
is_told_elsewhere(const char *name)
{

	return variable_is_required(name) || variable_is_provided(name);
}

static void
check_undefined(struct doctor_app *a)
{
	const struct doctor_finding f = { "undefined",
	    SPACEFERRY_WARN, "set those that the app needs, in the env file and "
	    "on the new host" };
	struct app_list l = { 0 };
	char good[160];
	size_t i, optional = 0;

	for (i = 0; i < a->use.n; i++) {
		const struct app_sighting *u = &a->use.v[i];

		if (is_told_elsewhere(u->what) ||
		    envfile_get(&a->env, u->what) != NULL ||
		    is_set_in_image(a, u->what))
			continue;
		if (u->optional)
			optional++;
		else
			doctor_app_list(&l, "%.100s (%.150s:%u)", u->what,
			    u->file, u->line);
	}
	snprintf(good, sizeof(good), "%zu that the source reads are in the env "
	    "file, come from the host, or have a default (%zu)", a->use.n,
	    optional);
	doctor_app_verdict(a, &f, &l, good);
}

static void
check_unused(struct doctor_app *a)
{
	struct app_list l = { 0 };
	size_t i;

	for (i = 0; i < a->env.n; i++) {
		const char *name = a->env.variable[i].name;

		if (!is_told_elsewhere(name) && doctor_app_use(a, name) == NULL)
			doctor_app_list(&l, "%.100s", name);
	}
	if (l.n > 0)
		doctor_pass(a->d, "unused", "in the env file, not "
		    "found in the source: %s", doctor_app_listed(&l));
}

static bool
is_local_url(const char *value)
{
	static const char *const begins[] = { "http://localhost",
	    "https://localhost", "http://127.0.0.1", "http://0.0.0.0" };
	size_t i;

	for (i = 0; i < sizeof(begins) / sizeof(begins[0]); i++) {
		if (strncmp(value, begins[i], strlen(begins[i])) == 0)
			return true;
	}
	return false;
}

/* The host of --app-url, as a URL's, though no rule covers it. */
static bool
is_old_host(const struct doctor_app *a, const char *value)
{
	const char *at = a->old_host[0] == '\0' ? NULL :
	    strcasestr(value, a->old_host);
	char after;

	if (at == NULL || at < value + 3 || strncmp(at - 3, "://", 3) != 0)
		return false;
	after = at[strlen(a->old_host)];
	return after == '\0' || strchr("/:?#,", after) != NULL;
}

/* Where visitors' browsers and sign-in are sent to: never this machine. */
static bool
is_seen_outside(const char *name)
{

	return variable_is_public(name) || strcmp(name, "NEXTAUTH_URL") == 0 ||
	    strcmp(name, "AUTH_URL") == 0;
}

/* The command that changes the file, unless it came through a pipe. */
static void
put_remedy(const struct doctor_app *a, char *out, size_t size)
{
	const char *file = a->d->job.options->env_file;

	if (strcmp(file, "-") == 0 || strncmp(file, "/dev/", 5) == 0)
		file = "FILE";
	snprintf(out, size, "spaceferry rewrite %.300s with the same rules "
	    "shows the change, --write makes it; on the new host set the new "
	    "values", file);
}

/* With --from it may be the file of the app as it runs now: what the rules
 * cover will be rewritten. */
static void
check_urls(struct doctor_app *a)
{
	bool moves = a->d->job.options->from != NULL;
	char remedy[512];
	struct doctor_finding f = { "env-urls", SPACEFERRY_WARN, remedy };
	struct app_list l = { 0 };
	size_t i;

	put_remedy(a, remedy, sizeof(remedy));
	for (i = 0; i < a->env.n; i++) {
		const struct envfile_variable *v = &a->env.variable[i];
		struct match_result r;
		bool covered, old, local = is_local_url(v->value);

		match_count(a->d->job.rules, v->value, strlen(v->value), &r);
		covered = r.matches > 0;
		old = covered || is_old_host(a, v->value);
		if (!old && !local)
			continue;
		if (covered ? !moves : old || is_seen_outside(v->name))
			f.verdict = SPACEFERRY_FAIL;
		doctor_app_list(&l, "%.100s (line %u) %s", v->name, v->line,
		    local ? "is a URL of this machine" :
		    "has a URL of the old host");
	}
	doctor_app_verdict(a, &f, &l, "no URL of the old host");
}

void
doctor_app_environment(struct doctor_app *a)
{

	if (a->has_tree) {
		check_undefined(a);
		check_unused(a);
	}
	check_urls(a);
}
