/*
 * The table of rewriting cases (fixtures/rewriting/cases.jsonl), which the
 * Python reference runs too.
 */
#include <jansson.h>

#include "match_fixture.h"

#define CASES SF_FIXTURES "/rewriting/cases.jsonl"
#define CASES_LEAST 150
#define POINTS_MAX 11

static int
nibble(char c)
{

	return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

/* The bytes under key, or in hex under key_hex.  False if there is neither. */
static bool
bytes_of(const json_t *c, const char *key, struct buf *b)
{
	char hex_key[20];
	const json_t *value = json_object_get(c, key);
	const char *s;
	size_t i, n;

	buf_reset(b);
	if (value != NULL)
		return buf_append(b, json_string_value(value),
		    json_string_length(value));
	snprintf(hex_key, sizeof(hex_key), "%s_hex", key);
	if ((value = json_object_get(c, hex_key)) == NULL)
		return false;
	s = json_string_value(value);
	n = json_string_length(value) / 2;
	for (i = 0; i < n; i++)
		assert_true(buf_append_byte(b, (uint8_t)(nibble(s[2 * i]) << 4 |
		    nibble(s[2 * i + 1]))));
	return true;
}

static struct match_rules *
rules_of(const json_t *c, struct err *err)
{
	struct match_rule_spec spec[FIXTURE_RULES];
	const json_t *list = json_object_get(c, "rules"), *pair;
	size_t i, n = json_array_size(list);

	assert_true(n <= FIXTURE_RULES);
	for (i = 0; i < n; i++) {
		pair = json_array_get(list, i);
		spec[i].from = json_string_value(json_array_get(pair, 0));
		spec[i].to = json_string_value(json_array_get(pair, 1));
	}
	return match_rules_new(spec, n, err);
}

/* Links and their forms as the table has them: equal ones once. */
static void
add_link(const struct match_link *link, void *arg)
{
	json_t *one = json_object(), *forms = json_array(), *form;
	struct buf b;
	size_t i, j;

	buf_init(&b, FIXTURE_MAX);
	for (i = 0; match_link_form(link, i, &b); i++) {
		form = b.len == 0 ? json_string("") :
		    json_stringn((const char *)b.data, b.len);
		for (j = 0; j < json_array_size(forms); j++)
			if (json_equal(form, json_array_get(forms, j)))
				break;
		if (j == json_array_size(forms))
			json_array_append(forms, form);
		json_decref(form);
		buf_reset(&b);
	}
	buf_free(&b);
	json_object_set_new(one, "rule", json_integer((json_int_t)link->rule));
	json_object_set_new(one, "forms", forms);
	json_array_append_new(arg, one);
}

/* What is wrong with one number of the case, if the case has it. */
static bool
check_count(const json_t *c, const char *key, uint64_t got)
{
	const json_t *want = json_object_get(c, key);

	if (want == NULL || (uint64_t)json_integer_value(want) == got)
		return true;
	print_error("  %s: %u, not %u\n", key, (unsigned)got,
	    (unsigned)json_integer_value(want));
	return false;
}

struct told {
	uint64_t n, with_port;
};

static void
count_host(const struct match_host *h, void *arg)
{
	struct told *told = arg;
	const char *end;

	told->n++;
	/* Perhaps one that no_rule leaves out. */
	end = h->name + h->name_len;
	told->with_port += end < h->text + h->len &&
	    (*end == ':' || *end == '%');
}

/* What is told of hosts is what is counted, and other ports. */
static void
check_hosts(const struct match_rules *rules, const struct buf *in,
    uint64_t no_rule)
{
	struct told told = { 0 };

	match_hosts(rules, (const char *)in->data, in->len, count_host, &told);
	assert_true(told.n >= no_rule && told.n - told.with_port <= no_rule);
}

static bool
check_text(const json_t *c, const struct match_rules *rules,
    const struct buf *in, const struct buf *want)
{
	json_t *links = json_array();
	const json_t *wanted;
	struct match_result r;
	struct buf out;
	char *s;
	bool ok;

	buf_init(&out, FIXTURE_MAX);
	assert_true(match_text(rules, (const char *)in->data, in->len, &out, &r,
	    add_link, links));
	if (r.matches == 0) {
		assert_int_equal(out.len, 0);
		assert_true(buf_append(&out, in->data, in->len));
	}
	check_hosts(rules, in, r.no_rule);
	ok = check_count(c, "matches", r.matches);
	ok = check_count(c, "no_rule", r.no_rule) && ok;
	if (want != NULL && (out.len != want->len || (out.len > 0 &&
	    memcmp(out.data, want->data, out.len) != 0))) {
		print_error("  output: %s\n", buf_str(&out));
		ok = false;
	}
	wanted = json_object_get(c, "links");
	if (wanted != NULL && !json_equal(wanted, links)) {
		s = json_dumps(links, 0);
		print_error("  links: %s\n", s);
		free(s);
		ok = false;
	}
	if (r.matches + r.no_rule > 0)
		assert_true(match_possible(rules, in->data, in->len));
	json_decref(links);
	buf_free(&out);
	return ok;
}

static bool
check_case(const json_t *c)
{
	const json_t *unstable = json_object_get(c, "unstable");
	struct match_rules *rules;
	struct buf in, want;
	struct err err;
	char why[300];
	bool ok = true;

	rules = rules_of(c, &err);
	if (json_object_get(c, "error") != NULL || rules == NULL) {
		if (rules == NULL)
			assert_int_equal(err.kind, ERR_RULE);
		ok = json_object_get(c, "error") != NULL && rules == NULL;
		match_rules_free(rules);
		return ok;
	}
	buf_init(&in, FIXTURE_MAX);
	buf_init(&want, FIXTURE_MAX);
	if (bytes_of(c, "input", &in))
		ok = check_text(c, rules, &in,
		    bytes_of(c, "output", &want) ? &want : NULL);
	why[0] = '\0';
	if (unstable != NULL && json_is_true(unstable) !=
	    match_rules_unstable(rules, why, sizeof(why))) {
		print_error("  unstable: %s\n", why);
		ok = false;
	}
	buf_free(&want);
	buf_free(&in);
	match_rules_free(rules);
	return ok;
}

static void
table(void **state)
{
	FILE *f;
	char *line = NULL;
	size_t cap = 0, n = 0, bad = 0, point[POINTS_MAX] = { 0 }, p;
	json_t *c;

	(void)state;
	if ((f = fopen(CASES, "r")) == NULL)
		fail_msg("cannot open %s", CASES);
	while (getline(&line, &cap, f) > 0) {
		c = json_loads(line, JSON_ALLOW_NUL, NULL);
		assert_non_null(c);
		p = (size_t)json_integer_value(json_object_get(c, "point"));
		assert_true(p < POINTS_MAX);
		point[p]++;
		n++;
		if (!check_case(c)) {
			print_error("case %s\n%s", json_string_value(
			    json_object_get(c, "id")), line);
			bad++;
		}
		json_decref(c);
	}
	free(line);
	fclose(f);
	assert_int_equal(bad, 0);
	/* A cut table would pass as well. */
	assert_true(n >= CASES_LEAST);
	assert_true(point[1] >= 10 && point[3] >= 10 && point[4] >= 10);
	assert_true(point[5] >= 10 && point[6] >= 10 && point[7] >= 10);
	assert_true(point[10] >= 10);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
