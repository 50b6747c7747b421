/* The scan, by each method this processor has, against a search that looks at
 * every place. */
#include "match_fixture.h"

#include "match/charclass.h"
#include "match/scan_tables.h"

static uint32_t
pick(uint64_t *state, uint32_t n)
{

	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return (uint32_t)(*state >> 32) % n;
}

/* What scan.h promises of a pattern, written down once more. */
static bool
stands_at(const struct scan_pattern *p, const char *text, size_t len, size_t at)
{
	size_t k;
	char c;

	for (k = 0; k < p->len; k++) {
		if (at + k >= len)
			return false;
		c = text[at + k];
		if (p->fold && c >= 'A' && c <= 'Z')
			c = (char)(c + 32);
		if (c != p->bytes[k])
			return false;
	}
	if ((p->label_before || p->slash_before) && at == 0)
		return false;
	if (p->label_before && !charclass_label((uint8_t)text[at - 1]))
		return false;
	if (p->slash_before && strchr("/Ff;", text[at - 1]) == NULL)
		return false;
	return !p->slash_after || (at + p->len < len &&
	    strchr("/\\%&", text[at + p->len]) != NULL);
}

static size_t
first_place(const struct scan_pattern *p, size_t n, const char *text,
    size_t len, size_t from)
{
	size_t i;

	for (; from < len; from++)
		for (i = 0; i < n; i++)
			if (stands_at(&p[i], text, len, from))
				return from;
	return SCAN_NONE;
}

static void
compare(const struct scan_pattern *p, size_t n, const char *text, size_t len)
{
	const struct scan_method *methods;
	size_t m, from, got, want, i, n_methods = scan_blocks_methods(&methods);
	struct scan *s;

	for (m = 0; m < n_methods; m++) {
		s = scan_new_with(p, n, &methods[m]);
		assert_non_null(s);
		from = 0;
		do {
			want = first_place(p, n, text, len, from);
			got = scan_next(s, text, len, from);
			if (got != want)
				fail_msg("%s, %zu patterns, %zu bytes: from %zu "
				    "got %zu, not %zu", methods[m].name, n, len,
				    from, got, want);
			if (from == 0)
				assert_int_equal(scan_any(s, text, len),
				    want != SCAN_NONE);
			for (i = 0; i < n && want != SCAN_NONE; i++)
				assert_int_equal(scan_at(s, i, text, len, want),
				    stands_at(&p[i], text, len, want));
			from = want + 1;
		} while (want != SCAN_NONE);
		scan_free(s);
	}
}

/* Few letters, so that patterns stand nearly everywhere and overlap. */
static void
random_texts(void **state)
{
	static const char letters[] = "aAbB.-/;F\\%&";
	uint64_t seed = 12345;
	struct scan_pattern p[20];
	char bytes[20][40], *text;
	size_t round, n, i, k, len;

	(void)state;
	for (round = 0; round < 3000; round++) {
		n = pick(&seed, round % 8 == 0 ? 20 : 4) + 1;
		for (i = 0; i < n; i++) {
			memset(&p[i], 0, sizeof(p[i]));
			p[i].len = 1 + pick(&seed, round % 5 == 0 ? 40 : 5);
			p[i].bytes = bytes[i];
			p[i].fold = pick(&seed, 2) == 0;
			for (k = 0; k < p[i].len; k++)
				bytes[i][k] = letters[pick(&seed, 4)];
			for (k = 0; k < p[i].len && p[i].fold; k++)
				bytes[i][k] = (char)charclass_lower(
				    (uint8_t)bytes[i][k]);
			p[i].label_before = pick(&seed, 4) == 0;
			p[i].slash_before = !p[i].label_before &&
			    pick(&seed, 3) == 0;
			p[i].slash_after = pick(&seed, 3) == 0;
		}
		len = pick(&seed, round % 3 == 0 ? 200 : 45);
		/* Its own block, so that reading past the end is noticed. */
		text = malloc(len > 0 ? len : 1);
		assert_non_null(text);
		for (k = 0; k < len; k++)
			text[k] = letters[pick(&seed, sizeof(letters) - 1)];
		/* One of them for certain. */
		i = pick(&seed, (uint32_t)n);
		if (p[i].len < len)
			memcpy(text + pick(&seed, (uint32_t)(len - p[i].len)),
			    bytes[i], p[i].len);
		compare(p, n, text, len);
		free(text);
	}
}

/* One pattern, at every place of texts of every short length. */
static void
every_place(void **state)
{
	const struct scan_pattern p = { .bytes = "old.example", .len = 11,
	    .fold = true };
	char text[160];
	size_t len, at;

	(void)state;
	for (len = 0; len < sizeof(text); len++)
		for (at = 0; at + p.len <= len; at += 1 + at / 40) {
			memset(text, 'x', sizeof(text));
			memcpy(text + at, "OLD.eXample", p.len);
			compare(&p, 1, text, len);
		}
}

/* All bytes are told apart, the high ones too. */
static void
every_byte(void **state)
{
	struct scan_pattern p = { .len = 3 };
	char text[256 + 40], bytes[3];
	unsigned i;

	(void)state;
	for (i = 0; i < 256; i++)
		text[i] = (char)i;
	memset(text + 256, 'x', 40);
	p.bytes = bytes;
	for (i = 0; i < 254; i++) {
		memcpy(bytes, text + i, 3);
		compare(&p, 1, text, sizeof(text));
	}
}

static void
no_patterns(void **state)
{
	struct scan *s = scan_new(NULL, 0);

	(void)state;
	assert_non_null(s);
	assert_false(scan_any(s, "abc", 3));
	assert_int_equal(scan_next(s, "abc", 3, 0), SCAN_NONE);
	scan_free(s);
	scan_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_texts),
		cmocka_unit_test(every_place),
		cmocka_unit_test(every_byte),
		cmocka_unit_test(no_patterns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
