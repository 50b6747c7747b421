#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cancel.h"
#include "flow/batch.h"
#include "flow/credit.h"
#include "flow/queue.h"

/* Long enough for a thread to block, short enough to be waited for. */
#define A_WHILE_MS 30

static atomic_int freed;

static void
count_free(void *item)
{

	(void)item;
	atomic_fetch_add(&freed, 1);
}

/* Items are numbers from 1 on, told by their address in this array. */
static char numbers[4096];

static void *
item(size_t number)
{

	return numbers + number;
}

static size_t
number_of(const void *p)
{

	return (size_t)((const char *)p - numbers);
}

/* One call made by another thread, which may block. */
struct call {
	pthread_t thread;
	struct queue *queue;
	struct credit *credit;
	void *item;
	size_t bytes;
	atomic_bool done;
	bool result;
	void *popped;
};

static void *
push_main(void *arg)
{
	struct call *c = arg;

	c->result = queue_push(c->queue, c->item, c->bytes);
	atomic_store(&c->done, true);
	return NULL;
}

static void *
pop_main(void *arg)
{
	struct call *c = arg;

	c->popped = queue_pop(c->queue);
	atomic_store(&c->done, true);
	return NULL;
}

static void *
take_main(void *arg)
{
	struct call *c = arg;

	c->result = credit_take(c->credit, c->bytes);
	atomic_store(&c->done, true);
	return NULL;
}

static void
start(struct call *c, void *(*run)(void *))
{

	atomic_store(&c->done, false);
	assert_int_equal(pthread_create(&c->thread, NULL, run, c), 0);
}

static void
assert_blocked(struct call *c)
{

	cancel_sleep(A_WHILE_MS);
	assert_false(atomic_load(&c->done));
}

static void
finish(struct call *c)
{

	pthread_join(c->thread, NULL);
	assert_true(atomic_load(&c->done));
}

/* --- queue --- */

static void
queue_keeps_order(void **state)
{
	struct queue *q = queue_new(3, 1000, count_free);
	size_t round, i;

	(void)state;
	for (round = 0; round < 5; round++) {
		for (i = 1; i <= 3; i++)
			assert_true(queue_push(q, item(3 * round + i), 10));
		for (i = 1; i <= 3; i++)
			assert_int_equal(number_of(queue_pop(q)), 3 * round + i);
	}
	queue_free(q);
	queue_free(NULL);
}

static void
queue_blocks_when_items_are_many(void **state)
{
	struct queue *q = queue_new(2, 1000, count_free);
	struct call c = { .queue = q, .item = item(3), .bytes = 1 };

	(void)state;
	queue_push(q, item(1), 1);
	queue_push(q, item(2), 1);
	start(&c, push_main);
	assert_blocked(&c);
	assert_int_equal(number_of(queue_pop(q)), 1);
	finish(&c);
	assert_true(c.result);
	assert_int_equal(number_of(queue_pop(q)), 2);
	assert_int_equal(number_of(queue_pop(q)), 3);
	queue_free(q);
}

static void
queue_blocks_when_bytes_are_many(void **state)
{
	struct queue *q = queue_new(10, 100, count_free);
	struct call large = { .queue = q, .item = item(2), .bytes = 41 };
	struct call huge = { .queue = q, .item = item(9), .bytes = SIZE_MAX };

	(void)state;
	queue_push(q, item(1), 60);
	start(&large, push_main);
	assert_blocked(&large);
	/* One that fits goes by. */
	assert_true(queue_push(q, item(3), 40));
	assert_int_equal(number_of(queue_pop(q)), 1);
	finish(&large);
	assert_int_equal(number_of(queue_pop(q)), 3);
	/* Larger than everything: only when the queue is empty. */
	start(&huge, push_main);
	assert_blocked(&huge);
	assert_int_equal(number_of(queue_pop(q)), 2);
	finish(&huge);
	assert_true(huge.result);
	start(&large, push_main);
	assert_blocked(&large);
	assert_int_equal(number_of(queue_pop(q)), 9);
	finish(&large);
	queue_free(q);
}

static void
queue_close_lets_the_rest_be_read(void **state)
{
	struct queue *q = queue_new(2, 100, count_free);
	struct call pusher = { .queue = q, .item = item(3), .bytes = 1 };
	struct call popper = { .queue = q };

	(void)state;
	queue_push(q, item(1), 1);
	queue_push(q, item(2), 1);
	start(&pusher, push_main);
	assert_blocked(&pusher);
	queue_close(q);
	finish(&pusher);
	assert_false(pusher.result);
	assert_false(queue_push(q, item(4), 1));
	assert_false(queue_aborted(q));
	assert_int_equal(number_of(queue_pop(q)), 1);
	assert_int_equal(number_of(queue_pop(q)), 2);
	assert_null(queue_pop(q));
	assert_null(queue_pop(q));
	queue_free(q);

	q = queue_new(2, 100, count_free);
	popper.queue = q;
	start(&popper, pop_main);
	assert_blocked(&popper);
	queue_close(q);
	finish(&popper);
	assert_null(popper.popped);
	queue_free(q);
}

static void
queue_abort_wakes_both_sides(void **state)
{
	struct queue *full = queue_new(1, 100, count_free);
	struct queue *empty = queue_new(1, 100, count_free);
	struct call pusher = { .queue = full, .item = item(2), .bytes = 1 };
	struct call poppers[2] = { { .queue = empty }, { .queue = empty } };

	(void)state;
	atomic_store(&freed, 0);
	queue_push(full, item(1), 1);
	start(&pusher, push_main);
	start(&poppers[0], pop_main);
	start(&poppers[1], pop_main);
	assert_blocked(&pusher);
	assert_false(atomic_load(&poppers[0].done));
	queue_abort(full);
	queue_abort(full);
	queue_abort(empty);
	finish(&pusher);
	finish(&poppers[0]);
	finish(&poppers[1]);
	assert_false(pusher.result);
	assert_null(poppers[0].popped);
	assert_null(poppers[1].popped);
	assert_true(queue_aborted(full));
	/* Aborted: what is in it is not handed out any more, but freed. */
	assert_null(queue_pop(full));
	assert_false(queue_push(full, item(3), 1));
	assert_int_equal(atomic_load(&freed), 0);
	queue_free(full);
	assert_int_equal(atomic_load(&freed), 1);
	queue_free(empty);
}

/* Several threads on both sides: every item once, and per producer in order. */
#define PRODUCERS 3
#define EACH 1000

struct crowd {
	struct queue *queue;
	atomic_uint next_producer;
	atomic_uint running;
	atomic_uint seen[PRODUCERS * EACH];
	atomic_bool disorder;
};

static void *
produce(void *arg)
{
	struct crowd *c = arg;
	size_t i, base = atomic_fetch_add(&c->next_producer, 1) * EACH;

	for (i = 0; i < EACH; i++)
		queue_push(c->queue, item(base + i), 1 + i % 7);
	if (atomic_fetch_sub(&c->running, 1) == 1)
		queue_close(c->queue);
	return NULL;
}

static void *
consume(void *arg)
{
	struct crowd *c = arg;
	size_t last[PRODUCERS] = { 0 }, n, producer;
	void *p;

	while ((p = queue_pop(c->queue)) != NULL) {
		n = number_of(p);
		atomic_fetch_add(&c->seen[n], 1);
		producer = n / EACH;
		if (n % EACH < last[producer])
			atomic_store(&c->disorder, true);
		last[producer] = n % EACH;
	}
	return NULL;
}

static void
queue_serves_a_crowd(void **state)
{
	static struct crowd c;
	pthread_t threads[2 * PRODUCERS];
	size_t i;

	(void)state;
	c.queue = queue_new(5, 16, count_free);
	atomic_store(&c.running, PRODUCERS);
	for (i = 0; i < 2 * PRODUCERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL,
		    i % 2 ? produce : consume, &c), 0);
	for (i = 0; i < 2 * PRODUCERS; i++)
		pthread_join(threads[i], NULL);
	for (i = 0; i < PRODUCERS * EACH; i++)
		assert_int_equal(atomic_load(&c.seen[i]), 1);
	assert_false(atomic_load(&c.disorder));
	queue_free(c.queue);
}

/* --- credit --- */

static void
credit_is_bounded(void **state)
{
	struct credit *c = credit_new(100);
	struct call taker = { .credit = c, .bytes = 41 };

	(void)state;
	assert_true(credit_take(c, 60));
	start(&taker, take_main);
	assert_blocked(&taker);
	assert_true(credit_take(c, 40));
	credit_give(c, 60);
	finish(&taker);
	assert_true(taker.result);
	credit_give(c, 81);
	/* More than all there is: alone, or not. */
	assert_true(credit_take(c, 5000));
	start(&taker, take_main);
	assert_blocked(&taker);
	credit_give(c, 5000);
	finish(&taker);
	assert_true(taker.result);
	taker.bytes = 5000;
	start(&taker, take_main);
	assert_blocked(&taker);
	credit_give(c, 41);
	finish(&taker);
	credit_free(c);
	credit_free(NULL);
}

static void
credit_may_be_overdrawn(void **state)
{
	struct credit *c = credit_new(100);
	struct call taker = { .credit = c, .bytes = 1 };

	(void)state;
	credit_take_now(c, 150);
	start(&taker, take_main);
	assert_blocked(&taker);
	credit_give(c, 51);
	finish(&taker);
	assert_true(taker.result);
	credit_free(c);
}

static void
credit_abort_wakes(void **state)
{
	struct credit *c = credit_new(100);
	struct call taker = { .credit = c, .bytes = 100 };

	(void)state;
	credit_take(c, 1);
	start(&taker, take_main);
	assert_blocked(&taker);
	credit_abort(c);
	credit_abort(c);
	finish(&taker);
	assert_false(taker.result);
	credit_give(c, 1);
	assert_false(credit_take(c, 1));
	credit_free(c);
}

/* --- batch --- */

static void
batch_walks_its_documents(void **state)
{
	static const uint8_t empty[] = { 5, 0, 0, 0, 0 };
	static const uint8_t small[] = { 8, 0, 0, 0, 0x0a, 'x', 0, 0 };
	struct credit *c = credit_new(100);
	struct call taker = { .credit = c, .bytes = 100 };
	struct batch *b;
	size_t at = 0, len;

	(void)state;
	assert_true(credit_take(c, 100));
	b = batch_new(sizeof(empty) + sizeof(small), c, 100);
	assert_null(batch_next(b, &at, &len));
	assert_true(batch_add(b, small, sizeof(small)));
	assert_true(batch_add(b, empty, sizeof(empty)));
	assert_false(batch_add(b, empty, sizeof(empty)));
	assert_int_equal(b->n, 2);
	assert_memory_equal(batch_next(b, &at, &len), small, sizeof(small));
	assert_int_equal(len, sizeof(small));
	assert_memory_equal(batch_next(b, &at, &len), empty, sizeof(empty));
	assert_int_equal(len, sizeof(empty));
	assert_null(batch_next(b, &at, &len));
	assert_int_equal(at, b->docs.len);
	/* Freeing it gives its credit back. */
	start(&taker, take_main);
	assert_blocked(&taker);
	batch_free(b);
	finish(&taker);
	assert_true(taker.result);
	credit_free(c);
	batch_free(NULL);
	batch_free(batch_new(10, NULL, 0));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(queue_keeps_order),
		cmocka_unit_test(queue_blocks_when_items_are_many),
		cmocka_unit_test(queue_blocks_when_bytes_are_many),
		cmocka_unit_test(queue_close_lets_the_rest_be_read),
		cmocka_unit_test(queue_abort_wakes_both_sides),
		cmocka_unit_test(queue_serves_a_crowd),
		cmocka_unit_test(credit_is_bounded),
		cmocka_unit_test(credit_may_be_overdrawn),
		cmocka_unit_test(credit_abort_wakes),
		cmocka_unit_test(batch_walks_its_documents),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
