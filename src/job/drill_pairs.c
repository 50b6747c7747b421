#include <stdlib.h>

#include "job/drill.h"
#include "job/drill_pairs.h"

#define SLACK 65536		/* pairs: the side may grow meanwhile */

bool
drill_pairs_reserve(struct drill_pairs *p, uint64_t n)
{

	p->n = 0;
	p->cap = (size_t)(n + n / 8 + 64);
	p->max = p->cap + (size_t)n + SLACK;
	free(p->v);
	p->v = malloc(p->cap * sizeof(*p->v));
	return p->v != NULL;
}

void
drill_pairs_free(struct drill_pairs *p)
{

	free(p->v);
}

static bool
grow(struct drill_pairs *p)
{
	size_t cap = 2 * p->cap < p->max ? 2 * p->cap : p->max;
	struct drill_pair *v;

	if (cap == p->cap ||
	    (v = realloc(p->v, cap * sizeof(*v))) == NULL)
		return false;
	p->v = v;
	p->cap = cap;
	return true;
}

bool
drill_pairs_add(struct drill_pairs *p, struct digest id, struct digest doc)
{

	if (p->n == p->cap && !grow(p))
		return false;
	p->v[p->n++] = (struct drill_pair){ .id = id, .doc = doc };
	return true;
}

static int
compare_pairs(const void *a, const void *b)
{
	const struct drill_pair *x = a, *y = b;
	int c = digest_compare(x->id, y->id);

	return c != 0 ? c : digest_compare(x->doc, y->doc);
}

/* The end of those with the _id of i. */
static size_t
end_of(const struct drill_pairs *p, size_t i)
{
	size_t j = i;

	while (j < p->n && digest_compare(p->v[j].id, p->v[i].id) == 0)
		j++;
	return j;
}

static void
judge_all(struct drill_pairs *p, size_t from, size_t to, enum drill_verdict verdict)
{

	for (; from < to; from++)
		p->v[from].verdict = (uint8_t)verdict;
}

/* Those of one _id on both sides: equal ones first, the others in their order,
 * so that a measurement that is missing makes no other one differ. */
static void
judge_group(struct drill_pairs *s, size_t i, size_t i_end, struct drill_pairs *t,
    size_t j, size_t j_end)
{
	size_t a = i, b = j, left_s = i_end - i, left_t = j_end - j, pair;

	judge_all(s, i, i_end, DRILL_MISSING);
	judge_all(t, j, j_end, DRILL_EXTRA);
	while (a < i_end && b < j_end) {
		int c = digest_compare(s->v[a].doc, t->v[b].doc);

		if (c == 0) {
			s->v[a].verdict = t->v[b].verdict = DRILL_SAME;
			left_s--;
			left_t--;
		}
		a += c <= 0;
		b += c >= 0;
	}
	pair = left_s < left_t ? left_s : left_t;
	for (a = i; pair > 0; a++) {
		if (s->v[a].verdict != DRILL_MISSING)
			continue;
		while (t->v[j].verdict != DRILL_EXTRA)
			j++;
		s->v[a].verdict = t->v[j].verdict = DRILL_DIFFERENT;
		pair--;
	}
}

void
drill_pairs_join(struct drill_pairs *s, struct drill_pairs *t)
{
	size_t i = 0, j = 0, i_end, j_end;

	qsort(s->v, s->n, sizeof(*s->v), compare_pairs);
	qsort(t->v, t->n, sizeof(*t->v), compare_pairs);
	while (i < s->n || j < t->n) {
		int c = i == s->n ? 1 : j == t->n ? -1 :
		    digest_compare(s->v[i].id, t->v[j].id);

		i_end = c <= 0 ? end_of(s, i) : i;
		j_end = c >= 0 ? end_of(t, j) : j;
		judge_group(s, i, i_end, t, j, j_end);
		i = i_end;
		j = j_end;
	}
}

void
drill_pairs_rewind(struct drill_pairs *p)
{
	size_t i;

	for (i = 0; i < p->n; i++)
		p->v[i].met = false;
}

/* The first place whose pair is not before key, or is behind it. */
static size_t
place_of(const struct drill_pairs *p, const struct drill_pair *key, bool behind)
{
	size_t low = 0, high = p->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int c = compare_pairs(&p->v[mid], key);

		if (c < 0 || (c == 0 && behind))
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* Among equal pairs those that were met stand first. */
static struct drill_pair *
take_equal(struct drill_pairs *p, const struct drill_pair *key)
{
	size_t low = place_of(p, key, false), high = place_of(p, key, true);
	size_t end = high;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (p->v[mid].met)
			low = mid + 1;
		else
			high = mid;
	}
	return low < end ? &p->v[low] : NULL;
}

/* The document was changed since: any that has its _id. */
static struct drill_pair *
take_changed(struct drill_pairs *p, struct digest id)
{
	struct drill_pair least = { .id = id };
	size_t at = place_of(p, &least, false);

	for (; at < p->n && digest_equal(p->v[at].id, id); at++) {
		if (!p->v[at].met)
			return &p->v[at];
	}
	return NULL;
}

struct drill_pair *
drill_pairs_take(struct drill_pairs *p, struct digest id, struct digest doc)
{
	struct drill_pair key = { .id = id, .doc = doc }, *found;

	if ((found = take_equal(p, &key)) == NULL)
		found = take_changed(p, id);
	if (found != NULL)
		found->met = true;
	return found;
}

uint64_t
drill_pairs_untold(const struct drill_pairs *p, bool is_source)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < p->n; i++) {
		const struct drill_pair *v = &p->v[i];

		n += !v->told && v->verdict != DRILL_SAME &&
		    (is_source || v->verdict == DRILL_EXTRA);
	}
	return n;
}
