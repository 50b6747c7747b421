/*
 * What no text may do: take more than linear time, make the output pass its
 * maximum, or disturb another thread that uses the same rules.
 *
 * TEXT_MIB=16 SHOW_TIMES=1 in the environment: how long texts as large as a
 * document can be take.
 */
#include <pthread.h>
#include <time.h>

#include "match_fixture.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SLOW
#endif
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SLOW
#endif

#ifdef SLOW
#define TEXT_SIZE ((size_t)32 << 10)
#else
#define TEXT_SIZE ((size_t)1 << 20)
#endif

/* Processor time for one text.  Anything that grows with the square of the
 * length would need minutes at least; the slowest here takes seconds. */
#define SECONDS_MAX 60.0

static const struct fixture_rules all = { {
	"https://old.example", "https://new.example",
	"https://*.ezia.ai/", "https://ezia.example/s/$1/",
	"/uploads/", "https://cdn.example/u/",
	"https://*.ezia.ai/a/a/a/", "/b/",
	"/u?x=", "/v/",
	"http://caf\xc3\xa9.example:3000/", "/c/",
	"https://a/", "/d/", NULL } };

struct links {
	size_t n, bytes;
};

static void
take_forms(const struct match_link *link, void *arg)
{
	struct links *links = arg;
	struct buf b;
	size_t i;

	buf_init(&b, 1 << 20);
	for (i = 0; match_link_form(link, i, &b); i++) {
		links->bytes += b.len;
		buf_reset(&b);
	}
	buf_free(&b);
	links->n++;
}

static size_t
text_size(void)
{
	const char *mib = getenv("TEXT_MIB");

	return mib == NULL ? TEXT_SIZE : (size_t)atoi(mib) << 20;
}

static void
count_host(const struct match_host *host, void *arg)
{
	uint64_t *n = arg;

	(void)host;
	(*n)++;
}

/* head once, then body over and over, then tail once. */
static void
timed(const char *head, const char *body, const char *tail)
{
	struct match_rules *rules = fixture_rules(&all);
	struct links links = { 0, 0 };
	struct match_result r, counted;
	struct buf out;
	size_t len, n = strlen(body), at = strlen(head), end = strlen(tail);
	size_t big = text_size();
	uint64_t hosts = 0;
	clock_t start = clock();
	double seconds;
	char *text;

	assert_non_null(text = malloc(big + at + end));
	memcpy(text, head, at);
	for (len = at; len < big; len += n < big - len ? n : big - len)
		memcpy(text + len, body, n < big - len ? n : big - len);
	memcpy(text + len, tail, end);
	len += end;
	buf_init(&out, 16 * big);
	assert_true(match_text(rules, text, len, &out, &r, take_forms, &links));
	match_count(rules, text, len, &counted);
	assert_int_equal(counted.matches, r.matches);
	assert_int_equal(counted.no_rule, r.no_rule);
	assert_int_equal(links.n, r.matches);
	match_hosts(rules, text, len, count_host, &hosts);
	assert_true(hosts >= r.no_rule && (hosts == 0 || r.hosts));
	if (r.matches + r.no_rule > 0)
		assert_true(match_possible(rules, text, len));
	seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
	if (getenv("SHOW_TIMES") != NULL)
		print_message("%6.2f s  %s|%s|%s\n", seconds, head, body, tail);
	if (seconds > SECONDS_MAX)
		fail_msg("%s over and over: %.0f seconds", body, seconds);
	buf_free(&out);
	free(text);
	match_rules_free(rules);
}

static void
runs(void **state)
{
	static const char *const bodies[] = { "\\", "/", "%2F", "%", "%4", "%41",
	    "%E2%80", "&", "&#", "&#1", "1", "a", "_", "-", ".", ":", "h",
	    "\\u002F", "&#x2F;", "\xff", "\xf0\x9f", "\"", ";", "\\\\n", "\\u00" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		timed("", bodies[i], "/uploads/ https://old.example");
		timed("https://old.example \"/uploads/", bodies[i], "");
	}
}

static void
near_misses(void **state)
{
	static const char *const bodies[] = { "https://old.exampl", "old.example",
	    "old.examplex", "https://old.example:", "https://old.example:443",
	    "https://old.example:4433 ", "old.example%3A81%2F", "a.ezia.ai:81 ",
	    "a.ezia.ai:81.", "https://old.example.",
	    "https://old.example.a ", ".ezia.ai/", "_.ezia.ai/", "a.ezia.ai/",
	    "https://a.ezia.ai/a/a/a", "/uploads", "/uploads\\\\\\\\", ";/uploads%",
	    "\\/uploads\\", "/u?x", "https://", "https:\\\\\\\\", "&#00047;",
	    "=&#x2F;uploads&#x2", "//a", "x//a/" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
		timed("", bodies[i], "");
}

static void
all_matches(void **state)
{
	static const char *const bodies[] = { "https://old.example ",
	    "https://old.example/", ";/uploads/", "\"/uploads/",
	    "'\\/uploads\\/", "=%2Fuploads%2F", "\\\\\\\"/uploads/",
	    "/u?x=", "https://a/", "https://x.ezia.ai/a/a/a/",
	    "=\\\\\\\\\\\\\\\\/uploads/", "&quot;/uploads/&quot" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
		timed("", bodies[i], "");
}

/* A label, a run of backslashes or of digits as long as the text. */
static void
long_parts(void **state)
{

	(void)state;
	timed("https://", "a", ".ezia.ai/");
	timed("https://", "_", ".ezia.ai/");
	timed("", "a_", ".ezia.ai/");
	timed("https:", "\\", "//old.example");
	timed("https:/", "\\", "/old.example");
	timed("&#", "0", "47;/uploads/ https://old.example");
	timed("https://old.example:", "4", "");
	timed("https://old.example&#", "0", ";");
	timed("https://old.example", "\\", "u0041");
	timed("https://old.example%F0%9F", "%80", "");
}

static void
output_full(void **state)
{
	static const char text[] = "a https://old.example b /uploads/c";
	static const char want[] = "a https://new.example b https://cdn.example/u/c";
	struct match_rules *rules = fixture_rules(&all);
	struct match_result r;
	struct buf out;
	size_t max;

	(void)state;
	for (max = 3; max <= sizeof(want) + 3; max++) {
		buf_init(&out, max);
		assert_true(buf_append_str(&out, "xyz"));
		if (match_text(rules, text, sizeof(text) - 1, &out, &r, NULL,
		    NULL)) {
			assert_int_equal(out.len, sizeof(want) - 1 + 3);
			assert_memory_equal(out.data + 3, want,
			    sizeof(want) - 1);
		} else {
			assert_true(max < sizeof(want) - 1 + 3);
			assert_int_equal(out.len, 3);
		}
		assert_memory_equal(out.data, "xyz", 3);
		buf_free(&out);
	}
	match_rules_free(rules);
}

/* Each worker rewrites its own text by rules that all share. */
struct worker {
	const struct match_rules *rules;
	pthread_t thread;
	unsigned number;
	bool ok;
};

static void *
work(void *arg)
{
	struct worker *w = arg;
	struct match_result r;
	struct buf out;
	char text[80], want[80];
	unsigned i;

	w->ok = true;
	buf_init(&out, 1000);
	for (i = 0; i < 5000 && w->ok; i++) {
		snprintf(text, sizeof(text), "\"/uploads/%u-%u\" old.example",
		    w->number, i);
		snprintf(want, sizeof(want), "\"https://cdn.example/u/%u-%u\" "
		    "old.example", w->number, i);
		buf_reset(&out);
		w->ok = match_possible(w->rules, text, strlen(text)) &&
		    match_text(w->rules, text, strlen(text), &out, &r, NULL,
		    NULL) && strcmp(buf_str(&out), want) == 0 &&
		    r.matches == 1 && r.no_rule == 1;
	}
	buf_free(&out);
	return NULL;
}

static void
threads(void **state)
{
	struct match_rules *rules = fixture_rules(&all);
	struct worker w[4];
	unsigned i;

	(void)state;
	for (i = 0; i < 4; i++) {
		w[i].rules = rules;
		w[i].number = i;
		assert_int_equal(pthread_create(&w[i].thread, NULL, work, &w[i]),
		    0);
	}
	for (i = 0; i < 4; i++) {
		pthread_join(w[i].thread, NULL);
		assert_true(w[i].ok);
	}
	match_rules_free(rules);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(runs),
		cmocka_unit_test(near_misses),
		cmocka_unit_test(all_matches),
		cmocka_unit_test(long_parts),
		cmocka_unit_test(output_full),
		cmocka_unit_test(threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
