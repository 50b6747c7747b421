#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/envuse.h"
#include "app/jscode.h"
#include "app/secret.h"
#include "base/cancel.h"
#include "doctor/app.h"

/* One file while it is looked at. */
struct file_scan {
	struct doctor_app *a;
	const char *path;
	struct span text;
};

/* Adds what stands at at; lines are counted only for what is kept. */
static bool
sight(const struct file_scan *s, struct app_sightings *list, const char *what,
    size_t what_len, const char *at)
{

	return doctor_app_sight(list, s->path, list->n < APP_SIGHTINGS_MAX ?
	    span_line_number(s->text, at) : 0, what, what_len);
}

static bool
on_use(void *arg, const struct envuse *u)
{
	struct file_scan *s = arg;
	struct app_sightings *use = &s->a->use;
	char name[128];
	size_t i;

	span_copy(u->name, name, sizeof(name));
	for (i = 0; i < use->n; i++) {
		struct app_sighting *old = &use->v[i];

		if (strcmp(old->what, name) != 0)
			continue;
		/* Once needed, always needed. */
		old->optional = old->optional && u->optional;
		if (old->fallback == NULL && u->fallback.len > 0)
			old->fallback = span_dup(u->fallback);
		return true;
	}
	if (!sight(s, use, name, strlen(name), u->at))
		return false;
	/* One more was counted only, where the list is full. */
	if (use->count == use->n) {
		use->v[use->n - 1].optional = u->optional;
		if (u->fallback.len > 0)
			use->v[use->n - 1].fallback = span_dup(u->fallback);
	}
	return true;
}

static bool
on_mark(void *arg, enum marks_kind kind, const char *what, const char *at)
{
	struct file_scan *s = arg;

	return sight(s, &s->a->mark[kind], what, strlen(what), at);
}

static bool
on_secret(void *arg, const char *kind, const char *at)
{
	struct file_scan *s = arg;

	return sight(s, &s->a->secret, kind, strlen(kind), at);
}

static void
on_import(void *arg, struct span package, const char *at)
{
	struct file_scan *s = arg;
	struct app_sightings *import = &s->a->import;
	size_t i;

	for (i = 0; i < import->n; i++) {
		if (span_is(package, import->v[i].what))
			return;
	}
	(void)sight(s, import, package.p, package.len, at);
}

static bool
is_lock_file(const char *path)
{

	return strcmp(path, "package-lock.json") == 0 ||
	    strcmp(path, "pnpm-lock.yaml") == 0 ||
	    strcmp(path, "yarn.lock") == 0;
}

/* URLs that the rules would rewrite: one sighting per file, at the first. */
static bool
scan_old_urls(struct file_scan *s)
{
	const struct match_rules *rules = s->a->d->job.rules;
	struct span rest = s->text, line;
	struct match_result r;
	uint64_t matches = 0;
	unsigned number = 0, first = 0;
	char what[64];

	/* What a container asks of itself stays as it is. */
	if (!match_possible(rules, s->text.p, s->text.len) ||
	    strncmp(s->path, "Dockerfile", 10) == 0 || is_lock_file(s->path))
		return true;
	while (span_line(&rest, &line)) {
		number++;
		match_count(rules, line.p, line.len, &r);
		if (r.matches > 0 && first == 0)
			first = number;
		matches += r.matches;
	}
	if (matches == 0)
		return true;
	snprintf(what, sizeof(what), "%llu old URL%s",
	    (unsigned long long)matches, matches == 1 ? "" : "s");
	return doctor_app_sight(&s->a->old_url, s->path, first, what,
	    strlen(what));
}

static bool
scan_source(struct file_scan *s, char *text)
{
	struct doctor_app *a = s->a;

	jscode_strip(text, s->text.len);
	a->next_image |= span_find(s->text, "next/image") != NULL;
	jscode_imports(s->text, on_import, s);
	if (marks_is_health(s->path) && !marks_asks_database(s->text) &&
	    !doctor_app_sight(&a->health, s->path, 0, "", 0))
		return false;
	return envuse_scan(s->text, on_use, s) &&
	    marks_scan(s->text, on_mark, s);
}

static bool
is_env_file(const char *path)
{
	const char *slash = strrchr(path, '/');

	return strncmp(slash != NULL ? slash + 1 : path, ".env", 4) == 0;
}

static bool
scan_text(struct doctor_app *a, const char *path, struct buf *text)
{
	struct file_scan s = { a, path, { (char *)text->data, text->len } };
	size_t head = text->len < 8192 ? text->len : 8192;

	if (text->len == 0 || memchr(text->data, '\0', head) != NULL)
		return true;
	if (!scan_old_urls(&s))
		return false;
	/* Those have a check of their own. */
	if (!is_env_file(path) && !is_lock_file(path) &&
	    !secret_scan(s.text, a->has_env ? &a->env : NULL, on_secret, &s))
		return false;
	return !jscode_is_source(path) || scan_source(&s, (char *)text->data);
}

bool
doctor_app_scan(struct doctor_app *a, struct err *err)
{
	struct buf text;
	struct err ignored;
	bool ok = true;
	size_t i;

	buf_init(&text, TREE_FILE_MAX);
	for (i = 0; ok && i < a->tree.n; i++) {
		const struct tree_file *f = &a->tree.file[i];

		if (cancel_requested()) {
			buf_free_secret(&text);
			return cancel_err(err);
		}
		if (f->ignored || !tree_load(&a->tree, f, &text, &ignored))
			continue;
		ok = scan_text(a, f->path, &text);
	}
	buf_free_secret(&text);
	return ok || err_nomem(err, "source tree");
}
