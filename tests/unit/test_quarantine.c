#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>

#include <jansson.h>

#include "state_files.h"

#include "state/quarantine.h"

static struct quarantine *
open_it(void)
{
	struct quarantine *q;
	struct err err;

	if ((q = quarantine_open(here(), &err)) == NULL)
		fail_msg("%s", err.message);
	return q;
}

/* {_id: i, s: "xxx…"}, of len bytes in all; the caller frees it. */
static uint8_t *
document(int i, size_t len)
{
	uint8_t *d = calloc(len, 1);
	size_t string = len - 4 - 9 - 7 - 1;
	int k;

	assert_non_null(d);
	for (k = 0; k < 4; k++) {
		d[k] = (uint8_t)(len >> 8 * k);
		d[9 + k] = (uint8_t)(i >> 8 * k);
		d[16 + k] = (uint8_t)(string >> 8 * k);
	}
	memcpy(d + 4, "\x10_id", 5);
	memcpy(d + 13, "\x02s", 3);
	memset(d + 20, 'x', string - 1);
	return d;
}

static bool
add_to(struct quarantine *q, const char *ns, int i, size_t len,
    struct err *err)
{
	uint8_t *doc = document(i, len);
	char id[64];
	struct quarantined d = { .ns = ns, .doc = doc, .len = len, .id = id,
	    .reason = "validation", .message = "refused: \"x\"\n" };
	bool ok;

	snprintf(id, sizeof(id), "{\"$numberInt\":\"%d\"}", i);
	ok = quarantine_add(q, &d, err);
	free(doc);
	return ok;
}

static void
add(struct quarantine *q, const char *ns, int i, size_t len)
{
	struct err err;

	must(add_to(q, ns, i, len, &err), &err);
}

/* The _ids in a .bson file, as text; a file that is not whole documents is a
 * failure. */
static const char *
ids_in(const char *path)
{
	static char text[400];
	struct buf b;
	size_t at = 0, used = 0;

	slurp(path, &b);
	text[0] = '\0';
	while (at < b.len) {
		const uint8_t *d = b.data + at;
		size_t len = (size_t)(d[0] | d[1] << 8 | d[2] << 16);
		uint8_t *want = document(d[9], len);

		assert_true(len >= 30 && len <= b.len - at);
		assert_memory_equal(d, want, len);
		used += (size_t)snprintf(text + used, sizeof(text) - used,
		    "%d ", d[9]);
		at += len;
		free(want);
	}
	buf_free(&b);
	return text;
}

/* Line number n (from 0) of a file of JSON lines; NULL when there is none. */
static json_t *
line(const char *path, size_t n)
{
	json_t *o = NULL;
	struct buf b;
	const char *s;

	slurp(path, &b);
	s = buf_str(&b);
	while (n > 0 && (s = strchr(s, '\n')) != NULL && s++)
		n--;
	if (s != NULL && *s != '\0')
		assert_non_null(o = json_loads(s, JSON_DISABLE_EOF_CHECK,
		    NULL));
	buf_free(&b);
	return o;
}

static const char *
text(const json_t *o, const char *name)
{

	return json_string_value(json_object_get(o, name));
}

static void
documents_and_reasons_are_kept(void **state)
{
	struct quarantine *q = open_it();
	struct err err;
	json_t *o;

	(void)state;
	assert_null(quarantine_path(q));
	assert_int_equal(quarantine_count(q), 0);
	assert_false(exists("quarantine"));
	add(q, "db.c", 1, 30);
	add(q, "db.c", 2, 100000);
	add(q, "db.d", 3, 40);
	assert_int_equal(quarantine_count(q), 3);
	assert_string_equal(quarantine_path(q), "./quarantine");
	assert_int_equal(mode_of("quarantine"), 0700);
	assert_int_equal(mode_of("quarantine/db.c.bson"), 0600);
	assert_int_equal(mode_of("quarantine/db.c.jsonl"), 0600);
	must(quarantine_sync(q, &err), &err);
	assert_string_equal(ids_in("quarantine/db.c.bson"), "1 2 ");
	assert_string_equal(ids_in("quarantine/db.d.bson"), "3 ");
	assert_non_null(o = line("quarantine/db.c.jsonl", 1));
	assert_string_equal(text(o, "namespace"), "db.c");
	assert_string_equal(text(o, "reason"), "validation");
	assert_string_equal(text(o, "message"), "refused: \"x\"\n");
	assert_string_equal(text(json_object_get(o, "_id"), "$numberInt"), "2");
	assert_int_equal(json_integer_value(json_object_get(o, "offset")), 30);
	assert_int_equal(json_integer_value(json_object_get(o, "length")),
	    100000);
	json_decref(o);
	assert_null(line("quarantine/db.c.jsonl", 2));
	quarantine_free(q);
	quarantine_free(NULL);

	q = open_it();
	assert_int_equal(quarantine_count(q), 3);
	must(quarantine_forget(q, "db.c", &err), &err);
	must(quarantine_forget(q, "db.none", &err), &err);
	assert_int_equal(quarantine_count(q), 1);
	assert_false(exists("quarantine/db.c.bson"));
	assert_false(exists("quarantine/db.c.jsonl"));
	add(q, "db.c", 2, 100000);
	assert_string_equal(ids_in("quarantine/db.c.bson"), "2 ");
	must(quarantine_forget(q, "db.c", &err), &err);
	must(quarantine_forget(q, "db.d", &err), &err);
	assert_null(quarantine_path(q));
	quarantine_free(q);
}

static void
odd_text_is_kept(void **state)
{
	static const char *const ids[] = {
		"\"plain\"", "null", "{\"z\":1,\"a\":{\"$oid\":\"00\"}}",
		"{\"a\":1,\"a\":2}", "not JSON", "\"\\u0000\"", "\"\xff\"",
	};
	static const char *const lines[] = {
		"\"_id\":\"plain\"", "\"_id\":null",
		"\"_id\":{\"z\":1,\"a\":{\"$oid\":\"00\"}}",
		"\"_id\":\"{\\\"a\\\":1,\\\"a\\\":2}\"", "\"_id\":\"not JSON\"",
		"\"_id\":\"\\u0000\"", "\"_id\":{\"hex\":\"22ff22\"}",
	};
	struct quarantine *q = open_it();
	char *message, *huge;
	struct buf b;
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		uint8_t *doc = document((int)i, 30);
		struct quarantined d = { .ns = "a.b", .doc = doc, .len = 30,
		    .id = ids[i], .reason = "r", .message = "m" };

		must(quarantine_add(q, &d, &err), &err);
		free(doc);
	}
	slurp("quarantine/a.b.jsonl", &b);
	assert_int_equal(count_newlines(b.data, b.len), i);
	for (i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
		assert_non_null(strstr(buf_str(&b), lines[i]));
	buf_free(&b);

	/* A message is cut between characters, a huge _id left out. */
	huge = calloc(100001, 1);
	message = calloc(6002, 1);
	assert_true(huge != NULL && message != NULL);
	memset(huge, '1', 100000);
	message[0] = 'm';
	for (i = 1; i < 6000; i += 2)
		memcpy(message + i, "é", 2);
	{
		uint8_t *doc = document(9, 30);
		struct quarantined d = { .ns = "l.l", .doc = doc, .len = 30,
		    .id = huge, .reason = "r", .message = message };
		json_t *o;

		must(quarantine_add(q, &d, &err), &err);
		assert_non_null(o = line("quarantine/l.l.jsonl", 0));
		assert_true(json_is_null(json_object_get(o, "_id")));
		assert_int_equal(strlen(text(o, "message")), 4095);
		json_decref(o);
		free(doc);
	}
	free(huge);
	free(message);
	quarantine_free(q);
}

static void
any_namespace_has_files_of_its_own(void **state)
{
	static const char *const names[] = {
		"db./etc/passwd", "db.a\nb", "..", "../up", ".hidden",
		"db.100%", "db.%31", "db.1", "db.\xff", "db.é", "db.a b",
		"db.a~b", "db.$x", "/", "db.",
	};
	char longer[2][256];
	struct quarantine *q = open_it();
	size_t i, n = sizeof(names) / sizeof(names[0]), files = 0;
	struct dirent *e;
	DIR *d;

	(void)state;
	for (i = 0; i < 2; i++) {
		memset(longer[i], '/', 255);
		longer[i][254] = (char)('a' + i);
		longer[i][255] = '\0';
	}
	for (i = 0; i < n; i++)
		add(q, names[i], (int)i, 30);
	add(q, longer[0], 100, 30);
	add(q, longer[1], 101, 30);
	assert_non_null(d = opendir("quarantine"));
	while ((e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		files++;
		assert_true(e->d_name[0] != '.');
		assert_null(strpbrk(e->d_name, "/\n \xff$"));
	}
	closedir(d);
	assert_int_equal(files, 2 * (n + 2));
	assert_string_equal(ids_in("quarantine/db.%2Fetc%2Fpasswd.bson"), "0 ");
	assert_string_equal(ids_in("quarantine/%2E..bson"), "2 ");
	assert_string_equal(ids_in("quarantine/db.%2531.bson"), "6 ");
	assert_string_equal(ids_in("quarantine/db.%C3%A9.bson"), "9 ");
	quarantine_free(q);
	q = open_it();
	assert_int_equal(quarantine_count(q), n + 2);
	add(q, longer[1], 101, 30);
	assert_int_equal(quarantine_count(q), n + 2);
	quarantine_free(q);
}

static void
a_resumed_run_adds_nothing_twice(void **state)
{
	struct quarantine *q = open_it();
	int i;

	(void)state;
	/* Equal documents (measurements may be) are as many as they are. */
	add(q, "a.b", 1, 30);
	for (i = 0; i < 5; i++)
		add(q, "a.b", 2, 40);
	add(q, "a.b", 3, 50);
	add(q, "a.other", 1, 30);
	quarantine_free(q);
	q = open_it();
	add(q, "a.b", 3, 50);
	add(q, "a.b", 1, 30);
	for (i = 0; i < 6; i++)
		add(q, "a.b", 2, 40);
	add(q, "a.b", 4, 30);
	add(q, "a.b", 1, 31);
	assert_string_equal(ids_in("quarantine/a.b.bson"),
	    "1 2 2 2 2 2 3 2 4 1 ");
	assert_int_equal(quarantine_count(q), 11);
	quarantine_free(q);
}

static void
torn_ends_are_dropped(void **state)
{
	struct quarantine *q = open_it();
	static const size_t ends[] = { 30, 70, 120 };
	struct buf bson, lines;
	size_t len, n, k;
	json_t *o;

	(void)state;
	add(q, "a.b", 0, 30);
	add(q, "a.b", 1, 40);
	add(q, "a.b", 2, 50);
	quarantine_free(q);
	slurp("quarantine/a.b.bson", &bson);
	slurp("quarantine/a.b.jsonl", &lines);
	for (len = 0; len <= bson.len; len++) {
		for (n = 0; n < 3 && ends[n] <= len;)
			n++;
		spill("quarantine/a.b.bson", bson.data, len);
		spill("quarantine/a.b.jsonl", lines.data, lines.len);
		q = open_it();
		assert_int_equal(quarantine_count(q), n);
		for (k = 0; k < 3; k++)
			add(q, "a.b", (int)k, 30 + 10 * k);
		assert_string_equal(ids_in("quarantine/a.b.bson"), "0 1 2 ");
		quarantine_free(q);
	}
	for (len = 0; len <= lines.len; len++) {
		spill("quarantine/a.b.bson", bson.data, bson.len);
		spill("quarantine/a.b.jsonl", lines.data, len);
		q = open_it();
		add(q, "a.b", 9, 30);
		n = count_newlines(lines.data, len);
		assert_non_null(o = line("quarantine/a.b.jsonl", n));
		assert_int_equal(json_integer_value(json_object_get(o,
		    "offset")), 120);
		json_decref(o);
		assert_null(line("quarantine/a.b.jsonl", n + 1));
		quarantine_free(q);
	}
	buf_free(&bson);
	buf_free(&lines);
}

static const char *
no_room(void)
{
	struct rlimit limit = { 3000, RLIM_INFINITY };
	struct quarantine *q;
	struct stat st;
	struct err err;

	WANT((q = quarantine_open(here(), &err)) != NULL);
	WANT(add_to(q, "a.b", 1, 500, &err));
	WANT(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	WANT(setrlimit(RLIMIT_FSIZE, &limit) == 0);
	WANT(!add_to(q, "a.b", 2, 5000, &err));
	WANT(err.kind == ERR_DISK && err.hint[0] != '\0');
	WANT(strstr(err.message, "quarantine/a.b.bson") != NULL);
	WANT(quarantine_count(q) == 1);
	WANT(stat("quarantine/a.b.bson", &st) == 0 && st.st_size == 500);
	limit.rlim_cur = RLIM_INFINITY;
	WANT(setrlimit(RLIMIT_FSIZE, &limit) == 0);
	WANT(add_to(q, "a.b", 3, 600, &err));
	quarantine_free(q);
	WANT(stat("quarantine/a.b.bson", &st) == 0 && st.st_size == 1100);
	return NULL;
}

static void
a_write_that_fails_leaves_nothing(void **state)
{
	json_t *o;

	(void)state;
	in_child(no_room);
	assert_string_equal(ids_in("quarantine/a.b.bson"), "1 3 ");
	assert_non_null(o = line("quarantine/a.b.jsonl", 1));
	assert_string_equal(text(json_object_get(o, "_id"), "$numberInt"), "3");
	json_decref(o);
	assert_null(line("quarantine/a.b.jsonl", 2));
}

static struct quarantine *shared;

static void *
work(void *arg)
{
	struct err err;
	char ns[8];
	int i;

	for (i = 0; i < 100; i++) {
		snprintf(ns, sizeof(ns), "a.%d", i % 3);
		if (!add_to(shared, ns, (int)(intptr_t)arg, 30 + (size_t)i,
		    &err) || quarantine_path(shared) == NULL)
			return arg;
	}
	return NULL;
}

static void
eight_threads(void **state)
{
	pthread_t threads[8];
	void *failed;
	intptr_t i;

	(void)state;
	shared = open_it();
	for (i = 0; i < 8; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, work,
		    (void *)(i + 1)), 0);
	for (i = 0; i < 8; i++) {
		assert_int_equal(pthread_join(threads[i], &failed), 0);
		assert_null(failed);
	}
	assert_int_equal(quarantine_count(shared), 800);
	quarantine_free(shared);
	shared = open_it();
	assert_int_equal(quarantine_count(shared), 800);
	quarantine_free(shared);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, make_root, remove_root)
	const struct CMUnitTest tests[] = {
		TEST(documents_and_reasons_are_kept),
		TEST(odd_text_is_kept),
		TEST(any_namespace_has_files_of_its_own),
		TEST(a_resumed_run_adds_nothing_twice),
		TEST(torn_ends_are_dropped),
		TEST(a_write_that_fails_leaves_nothing),
		TEST(eight_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
