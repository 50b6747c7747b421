#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/progress.h"

static void
items_are_seen_as_they_are(void **state)
{
	struct progress *p = progress_new();
	struct progress_view v[3];
	struct progress_item *a, *b;
	char name[] = "db.a";

	(void)state;
	assert_non_null(p);
	assert_int_equal(progress_snapshot(p, v, 3), 0);
	assert_non_null(a = progress_item_new(p, "copy", name));
	name[3] = 'X';
	assert_non_null(b = progress_item_new(p, "verify", "db.b"));
	progress_item_total(a, 100, UINT64_MAX);
	progress_item_add(a, 3, 40);
	progress_item_add(a, 4, 1);
	progress_item_add(b, 0, UINT64_MAX);
	progress_item_finish(b);
	progress_item_finish(b);
	assert_int_equal(progress_snapshot(p, v, 3), 2);
	assert_string_equal(v[0].phase, "copy");
	assert_string_equal(v[0].name, "db.a");
	assert_int_equal(v[0].items, 7);
	assert_int_equal(v[0].items_total, 100);
	assert_int_equal(v[0].bytes, 41);
	assert_true(v[0].bytes_total == UINT64_MAX);
	assert_false(v[0].finished);
	assert_string_equal(v[1].phase, "verify");
	assert_string_equal(v[1].name, "db.b");
	assert_int_equal(v[1].items, 0);
	assert_int_equal(v[1].items_total, 0);
	assert_true(v[1].bytes == UINT64_MAX);
	assert_true(v[1].finished);
	progress_item_total(a, 7, 0);
	assert_int_equal(progress_snapshot(p, v, 1), 1);
	assert_int_equal(v[0].items_total, 7);
	assert_int_equal(v[0].bytes_total, 0);
	assert_int_equal(progress_snapshot(p, v, 0), 0);
	progress_free(p);
}

static void
no_item_is_no_error(void **state)
{

	(void)state;
	progress_item_total(NULL, 1, 2);
	progress_item_add(NULL, 1, 2);
	progress_item_finish(NULL);
	progress_free(NULL);
}

/* The names in a snapshot of at most max items, as one text. */
static const char *
seen(struct progress *p, size_t max)
{
	struct progress_view v[8];
	static char text[9];
	size_t i, n = progress_snapshot(p, v, max);

	for (i = 0; i < n; i++)
		text[i] = v[i].name[0];
	text[n] = '\0';
	return text;
}

static void
the_oldest_finished_make_room(void **state)
{
	struct progress *p = progress_new();
	struct progress_item *items[6];
	int i;

	(void)state;
	assert_non_null(p);
	for (i = 0; i < 6; i++)
		assert_non_null(items[i] = progress_item_new(p, "copy",
		    (char[]){ (char)('a' + i), '\0' }));
	assert_string_equal(seen(p, 8), "abcdef");
	assert_string_equal(seen(p, 4), "abcd");
	progress_item_finish(items[1]);
	progress_item_finish(items[3]);
	progress_item_finish(items[5]);
	assert_string_equal(seen(p, 8), "abcdef");
	assert_string_equal(seen(p, 6), "abcdef");
	assert_string_equal(seen(p, 5), "acdef");
	assert_string_equal(seen(p, 4), "acef");
	assert_string_equal(seen(p, 3), "ace");
	assert_string_equal(seen(p, 2), "ac");
	progress_free(p);
}

#define THREADS 4
#define ITEMS 50
#define ADDS 200

static struct progress *shared;

/* Each item gets ADDS items of 3 bytes before it is finished. */
static void *
work(void *arg)
{
	char name[16];
	int i, k;

	for (i = 0; i < ITEMS; i++) {
		struct progress_item *item;

		snprintf(name, sizeof(name), "%d.%d", (int)(intptr_t)arg, i);
		if ((item = progress_item_new(shared, "copy", name)) == NULL)
			return arg;
		progress_item_total(item, ADDS, 3 * ADDS);
		for (k = 0; k < ADDS; k++)
			progress_item_add(item, 1, 3);
		progress_item_finish(item);
	}
	return NULL;
}

static void
a_reader_sees_no_half_finished_item(void **state)
{
	static struct progress_view v[THREADS * ITEMS];
	pthread_t threads[THREADS];
	size_t i, n = 0, finished = 0;
	void *failed;
	intptr_t t;

	(void)state;
	assert_non_null(shared = progress_new());
	for (t = 0; t < THREADS; t++)
		assert_int_equal(pthread_create(&threads[t], NULL, work,
		    (void *)(t + 1)), 0);
	while (finished < THREADS * ITEMS) {
		size_t now = progress_snapshot(shared, v, THREADS * ITEMS);

		assert_true(now >= n);
		n = now;
		for (finished = i = 0; i < n; i++) {
			assert_true(v[i].items <= ADDS);
			if (!v[i].finished)
				continue;
			finished++;
			assert_int_equal(v[i].items, ADDS);
			assert_int_equal(v[i].bytes, 3 * ADDS);
			assert_int_equal(v[i].items_total, ADDS);
		}
	}
	for (t = 0; t < THREADS; t++) {
		assert_int_equal(pthread_join(threads[t], &failed), 0);
		assert_null(failed);
	}
	progress_free(shared);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(items_are_seen_as_they_are),
		cmocka_unit_test(no_item_is_no_error),
		cmocka_unit_test(the_oldest_finished_make_room),
		cmocka_unit_test(a_reader_sees_no_half_finished_item),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
