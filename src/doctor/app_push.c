#include <stdlib.h>
#include <string.h>

#include "app/span.h"
#include "app/variable.h"
#include "doctor/app.h"

static void
check_assets(struct doctor_app *a)
{
	const struct doctor_finding f = { "public-assets", SPACEFERRY_FAIL,
	    "add !public/** to .gitignore" };
	struct app_list l = { 0 };
	size_t i;

	for (i = 0; i < a->tree.n; i++) {
		const struct tree_file *t = &a->tree.file[i];

		/* Uploads have a check of their own. */
		if (t->ignored && strncmp(t->path, "public/", 7) == 0 &&
		    strncmp(t->path, "public/uploads/", 15) != 0)
			doctor_app_list(&l, "%.150s", t->path);
	}
	if (l.n > 0)
		doctor_tell(a->d, &f, ".gitignore leaves out what the pages "
		    "need: %s", doctor_app_listed(&l));
	else
		doctor_pass(a->d, f.name, "all of public/ would be pushed");
}

static void
check_secrets(struct doctor_app *a)
{
	const struct doctor_finding f = { "secrets-in-files", SPACEFERRY_FAIL,
	    "take it out and replace the secret; a file that must stay here "
	    "goes into .gitignore" };
	struct app_list l = { 0 };

	doctor_app_list_all(&l, &a->secret);
	doctor_app_verdict(a, &f, &l, "no secret in the files that would be "
	    "pushed");
}

static bool
is_sample(const char *name)
{
	static const char *const words[] = { "example", "sample", "template",
	    "dist", "defaults" };
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strstr(name, words[i]) != NULL)
			return true;
	}
	return false;
}

/* How many variables of the file hold what looks like a real secret. */
static size_t
count_secrets(struct doctor_app *a, const struct tree_file *t)
{
	struct envfile e;
	struct buf text;
	struct err err;
	size_t i, n = 0;

	buf_init(&text, TREE_FILE_MAX);
	if (tree_load(&a->tree, t, &text, &err)) {
		if (envfile_parse(&e, (char *)text.data, text.len, &err)) {
			for (i = 0; i < e.n; i++)
				n += variable_is_secret(e.variable[i].name) &&
				    strlen(e.variable[i].value) >= 8 &&
				    !variable_placeholder(e.variable[i].value);
		}
		envfile_free(&e);
	}
	buf_free_secret(&text);
	return n;
}

static void
check_env_files(struct doctor_app *a)
{
	const struct doctor_finding f = { "env-files", SPACEFERRY_FAIL,
	    "add .env* and !.env.example to .gitignore" };
	struct app_list l = { 0 };
	size_t i, n;

	for (i = 0; i < a->tree.n; i++) {
		const struct tree_file *t = &a->tree.file[i];
		const char *slash = strrchr(t->path, '/');
		const char *name = slash != NULL ? slash + 1 : t->path;

		if (t->ignored || strncmp(name, ".env", 4) != 0)
			continue;
		n = count_secrets(a, t);
		if (n > 0)
			doctor_app_list(&l, "%.150s (%zu secret%s%s)", t->path,
			    n, n == 1 ? "" : "s", is_sample(name) ?
			    " that look real" : "");
	}
	if (l.n > 0)
		doctor_tell(a->d, &f, "would be pushed: %s",
		    doctor_app_listed(&l));
	else
		doctor_pass(a->d, f.name, "no env file with secrets would be "
		    "pushed");
}

static void
check_old_urls(struct doctor_app *a)
{
	const struct doctor_finding f = { "old-urls", SPACEFERRY_WARN,
	    "spaceferry rewrite FILE... with the same rules shows the change, "
	    "--write makes it" };
	struct app_list l = { 0 };

	if (a->d->job.n_rules == 0)
		return;
	doctor_app_list_all(&l, &a->old_url);
	doctor_app_verdict(a, &f, &l, "the files have no URL that the rules "
	    "would rewrite");
}

void
doctor_app_push(struct doctor_app *a)
{

	check_assets(a);
	check_secrets(a);
	check_env_files(a);
	check_old_urls(a);
}
