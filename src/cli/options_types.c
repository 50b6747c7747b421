#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cli/options.h"
#include "cli/options_memory.h"
#include "cli/units.h"

#define MANY_SNAPSHOTS 1000000
#define MANY_JOBS 256
#define SHORTEST_MS 1

_Static_assert(sizeof(enum spaceferry_on_conflict) == sizeof(int),
    "choices are stored as int");

static void *
field_of(struct options *o, const struct options_row *row)
{

	return (char *)o + row->field;
}

static size_t *
count_of(struct options *o, const struct options_row *row)
{

	return (size_t *)(void *)((char *)o + row->count);
}

static bool
set_flag(struct options *o, const struct options_row *row, const char *text,
    const char *to, struct err *err)
{
	static const char *const words[] = {
		"false", "true", "no", "yes", "off", "on"
	};
	size_t i;

	(void)to;
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(text, words[i]) == 0) {
			*(bool *)field_of(o, row) = i % 2 == 1;
			return true;
		}
	}
	err_set(err, ERR_USAGE, "'%.40s' is neither true nor false", text);
	return false;
}

static bool
set_text(struct options *o, const struct options_row *row, const char *text,
    const char *to, struct err *err)
{
	const char **field = field_of(o, row);

	(void)to;
	if (text[0] == '\0')
		return err_set(err, ERR_USAGE, "its value is empty");
	if ((*field = options_keep(o, text, strlen(text))) == NULL)
		return err_nomem(err, "options");
	return true;
}

/* Finds text in choices ("a|b|c"); -1 when it is not there. */
static int
find_choice(const char *choices, const char *text)
{
	size_t len = strlen(text), n;
	int i;

	for (i = 0;; i++) {
		n = strcspn(choices, "|");
		if (n == len && memcmp(choices, text, n) == 0)
			return i;
		if (choices[n] == '\0')
			return -1;
		choices += n + 1;
	}
}

static bool
check_choice(const struct options_row *row, const char *text, int *choice,
    struct err *err)
{

	if ((*choice = find_choice(row->argument, text)) >= 0)
		return true;
	err_set(err, ERR_USAGE, "'%.40s' is none of its values", text);
	return err_hint(err, "one of %s", row->argument);
}

static bool
set_choice(struct options *o, const struct options_row *row, const char *text,
    const char *to, struct err *err)
{
	int choice;

	(void)to;
	if (!check_choice(row, text, &choice, err))
		return false;
	memcpy(field_of(o, row), &choice, sizeof(choice));
	return true;
}

static bool
set_word(struct options *o, const struct options_row *row, const char *text,
    const char *to, struct err *err)
{
	int choice;

	return check_choice(row, text, &choice, err) &&
	    set_text(o, row, text, to, err);
}

static bool
set_list(struct options *o, const struct options_row *row, const char *text,
    const char *to, struct err *err)
{
	const char *const **field = field_of(o, row);
	size_t *n = count_of(o, row);
	const char **list;

	(void)to;
	if (text[0] == '\0')
		return err_set(err, ERR_USAGE, "its value is empty");
	list = options_memory_grow(&o->blocks, *field, *n, sizeof(*list));
	if (list == NULL ||
	    (list[*n] = options_keep(o, text, strlen(text))) == NULL)
		return err_nomem(err, "options");
	*field = list;
	(*n)++;
	return true;
}

static bool
keep_pair(struct options *o, struct spaceferry_pair *pair, const char *from,
    const char *to, struct err *err)
{

	if ((pair->from = options_keep(o, from, strlen(from))) == NULL ||
	    (pair->to = options_keep(o, to, strlen(to))) == NULL)
		return err_nomem(err, "options");
	return true;
}

static bool
set_pairs(struct options *o, const struct options_row *row, const char *from,
    const char *to, struct err *err)
{
	const struct spaceferry_pair **field = field_of(o, row);
	size_t *n = count_of(o, row);
	struct spaceferry_pair *list;

	list = options_memory_grow(&o->blocks, *field, *n, sizeof(*list));
	if (list == NULL)
		return err_nomem(err, "options");
	if (!keep_pair(o, &list[*n], from, to, err))
		return false;
	*field = list;
	(*n)++;
	return true;
}

/* to is NULL where the text is not split yet: options_settle_places(). */
static bool
set_places(struct options *o, const struct options_row *row, const char *from,
    const char *to, struct err *err)
{
	const struct spaceferry_files **field = field_of(o, row);
	size_t *n = count_of(o, row);
	struct spaceferry_files *list;

	if (from[0] == '\0')
		return err_set(err, ERR_USAGE, "its value is empty");
	list = options_memory_grow(&o->blocks, *field, *n, sizeof(*list));
	if (list == NULL)
		return err_nomem(err, "options");
	list[*n] = (struct spaceferry_files){ 0 };
	if ((list[*n].place.from = options_keep(o, from,
	    strlen(from))) == NULL || (to != NULL && (list[*n].place.to =
	    options_keep(o, to, strlen(to))) == NULL))
		return err_nomem(err, "options");
	o->url_of = *n;
	*field = list;
	(*n)++;
	return true;
}

/*
 * The first is what links are looked up by.  Further ones are other spellings
 * of the same place: plain rules, to where the first leads.
 */
static bool
set_urls(struct options *o, const struct options_row *row, const char *from,
    const char *to, struct err *err)
{
	struct spaceferry_files *files;

	(void)row;
	if (o->url_of >= o->job.n_files) {
		err_set(err, ERR_USAGE, "there is no --files for it");
		return err_hint(err, "it belongs to the --files before it");
	}
	/* Made by set_places: not const. */
	files = (struct spaceferry_files *)(uintptr_t)o->job.files + o->url_of;
	if (files->url.from == NULL)
		return keep_pair(o, &files->url, from, to, err);
	if (strcmp(files->url.to, to) != 0) {
		err_set(err, ERR_USAGE, "the URLs of one --files lead to one "
		    "place: %.60s is not %.60s", to, files->url.to);
		return err_hint(err, "write other rules as --rewrite");
	}
	return set_pairs(o, options_find("rewrite", 7), from, to, err);
}

static bool
set_size(struct options *o, const struct options_row *row, const char *text,
    const char *to, struct err *err)
{
	uint64_t n;

	(void)to;
	if (!units_size(text, &n, err))
		return false;
	if (n == 0)
		return err_set(err, ERR_USAGE, "it must be more than 0");
	*(uint64_t *)field_of(o, row) = n;
	return true;
}

static bool
set_rate(struct options *o, const struct options_row *row, const char *text,
    const char *to, struct err *err)
{

	(void)to;
	return units_rate(text, field_of(o, row), err);
}

/* 0 would stand for the default in the library: the shortest there is. */
static bool
set_duration(struct options *o, const struct options_row *row,
    const char *text, const char *to, struct err *err)
{
	uint64_t ms;

	(void)to;
	if (!units_duration(text, &ms, err))
		return false;
	*(uint64_t *)field_of(o, row) = ms == 0 ? SHORTEST_MS : ms;
	return true;
}

static bool
set_jobs(struct options *o, const struct options_row *row, const char *text,
    const char *to, struct err *err)
{
	uint64_t n;

	(void)to;
	if (!units_count(text, 1, &n, err))
		return false;
	if (n > MANY_JOBS)
		return err_set(err, ERR_USAGE, "at most %d", MANY_JOBS);
	*(unsigned *)field_of(o, row) = (unsigned)n;
	return true;
}

static bool
set_limit(struct options *o, const struct options_row *row, const char *text,
    const char *to, struct err *err)
{

	(void)to;
	return units_count(text, 1, field_of(o, row), err);
}

/* 0 would stand for no limit in the library. */
static bool
set_removals(struct options *o, const struct options_row *row,
    const char *text, const char *to, struct err *err)
{
	uint64_t n;

	(void)to;
	if (!units_count(text, 0, &n, err))
		return false;
	*(uint64_t *)field_of(o, row) = n == 0 ? SPACEFERRY_DELETE_NONE : n;
	return true;
}

static bool
set_keep(struct options *o, const struct options_row *row, const char *text,
    const char *to, struct err *err)
{
	uint64_t n;

	(void)to;
	if (!units_count(text, 0, &n, err))
		return false;
	if (n > MANY_SNAPSHOTS)
		return err_set(err, ERR_USAGE, "at most %d", MANY_SNAPSHOTS);
	*(uint32_t *)field_of(o, row) = n == 0 ? SPACEFERRY_KEEP_NONE :
	    (uint32_t)n;
	return true;
}

static bool
set_percent(struct options *o, const struct options_row *row,
    const char *text, const char *to, struct err *err)
{
	char *end;
	double n = strtod(text, &end);

	(void)to;
	if (end == text || (*end != '\0' && strcmp(end, "%") != 0) ||
	    !(n > 0 && n <= 100))
		return err_set(err, ERR_USAGE, "it is a part of 100: 5%%");
	*(double *)field_of(o, row) = n;
	return true;
}

const struct options_type options_flag = {
	.what = "true or false", .set = set_flag, .flag = true
};
const struct options_type options_text = { .what = "a text", .set = set_text };
const struct options_type options_word = { .what = "a word", .set = set_word };
const struct options_type options_choice = {
	.what = "a word", .set = set_choice
};
const struct options_type options_list = {
	.what = "a text or a list of texts", .set = set_list, .list = true
};
const struct options_type options_pairs = {
	.what = "a list of {from:, to:}", .set = set_pairs, .list = true,
	.pair = true
};
const struct options_type options_places = {
	.what = "a list of {from:, to:}", .set = set_places, .list = true,
	.pair = true
};
const struct options_type options_urls = {
	.what = "a list of {from:, to:}", .set = set_urls, .list = true,
	.pair = true
};
const struct options_type options_size = { .what = "a size", .set = set_size };
const struct options_type options_rate = { .what = "a rate", .set = set_rate };
const struct options_type options_duration = {
	.what = "a duration", .set = set_duration
};
const struct options_type options_jobs = {
	.what = "a number", .set = set_jobs
};
const struct options_type options_limit = {
	.what = "a number", .set = set_limit
};
const struct options_type options_removals = {
	.what = "a number", .set = set_removals
};
const struct options_type options_retained = {
	.what = "a number", .set = set_keep
};
const struct options_type options_percent = {
	.what = "a percentage", .set = set_percent
};
