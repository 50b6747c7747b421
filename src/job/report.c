#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "job/report.h"

#define MESSAGE_MAX 1024
#define CONTEXT_BYTES 40	/* shown before the first difference */
#define EXCERPT_BYTES 160
#define SAMPLES_OF_A_FIELD 1

bool
report_init(struct report *r, struct spaceferry_summary *summary,
    uint64_t limit)
{

	memset(r, 0, sizeof(*r));
	memset(summary, 0, sizeof(*summary));
	r->summary = summary;
	r->limit = limit;
	return pthread_mutex_init(&r->lock, NULL) == 0;
}

/* Appends to errors or notes; a finding that does not fit in memory is lost,
 * but never the exit status: the counters carry that. */
static void
append(struct report *r, bool is_error, const char *kind, const char *message,
    const char *hint)
{
	struct spaceferry_finding **list, *grown, *f;
	size_t *n;

	list = is_error ? &r->summary->errors : &r->summary->notes;
	n = is_error ? &r->summary->n_errors : &r->summary->n_notes;
	if ((grown = realloc(*list, (*n + 1) * sizeof(*grown))) == NULL)
		return;
	*list = grown;
	f = &grown[*n];
	f->kind = kind;
	f->message = strdup(message);
	f->hint = strdup(hint);
	if (f->message == NULL || f->hint == NULL) {
		free(f->message);
		free(f->hint);
		return;
	}
	(*n)++;
}

/* How many of kind there were; NULL when there are too many kinds. */
static uint64_t *
counter_of(struct report *r, const char *kind, bool is_error)
{
	size_t i;

	for (i = 0; i < r->n_kinds; i++) {
		if (strcmp(r->kinds[i].kind, kind) == 0 &&
		    r->kinds[i].is_error == is_error)
			return &r->kinds[i].n;
	}
	if (r->n_kinds == REPORT_KINDS_MAX)
		return NULL;
	r->kinds[i].kind = kind;
	r->kinds[i].is_error = is_error;
	r->kinds[i].n = 0;
	r->n_kinds++;
	return &r->kinds[i].n;
}

/* Counts one finding of kind; true when it may still be named. */
static bool
count_kind(struct report *r, const char *kind, bool is_error)
{
	uint64_t *n = counter_of(r, kind, is_error);

	return n == NULL || (*n)++ < r->limit;
}

void
report_finish(struct report *r)
{
	char message[MESSAGE_MAX];
	size_t i;

	for (i = 0; i < r->n_kinds; i++) {
		if (r->kinds[i].n <= r->limit)
			continue;
		snprintf(message, sizeof(message), "%llu more of kind %s",
		    (unsigned long long)(r->kinds[i].n - r->limit),
		    r->kinds[i].kind);
		append(r, r->kinds[i].is_error, r->kinds[i].kind, message,
		    "--limit N names more of them");
	}
	pthread_mutex_destroy(&r->lock);
}

void
report_err(struct report *r, const struct err *err)
{

	pthread_mutex_lock(&r->lock);
	append(r, true, err_kind_name(err->kind), err->message, err->hint);
	pthread_mutex_unlock(&r->lock);
}

static void
finding(struct report *r, bool is_error, const char *kind, const char *hint,
    const char *message)
{

	pthread_mutex_lock(&r->lock);
	if (count_kind(r, kind, is_error))
		append(r, is_error, kind, message, hint);
	pthread_mutex_unlock(&r->lock);
}

void
report_error(struct report *r, const char *kind, const char *hint,
    const char *fmt, ...)
{
	char message[MESSAGE_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	finding(r, true, kind, hint, message);
}

void
report_note(struct report *r, const char *kind, const char *hint,
    const char *fmt, ...)
{
	char message[MESSAGE_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	finding(r, false, kind, hint, message);
}

bool
report_skips_note(struct report *r, const char *kind)
{
	uint64_t *n;
	bool skips;

	pthread_mutex_lock(&r->lock);
	n = counter_of(r, kind, false);
	skips = n != NULL && *n >= r->limit;
	if (skips)
		(*n)++;
	pthread_mutex_unlock(&r->lock);
	return skips;
}

void
report_more_notes(struct report *r, const char *kind, uint64_t more)
{
	uint64_t *n;

	pthread_mutex_lock(&r->lock);
	if ((n = counter_of(r, kind, false)) != NULL)
		*n += more;
	pthread_mutex_unlock(&r->lock);
}

/* From some bytes before at; control characters become spaces, and the cuts are
 * moved to the borders of UTF-8 characters. */
char *
report_excerpt(const char *text, size_t len, size_t at)
{
	size_t start, end, i;
	char *out;

	start = at > CONTEXT_BYTES ? at - CONTEXT_BYTES : 0;
	while (start > 0 && ((unsigned char)text[start] & 0xc0) == 0x80)
		start--;
	end = len - start > EXCERPT_BYTES ? start + EXCERPT_BYTES : len;
	while (end > start && end < len &&
	    ((unsigned char)text[end] & 0xc0) == 0x80)
		end--;
	if ((out = malloc(end - start + 1)) == NULL)
		return NULL;
	memcpy(out, text + start, end - start);
	out[end - start] = '\0';
	for (i = 0; i < end - start; i++) {
		if ((unsigned char)out[i] < 0x20)
			out[i] = ' ';
	}
	return out;
}

bool
report_wants_samples(struct report *r)
{
	bool wants;

	pthread_mutex_lock(&r->lock);
	wants = r->summary->n_samples < r->limit;
	pthread_mutex_unlock(&r->lock);
	return wants;
}

static void
sample_free(struct spaceferry_sample *s)
{

	free(s->ns);
	free(s->id);
	free(s->path);
	free(s->before);
	free(s->after);
}

/* The next character of a path whose array positions count as one; *path
 * moves on. */
static char
next_in_path(const char **path, bool at_start)
{
	const char *p = *path;

	if (at_start && *p >= '0' && *p <= '9') {
		p += strspn(p, "0123456789");
		if (*p == '.' || *p == '\0') {
			*path = p;
			return '#';
		}
		p = *path;
	}
	*path = *p == '\0' ? p : p + 1;
	return *p;
}

static bool
same_field(const char *a, const char *b)
{
	bool at_start = true;
	char x, y;

	do {
		x = next_in_path(&a, at_start);
		y = next_in_path(&b, at_start);
		at_start = x == '.';
	} while (x == y && x != '\0');
	return x == y;
}

/* A few samples of one field tell it all. */
static bool
is_familiar(const struct spaceferry_summary *s, const struct report_value *v)
{
	size_t i, n = 0;

	for (i = 0; i < s->n_samples; i++) {
		n += strcmp(s->samples[i].ns, v->ns) == 0 &&
		    same_field(s->samples[i].path, v->path);
	}
	return n >= SAMPLES_OF_A_FIELD;
}

void
report_sample(struct report *r, const struct report_value *v)
{
	struct spaceferry_sample s, *grown;
	size_t at = 0;

	while (at < v->before_len && at < v->after_len &&
	    v->before[at] == v->after[at])
		at++;
	s.ns = strdup(v->ns);
	s.id = strdup(v->id);
	s.path = strdup(v->path);
	s.before = report_excerpt(v->before, v->before_len, at);
	s.after = report_excerpt(v->after, v->after_len, at);
	pthread_mutex_lock(&r->lock);
	if (r->summary->n_samples < r->limit &&
	    !is_familiar(r->summary, v) && s.ns != NULL && s.id != NULL &&
	    s.path != NULL && s.before != NULL && s.after != NULL &&
	    (grown = realloc(r->summary->samples,
	    (r->summary->n_samples + 1) * sizeof(*grown))) != NULL) {
		r->summary->samples = grown;
		grown[r->summary->n_samples++] = s;
		memset(&s, 0, sizeof(s));
	}
	pthread_mutex_unlock(&r->lock);
	sample_free(&s);
}

static void
findings_free(struct spaceferry_finding *f, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		free(f[i].message);
		free(f[i].hint);
	}
	free(f);
}

static void
collection_free(struct spaceferry_collection *c)
{
	size_t i;

	for (i = 0; i < c->n_metadata; i++) {
		free(c->metadata[i].kind);
		free(c->metadata[i].name);
		free(c->metadata[i].source);
		free(c->metadata[i].target);
	}
	free(c->metadata);
	free(c->ns);
}

static void
free_snapshot(struct spaceferry_snapshot *s)
{
	size_t i;

	free(s->id);
	free(s->time);
	for (i = 0; i < s->n_tags; i++)
		free(s->tags[i]);
	free(s->tags);
	free(s->source);
	free(s->reason);
}

void
spaceferry_summary_free(struct spaceferry_summary *s)
{
	size_t i;

	for (i = 0; i < s->n_collections; i++)
		collection_free(&s->collections[i]);
	free(s->collections);
	for (i = 0; i < s->n_consistent_at; i++)
		free(s->consistent_at[i]);
	free(s->consistent_at);
	for (i = 0; i < s->n_samples; i++)
		sample_free(&s->samples[i]);
	free(s->samples);
	findings_free(s->errors, s->n_errors);
	findings_free(s->notes, s->n_notes);
	for (i = 0; i < s->n_hosts; i++) {
		free(s->hosts[i].host);
		free(s->hosts[i].missing_rule);
		free(s->hosts[i].sample);
	}
	free(s->hosts);
	for (i = 0; i < s->n_checks; i++) {
		free(s->checks[i].seen);
		free(s->checks[i].remedy);
	}
	free(s->checks);
	for (i = 0; i < s->n_snapshots; i++)
		free_snapshot(&s->snapshots[i]);
	free(s->snapshots);
	free(s->repository.name);
	free(s->quarantine);
	free(s->source);
	free(s->target);
	free(s->source_version);
	free(s->target_version);
	memset(s, 0, sizeof(*s));
}
