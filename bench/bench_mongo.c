/*
 * How fast src/mongo alone moves one collection: readers, a queue, writers;
 * then, how fast it is read back.
 *
 *	bench_mongo FROM TO NAMESPACE [readers [writers [batch bytes]]]
 *
 * Prints seconds and peak memory.  The target collection is dropped first.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <malloc.h>
#include <sys/resource.h>

#include "base/cancel.h"
#include "flow/batch.h"
#include "flow/queue.h"
#include "mongo/sink.h"
#include "mongo/source.h"

#define MOST 64
#define DOC_MAX ((size_t)17 * 1024 * 1024)

struct bench {
	struct mongo_server *from, *to;
	const struct collection_info *info;
	struct mongo_range ranges[4096];
	size_t n_ranges;
	atomic_size_t next;
	size_t batch_bytes;
	struct queue *q;
	atomic_uint reading;
	atomic_ullong docs, bytes;
};

static void
die(const struct err *err)
{

	fprintf(stderr, "bench_mongo: %s (%s)\n", err->message, err->hint);
	exit(1);
}

static bool
on_range(void *arg, const struct mongo_range *r, struct err *err)
{
	struct bench *b = arg;
	struct mongo_range *copy = &b->ranges[b->n_ranges++];

	(void)err;
	*copy = *r;
	if (r->low.data != NULL)
		copy->low.data = memcpy(malloc(r->low.len), r->low.data,
		    r->low.len);
	if (r->high.data != NULL)
		copy->high.data = memcpy(malloc(r->high.len), r->high.data,
		    r->high.len);
	return true;
}

static void
read_range(struct bench *b, struct mongo_session *s, const char *ns,
    const struct mongo_range *range)
{
	struct mongo_read r = {
		.ns = ns, .info = b->info, .range = range,
		.batch_bytes = b->batch_bytes, .patience_ms = 30000,
	};
	struct batch *batch = NULL;
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
		if (b->q == NULL)
			continue;
		if (batch == NULL) {
			batch = batch_new(b->batch_bytes + DOC_MAX, NULL, 0);
			buf_reserve(&batch->docs, b->batch_bytes + 65536);
		}
		batch_add(batch, doc, len);
		if (batch->docs.len >= b->batch_bytes) {
			queue_push(b->q, batch, batch->docs.len);
			batch = NULL;
		}
	}
	if (next == MONGO_FAILED)
		die(&err);
	if (batch != NULL)
		queue_push(b->q, batch, batch->docs.len);
	mongo_cursor_free(c);
}

static void *
reader(void *arg)
{
	struct bench *b = arg;
	struct mongo_session *s;
	struct err err;
	size_t i;

	if ((s = mongo_session_new(b->q != NULL ? b->from : b->to, &err)) == NULL)
		die(&err);
	while ((i = atomic_fetch_add(&b->next, 1)) < b->n_ranges)
		read_range(b, s, b->info->ns, &b->ranges[i]);
	mongo_session_free(s);
	if (atomic_fetch_sub(&b->reading, 1) == 1 && b->q != NULL)
		queue_close(b->q);
	return NULL;
}

static void
on_refused(void *arg, const struct mongo_refusal *r)
{

	(void)arg;
	fprintf(stderr, "refused: %s\n", r->message);
}

static void *
writer(void *arg)
{
	struct bench *b = arg;
	struct mongo_sink_options o = {
		.ns = b->info->ns, .patience_ms = 30000, .refused = on_refused,
	};
	struct mongo_written w = { 0, 0, 0, 0, 0 };
	struct mongo_session *s;
	struct mongo_sink *k;
	struct batch *batch;
	struct err err;

	if ((s = mongo_session_new(b->to, &err)) == NULL ||
	    (k = mongo_sink_new(s, &o, &err)) == NULL)
		die(&err);
	while ((batch = queue_pop(b->q)) != NULL) {
		if (!mongo_sink_write(k, batch->docs.data, batch->docs.len,
		    batch->n, &w, &err))
			die(&err);
		batch_free(batch);
	}
	mongo_sink_free(k);
	mongo_session_free(s);
	return NULL;
}

static void
run(struct bench *b, unsigned readers, unsigned writers, const char *what)
{
	pthread_t threads[2 * MOST];
	uint64_t start = cancel_now();
	struct rusage usage;
	unsigned i;

	atomic_store(&b->next, 0);
	atomic_store(&b->docs, 0);
	atomic_store(&b->bytes, 0);
	atomic_store(&b->reading, readers);
	for (i = 0; i < readers; i++)
		pthread_create(&threads[i], NULL, reader, b);
	for (i = 0; i < writers; i++)
		pthread_create(&threads[readers + i], NULL, writer, b);
	for (i = 0; i < readers + writers; i++)
		pthread_join(threads[i], NULL);
	getrusage(RUSAGE_SELF, &usage);
	printf("%s: %.2f s, %llu documents, %.1f MB; peak %ld MB; cpu %.2f s\n",
	    what, (double)(cancel_now() - start) / 1e9, atomic_load(&b->docs),
	    (double)atomic_load(&b->bytes) / 1e6, usage.ru_maxrss / 1024,
	    (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	    (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6);
}

static struct mongo_server *
open_end(const char *uri)
{
	struct mongo_options o = { .patience_ms = 30000, .max_sessions = 64 };
	struct mongo_server *s;
	struct err err;

	if ((s = mongo_open(uri, &o, &err)) == NULL)
		die(&err);
	return s;
}

int
main(int argc, char **argv)
{
	static struct bench b;
	unsigned readers = argc > 4 ? (unsigned)atoi(argv[4]) : 2;
	unsigned writers = argc > 5 ? (unsigned)atoi(argv[5]) : 4;
	struct mongo_split split = {
		.max_docs = 65536, .max_bytes = 64 * 1024 * 1024,
		.range = on_range, .arg = &b,
	};
	struct strings dbs = { NULL, 0 };
	struct mongo_session *s, *t;
	struct catalog *catalog;
	uint64_t start;
	struct err err;

	if (argc < 4 || readers > MOST || writers > MOST)
		return 2;
	mallopt(M_ARENA_MAX, 2);
	mongo_global_init();
	b.batch_bytes = argc > 6 ? (size_t)atol(argv[6]) : 1024 * 1024;
	b.from = open_end(argv[1]);
	b.to = open_end(argv[2]);
	if ((s = mongo_session_new(b.from, &err)) == NULL ||
	    (t = mongo_session_new(b.to, &err)) == NULL ||
	    !strings_add(&dbs, strtok_r(strdup(argv[3]), ".", &(char *){ 0 })) ||
	    (catalog = catalog_read(s, &dbs, true, &err)) == NULL ||
	    (b.info = catalog_find(catalog, argv[3])) == NULL ||
	    !catalog_drop(t, argv[3], &err))
		die(&err);
	start = cancel_now();
	split.info = b.info;
	if (!mongo_split(s, &split, &err))
		die(&err);
	printf("split: %.2f s, %zu ranges\n",
	    (double)(cancel_now() - start) / 1e9, b.n_ranges);
	b.q = queue_new(2 * writers, 16 * b.batch_bytes, batch_free);
	run(&b, readers, writers, "copy");
	queue_free(b.q);
	b.q = NULL;
	run(&b, readers, 0, "read back");
	return 0;
}
