#include <stdlib.h>
#include <string.h>

#include "codec/age_internal.h"

#define COLUMNS 64
#define BYTES (COLUMNS / 4 * 3)
#define LINE_MAX_SIZE (COLUMNS + 2)	/* with \r\n */
#define SPACE_MAX 1024			/* around the armor */

struct age_armor {
	struct age_input in;
	const char *name;
	struct buf line;
	bool begun, last, ended;
	size_t begin, end;		/* decoded, not yet handed out */
	uint8_t bytes[BYTES];
};

struct age_armor *
age_armor_new(const struct age_input *in, const char *name, struct err *err)
{
	struct age_armor *a;

	if ((a = calloc(1, sizeof(*a))) == NULL) {
		err_nomem(err, name);
		return NULL;
	}
	a->in = *in;
	a->name = name;
	buf_init(&a->line, SPACE_MAX + 1);
	return a;
}

void
age_armor_free(struct age_armor *a)
{

	if (a == NULL)
		return;
	buf_free(&a->line);
	free(a);
}

static bool
bad(const struct age_armor *a, const char *why, struct err *err)
{

	return err_set(err, ERR_DAMAGED, "%s: its ASCII armor is damaged: %s",
	    a->name, why);
}

/* The next line without its end, at most most bytes of it. */
static bool
next_line(struct age_armor *a, size_t most, struct err *err)
{

	buf_reset(&a->line);
	if (!age_input_line(&a->in, most, &a->line, err))
		return false;
	if (a->line.len == 0)
		return bad(a, "cut", err);
	if (a->line.data[a->line.len - 1] == '\n')
		a->line.len--;
	if (a->line.len > 0 && a->line.data[a->line.len - 1] == '\r')
		a->line.len--;
	return true;
}

static bool
is_line(const struct age_armor *a, const char *text)
{

	return a->line.len == strlen(text) &&
	    memcmp(a->line.data, text, a->line.len) == 0;
}

/* Passes over white space; false when there is too much of it. */
static bool
skip_space(struct age_armor *a, struct err *err)
{
	size_t n;
	int c;

	for (n = 0; n <= SPACE_MAX; n++) {
		if ((c = age_input_peek(&a->in, err)) == -2)
			return false;
		if (c != ' ' && (c < '\t' || c > '\r'))
			return true;
		a->in.begin++;
	}
	return bad(a, "too much white space", err);
}

/* Leading white space is whole lines. */
static bool
read_begin(struct age_armor *a, struct err *err)
{
	size_t left = SPACE_MAX, i;

	do {
		if (!next_line(a, SPACE_MAX, err))
			return false;
		left -= a->line.len < left ? a->line.len + 1 : left;
		for (i = 0; i < a->line.len; i++) {
			if (a->line.data[i] != ' ' && (a->line.data[i] < '\t' ||
			    a->line.data[i] > '\r'))
				break;
		}
	} while (i == a->line.len && left > 0);
	a->begun = true;
	return is_line(a, AGE_ARMOR_BEGIN) || bad(a, "its first line", err);
}

static bool
read_end(struct age_armor *a, struct err *err)
{
	int c;

	a->ended = true;
	if (!is_line(a, AGE_ARMOR_END))
		return bad(a, a->last ? "its last line" :
		    "a line of another length than 64", err);
	if (!skip_space(a, err) || (c = age_input_peek(&a->in, err)) == -2)
		return false;
	return c == -1 || bad(a, "something behind it", err);
}

static bool
read_line(struct age_armor *a, struct err *err)
{
	size_t n;

	if (!next_line(a, LINE_MAX_SIZE, err))
		return false;
	if (a->last || (a->line.len > 0 && a->line.data[0] == '-'))
		return read_end(a, err);
	if (a->line.len == 0 || a->line.len > COLUMNS ||
	    !age_base64_decode((const char *)a->line.data, a->line.len, true,
	    a->bytes, sizeof(a->bytes), &n))
		return bad(a, "a line that is not canonical base64", err);
	a->last = n < BYTES;
	a->begin = 0;
	a->end = n;
	return true;
}

static bool
read_decoded(void *arg, void *data, size_t size, size_t *len, struct err *err)
{
	struct age_armor *a = arg;
	uint8_t *to = data;
	size_t n;

	*len = 0;
	if (!a->begun && !read_begin(a, err))
		return false;
	while (*len < size) {
		while (a->begin == a->end && !a->ended) {
			if (!read_line(a, err))
				return false;
		}
		if (a->begin == a->end)
			break;
		n = a->end - a->begin < size - *len ? a->end - a->begin :
		    size - *len;
		memcpy(to + *len, a->bytes + a->begin, n);
		a->begin += n;
		*len += n;
	}
	return true;
}

struct stream_in
age_armor_stream(struct age_armor *a)
{

	return (struct stream_in){ read_decoded, a };
}
