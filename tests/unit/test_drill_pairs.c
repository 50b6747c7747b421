#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "job/drill.h"
#include "job/drill_held.h"
#include "job/drill_pairs.h"

static struct digest
number(uint64_t n)
{

	return (struct digest){ .high = n * 7, .low = n };
}

/* "1a 1b 2c": documents of the _ids 1, 1, 2. */
static void
fill(struct drill_pairs *p, const char *text)
{

	memset(p, 0, sizeof(*p));
	assert_true(drill_pairs_reserve(p, 4));
	for (; *text != '\0'; text += text[2] == ' ' ? 3 : 2)
		assert_true(drill_pairs_add(p, number((uint64_t)text[0]),
		    number((uint64_t)text[1])));
}

/* How many have each verdict: same, missing, extra, different. */
static void
count(const struct drill_pairs *p, size_t n[4])
{
	size_t i;

	memset(n, 0, 4 * sizeof(*n));
	for (i = 0; i < p->n; i++)
		n[p->v[i].verdict]++;
}

static void
test_join(void **state)
{
	static const struct {
		const char *source, *target;
		size_t same, missing, extra, different;
	} cases[] = {
		{ "", "", 0, 0, 0, 0 },
		{ "1a 2b", "1a 2b", 2, 0, 0, 0 },
		{ "1a", "", 0, 1, 0, 0 },
		{ "", "1a", 0, 0, 1, 0 },
		{ "1a", "1b", 0, 0, 0, 1 },
		{ "1a 3c", "2b 3c", 1, 1, 1, 0 },
		/* Several of one _id: what is equal is found whatever is
		 * missing before it. */
		{ "1a 1b 1c", "1b 1c", 2, 1, 0, 0 },
		{ "1b 1c", "1a 1b 1c", 2, 0, 1, 0 },
		{ "1a 1a 1a", "1a", 1, 2, 0, 0 },
		{ "1a 1b", "1b 1c 1d", 1, 0, 1, 1 },
		{ "1d 2a 1a", "2a 1a 1b", 2, 0, 0, 1 },
	};
	struct drill_pairs s, t;
	size_t i, in_s[4], in_t[4];

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fill(&s, cases[i].source);
		fill(&t, cases[i].target);
		drill_pairs_join(&s, &t);
		count(&s, in_s);
		count(&t, in_t);
		assert_int_equal(in_s[DRILL_SAME], cases[i].same);
		assert_int_equal(in_t[DRILL_SAME], cases[i].same);
		assert_int_equal(in_s[DRILL_MISSING], cases[i].missing);
		assert_int_equal(in_t[DRILL_EXTRA], cases[i].extra);
		assert_int_equal(in_s[DRILL_DIFFERENT], cases[i].different);
		assert_int_equal(in_t[DRILL_DIFFERENT], cases[i].different);
		assert_int_equal(in_s[DRILL_EXTRA] + in_t[DRILL_MISSING], 0);
		drill_pairs_free(&s);
		drill_pairs_free(&t);
	}
}

/* Each pair is met once in a pass, equal ones one after the other. */
static void
test_take(void **state)
{
	size_t i, missing = 0;
	struct drill_pairs s, t;
	struct drill_pair *p;

	(void)state;
	fill(&s, "1a 1a 1a 2b");
	fill(&t, "1a 2c");
	drill_pairs_join(&s, &t);
	for (i = 0; i < 3; i++) {
		assert_non_null(p = drill_pairs_take(&s, number('1'), number('a')));
		missing += p->verdict == DRILL_MISSING;
		p->told = p->verdict == DRILL_MISSING;
	}
	assert_int_equal(missing, 2);
	assert_null(drill_pairs_take(&s, number('1'), number('a')));
	assert_null(drill_pairs_take(&s, number('9'), number('a')));
	/* Changed since it was paired: found by its _id. */
	assert_non_null(p = drill_pairs_take(&s, number('2'), number('z')));
	assert_int_equal(p->verdict, DRILL_DIFFERENT);
	assert_null(drill_pairs_take(&s, number('2'), number('b')));
	drill_pairs_rewind(&s);
	assert_non_null(drill_pairs_take(&s, number('2'), number('b')));
	/* What is not told by now has changed. */
	assert_int_equal(drill_pairs_untold(&s, true), 1);
	assert_int_equal(drill_pairs_untold(&t, false), 0);
	drill_pairs_free(&s);
	drill_pairs_free(&t);
}

/* A side that is written to may grow, but not without end. */
static void
test_growth(void **state)
{
	struct drill_pairs p = { 0 };
	uint64_t n = 0;

	(void)state;
	assert_true(drill_pairs_reserve(&p, 100));
	while (drill_pairs_add(&p, number(n), number(n)))
		n++;
	assert_in_range(n, 200, 100000);
	drill_pairs_free(&p);
}

static void
test_held(void **state)
{
	static const uint8_t doc[100] = { 1, 2, 3 };
	struct drill_held h;
	const uint8_t *got;
	size_t len;

	(void)state;
	drill_held_init(&h, 300);
	/* One always fits. */
	assert_int_equal(drill_hold(&h, number(5), doc, 100), DRILL_HELD);
	assert_int_equal(drill_hold(&h, number(5), doc, 50), DRILL_HELD);
	assert_int_equal(drill_hold(&h, number(6), doc, 100), DRILL_FULL);
	assert_false(drill_held_take(&h, number(6), &got, &len));
	assert_true(drill_held_take(&h, number(5), &got, &len));
	assert_memory_equal(got, doc, len);
	assert_int_equal(drill_held_reset(&h), 1);
	assert_int_equal(drill_hold(&h, number(6), doc, 100), DRILL_HELD);
	assert_true(drill_held_take(&h, number(6), &got, &len));
	assert_false(drill_held_take(&h, number(6), &got, &len));
	assert_int_equal(len, 100);
	assert_int_equal(drill_held_reset(&h), 0);
	drill_held_free(&h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_join),
		cmocka_unit_test(test_take),
		cmocka_unit_test(test_growth),
		cmocka_unit_test(test_held),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
