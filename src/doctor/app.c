#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/variable.h"
#include "doctor/app.h"

#define LISTED 12
#define MORE 40		/* room for "; and N more" */

void
doctor_app_list(struct app_list *l, const char *fmt, ...)
{
	char one[300];
	size_t room = sizeof(l->text) - MORE - l->len;
	va_list ap;
	int n;

	l->n++;
	/* What does not fit is only counted, and so is all behind it. */
	if (l->n != l->shown + 1 || l->shown >= LISTED)
		return;
	va_start(ap, fmt);
	n = vsnprintf(one, sizeof(one), fmt, ap);
	va_end(ap);
	if (n < 0 || strlen(one) + 2 >= room)
		return;
	n = snprintf(l->text + l->len, room, "%s%s", l->len > 0 ? "; " : "",
	    one);
	l->len += (size_t)n;
	l->shown++;
}

const char *
doctor_app_listed(struct app_list *l)
{

	if (l->n > l->shown) {
		snprintf(l->text + l->len, sizeof(l->text) - l->len,
		    "; and %zu more", l->n - l->shown);
		l->shown = l->n;
	}
	return l->text;
}

void
doctor_app_list_all(struct app_list *l, const struct app_sightings *s)
{
	size_t i;

	for (i = 0; i < s->n; i++) {
		const struct app_sighting *one = &s->v[i];

		if (i > 0 && strcmp(one->file, one[-1].file) == 0 &&
		    strcmp(one->what, one[-1].what) == 0)
			continue;
		if (one->line > 0)
			doctor_app_list(l, "%.100s (%.150s:%u)", one->what,
			    one->file, one->line);
		else
			doctor_app_list(l, "%.200s", one->file);
	}
}

void
doctor_app_verdict(struct doctor_app *a, const struct doctor_finding *f,
    struct app_list *l, const char *good)
{

	if (l->n == 0)
		doctor_pass(a->d, f->name, "%s", good);
	else
		doctor_tell(a->d, f, "%s", doctor_app_listed(l));
}

const char *
doctor_app_value(const struct doctor_app *a, const char *name)
{
	const struct envfile_variable *v = envfile_get(&a->env, name);

	return v != NULL ? v->value : NULL;
}

const struct app_sighting *
doctor_app_use(const struct doctor_app *a, const char *name)
{
	size_t i;

	for (i = 0; i < a->use.n; i++) {
		if (strcmp(a->use.v[i].what, name) == 0)
			return &a->use.v[i];
	}
	return NULL;
}

bool
doctor_app_sight(struct app_sightings *s, const char *file, unsigned line,
    const char *what, size_t what_len)
{
	struct app_sighting *v = s->v;

	s->count++;
	if (s->n >= APP_SIGHTINGS_MAX)
		return true;
	if ((s->n & (s->n - 1)) == 0) {
		v = realloc(v, (s->n == 0 ? 1 : 2 * s->n) * sizeof(*v));
		if (v == NULL)
			return false;
		s->v = v;
	}
	v += s->n;
	*v = (struct app_sighting){ .what = strndup(what, what_len),
	    .file = strdup(file), .line = line };
	s->n++;
	return v->what != NULL && v->file != NULL;
}

static void
sightings_free(struct app_sightings *s)
{
	size_t i;

	for (i = 0; i < s->n; i++) {
		free(s->v[i].what);
		free(s->v[i].file);
		free(s->v[i].fallback);
	}
	free(s->v);
}

static void
app_free(struct doctor_app *a)
{
	size_t i;

	envfile_free(&a->env);
	tree_free(&a->tree);
	buf_free(&a->readme);
	dockerfile_free(&a->docker);
	nextconfig_free(&a->next);
	package_free(a->package);
	sightings_free(&a->use);
	sightings_free(&a->import);
	for (i = 0; i < MARKS_KINDS; i++)
		sightings_free(&a->mark[i]);
	sightings_free(&a->secret);
	sightings_free(&a->old_url);
	sightings_free(&a->health);
}

/* Remembers for the group "outside" which services the app knows. */
static void
note_services(struct doctor_app *a)
{
	size_t i;

	for (i = 0; i < a->env.n; i++)
		a->d->services |= doctor_service_of(a->env.variable[i].name);
	for (i = 0; i < a->use.n; i++)
		a->d->services |= doctor_service_of(a->use.v[i].what);
}

static void
check_environment(struct doctor_app *a)
{

	doctor_app_variables(a);
	doctor_app_database(a);
	doctor_app_secrets(a);
	doctor_app_environment(a);
}

static void
check_tree(struct doctor_app *a)
{

	doctor_app_package(a);
	doctor_app_image(a);
	doctor_app_build(a);
	doctor_app_next(a);
	doctor_app_code(a);
	doctor_app_push(a);
}

bool
doctor_app(struct doctor *d, struct err *err)
{
	const struct spaceferry_options *o = d->job.options;
	struct doctor_app a;
	bool ok;

	d->group = "app";
	if (o->app == NULL && o->env_file == NULL && o->app_url == NULL)
		return true;
	memset(&a, 0, sizeof(a));
	a.d = d;
	buf_init(&a.readme, TREE_FILE_MAX);
	ok = doctor_app_read(&a, err);
	if (ok) {
		note_services(&a);
		doctor_app_hosts(&a);
	}
	if (ok && a.has_env)
		check_environment(&a);
	/* Before the tree is judged: what was tried out need not be guessed. */
	if (ok && o->app_url != NULL)
		ok = doctor_app_replay(&a, err);
	if (ok && a.has_tree)
		check_tree(&a);
	app_free(&a);
	return ok;
}
