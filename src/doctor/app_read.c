#include <stdlib.h>
#include <string.h>

#include "app/jscode.h"
#include "doctor/app.h"

#define ENV_FILE_MAX ((size_t)256 << 10)

static void
tell_env(struct doctor_app *a)
{
	const struct doctor_finding f = { "env-file", SPACEFERRY_WARN,
	    "write NAME=VALUE lines, values with # or spaces in double quotes" };
	struct app_list l = { 0 };
	size_t i;

	if (a->env.bad > 0)
		doctor_app_list(&l, "%zu of its lines are no NAME=VALUE, the "
		    "first is line %u", a->env.bad, a->env.bad_line);
	for (i = 0; i < a->env.n; i++) {
		if (a->env.variable[i].cut)
			doctor_app_list(&l, "%.100s (line %u): the value ends at "
			    "a # for some readers and not for others",
			    a->env.variable[i].name, a->env.variable[i].line);
		if (envfile_get(&a->env, a->env.variable[i].name) !=
		    &a->env.variable[i])
			doctor_app_list(&l, "%.100s (line %u) is set again "
			    "further down", a->env.variable[i].name,
			    a->env.variable[i].line);
	}
	if (l.n > 0)
		doctor_tell(a->d, &f, "%s", doctor_app_listed(&l));
	else
		doctor_pass(a->d, f.name, "%zu variables", a->env.n);
}

static bool
read_env(struct doctor_app *a, const char *path, struct err *err)
{
	struct buf text;
	bool ok = true;

	buf_init(&text, ENV_FILE_MAX);
	if (!tree_load_path(path, &text, err)) {
		err_prefix(err, "--env-file");
		doctor_err(a->d, "env-file", err);
	} else if ((ok = envfile_parse(&a->env, (char *)text.data, text.len,
	    err))) {
		a->has_env = true;
		tell_env(a);
	}
	buf_free_secret(&text);
	return ok;
}

static bool
load(struct doctor_app *a, const char *path, struct buf *out)
{
	const struct tree_file *f = tree_find(&a->tree, path);
	struct err err;

	return f != NULL && tree_load(&a->tree, f, out, &err);
}

static bool
read_next(struct doctor_app *a, struct buf *text)
{
	static const char *const names[] = { "next.config.js",
	    "next.config.mjs", "next.config.ts", "next.config.cjs" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!load(a, names[i], text) || text->len == 0)
			continue;
		jscode_strip((char *)text->data, text->len);
		a->has_next = true;
		a->next_path = names[i];
		return nextconfig_read(&a->next,
		    (struct span){ (char *)text->data, text->len });
	}
	return true;
}

/* The files that are looked at as what they are. */
static bool
read_known(struct doctor_app *a, struct err *err)
{
	struct buf text;
	bool ok = true;

	buf_init(&text, TREE_FILE_MAX);
	(void)load(a, "README.md", &a->readme);
	if (load(a, "Dockerfile", &text)) {
		a->has_docker = true;
		ok = dockerfile_parse(&a->docker, (char *)text.data, text.len,
		    err);
	}
	if (ok && !read_next(a, &text))
		ok = err_nomem(err, "next.config");
	if (ok && load(a, "package.json", &text))
		a->package = package_parse((char *)text.data, text.len,
		    &a->package_err);
	buf_free(&text);
	return ok;
}

static void
tell_tree(struct doctor_app *a)
{
	const struct doctor_finding f = { "source-tree", SPACEFERRY_WARN,
	    "give --app the folder with package.json; check its rights" };
	const struct tree *t = &a->tree;

	if (t->truncated)
		doctor_tell(a->d, &f, "more than %d files, or too deep: the "
		    "rest was not looked at", TREE_FILES_MAX);
	else if (t->unreadable > 0)
		doctor_tell(a->d, &f, "%zu files or folders cannot be read",
		    t->unreadable);
	else if (t->n == 0)
		doctor_tell(a->d, &f, "there is no file in it");
	else
		doctor_pass(a->d, f.name, "%zu file%s", t->n,
		    t->n == 1 ? "" : "s");
}

static bool
read_tree(struct doctor_app *a, const char *folder, struct err *err)
{

	if (!tree_open(&a->tree, folder, err)) {
		if (err->kind == ERR_CANCELLED || err->kind == ERR_NOMEM)
			return false;
		err_prefix(err, "--app");
		doctor_err(a->d, "source-tree", err);
		return true;
	}
	a->has_tree = a->tree.n > 0;
	tell_tree(a);
	return read_known(a, err) && doctor_app_scan(a, err);
}

bool
doctor_app_read(struct doctor_app *a, struct err *err)
{
	const struct spaceferry_options *o = a->d->job.options;

	return (o->env_file == NULL || read_env(a, o->env_file, err)) &&
	    (o->app == NULL || read_tree(a, o->app, err));
}
