#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cancel.h"
#include "flow/credit.h"
#include "flow/pipeline.h"
#include "flow/queue.h"

#define ITEMS 2000

/* A source of the numbers 1 to ITEMS, workers that double, a sink that sums. */
struct work {
	struct queue *in;
	struct queue *out;
	struct credit *credit;
	atomic_size_t made;
	atomic_ullong sum;
	atomic_uint workers_seen;
	size_t fail_at;		/* the sink fails there; 0 never */
	enum err_kind with;
	atomic_int left_over;
};

static struct work *current;

static void
free_number(void *p)
{

	atomic_fetch_add(&current->left_over, 1);
	free(p);
}

static bool
stopped(struct err *err, void *item)
{

	free(item);
	return err_set(err, ERR_CANCELLED, "stopped");
}

static bool
source_run(void *arg, unsigned worker, struct err *err)
{
	struct work *w = arg;
	size_t i, *number;

	(void)worker;
	while ((i = atomic_fetch_add(&w->made, 1) + 1) <= ITEMS) {
		if (!credit_take(w->credit, 10))
			return err_set(err, ERR_CANCELLED, "stopped");
		number = malloc(sizeof(*number));
		*number = i;
		if (!queue_push(w->in, number, 10))
			return stopped(err, number);
	}
	return true;
}

static bool
double_run(void *arg, unsigned worker, struct err *err)
{
	struct work *w = arg;
	size_t *number;

	atomic_fetch_or(&w->workers_seen, 1u << worker);
	while ((number = queue_pop(w->in)) != NULL) {
		*number *= 2;
		if (!queue_push(w->out, number, 10))
			return stopped(err, number);
	}
	return true;
}

static bool
sink_run(void *arg, unsigned worker, struct err *err)
{
	struct work *w = arg;
	size_t *number, n = 0;

	(void)worker;
	while ((number = queue_pop(w->out)) != NULL) {
		atomic_fetch_add(&w->sum, *number);
		free(number);
		credit_give(w->credit, 10);
		if (++n == w->fail_at)
			return err_set(err, w->with, "sink failed at %zu", n);
	}
	return true;
}

static bool
run(struct work *w, struct err *err)
{
	struct pipeline *p = pipeline_new();
	struct pipeline_stage source = { "source", 2, source_run, w, NULL };
	struct pipeline_stage twice = { "double", 3, double_run, w, NULL };
	struct pipeline_stage sink = { "sink", 1, sink_run, w, NULL };
	bool ok;

	current = w;
	w->in = queue_new(4, 1000, free_number);
	w->out = queue_new(4, 1000, free_number);
	w->credit = credit_new(100);
	source.out = w->in;
	twice.out = w->out;
	assert_true(pipeline_add(p, &source));
	assert_true(pipeline_add(p, &twice));
	assert_true(pipeline_add(p, &sink));
	assert_true(pipeline_watch_credit(p, w->credit));
	ok = pipeline_run(p, err);
	pipeline_free(p);
	queue_free(w->in);
	queue_free(w->out);
	credit_free(w->credit);
	return ok;
}

static void
runs_to_the_end(void **state)
{
	struct work w = { 0 };
	struct err err;

	(void)state;
	assert_true(run(&w, &err));
	assert_int_equal(atomic_load(&w.sum), (uint64_t)ITEMS * (ITEMS + 1));
	assert_int_equal(atomic_load(&w.left_over), 0);
	assert_int_equal(atomic_load(&w.workers_seen), 7);
}

/* The source waits for credit, the workers for the queue: all must wake. */
static void
first_real_error_wins(void **state)
{
	struct err err;
	size_t at;

	(void)state;
	for (at = 1; at <= 201; at += 50) {
		struct work w = { .fail_at = at, .with = ERR_QUOTA };

		assert_false(run(&w, &err));
		assert_int_equal(err.kind, ERR_QUOTA);
		assert_non_null(strstr(err.message, "sink failed at"));
		assert_true(atomic_load(&w.made) < ITEMS);
	}
}

/* Two stages, the second of which ends after the first's failure was noted:
 * then the watched queue is aborted. */
struct part {
	struct queue *watched;
	bool waits;
	enum err_kind kind;
};

static bool
part_run(void *arg, unsigned worker, struct err *err)
{
	struct part *part = arg;

	(void)worker;
	if (part->waits)
		assert_null(queue_pop(part->watched));
	if (part->kind == ERR_NONE)
		return true;
	return err_set(err, part->kind, "%s",
	    part->waits ? "second" : "first");
}

static bool
run_parts(enum err_kind first, enum err_kind second, struct err *err)
{
	struct queue *q = queue_new(1, 1, free_number);
	struct part parts[2] = {
		{ q, false, first }, { q, first != ERR_NONE, second }
	};
	struct pipeline *p = pipeline_new();
	struct pipeline_stage stage = { "part", 1, part_run, NULL, NULL };
	bool ok;
	size_t i;

	for (i = 0; i < 2; i++) {
		stage.arg = &parts[i];
		assert_true(pipeline_add(p, &stage));
	}
	assert_true(pipeline_watch_queue(p, q));
	err_clear(err);
	ok = pipeline_run(p, err);
	assert_int_equal(queue_aborted(q), !ok && !cancel_requested());
	pipeline_free(p);
	queue_free(q);
	return ok;
}

static void
cancelled_never_hides_an_error(void **state)
{
	struct err err;

	(void)state;
	assert_false(run_parts(ERR_CANCELLED, ERR_DISK, &err));
	assert_int_equal(err.kind, ERR_DISK);
	assert_string_equal(err.message, "second");
	assert_false(run_parts(ERR_DISK, ERR_CANCELLED, &err));
	assert_int_equal(err.kind, ERR_DISK);
	assert_false(run_parts(ERR_DISK, ERR_AUTH, &err));
	assert_int_equal(err.kind, ERR_DISK);
	assert_string_equal(err.message, "first");
	assert_false(run_parts(ERR_CANCELLED, ERR_NONE, &err));
	assert_int_equal(err.kind, ERR_CANCELLED);
	assert_true(run_parts(ERR_NONE, ERR_NONE, &err));
}

static void
a_stop_is_reported(void **state)
{
	struct err err;
	bool ok;

	(void)state;
	cancel_request();
	ok = run_parts(ERR_NONE, ERR_NONE, &err);
	cancel_reset();
	assert_false(ok);
	assert_int_equal(err.kind, ERR_CANCELLED);
	assert_string_not_equal(err.hint, "");
}

static void
has_limits(void **state)
{
	struct pipeline *p = pipeline_new();
	struct pipeline_stage stage = { "many", 257, sink_run, NULL, NULL };
	int stages = 0;

	(void)state;
	assert_false(pipeline_add(p, &stage));
	stage.threads = 1;
	while (stages < 100 && pipeline_add(p, &stage))
		stages++;
	assert_true(stages >= 4 && stages < 100);
	pipeline_free(p);
	pipeline_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(runs_to_the_end),
		cmocka_unit_test(first_real_error_wins),
		cmocka_unit_test(cancelled_never_hides_an_error),
		cmocka_unit_test(a_stop_is_reported),
		cmocka_unit_test(has_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
