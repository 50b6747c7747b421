/*
 * Two documents compared, and what was told of it as lines of text.
 */
#ifndef UNIT_DOCDIFF_FIXTURE_H
#define UNIT_DOCDIFF_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <bson/bson.h>
#include <jansson.h>

#include "base/buf.h"
#include "bson/docdiff.h"

static struct buf told;		/* a line for each difference */
static size_t n_told;
static uint64_t more;

static int
set_up(void **state)
{

	(void)state;
	buf_init(&told, (size_t)64 << 20);
	n_told = 0;
	more = 0;
	return 0;
}

static int
tear_down(void **state)
{

	(void)state;
	buf_free(&told);
	return 0;
}

/* Every text is one JSON value. */
static void
check_json(const char *text)
{
	json_error_t why;
	json_t *v;

	if (text == NULL)
		return;
	v = json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, &why);
	if (v == NULL)
		fail_msg("%s in %.300s", why.text, text);
	json_decref(v);
}

/* "path: source -> target", "path: order"; absent: "none". */
static inline bool
note(void *arg, const struct docdiff_field *f, struct err *err)
{

	(void)arg;
	(void)err;
	check_json(f->source);
	check_json(f->target);
	n_told++;
	if (f->more > 0) {
		more = f->more;
		assert_string_equal(f->path, "");
		assert_null(f->source);
		assert_null(f->target);
		return true;
	}
	if (f->order) {
		assert_null(f->source);
		assert_null(f->target);
		return buf_printf(&told, "%s: order\n", f->path);
	}
	return buf_printf(&told, "%s: %s -> %s\n", f->path,
	    f->source != NULL ? f->source : "none",
	    f->target != NULL ? f->target : "none");
}

static const char *
differences(const bson_t *a, const bson_t *b)
{
	struct err err;

	buf_reset(&told);
	if (!docdiff(bson_get_data(a), a->len, bson_get_data(b), b->len, note,
	    NULL, &err))
		fail_msg("%s", err.message);
	return buf_str(&told);
}

static inline void
expect(bson_t *a, bson_t *b, const char *expected)
{

	assert_string_equal(differences(a, b), expected);
	bson_destroy(a);
	bson_destroy(b);
}

static inline bson_t *
json(const char *text)
{
	bson_error_t why;
	bson_t *doc = bson_new_from_json((const uint8_t *)text, -1, &why);

	if (doc == NULL)
		fail_msg("%s: %s", text, why.message);
	return doc;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

#endif
