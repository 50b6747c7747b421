#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bson/doc.h"
#include "job/hosts.h"
#include "job/links.h"

#define EACH_MAX 4096		/* hosts counted each by itself */
#define FORMS_OF_A_RULE 8	/* other entries that one FROM may lead to */
#define NAME_LONGEST 300
#define ID_MAX 4096

struct entry {
	struct spaceferry_host host;
	char *rest;		/* the entry it is summed under where there are
				 * too many; NULL: none */
	bool sample_is_link;
};

/* Open addressing; there are always more slots than entries can come. */
struct hosts {
	struct job *job;
	pthread_mutex_t lock;
	struct entry **slots;
	size_t n_slots;
	size_t n;
	size_t n_each;		/* entries with a rest */
	atomic_uint_least64_t *by_rule;	/* rewritten, by rules without '*' */
};

struct hosts *
hosts_new(struct job *job)
{
	size_t least = 2 * (EACH_MAX + FORMS_OF_A_RULE * (job->n_rules + 1));
	struct hosts *h;

	if ((h = calloc(1, sizeof(*h))) == NULL)
		goto fail;
	h->job = job;
	for (h->n_slots = 1; h->n_slots < least;)
		h->n_slots *= 2;
	h->by_rule = calloc(job->n_rules + 1, sizeof(*h->by_rule));
	h->slots = calloc(h->n_slots, sizeof(struct entry *));
	if (h->by_rule == NULL || h->slots == NULL ||
	    pthread_mutex_init(&h->lock, NULL) != 0)
		goto fail_h;
	return h;

fail_h:
	free(h->by_rule);
	free(h->slots);
	free(h);
fail:
	return NULL;
}

static void
entry_free(struct entry *e)
{

	if (e == NULL)
		return;
	free(e->host.host);
	free(e->host.missing_rule);
	free(e->host.sample);
	free(e->rest);
	free(e);
}

void
hosts_free(struct hosts *h)
{
	size_t i;

	if (h == NULL)
		return;
	for (i = 0; i < h->n_slots; i++)
		entry_free(h->slots[i]);
	pthread_mutex_destroy(&h->lock);
	free(h->slots);
	free(h->by_rule);
	free(h);
}

/* FNV-1a. */
static uint64_t
hash_name(const char *s)
{
	uint64_t n = 0xcbf29ce484222325;

	while (*s != '\0')
		n = (n ^ (uint8_t)*s++) * 0x100000001b3;
	return n;
}

static struct entry **
slot_of(struct hosts *h, const char *name)
{
	size_t i = (size_t)hash_name(name) & (h->n_slots - 1);

	while (h->slots[i] != NULL &&
	    strcmp(h->slots[i]->host.host, name) != 0)
		i = (i + 1) & (h->n_slots - 1);
	return &h->slots[i];
}

/* The entry of that name, which is made if there is none.  NULL when out of
 * memory: it is not counted then. */
static struct entry *
entry_get(struct hosts *h, const char *name, const char *rest)
{
	struct entry **slot = slot_of(h, name), *e;

	if (*slot == NULL && rest != NULL && h->n_each >= EACH_MAX) {
		slot = slot_of(h, rest);
		name = rest;
		rest = NULL;
	}
	if (*slot != NULL)
		return *slot;
	if (h->n >= h->n_slots / 2 || (e = calloc(1, sizeof(*e))) == NULL)
		return NULL;
	e->host.host = strdup(name);
	e->rest = rest != NULL ? strdup(rest) : NULL;
	if (e->host.host == NULL || (rest != NULL && e->rest == NULL)) {
		entry_free(e);
		return NULL;
	}
	h->n++;
	h->n_each += rest != NULL;
	return *slot = e;
}

static void
lower(char *s)
{

	for (; *s != '\0'; s++)
		if (*s >= 'A' && *s <= 'Z')
			*s = (char)(*s - 'A' + 'a');
}

void
hosts_rewritten(struct hosts *h, const struct match_link *link)
{
	const char *rest = match_rules_host(h->job->rules, link->rule);
	char name[NAME_LONGEST];
	struct entry *e;
	int n;

	if (link->star_len == 0) {
		atomic_fetch_add(&h->by_rule[link->rule], 1);
		return;
	}
	n = link->star_len < sizeof(name) ? snprintf(name, sizeof(name),
	    "%.*s%s", (int)link->star_len, link->star, rest + 1) : 0;
	if (n <= 0 || (size_t)n >= sizeof(name))
		snprintf(name, sizeof(name), "%s", rest);
	lower(name);
	pthread_mutex_lock(&h->lock);
	if ((e = entry_get(h, name, rest)) != NULL)
		e->host.rewritten++;
	pthread_mutex_unlock(&h->lock);
}

/* What a host is called, what it is summed under if need be ("" for nothing),
 * and the FROM that it is without. */
struct names {
	char name[NAME_LONGEST];
	char rest[NAME_LONGEST];
	char missing_rule[NAME_LONGEST + 16];
};

static void
name_host(const struct match_host *m, struct names *out)
{
	size_t label = m->name_len < NAME_LONGEST - 16 ? 0 : m->label_len;
	const char *star = m->label_len > 0 ? "*" : "";
	const char *port = m->port != NULL ? m->port : "";
	const char *colon = m->port != NULL ? ":" : "";
	int host_len = (int)(m->name_len - m->label_len);
	const char *host = m->name + m->label_len;

	snprintf(out->name, sizeof(out->name), "%s%.*s%s%.*s",
	    label > 0 ? "*" : "", (int)(m->name_len - label), m->name + label,
	    colon, (int)m->port_len, port);
	out->rest[0] = '\0';
	if (m->label_len > 0 || m->port != NULL)
		snprintf(out->rest, sizeof(out->rest), "%s%.*s%s", star,
		    host_len, host, m->port != NULL ? ":*" : "");
	/* With http://…:80 and https://…:443 the port would be dropped. */
	snprintf(out->missing_rule, sizeof(out->missing_rule),
	    "%s://%s%.*s%s%.*s", m->port_len == 0 ||
	    (m->port_len == 2 && memcmp(port, "80", 2) == 0) ? "https" : "http",
	    star, host_len, host, colon, (int)m->port_len, port);
	lower(out->name);
	lower(out->rest);
	lower(out->missing_rule);
}

/* "db.coll _id 1, a.b: the text around it"; NULL when out of memory. */
static char *
describe(const struct links_place *place, const struct match_host *m)
{
	struct buf text;
	char *around, *out = NULL;

	buf_init(&text, 2 * ID_MAX);
	if ((around = report_excerpt(m->text, m->len, m->at)) != NULL &&
	    buf_printf(&text, "%s _id ", place->ns) &&
	    doc_id_json(place->doc, place->doc_len, &text) &&
	    buf_printf(&text, ", %s: %s", place->path, around) &&
	    buf_str(&text) != NULL)
		out = strdup(buf_str(&text));
	free(around);
	buf_free(&text);
	return out;
}

/* Counts; true when the entry wants a sample like this one. */
static bool
count_no_rule(struct hosts *h, const struct names *names, bool link)
{
	struct entry *e;
	bool wants = false;

	pthread_mutex_lock(&h->lock);
	e = entry_get(h, names->name,
	    names->rest[0] != '\0' ? names->rest : NULL);
	if (e != NULL) {
		e->host.no_rule++;
		e->host.uncovered += link;
		if (link && e->host.missing_rule == NULL)
			e->host.missing_rule = strdup(names->missing_rule);
		wants = e->host.sample == NULL || (link && !e->sample_is_link);
	}
	pthread_mutex_unlock(&h->lock);
	return wants;
}

/* Takes sample. */
static void
keep_sample(struct hosts *h, const struct names *names, bool link,
    char *sample)
{
	struct entry *e;

	pthread_mutex_lock(&h->lock);
	e = entry_get(h, names->name,
	    names->rest[0] != '\0' ? names->rest : NULL);
	if (e != NULL && (e->host.sample == NULL ||
	    (link && !e->sample_is_link))) {
		free(e->host.sample);
		e->host.sample = sample;
		e->sample_is_link = link;
		sample = NULL;
	}
	pthread_mutex_unlock(&h->lock);
	free(sample);
}

void
hosts_no_rule(struct hosts *h, const struct links_place *place,
    const struct match_host *host)
{
	struct report *report = &h->job->report;
	struct names names;
	char hint[NAME_LONGEST + 80], *sample;
	bool wanted, named;

	name_host(host, &names);
	wanted = count_no_rule(h, &names, host->link);
	named = host->link && !report_skips_note(report, "no_rule");
	if ((!wanted && !named) || (sample = describe(place, host)) == NULL)
		return;
	snprintf(hint, sizeof(hint), "a rule is missing, such as --rewrite %s="
	    "%s", names.missing_rule, host->label_len > 0 ?
	    "https://new.example/$1" : "https://new.example");
	if (named)
		report_note(report, "no_rule", hint, "%s", sample);
	if (wanted)
		keep_sample(h, &names, host->link, sample);
	else
		free(sample);
}

/* Most links first, then by name. */
static int
compare(const void *a, const void *b)
{
	const struct spaceferry_host *x = &(*(struct entry *const *)a)->host;
	const struct spaceferry_host *y = &(*(struct entry *const *)b)->host;
	uint64_t of_x = x->rewritten + x->no_rule;
	uint64_t of_y = y->rewritten + y->no_rule;

	if (of_x != of_y)
		return of_x > of_y ? -1 : 1;
	return strcmp(x->host, y->host);
}

/* Adds from to the entry it is summed under.  False when that has no memory. */
static bool
fold(struct hosts *h, struct entry *from)
{
	struct entry *e = entry_get(h, from->rest, NULL);

	if (e == NULL)
		return false;
	e->host.rewritten += from->host.rewritten;
	e->host.no_rule += from->host.no_rule;
	e->host.uncovered += from->host.uncovered;
	if (e->host.missing_rule == NULL) {
		e->host.missing_rule = from->host.missing_rule;
		from->host.missing_rule = NULL;
	}
	if (e->host.sample == NULL ||
	    (from->sample_is_link && !e->sample_is_link)) {
		free(e->host.sample);
		e->host.sample = from->host.sample;
		e->sample_is_link = from->sample_is_link;
		from->host.sample = NULL;
	}
	from->host.rewritten = 0;
	from->host.no_rule = 0;
	return true;
}

/* The entries that count something, sorted.  NULL when out of memory. */
static struct entry **
list(struct hosts *h, size_t *n)
{
	struct entry **v;
	size_t i;

	*n = 0;
	if ((v = calloc(h->n + 1, sizeof(struct entry *))) == NULL)
		return NULL;
	for (i = 0; i < h->n_slots; i++) {
		const struct entry *e = h->slots[i];

		if (e != NULL && e->host.rewritten + e->host.no_rule > 0)
			v[(*n)++] = h->slots[i];
	}
	qsort(v, *n, sizeof(struct entry *), compare);
	return v;
}

static void
count_rules(struct hosts *h)
{
	struct entry *e;
	size_t i;

	for (i = 0; i < h->job->n_rules; i++) {
		uint64_t n = atomic_exchange(&h->by_rule[i], 0);

		if (n > 0 && (e = entry_get(h, match_rules_host(h->job->rules,
		    i), NULL)) != NULL)
			e->host.rewritten += n;
	}
}

void
hosts_summarise(struct hosts *h)
{
	struct spaceferry_summary *s = h->job->report.summary;
	struct entry **v;
	size_t i, n;

	count_rules(h);
	if ((v = list(h, &n)) == NULL)
		return;
	for (i = SPACEFERRY_HOSTS_MAX; i < n; i++) {
		if (v[i]->rest != NULL)
			fold(h, v[i]);
	}
	free(v);
	if ((v = list(h, &n)) == NULL)
		return;
	if ((s->hosts = calloc(n + 1, sizeof(*s->hosts))) != NULL) {
		for (i = 0; i < n; i++) {
			s->hosts[i] = v[i]->host;
			memset(&v[i]->host, 0, sizeof(v[i]->host));
		}
		s->n_hosts = n;
	}
	free(v);
}
