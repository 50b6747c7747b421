#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/cancel.h"
#include "base/log.h"
#include "mongo/patient.h"

/* Most commands are done at once: looks grow from 1 ms to 100 ms. */
#define FIRST_LOOK_NS 1000000L
#define LAST_LOOK_NS 100000000L
#define KILL_EVERY 20		/* looks: once in two seconds */

struct patient {
	struct mongo_session *beside;	/* where killOp goes */
	struct mongo_session session;	/* the connection of its own */
};

/* One command, run in a thread. */
struct work {
	struct mongo_session *session;
	const struct session_call *call;
	atomic_bool done;
	bool ok;
	struct err err;
};

struct patient *
patient_new(struct mongo_session *s, struct err *err)
{
	struct patient *p;

	if ((p = calloc(1, sizeof(*p))) == NULL) {
		err_nomem(err, "connection");
		return NULL;
	}
	p->beside = s;
	p->session.server = s->server;
	if ((p->session.client = session_dial(s->server, false, err)) == NULL) {
		free(p);
		return NULL;
	}
	return p;
}

void
patient_free(struct patient *p)
{

	if (p == NULL)
		return;
	mongoc_client_destroy(p->session.client);
	free(p);
}

static void *
work(void *arg)
{
	struct work *w = arg;
	bson_t reply;

	w->ok = session_run(w->session, w->call, &reply, &w->err);
	bson_destroy(&reply);
	atomic_store(&w->done, true);
	return NULL;
}

static void
kill_one(struct mongo_session *s, const bson_t *op)
{
	bson_t cmd, reply;
	struct session_call call = {
		.db = "admin", .command = &cmd, .what = "killOp",
	};
	struct err ignored;
	bson_iter_t it;

	if (!bson_iter_init_find(&it, op, "opid"))
		return;
	bson_init(&cmd);
	BSON_APPEND_INT32(&cmd, "killOp", 1);
	bson_append_iter(&cmd, "op", -1, &it);
	if (!session_once(s, &call, &reply, &ignored))
		log_debug("%s", ignored.message);
	bson_destroy(&reply);
	bson_destroy(&cmd);
}

/* {aggregate: 1, pipeline: [{$currentOp: {}}, {$match: …}]}: without allUsers
 * everyone may see, and kill, what is one's own. */
static void
build_look_up(const struct patient_target *t, bson_t *cmd)
{
	bson_t pipeline, stage, inner;
	char field[64];

	snprintf(field, sizeof(field), "command.%s", t->field);
	BSON_APPEND_INT32(cmd, "aggregate", 1);
	BSON_APPEND_ARRAY_BEGIN(cmd, "pipeline", &pipeline);
	BSON_APPEND_DOCUMENT_BEGIN(&pipeline, "0", &stage);
	BSON_APPEND_DOCUMENT_BEGIN(&stage, "$currentOp", &inner);
	bson_append_document_end(&stage, &inner);
	bson_append_document_end(&pipeline, &stage);
	BSON_APPEND_DOCUMENT_BEGIN(&pipeline, "1", &stage);
	BSON_APPEND_DOCUMENT_BEGIN(&stage, "$match", &inner);
	BSON_APPEND_UTF8(&inner, field, t->coll);
	BSON_APPEND_UTF8(&inner, "command.$db", t->db);
	bson_append_document_end(&stage, &inner);
	bson_append_document_end(&pipeline, &stage);
	bson_append_array_end(cmd, &pipeline);
	BSON_APPEND_DOCUMENT_BEGIN(cmd, "cursor", &inner);
	bson_append_document_end(cmd, &inner);
}

static void
kill_on_server(struct mongo_session *s, const struct patient_target *t)
{
	bson_t cmd, reply, op;
	struct session_call call = {
		.db = "admin", .command = &cmd, .what = "look for the command",
	};
	struct err ignored;
	bson_iter_t ops;
	const uint8_t *data;
	uint32_t len;
	int64_t id;

	bson_init(&cmd);
	build_look_up(t, &cmd);
	if (!session_once(s, &call, &reply, &ignored))
		log_debug("%s", ignored.message);
	else if (session_batch(&reply, &id, &ops)) {
		while (bson_iter_next(&ops)) {
			if (!BSON_ITER_HOLDS_DOCUMENT(&ops))
				continue;
			bson_iter_document(&ops, &len, &data);
			if (bson_init_static(&op, data, len))
				kill_one(s, &op);
		}
	}
	bson_destroy(&reply);
	bson_destroy(&cmd);
}

bool
patient_run(struct patient *p, const struct session_call *c,
    const struct patient_target *target, struct err *err)
{
	struct work w = { .session = &p->session, .call = c };
	struct timespec look = { .tv_nsec = FIRST_LOOK_NS };
	pthread_t thread;
	unsigned looks = 0;
	bool killed = false;

	atomic_init(&w.done, false);
	err_clear(&w.err);
	if (pthread_create(&thread, NULL, work, &w) != 0)
		return err_nomem(err, "thread");
	while (!atomic_load(&w.done)) {
		nanosleep(&look, NULL);
		if (look.tv_nsec < LAST_LOOK_NS)
			look.tv_nsec *= 2;
		if (!cancel_requested())
			continue;
		if (looks++ % KILL_EVERY == 0) {
			kill_on_server(p->beside, target);
			killed = true;
		}
	}
	pthread_join(thread, NULL);
	if (w.ok)
		return true;
	if (killed)
		return cancel_err(err);
	*err = w.err;
	return false;
}
