#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/options.h"
#include "cli/options_memory.h"

const struct options_row *
options_find(const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < options_count; i++) {
		if (strlen(options_table[i].name) == len &&
		    memcmp(options_table[i].name, name, len) == 0)
			return &options_table[i];
	}
	return NULL;
}

const struct options_row *
options_find_letter(char letter)
{
	size_t i;

	for (i = 0; letter != '\0' && i < options_count; i++) {
		if (options_table[i].letter == letter)
			return &options_table[i];
	}
	return NULL;
}

void
options_init(struct options *o)
{

	*o = (struct options){ 0 };
}

void
options_free(struct options *o)
{

	options_memory_free(&o->blocks);
	options_init(o);
}

const char *
options_keep(struct options *o, const char *text, size_t len)
{
	char *copy;

	if ((copy = options_memory_get(&o->blocks, len + 1)) == NULL)
		return NULL;
	memcpy(copy, text, len);
	copy[len] = '\0';
	return copy;
}

static unsigned char *
origin_of(struct options *o, const struct options_row *row)
{

	return &o->origin[row - options_table];
}

bool
options_open(const struct options *o, const struct options_row *row,
    enum options_origin origin)
{

	return o->origin[row - options_table] <= origin;
}

bool
options_is_flag(const struct options *o, const char *name)
{
	const struct options_row *row = options_find(name, strlen(name));

	return row != NULL &&
	    o->origin[row - options_table] == OPTIONS_FROM_FLAG;
}

static bool
is_letter(char c)
{

	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* True when s begins with '/' or with a URL's scheme and ':'. */
static bool
begins_place(const char *s)
{

	if (*s == '/')
		return true;
	if (!is_letter(*s))
		return false;
	while (is_letter(*s) || (*s >= '0' && *s <= '9') || *s == '+' ||
	    *s == '.' || *s == '-')
		s++;
	return *s == ':';
}

ptrdiff_t
options_split(const char *text)
{
	const char *p;

	for (p = strchr(text, '='); p != NULL; p = strchr(p + 1, '=')) {
		if (begins_place(p + 1))
			return p - text;
	}
	p = strchr(text, '=');
	return p == NULL ? -1 : p - text;
}

bool
options_set_pair(struct options *o, const struct options_row *row,
    enum options_origin origin, const char *from, const char *to,
    struct err *err)
{

	if (from[0] == '\0')
		return err_set(err, ERR_USAGE, "FROM is empty");
	if (to[0] == '\0' && !row->empty)
		return err_set(err, ERR_USAGE, "TO is empty");
	if (!row->type->set(o, row, from, to, err))
		return false;
	*origin_of(o, row) = (unsigned char)origin;
	return true;
}

bool
options_set(struct options *o, const struct options_row *row,
    enum options_origin origin, const char *text, struct err *err)
{
	const char *from;
	ptrdiff_t len;

	if (row->type->pair && row->type != &options_places) {
		if ((len = options_split(text)) < 0) {
			err_set(err, ERR_USAGE, "there is no = in it");
			return err_hint(err, "write it as FROM=TO");
		}
		if ((from = options_keep(o, text, (size_t)len)) == NULL)
			return err_nomem(err, "options");
		return options_set_pair(o, row, origin, from, text + len + 1,
		    err);
	}
	if (!row->type->set(o, row, text, NULL, err))
		return false;
	*origin_of(o, row) = (unsigned char)origin;
	return true;
}

bool
options_read_environment(struct options *o, const struct command *command,
    struct err *err)
{
	const struct options_row *row;
	const char *value;

	for (row = options_table; row < options_table + options_count; row++) {
		if (row->environment == NULL ||
		    !(row->commands & (unsigned)command->bit) ||
		    !options_open(o, row, OPTIONS_FROM_ENVIRONMENT) ||
		    (value = getenv(row->environment)) == NULL ||
		    value[0] == '\0')
			continue;
		if (!options_set(o, row, OPTIONS_FROM_ENVIRONMENT, value, err)) {
			if (err->hint[0] == '\0')
				err_hint(err, "it stands in for --%s %s",
				    row->name, row->argument);
			return err_prefix(err, "%s", row->environment);
		}
	}
	return true;
}

#define NAME_LONGEST 40

static unsigned
least(unsigned a, unsigned b)
{

	return a < b ? a : b;
}

/* Edits (insert, delete, change, swap neighbours) between two names. */
static unsigned
distance(const char *a, const char *b)
{
	unsigned rows[3][NAME_LONGEST + 1];
	unsigned *before = rows[0], *last = rows[1], *row = rows[2], *tmp;
	size_t la = strlen(a), lb = strlen(b), i, j;

	if (la > NAME_LONGEST || lb > NAME_LONGEST)
		return NAME_LONGEST;
	for (j = 0; j <= lb; j++)
		last[j] = (unsigned)j;
	for (i = 1; i <= la; i++) {
		row[0] = (unsigned)i;
		for (j = 1; j <= lb; j++) {
			row[j] = least(least(row[j - 1], last[j]) + 1,
			    last[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1])
				row[j] = least(row[j], before[j - 2] + 1);
		}
		tmp = before;
		before = last;
		last = row;
		row = tmp;
	}
	return last[lb];
}

const char *
options_nearest(const char *name, const char *const *names, size_t n)
{
	const char *best = NULL;
	size_t i, len = strlen(name);
	unsigned d, least_d = len < 6 ? 2 : 3;

	for (i = 0; len >= 2 && i < n; i++) {
		d = distance(name, names[i]);
		if (d < least_d) {
			least_d = d;
			best = names[i];
		}
	}
	/* One that was cut short, or has something behind it. */
	for (i = 0; best == NULL && len >= 3 && i < n; i++) {
		if (strncmp(names[i], name, least((unsigned)len,
		    (unsigned)strlen(names[i]))) == 0)
			best = names[i];
	}
	return best;
}
