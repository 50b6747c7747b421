#include <stdlib.h>
#include <string.h>

#include "match/charclass.h"
#include "match/scan.h"
#include "match/scan_tables.h"

#define BUCKETS 8
#define REACH 24		/* a window begins at most this far into a pattern */

struct scan {
	struct scan_tables tables;
	scan_blocks_fn *blocks;
	struct scan_pattern *pattern;
	size_t n;
	struct window *order;	/* sorted by bucket */
	size_t bucket[BUCKETS + 1];	/* where each bucket begins in order */
	size_t reach;		/* how far into a pattern a window begins */
};

/* A pattern's window. */
struct window {
	size_t pattern;
	ptrdiff_t at;		/* where it begins: -1 is one byte before */
	/* Its bytes, as far as they are fixed: (byte & mask) == want. */
	uint8_t mask[SCAN_WINDOW], want[SCAN_WINDOW];
};

/* Printable ASCII from frequent to rare in web pages, JSON and base64; where
 * a byte stands is how much it tells.  'w' and 'h' are early because of "www."
 * and "http". */
static const char common[] = " etaoinsrlhdcumpwgf/yb.v\"<>=k-:TASCIPEMD1024"
    "x35NRLOFBH;&,GUW678V9j_KYqzJXQZ#()%{}[]'+!?*@|$~^\\`";

static size_t
rarity(uint8_t byte)
{
	const char *p;

	if (byte == '\0' || (p = strchr(common, byte)) == NULL)
		return sizeof(common);
	return (size_t)(p - common) + 1;
}

static bool
may_end_slash(uint8_t byte)
{

	return byte == '/' || byte == 'F' || byte == 'f' || byte == ';';
}

static bool
may_begin_slash(uint8_t byte)
{

	return byte == '/' || byte == '\\' || byte == '%' || byte == '&';
}

/* A pattern's places are its bytes, one before if it asks for one, and one
 * behind; place 0 is the first byte, so the one before is -1. */
static bool
has_before(const struct scan_pattern *p)
{

	return p->label_before || p->slash_before;
}

/* May the pattern have this byte at this place?  Any byte will do behind it. */
static bool
may_have(const struct scan_pattern *p, ptrdiff_t place, uint8_t byte)
{

	if (place < 0)
		return p->label_before ? charclass_label(byte) :
		    may_end_slash(byte);
	if ((size_t)place < p->len)
		return (uint8_t)p->bytes[place] ==
		    (p->fold ? charclass_lower(byte) : byte);
	return !p->slash_after || (size_t)place > p->len ||
	    may_begin_slash(byte);
}

/* How much a place of the pattern tells about it. */
static size_t
telling(const struct scan_pattern *p, ptrdiff_t place)
{

	if (place < 0)
		return p->label_before ? 1 : rarity('/');
	if ((size_t)place < p->len)
		return rarity((uint8_t)p->bytes[place]);
	return p->slash_after && (size_t)place == p->len ? rarity('/') : 0;
}

/* Where the pattern's most telling window begins.  Ranks stand for logarithms
 * of frequencies, so they are added. */
static ptrdiff_t
choose_window(const struct scan_pattern *p)
{
	ptrdiff_t at, best, k;
	size_t sum, best_sum = 0;

	at = best = has_before(p) ? -1 : 0;
	for (; at <= REACH && (at < 0 || (size_t)at < p->len); at++) {
		for (sum = 0, k = 0; k < SCAN_WINDOW; k++)
			sum += telling(p, at + k);
		if (sum > best_sum) {
			best_sum = sum;
			best = at;
		}
	}
	return best;
}

static void
set_window(struct window *w, const struct scan_pattern *p, size_t number)
{
	ptrdiff_t place;
	uint8_t byte;
	size_t k;

	w->pattern = number;
	w->at = choose_window(p);
	for (k = 0; k < SCAN_WINDOW; k++) {
		place = w->at + (ptrdiff_t)k;
		if (place < 0 || (size_t)place >= p->len)
			continue;
		byte = (uint8_t)p->bytes[place];
		/* A letter's case is in one bit. */
		w->mask[k] = p->fold && byte >= 'a' && byte <= 'z' ? 0xDF : 0xFF;
		w->want[k] = byte & w->mask[k];
	}
}

static int
by_bytes(const void *a, const void *b)
{
	const struct window *x = a, *y = b;
	int order;

	order = memcmp(x->want, y->want, SCAN_WINDOW);
	if (order != 0)
		return order;
	return x->pattern < y->pattern ? -1 : x->pattern > y->pattern;
}

static void
fill_tables(struct scan_tables *t, const struct scan_pattern *p,
    ptrdiff_t window, uint8_t bit)
{
	unsigned byte;
	size_t k;

	for (k = 0; k < SCAN_WINDOW; k++)
		for (byte = 0; byte < 256; byte++)
			if (may_have(p, window + (ptrdiff_t)k, (uint8_t)byte)) {
				t->byte[k][byte] |= bit;
				t->low[k][byte & 15] |= bit;
				t->high[k][byte >> 4] |= bit;
			}
}

struct scan *
scan_new(const struct scan_pattern *patterns, size_t n)
{
	const struct scan_method *methods;

	scan_blocks_methods(&methods);
	return scan_new_with(patterns, n, methods);
}

struct scan *
scan_new_with(const struct scan_pattern *patterns, size_t n,
    const struct scan_method *method)
{
	struct scan *s;
	size_t i, b;

	if ((s = calloc(1, sizeof(*s))) == NULL)
		goto fail;
	if ((s->pattern = calloc(n + 1, sizeof(*s->pattern))) == NULL)
		goto fail_s;
	if ((s->order = calloc(n + 1, sizeof(*s->order))) == NULL)
		goto fail_pattern;
	s->n = n;
	s->blocks = method->blocks;
	for (i = 0; i < n; i++) {
		s->pattern[i] = patterns[i];
		set_window(&s->order[i], &patterns[i], i);
		if (s->order[i].at > (ptrdiff_t)s->reach)
			s->reach = (size_t)s->order[i].at;
	}
	/* Neighbours in this order share half bytes: fewer false alarms. */
	qsort(s->order, n, sizeof(*s->order), by_bytes);
	for (b = 0; b < BUCKETS; b++) {
		s->bucket[b] = b * n / BUCKETS;
		for (i = s->bucket[b]; i < (b + 1) * n / BUCKETS; i++)
			fill_tables(&s->tables, &s->pattern[s->order[i].pattern],
			    s->order[i].at, (uint8_t)(1u << b));
	}
	s->bucket[BUCKETS] = n;
	return s;

fail_pattern:
	free(s->pattern);
fail_s:
	free(s);
fail:
	return NULL;
}

void
scan_free(struct scan *s)
{

	if (s == NULL)
		return;
	free(s->order);
	free(s->pattern);
	free(s);
}

bool
scan_at(const struct scan *s, size_t i, const char *text, size_t len,
    size_t pos)
{
	const struct scan_pattern *p = &s->pattern[i];
	size_t k;

	if (len - pos < p->len)
		return false;
	if (p->fold) {
		for (k = 0; k < p->len; k++)
			if ((char)charclass_lower((uint8_t)text[pos + k]) !=
			    p->bytes[k])
				return false;
	} else if (memcmp(text + pos, p->bytes, p->len) != 0)
		return false;
	if (has_before(p) &&
	    (pos == 0 || !may_have(p, -1, (uint8_t)text[pos - 1])))
		return false;
	pos += p->len;
	return !p->slash_after || (pos < len && may_begin_slash((uint8_t)text[pos]));
}

/* Which buckets may have the window at; places behind the end have no say. */
static uint8_t
buckets_at(const struct scan_tables *t, const uint8_t *text, size_t len,
    size_t at)
{
	uint8_t bits = UINT8_MAX;
	size_t k;

	for (k = 0; k < SCAN_WINDOW && at + k < len; k++)
		bits &= t->byte[k][text[at + k]];
	return bits;
}

/* The first window >= at with its buckets in *bits; len if there is none. */
static size_t
next_window(const struct scan *s, const uint8_t *text, size_t len, size_t at,
    uint8_t *bits)
{
	uint8_t tail[2 * SCAN_BLOCK + SCAN_WINDOW];
	size_t left;

	for (;; at++) {
		/* Windows that lie wholly in the text, a block at a time. */
		if (len >= SCAN_WINDOW - 1 && at < len - (SCAN_WINDOW - 1))
			at = s->blocks(&s->tables, text, at,
			    len - (SCAN_WINDOW - 1));
		left = len - at;
		if (left < SCAN_BLOCK + SCAN_WINDOW - 1 && left > 0) {
			/* The rest, behind which zeros stand for any byte. */
			memset(tail, 0, sizeof(tail));
			memcpy(tail, text + at, left);
			at += s->blocks(&s->tables, tail, 0, 2 * SCAN_BLOCK);
		}
		if (at >= len)
			return len;
		*bits = buckets_at(&s->tables, text, len, at);
		if (*bits != 0)
			return at;
	}
}

struct haystack {
	const char *text;
	size_t len;
	size_t from;		/* places before it do not count */
};

static inline bool
window_fits(const struct window *w, const struct haystack *h, size_t at)
{
	const uint8_t *s = (const uint8_t *)h->text + at;

	return h->len - at < SCAN_WINDOW || ((s[0] & w->mask[0]) == w->want[0] &&
	    (s[1] & w->mask[1]) == w->want[1] &&
	    (s[2] & w->mask[2]) == w->want[2]);
}

/* The smallest place where a pattern of these buckets stands that has its
 * window at the place given; SCAN_NONE if there is none. */
static size_t
confirm(const struct scan *s, const struct haystack *h, size_t window,
    unsigned bits)
{
	const struct window *w;
	size_t best = SCAN_NONE, place, b, i;

	for (; bits != 0; bits &= bits - 1) {
		b = (size_t)__builtin_ctz(bits);
		for (i = s->bucket[b]; i < s->bucket[b + 1]; i++) {
			w = &s->order[i];
			if (!window_fits(w, h, window))
				continue;
			/* Wraps to a huge number where it does not fit. */
			place = window - (size_t)w->at;
			if (place >= h->from && place < h->len &&
			    place < best &&
			    scan_at(s, w->pattern, h->text, h->len, place))
				best = place;
		}
	}
	return best;
}

size_t
scan_next(const struct scan *s, const char *text, size_t len, size_t from)
{
	const struct haystack h = { text, len, from };
	size_t at, end = len, place, best = SCAN_NONE;
	uint8_t bits;

	if (s->n == 0 || from >= len)
		return SCAN_NONE;
	/* Windows come in order, places need not: after the first find, look
	 * on as far as a smaller place may have its window. */
	for (at = from > 0 ? from - 1 : 0; at < end; at++) {
		at = next_window(s, (const uint8_t *)text, end, at, &bits);
		if (at >= end)
			break;
		place = confirm(s, &h, at, bits);
		if (place == from)
			return place;
		if (place < best) {
			best = place;
			if (len - best > s->reach + SCAN_WINDOW)
				end = best + s->reach + SCAN_WINDOW;
		}
	}
	return best;
}

bool
scan_any(const struct scan *s, const char *text, size_t len)
{
	const struct haystack h = { text, len, 0 };
	size_t at;
	uint8_t bits;

	if (s->n == 0)
		return false;
	for (at = 0; at < len; at++) {
		at = next_window(s, (const uint8_t *)text, len, at, &bits);
		if (at < len && confirm(s, &h, at, bits) != SCAN_NONE)
			return true;
	}
	return false;
}
