#include <string.h>

#include "state/journal_replay.h"

static json_t *
part_record(const char *op, const char *ns, size_t i)
{

	return json_pack("{s:s, s:o, s:o}", "op", op, "ns", lines_text(ns),
	    "n", lines_number(i));
}

static json_t *
add_record(const char *ns, size_t i, const struct journal_part *part)
{
	json_t *o = part_record("part", ns, i);

	if ((part->low_len == 0 || json_object_set_new(o, "low",
	    lines_hex(part->low, part->low_len)) == 0) &&
	    (part->high_len == 0 || json_object_set_new(o, "high",
	    lines_hex(part->high, part->high_len)) == 0))
		return o;
	json_decref(o);
	return NULL;
}

static json_t *
done_record(const char *ns, size_t i, const struct journal_part *part)
{
	json_t *o = part_record("done", ns, i), *counters = json_array();
	char digest[DIGEST_HEX_SIZE];
	bool ok = true;
	size_t k;

	digest_hex(part->tally.digest, digest);
	for (k = 0; k < JOURNAL_COUNTERS; k++)
		ok = json_array_append_new(counters,
		    lines_number(part->counters[k])) == 0 && ok;
	ok = json_object_set_new(o, "counters", counters) == 0 && ok;
	ok = json_object_set_new(o, "count",
	    lines_number(part->tally.count)) == 0 && ok;
	ok = json_object_set_new(o, "bytes",
	    lines_number(part->tally.bytes)) == 0 && ok;
	ok = json_object_set_new(o, "digest", json_string(digest)) == 0 && ok;
	if (ok)
		return o;
	json_decref(o);
	return NULL;
}

bool
journal_add_part(struct journal *j, const char *ns,
    const struct journal_part *part, struct err *err)
{
	const struct journal_list *list;
	bool ok;

	pthread_mutex_lock(&j->lock);
	list = journal_find_list(j, ns);
	if (list != NULL && list->complete)
		ok = err_set(err, ERR_INTERNAL, "journal: the partitions of "
		    "%s are complete", ns);
	else
		ok = journal_record(j, add_record(ns, list == NULL ? 0 :
		    list->n, part), err);
	pthread_mutex_unlock(&j->lock);
	return ok && journal_settle(j, false, err);
}

bool
journal_parts_complete(struct journal *j, const char *ns, struct err *err)
{
	bool ok;

	pthread_mutex_lock(&j->lock);
	ok = journal_record(j, json_pack("{s:s, s:o}", "op", "complete", "ns",
	    lines_text(ns)), err);
	pthread_mutex_unlock(&j->lock);
	return ok && journal_settle(j, false, err);
}

bool
journal_has_parts(struct journal *j, const char *ns)
{
	const struct journal_list *list;
	bool has;

	pthread_mutex_lock(&j->lock);
	list = journal_find_list(j, ns);
	has = list != NULL && list->complete;
	pthread_mutex_unlock(&j->lock);
	return has;
}

size_t
journal_count_parts(struct journal *j, const char *ns)
{
	const struct journal_list *list;
	size_t n;

	pthread_mutex_lock(&j->lock);
	list = journal_find_list(j, ns);
	n = list == NULL ? 0 : list->n;
	pthread_mutex_unlock(&j->lock);
	return n;
}

bool
journal_get_part(struct journal *j, const char *ns, size_t i,
    struct journal_part *part)
{
	const struct journal_part *found;

	pthread_mutex_lock(&j->lock);
	if ((found = journal_find_part(j, ns, i)) != NULL)
		*part = *found;
	pthread_mutex_unlock(&j->lock);
	return found != NULL;
}

/* Records something about number i, which must exist. */
static bool
record_known(struct journal *j, const char *ns, size_t i, json_t *object,
    struct err *err)
{
	bool ok;

	pthread_mutex_lock(&j->lock);
	if (journal_find_part(j, ns, i) == NULL) {
		json_decref(object);
		ok = err_set(err, ERR_INTERNAL, "journal: %s has no partition "
		    "%zu", ns, i);
	} else {
		ok = journal_record(j, object, err);
	}
	pthread_mutex_unlock(&j->lock);
	return ok && journal_settle(j, false, err);
}

bool
journal_part_done(struct journal *j, const char *ns, size_t i,
    const struct journal_part *part, struct err *err)
{

	return record_known(j, ns, i, done_record(ns, i, part), err);
}

bool
journal_part_reopen(struct journal *j, const char *ns, size_t i,
    struct err *err)
{

	return record_known(j, ns, i, part_record("reopen", ns, i), err);
}

bool
journal_forget_parts(struct journal *j, const char *ns, struct err *err)
{
	bool ok = true;

	pthread_mutex_lock(&j->lock);
	if (journal_find_list(j, ns) != NULL)
		ok = journal_record(j, json_pack("{s:s, s:o}", "op", "forget",
		    "ns", lines_text(ns)), err);
	pthread_mutex_unlock(&j->lock);
	return ok && journal_settle(j, false, err);
}
