#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/frontmatter.h"
#include "app/span.h"
#include "doctor/app.h"

static void
check_mark(struct doctor_app *a, enum marks_kind kind,
    const struct doctor_finding *f, const char *good)
{
	struct app_list l = { 0 };

	doctor_app_list_all(&l, &a->mark[kind]);
	doctor_app_verdict(a, f, &l, good);
}

/* A Space that is not embedded is no frame. */
static bool
is_embedded(const struct doctor_app *a)
{
	char value[16];

	return a->readme.len == 0 || !frontmatter_get((char *)a->readme.data,
	    a->readme.len, "disable_embedding", value, sizeof(value), NULL) ||
	    strcmp(value, "true") != 0;
}

static void
check_frame(struct doctor_app *a)
{
	const struct doctor_finding frames = { "frames", SPACEFERRY_WARN,
	    "allow it (frame-ancestors https://huggingface.co), or write "
	    "disable_embedding: true into README.md and open *.hf.space "
	    "itself" };
	const struct doctor_finding cookies = { "cookies", SPACEFERRY_WARN,
	    "sameSite: 'none' with secure: true, or disable_embedding: true in "
	    "README.md: in the page of huggingface.co the app is a frame, which "
	    "gets no lax or strict cookie" };

	if (!is_embedded(a)) {
		doctor_pass(a->d, frames.name, "the Space is not shown in a "
		    "frame (disable_embedding)");
		return;
	}
	check_mark(a, MARKS_FRAME, &frames, "nothing forbids that the Space's "
	    "page shows the app");
	check_mark(a, MARKS_COOKIE_SAME_SITE, &cookies,
	    "no cookie that a frame would not get");
}

static void
check_cookies(struct doctor_app *a)
{
	const struct doctor_finding insecure = { "cookies-secure",
	    SPACEFERRY_WARN, "secure: true" };
	const struct doctor_finding script = { "cookies-script",
	    SPACEFERRY_WARN, "httpOnly: true: no script need read a session" };

	check_frame(a);
	check_mark(a, MARKS_COOKIE_INSECURE, &insecure,
	    "no cookie goes without TLS");
	check_mark(a, MARKS_COOKIE_SCRIPT, &script,
	    "no cookie is open to scripts");
}

static void
check_disk(struct doctor_app *a)
{
	const struct doctor_finding f = { "disk-writes", SPACEFERRY_WARN,
	    "a Space's disk is empty after each restart: keep it in the "
	    "database or an object store, or mount a bucket there" };

	check_mark(a, MARKS_DISK, &f, "the app writes no files");
}

static bool
is_below(const char *path, const char *folder)
{
	size_t len = strlen(folder);

	return strncmp(path, folder, len) == 0 && path[len] == '/';
}

/* Files in which an app keeps its data: .data/x.json. */
static void
check_data(struct doctor_app *a)
{
	const struct doctor_finding f = { "disk-data", SPACEFERRY_WARN,
	    "it is not in the database and would be lost: import it" };
	struct app_list l = { 0 };
	size_t i;

	for (i = 0; i < a->tree.n; i++) {
		const struct tree_file *t = &a->tree.file[i];

		if (is_below(t->path, ".data") && t->size > 2 &&
		    span_ends(span_of(t->path), ".json"))
			doctor_app_list(&l, "%.200s", t->path);
	}
	doctor_app_verdict(a, &f, &l, "no data in .data/");
}

/* Uploads that --files does not take along. */
static void
check_uploads(struct doctor_app *a)
{
	const struct spaceferry_options *o = a->d->job.options;
	const struct doctor_finding f = { "uploads", SPACEFERRY_WARN,
	    "--files FOLDER=STORE --files-url /uploads=URL: Next serves only "
	    "what is in public/ when it is built" };
	char path[4200], *real, *from;
	struct app_list l = { 0 };
	bool moved = false;
	size_t i, n = 0;

	for (i = 0; i < a->tree.n; i++)
		n += is_below(a->tree.file[i].path, "public/uploads");
	if (n == 0)
		return;
	snprintf(path, sizeof(path), "%s/public/uploads", a->tree.folder);
	real = realpath(path, NULL);
	for (i = 0; real != NULL && i < o->n_files; i++) {
		from = realpath(o->files[i].place.from, NULL);
		moved |= from != NULL && (strcmp(from, real) == 0 ||
		    is_below(real, from));
		free(from);
	}
	free(real);
	if (!moved)
		doctor_app_list(&l, "public/uploads has %zu files, which no "
		    "--files moves", n);
	doctor_app_verdict(a, &f, &l, "public/uploads goes with --files");
}

static void
check_tenant(struct doctor_app *a)
{
	const struct doctor_finding f = { "tenant", SPACEFERRY_WARN,
	    "leave hosts that end in .hf.space alone there; --app-url tries it "
	    "out" };

	/* What was tried out need not be guessed. */
	if (!a->replayed)
		check_mark(a, MARKS_TENANT, &f, "no name of three labels is "
		    "taken for a tenant");
}

static void
check_health(struct doctor_app *a)
{
	const struct doctor_finding f = { "health-route", SPACEFERRY_WARN,
	    "let it ask the database once: else it is green while nothing "
	    "works" };
	struct app_list l = { 0 };

	doctor_app_list_all(&l, &a->health);
	if (l.n > 0)
		doctor_tell(a->d, &f, "asks no database: %s",
		    doctor_app_listed(&l));
}

static void
check_localhost(struct doctor_app *a)
{
	const struct doctor_finding f = { "localhost", SPACEFERRY_WARN,
	    "take the address from a variable" };

	check_mark(a, MARKS_LOCALHOST, &f, "no fixed URL of the machine itself "
	    "in the code");
}

void
doctor_app_code(struct doctor_app *a)
{

	check_disk(a);
	check_data(a);
	check_uploads(a);
	check_cookies(a);
	check_tenant(a);
	check_health(a);
	check_localhost(a);
}
