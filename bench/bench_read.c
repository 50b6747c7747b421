/*
 * How long it takes to read one collection of two servers once, with as many
 * threads as diff has, and do nothing with it: what diff is measured by.
 *
 *	bench_read FROM TO NAMESPACE [threads]
 *
 * Prints seconds.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cancel.h"
#include "mongo/source.h"

#define MOST 64
#define RANGES_MAX 4096

struct bench {
	struct mongo_server *side[2];
	const struct collection_info *info;
	struct mongo_range ranges[RANGES_MAX];
	size_t n_ranges;
	atomic_size_t next;
	atomic_ullong docs, bytes;
};

static void
die(const struct err *err)
{

	fprintf(stderr, "bench_read: %s (%s)\n", err->message, err->hint);
	exit(1);
}

static struct rawdoc
copy_of(const struct rawdoc *from)
{
	struct rawdoc copy = { NULL, from->len };

	if (from->data != NULL)
		copy.data = memcpy(malloc(from->len), from->data, from->len);
	return copy;
}

static bool
on_range(void *arg, const struct mongo_range *r, struct err *err)
{
	struct bench *b = arg;

	if (b->n_ranges == RANGES_MAX)
		return err_set(err, ERR_TOO_LARGE, "too many ranges");
	b->ranges[b->n_ranges].low = copy_of(&r->low);
	b->ranges[b->n_ranges++].high = copy_of(&r->high);
	return true;
}

static void
read_range(struct bench *b, struct mongo_session *s,
    const struct mongo_range *range)
{
	struct mongo_read r = {
		.ns = b->info->ns, .info = b->info, .range = range,
		.batch_bytes = 1024 * 1024, .patience_ms = 30000,
	};
	struct mongo_cursor *c;
	enum mongo_next next;
	const uint8_t *doc;
	struct err err;
	size_t len;

	if ((c = mongo_cursor_new(s, &r, &err)) == NULL)
		die(&err);
	while ((next = mongo_cursor_next(c, &doc, &len, &err)) == MONGO_DOC) {
		atomic_fetch_add(&b->docs, 1);
		atomic_fetch_add(&b->bytes, len);
	}
	if (next == MONGO_FAILED)
		die(&err);
	mongo_cursor_free(c);
}

static void *
reader(void *arg)
{
	struct mongo_session *s[2];
	struct bench *b = arg;
	struct err err;
	size_t i;

	if ((s[0] = mongo_session_new(b->side[0], &err)) == NULL ||
	    (s[1] = mongo_session_new(b->side[1], &err)) == NULL)
		die(&err);
	while ((i = atomic_fetch_add(&b->next, 1)) < b->n_ranges) {
		read_range(b, s[0], &b->ranges[i]);
		read_range(b, s[1], &b->ranges[i]);
	}
	mongo_session_free(s[0]);
	mongo_session_free(s[1]);
	return NULL;
}

static struct mongo_server *
open_end(const char *uri)
{
	struct mongo_options o = { .patience_ms = 30000, .max_sessions = MOST };
	struct mongo_server *s;
	struct err err;

	if ((s = mongo_open(uri, &o, &err)) == NULL)
		die(&err);
	return s;
}

static void
cut(struct bench *b, const char *ns)
{
	struct mongo_split split = {
		.max_docs = 65536, .max_bytes = 64 * 1024 * 1024,
		.range = on_range, .arg = b,
	};
	struct strings dbs = { NULL, 0 };
	char *db = strndup(ns, strcspn(ns, "."));
	struct mongo_session *s;
	struct catalog *catalog;
	struct err err;

	if ((s = mongo_session_new(b->side[0], &err)) == NULL ||
	    !strings_add(&dbs, db) ||
	    (catalog = catalog_read(s, &dbs, true, &err)) == NULL ||
	    (split.info = b->info = catalog_find(catalog, ns)) == NULL ||
	    !mongo_split(s, &split, &err))
		die(&err);
	mongo_session_free(s);
	strings_free(&dbs);
	free(db);
}

int
main(int argc, char **argv)
{
	unsigned n = argc > 4 ? (unsigned)atoi(argv[4]) : 4, i;
	pthread_t threads[MOST];
	static struct bench b;
	uint64_t began;

	if (argc < 4 || n > MOST)
		return 2;
	mongo_global_init();
	b.side[0] = open_end(argv[1]);
	b.side[1] = open_end(argv[2]);
	began = cancel_now();
	cut(&b, argv[3]);
	for (i = 0; i < n; i++)
		pthread_create(&threads[i], NULL, reader, &b);
	for (i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	printf("%.3f s, %llu documents, %llu bytes\n",
	    (double)(cancel_now() - began) / 1e9, atomic_load(&b.docs),
	    atomic_load(&b.bytes));
	return 0;
}
