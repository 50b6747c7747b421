#include <stdlib.h>
#include <string.h>

#include "bson/docignore.h"
#include "bson/docpaths.h"
#include "bson/walk.h"

struct docignore {
	struct docpaths paths;
};

/* One open document, array or scope. */
struct level {
	const uint8_t *end;	/* its terminator */
	size_t at;		/* where its length will stand in the output; */
	size_t code_at;		/* that of the code around a scope, else 0 */
	size_t names;		/* how many of strip.names lead to it */
	size_t taken;		/* strip.taken when it was entered */
	bool array;
	bool whole;		/* nothing in it is ignored */
};

struct strip {
	const struct docpaths *paths;
	struct buf *out;
	const uint8_t *from;	/* up to here doc is written or taken out */
	size_t taken;		/* fields */
	size_t depth;		/* open levels */
	struct level levels[WALK_DEPTH_MAX];
	const char *names[WALK_DEPTH_MAX];
};

/* An entry that names the top-level _id; '*' does not. */
static bool
names_id(const char *entry)
{
	const char *path = strchr(entry, ':');

	return path != NULL && strncmp(path + 1, "_id", 3) == 0 &&
	    (path[4] == '\0' || path[4] == '.');
}

struct docignore *
docignore_new(const struct strings *list, const char *ns, struct err *err)
{
	struct docignore *ignore;
	size_t i;

	for (i = 0; list != NULL && i < list->n; i++) {
		if (names_id(list->v[i])) {
			err_set(err, ERR_USAGE, "--ignore %s: documents are "
			    "told apart by their _id", list->v[i]);
			err_hint(err, "leave the entry out");
			return NULL;
		}
	}
	if ((ignore = calloc(1, sizeof(*ignore))) == NULL) {
		err_nomem(err, "ignored fields");
		return NULL;
	}
	if (!docpaths_init(&ignore->paths, list, "--ignore", ns, err)) {
		free(ignore);
		return NULL;
	}
	return ignore;
}

void
docignore_free(struct docignore *ignore)
{

	if (ignore == NULL)
		return;
	docpaths_free(&ignore->paths);
	free(ignore);
}

bool
docignore_any(const struct docignore *ignore)
{

	return ignore->paths.n > 0;
}

/* Writes what of the document stands before to. */
static bool
copy_up_to(struct strip *s, const uint8_t *to)
{

	if (!buf_append(s->out, s->from, (size_t)(to - s->from)))
		return false;
	s->from = to;
	return true;
}

/* Where the byte at p, which is not written yet, will stand in the output. */
static size_t
place_of(const struct strip *s, const uint8_t *p)
{

	return s->out->len + (size_t)(p - s->from);
}

static void
mend_length(struct strip *s, size_t at)
{
	size_t n = s->out->len - at;
	uint8_t *length = s->out->data + at;

	length[0] = (uint8_t)n;
	length[1] = (uint8_t)(n >> 8);
	length[2] = (uint8_t)(n >> 16);
	length[3] = (uint8_t)(n >> 24);
}

/* The innermost level ends. */
static bool
leave(struct strip *s)
{
	const struct level *lv = &s->levels[--s->depth];

	if (s->taken == lv->taken)
		return true;
	if (!copy_up_to(s, lv->end + 1))
		return false;
	mend_length(s, lv->at);
	if (lv->code_at != 0)
		mend_length(s, lv->code_at);
	return true;
}

/* Enters the document in e, an element of lv; *next becomes its first. */
static bool
enter(struct strip *s, const struct level *lv, const struct walk_element *e,
    const uint8_t **next)
{
	struct level *new;
	bool id;

	if (s->depth == WALK_DEPTH_MAX)
		return false;
	id = s->depth == 1 && strcmp(e->key, "_id") == 0;
	if (!lv->array)
		s->names[lv->names] = e->key;
	new = &s->levels[s->depth++];
	*new = (struct level){
		.at = place_of(s, e->doc),
		.names = lv->names + (lv->array ? 0 : 1),
		.taken = s->taken,
		.array = e->type == WALK_ARRAY,
		.whole = lv->whole || id,
	};
	if (e->type == WALK_CODE_WITH_SCOPE)
		new->code_at = place_of(s, e->value);
	return walk_open(e->doc, e->doc_len, next, &new->end);
}

/* Whether e, an element of the innermost level lv, is ignored. */
static bool
is_ignored(const struct strip *s, const struct level *lv,
    const struct walk_element *e)
{

	if (lv->whole || lv->array ||
	    (s->depth == 1 && strcmp(e->key, "_id") == 0))
		return false;
	return docpaths_cover(s->paths, s->names, lv->names, e->key);
}

static bool
strip_all(struct strip *s, const uint8_t *next)
{
	struct walk_element e;

	while (s->depth > 0) {
		const struct level *lv = &s->levels[s->depth - 1];

		if (next == lv->end) {
			next = lv->end + 1;
			if (!leave(s))
				return false;
			continue;
		}
		if (!walk_next(next, lv->end, &e))
			return false;
		next = e.value + e.value_len;
		if (is_ignored(s, lv, &e)) {
			if (!copy_up_to(s, e.start))
				return false;
			s->from = next;
			s->taken++;
		} else if (e.doc != NULL && !enter(s, lv, &e, &next)) {
			return false;
		}
	}
	return true;
}

bool
docignore_strip(const struct docignore *ignore, const uint8_t *doc, size_t len,
    struct buf *out, bool *stripped)
{
	size_t before = out->len;
	const uint8_t *first;
	struct strip s;		/* large: its arrays are not cleared */

	*stripped = false;
	s.paths = &ignore->paths;
	s.out = out;
	s.from = doc;
	s.taken = 0;
	s.depth = 1;
	s.levels[0] = (struct level){ .at = before };
	if (!walk_open(doc, len, &first, &s.levels[0].end))
		return false;
	if (!strip_all(&s, first) || !copy_up_to(&s, doc + len)) {
		buf_truncate(out, before);
		return false;
	}
	*stripped = s.taken > 0;
	return true;
}
