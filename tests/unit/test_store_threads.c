/*
 * One struct store, many threads, a session each: for ThreadSanitizer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/store.h"

#include "fake_server.h"

#define THREADS 4
#define ROUNDS 12

struct worker {
	pthread_t thread;
	struct store *store;
	unsigned number, done;
};

static bool
read_body(void *arg, uint64_t offset, void *data, size_t len, struct err *err)
{

	(void)offset;
	(void)err;
	memset(data, *(char *)arg, len);
	return true;
}

static bool
count(void *arg, const void *data, size_t len, struct err *err)
{

	(void)data;
	(void)err;
	*(size_t *)arg += len;
	return true;
}

static bool
on_object(void *arg, const struct store_object *o, struct err *err)
{

	(void)arg;
	(void)err;
	return o->size == 10;
}

static bool
on_oddity(void *arg, enum store_oddity kind, const char *name,
    const char *why, struct err *err)
{

	(void)arg;
	(void)kind;
	(void)name;
	(void)why;
	(void)err;
	return false;
}

/* All write the same keys and some of their own, read and list. */
static void *
use_folder(void *arg)
{
	static const struct store_list_ops ops = { on_object, on_oddity };
	struct worker *w = arg;
	struct store_session *ss;
	char letter = (char)('a' + w->number), etag[STORE_ETAG_MAX], own[32];
	struct store_object o;
	struct err err;
	int i;

	if ((ss = store_session_new(w->store, &err)) == NULL)
		return NULL;
	for (i = 0; i < ROUNDS; i++) {
		struct store_put put = { .key = "shared/deep/key",
			.body = { 10, read_body, &letter } };
		size_t got = 0;

		snprintf(own, sizeof(own), "own/%u/%d", w->number, i);
		if (!store_put(ss, &put, etag, &err))
			break;
		put.key = own;
		if (!store_put(ss, &put, etag, &err) ||
		    !store_get(ss, own, &o, count, &got, &err) || got != 10 ||
		    !store_list(ss, &ops, NULL, &err))
			break;
		w->done++;
	}
	store_session_free(ss);
	return NULL;
}

static void *
use_bucket(void *arg)
{
	struct worker *w = arg;
	struct store_session *ss;
	struct store_object o;
	struct err err;
	int i;

	if ((ss = store_session_new(w->store, &err)) == NULL)
		return NULL;
	for (i = 0; i < ROUNDS; i++) {
		size_t got = 0;

		if (store_get(ss, "key", &o, count, &got, &err) && got == 2)
			w->done++;
	}
	store_session_free(ss);
	return NULL;
}

static void
run(struct store *s, void *(*use)(void *))
{
	struct worker workers[THREADS];
	unsigned i;

	for (i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){ .store = s, .number = i };
		assert_int_equal(pthread_create(&workers[i].thread, NULL, use,
		    &workers[i]), 0);
	}
	for (i = 0; i < THREADS; i++) {
		pthread_join(workers[i].thread, NULL);
		assert_int_equal(workers[i].done, ROUNDS);
	}
}

static void
threads_share_a_folder(void **state)
{
	const struct store_options options = { .create = true };
	char root[64], command[128];
	struct store *s;
	struct err err;

	(void)state;
	snprintf(root, sizeof(root), "/tmp/sf-test-threads-XXXXXX");
	assert_non_null(mkdtemp(root));
	assert_non_null(s = store_open(root, &options, &err));
	run(s, use_folder);
	store_free(s);
	snprintf(command, sizeof(command), "rm -rf '%s'", root);
	assert_int_equal(system(command), 0);
}

static void
threads_share_a_bucket(void **state)
{
	const struct store_options options = { .patience_ms = 10000 };
	struct fake_reply replies[THREADS * ROUNDS];
	struct fake_server *server;
	struct store *s;
	struct err err;
	char url[64];
	size_t i;

	(void)state;
	for (i = 0; i < THREADS * ROUNDS; i++)
		replies[i] = (struct fake_reply){ "HTTP/1.1 200 OK\r\n"
		    "Content-Length: 2\r\n\r\nhi", .after = FAKE_CLOSE };
	server = fake_server_start(replies, THREADS * ROUNDS);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u", server->port);
	setenv("AWS_ENDPOINT_URL_S3", url, 1);
	setenv("AWS_ACCESS_KEY_ID", "AK", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
	setenv("no_proxy", "*", 1);
	assert_non_null(s = store_open("s3://bucket", &options, &err));
	run(s, use_bucket);
	store_free(s);
	fake_server_stop(server);
	assert_int_equal(server->n_requests, THREADS * ROUNDS);
	fake_server_free(server);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(threads_share_a_folder),
		cmocka_unit_test(threads_share_a_bucket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
