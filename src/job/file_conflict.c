#include <pthread.h>
#include <string.h>

#include "base/buf.h"
#include "job/file_compare.h"
#include "job/file_conflict.h"
#include "job/file_content.h"
#include "job/file_walk.h"

#define NAMED 3
#define NAMES_MAX 1000
#define NAME_SHOWN 200

struct conflicts {
	pthread_mutex_t lock;
	uint64_t n, bytes;
	struct buf names;	/* of the first ones */
};

static bool
found(struct conflicts *c, struct file_worker *w, const struct file_item *item)
{
	struct file_entry *e;

	e = file_index_find(w->pair->index, item->key, strlen(item->key));
	if (e != NULL)
		e->kept = true;
	pthread_mutex_lock(&c->lock);
	if (c->n < NAMED)
		buf_printf(&c->names, "%s%.*s", c->n > 0 ? ", " : "",
		    NAME_SHOWN, item->key);
	c->n++;
	c->bytes += item->size;
	pthread_mutex_unlock(&c->lock);
	return true;
}

/* What cannot be read of the snapshot is told when it is to be sent. */
static bool
judge(struct file_worker *w, const struct file_item *item, struct err *err)
{
	struct conflicts *c = w->files->arg;
	const struct file_entry *there;
	uint8_t sha256[HASH_SHA256_SIZE];
	struct file_content content;
	uint64_t size;
	bool ok = true;

	progress_item_add(w->pair->progress, 1, item->size);
	there = file_index_find(w->pair->there, item->key, strlen(item->key));
	if (there == NULL)
		return true;
	/* As a restore leaves it. */
	if (store_is_local(w->pair->target) && there->size == item->size &&
	    item->mtime_ns != 0 && there->mtime_ns == item->mtime_ns)
		return true;
	if (!file_content_open(&content, w, item, err))
		return content.source_failed;
	if (there->size != content.body.size) {
		ok = found(c, w, item);
	} else if (!file_content_hash_object(w->target, item->key, sha256,
	    &size, err)) {
		ok = err->kind == ERR_NOT_FOUND ||
		    (err->kind == ERR_DAMAGED && found(c, w, item));
	} else if (memcmp(sha256, content.sha256, sizeof(sha256)) != 0) {
		ok = found(c, w, item);
	}
	file_content_close(&content);
	return ok;
}

static bool
look(struct files *f, struct file_pair *pair, struct err *err)
{
	bool ok;

	if (!file_compare_list(pair, err))
		return false;
	if (pair->target == NULL || file_index_count(pair->there) == 0)
		return true;
	pair->progress = progress_item_new(f->job->progress, "compare",
	    pair->what->place.to);
	progress_item_total(pair->progress, file_index_count(pair->index),
	    pair->bytes);
	ok = file_walk(f, pair, judge, err);
	progress_item_finish(pair->progress);
	return ok;
}

static bool
settle(struct files *f, struct file_pair *pair, struct conflicts *c,
    struct err *err)
{
	const char *to = pair->what->place.to, *names = buf_str(&c->names);
	const char *more = c->n > NAMED ? " …" : "";
	unsigned long long n = c->n;

	if (f->job->options->on_conflict == SPACEFERRY_SKIP) {
		report_note(&f->job->report, "kept", "--on-conflict replace puts "
		    "those of the snapshot there", "%llu %s kept in %s, with "
		    "other contents than in the snapshot: %s%s", n,
		    n == 1 ? "file was" : "files were", to, names, more);
		pair->kept = c->n;
		pair->bytes -= c->bytes;
		return true;
	}
	err_set(err, ERR_CONFLICT, "%llu %s in %s already, with other "
	    "contents: %s%s", n, n == 1 ? "file is" : "files are", to, names,
	    more);
	return err_hint(err, "--on-conflict skip keeps them, --on-conflict "
	    "replace overwrites them; or restore to another place");
}

static bool
check_pair(struct files *f, struct file_pair *pair, struct err *err)
{
	struct conflicts c = { .n = 0 };
	bool ok;

	pthread_mutex_init(&c.lock, NULL);
	buf_init(&c.names, NAMES_MAX);
	f->arg = &c;
	ok = look(f, pair, err) && (c.n == 0 || settle(f, pair, &c, err));
	f->arg = NULL;
	buf_free(&c.names);
	pthread_mutex_destroy(&c.lock);
	return ok;
}

bool
file_conflict_check(struct files *f, struct err *err)
{
	const struct spaceferry_options *o = f->job->options;
	size_t i;

	if (f->job->snapshot == NULL || o->drop ||
	    o->on_conflict == SPACEFERRY_REPLACE ||
	    (f->job->resumed && o->on_conflict == SPACEFERRY_ABORT))
		return true;
	for (i = 0; i < f->n; i++) {
		if (!check_pair(f, &f->v[i], err))
			return false;
	}
	return true;
}
