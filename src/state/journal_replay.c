#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "state/journal_replay.h"

struct journal_bytes {
	struct journal_bytes *next;
	uint8_t data[];
};

struct journal_list *
journal_find_list(struct journal *j, const char *ns)
{
	const json_t *number = json_object_get(j->index, ns);

	return number == NULL ? NULL : &j->lists[json_integer_value(number)];
}

struct journal_part *
journal_find_part(struct journal *j, const char *ns, size_t i)
{
	struct journal_list *list = journal_find_list(j, ns);

	return list == NULL || i >= list->n ? NULL : &list->parts[i];
}

/* Makes room for one more element; false when memory is out. */
static bool
grow(void *array, size_t *cap, size_t n, size_t size)
{
	void **p = array, *bigger;
	size_t want;

	if (n < *cap)
		return true;
	want = *cap == 0 ? 8 : 2 * *cap;
	if ((bigger = reallocarray(*p, want, size)) == NULL)
		return false;
	*p = bigger;
	*cap = want;
	return true;
}

/* The list of ns, made if missing; NULL when memory is out. */
static struct journal_list *
list_of(struct journal *j, const char *ns)
{
	struct journal_list *list = journal_find_list(j, ns);

	if (list != NULL)
		return list;
	if (!grow(&j->lists, &j->cap_lists, j->n_lists, sizeof(*list)) ||
	    json_object_set_new_nocheck(j->index, ns,
	    json_integer((json_int_t)j->n_lists)) != 0)
		return NULL;
	list = &j->lists[j->n_lists++];
	memset(list, 0, sizeof(*list));
	return list;
}

static bool
replay_put(struct journal *j, const json_t *record, struct err *err)
{
	char *name = NULL, *value = NULL;
	bool ok = false;

	if (!lines_get_text(record, "name", &name, err) ||
	    !lines_get_text(record, "value", &value, err))
		goto out;
	ok = json_object_set_new_nocheck(j->facts, name,
	    json_string_nocheck(value)) == 0 || err_nomem(err, "journal");
out:
	free(name);
	free(value);
	return ok;
}

/* low and high, from hex into one block that lives as long as the journal. */
static bool
read_bounds(struct journal *j, const json_t *record, struct journal_part *part,
    struct err *err)
{
	const json_t *low = json_object_get(record, "low");
	const json_t *high = json_object_get(record, "high");
	size_t low_len = json_string_length(low) / 2;
	size_t high_len = json_string_length(high) / 2;
	struct journal_bytes *b;

	if (low_len + high_len == 0)
		return true;
	if ((b = malloc(sizeof(*b) + low_len + high_len)) == NULL)
		return err_nomem(err, "journal");
	b->next = j->bytes;
	j->bytes = b;
	if ((low_len > 0 && !hash_unhex(json_string_value(low), b->data,
	    low_len)) || (high_len > 0 && !hash_unhex(json_string_value(high),
	    b->data + low_len, high_len)))
		return err_set(err, ERR_DAMAGED, "bounds are not hex");
	if (low_len > 0)
		part->low = b->data;
	if (high_len > 0)
		part->high = b->data + low_len;
	part->low_len = low_len;
	part->high_len = high_len;
	return true;
}

static bool
replay_part(struct journal *j, struct journal_list *list, const json_t *record,
    struct err *err)
{
	struct journal_part part = {0};
	uint64_t n;

	if (!lines_get_number(record, "n", &n, err))
		return false;
	if (n == 0 && !list->complete)
		list->n = 0;
	if (list->complete || n != list->n)
		return err_set(err, ERR_DAMAGED, "partition out of order");
	if (!grow(&list->parts, &list->cap, list->n, sizeof(part)))
		return err_nomem(err, "journal");
	if (!read_bounds(j, record, &part, err))
		return false;
	list->parts[list->n++] = part;
	return true;
}

static bool
read_counters(const json_t *record, struct journal_part *part, struct err *err)
{
	const json_t *counters = json_object_get(record, "counters");
	size_t i;

	if (json_array_size(counters) != JOURNAL_COUNTERS)
		return err_set(err, ERR_DAMAGED, "no \"counters\"");
	for (i = 0; i < JOURNAL_COUNTERS; i++)
		part->counters[i] = (uint64_t)json_integer_value(
		    json_array_get(counters, i));
	return true;
}

static bool
replay_done(struct journal_part *part, const json_t *record, struct err *err)
{
	const char *digest;
	struct tally tally;

	if (!lines_get_number(record, "count", &tally.count, err) ||
	    !lines_get_number(record, "bytes", &tally.bytes, err) ||
	    !read_counters(record, part, err))
		return false;
	digest = json_string_value(json_object_get(record, "digest"));
	if (digest == NULL || !digest_unhex(digest, &tally.digest))
		return err_set(err, ERR_DAMAGED, "no \"digest\"");
	part->tally = tally;
	part->done = true;
	return true;
}

static void
reopen(struct journal_part *part)
{

	part->done = false;
	memset(&part->tally, 0, sizeof(part->tally));
	memset(part->counters, 0, sizeof(part->counters));
}

/* Records about the list of one namespace. */
static bool
replay_list(struct journal_list *list, const char *op, const json_t *record,
    struct err *err)
{
	uint64_t n;

	if (strcmp(op, "complete") == 0) {
		list->complete = true;
		return true;
	}
	if (strcmp(op, "forget") == 0) {
		list->complete = false;
		list->n = 0;
		return true;
	}
	if (!lines_get_number(record, "n", &n, err))
		return false;
	if (n >= list->n)
		return err_set(err, ERR_DAMAGED, "no such partition");
	if (strcmp(op, "done") == 0)
		return replay_done(&list->parts[n], record, err);
	if (strcmp(op, "reopen") == 0) {
		reopen(&list->parts[n]);
		return true;
	}
	return err_set(err, ERR_DAMAGED, "an unknown record");
}

bool
journal_replay(struct journal *j, const json_t *record, struct err *err)
{
	const char *op = json_string_value(json_object_get(record, "op"));
	struct journal_list *list;
	char *ns;

	if (op == NULL)
		return err_set(err, ERR_DAMAGED, "no \"op\"");
	if (strcmp(op, "put") == 0)
		return replay_put(j, record, err);
	if (!lines_get_text(record, "ns", &ns, err))
		return false;
	list = list_of(j, ns);
	free(ns);
	if (list == NULL)
		return err_nomem(err, "journal");
	if (strcmp(op, "part") == 0)
		return replay_part(j, list, record, err);
	return replay_list(list, op, record, err);
}

void
journal_replay_end(struct journal *j)
{
	size_t i;

	for (i = 0; i < j->n_lists; i++) {
		if (!j->lists[i].complete)
			j->lists[i].n = 0;
	}
}

void
journal_replay_free(struct journal *j)
{
	struct journal_bytes *b;
	size_t i;

	for (i = 0; i < j->n_lists; i++)
		free(j->lists[i].parts);
	free(j->lists);
	while ((b = j->bytes) != NULL) {
		j->bytes = b->next;
		free(b);
	}
	json_decref(j->facts);
	json_decref(j->index);
}
