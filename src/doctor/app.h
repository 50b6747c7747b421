/*
 * What doctor knows of the app while it looks at it: read once by
 * doctor_app_read(), then asked by one function per kind of check, each of
 * which tells its checks and changes nothing.
 *
 * One thread.  Values of variables are secrets: checks name variables, files
 * and lines, never values.
 */
#ifndef DOCTOR_APP_H
#define DOCTOR_APP_H

#include <stdbool.h>
#include <stddef.h>

#include "app/dockerfile.h"
#include "app/envfile.h"
#include "app/marks.h"
#include "app/nextconfig.h"
#include "app/package.h"
#include "app/tree.h"
#include "base/buf.h"
#include "doctor/doctor.h"

/* Something in a file; what is a word of it. */
struct app_sighting {
	char *what;
	char *file;
	unsigned line;		/* 0: the file as a whole */
	bool optional;		/* a variable: has a default, or is compared */
	char *fallback;		/* a variable's default, if a literal; NULL */
};

struct app_sightings {
	struct app_sighting *v;	/* at most APP_SIGHTINGS_MAX */
	size_t n;
	size_t count;		/* of all */
};

#define APP_SIGHTINGS_MAX 2000

struct doctor_app {
	struct doctor *d;
	bool has_env;
	struct envfile env;
	bool has_tree;
	struct tree tree;
	struct buf readme;
	bool has_docker;
	struct dockerfile docker;
	bool has_next;
	const char *next_path;	/* of the next.config.*, in tree */
	struct nextconfig next;
	struct package *package; /* NULL: none, or not to be read */
	struct err package_err;
	bool next_image;	/* next/image is used */
	struct app_sightings use; /* of variables */
	struct app_sightings import;
	struct app_sightings mark[MARKS_KINDS];
	struct app_sightings secret;
	struct app_sightings old_url;
	struct app_sightings health; /* routes that ask no database */
	char old_host[256];	/* of --app-url, "" when there is none */
	char new_host[256];	/* under which the app will be seen */
	bool new_host_known;
	bool replayed;		/* the new name did no harm */
};

/* Names of things, for one line: the first few, then how many more. */
struct app_list {
	char text[900];
	size_t len;
	size_t n;
	size_t shown;
};
void doctor_app_list(struct app_list *l, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* The line; "" when nothing was listed. */
const char *doctor_app_listed(struct app_list *l);

/* Adds "what (file:line)" for each, those of the same what and file once. */
void doctor_app_list_all(struct app_list *l, const struct app_sightings *s);

/* Tells name: pass with good when l is empty, else verdict with the list. */
void doctor_app_verdict(struct doctor_app *a, const struct doctor_finding *f,
    struct app_list *l, const char *good);

/* A variable's value in the env file; NULL. */
const char *doctor_app_value(const struct doctor_app *a, const char *name);

/* The first use of a variable in the source; NULL. */
const struct app_sighting *doctor_app_use(const struct doctor_app *a,
    const char *name);

/* Adds one; what is cut at what_len.  False when out of memory. */
bool doctor_app_sight(struct app_sightings *s, const char *file, unsigned line,
    const char *what, size_t what_len);

/* Reads what the options name; tells the checks of what cannot be read.  False
 * with *err when out of memory or interrupted. */
bool doctor_app_read(struct doctor_app *a, struct err *err);
/* The files of the tree, one by one; a part of it. */
bool doctor_app_scan(struct doctor_app *a, struct err *err);

/* Where the app is seen now and will be, by the options and the README. */
void doctor_app_hosts(struct doctor_app *a);

/* The checks. */
void doctor_app_variables(struct doctor_app *a);	/* the guide's */
void doctor_app_database(struct doctor_app *a);		/* MONGODB_URI */
void doctor_app_secrets(struct doctor_app *a);		/* tokens, sessions */
void doctor_app_environment(struct doctor_app *a);	/* file against source */
void doctor_app_package(struct doctor_app *a);
void doctor_app_image(struct doctor_app *a);		/* README, Dockerfile */
void doctor_app_build(struct doctor_app *a);		/* build-time values */
void doctor_app_next(struct doctor_app *a);		/* next.config */
void doctor_app_code(struct doctor_app *a);		/* marks */
void doctor_app_push(struct doctor_app *a);		/* what would be pushed */
bool doctor_app_replay(struct doctor_app *a, struct err *err); /* --app-url */

#endif
