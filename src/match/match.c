#include <stdlib.h>
#include <string.h>

#include "match/escape.h"
#include "match/find.h"
#include "match/link.h"
#include "match/match.h"

static struct find_host *
host_get(struct match_rules *m, const char *name, bool star)
{
	struct find_host *h;
	size_t i;

	for (i = 0; i < m->n_hosts; i++) {
		h = &m->host[i];
		if (h->star == star && strcmp(h->name, name) == 0)
			return h;
	}
	h = &m->host[m->n_hosts++];
	h->name = name;
	h->len = strlen(name);
	h->star = star;
	return h;
}

static bool
host_add_rule(struct find_host *h, const struct rule *r)
{
	const struct rule **list;

	list = realloc(h->rule, (h->n_rules + 1) * sizeof(struct rule *));
	if (list == NULL)
		return false;
	h->rule = list;
	h->rule[h->n_rules++] = r;
	return true;
}

/* Sorts the rules into hosts and paths. */
static bool
group_rules(struct match_rules *m)
{
	const struct rule *r;
	size_t i, j;

	m->host = calloc(m->n * RULE_HOSTS + 1, sizeof(*m->host));
	m->path = calloc(m->n + 1, sizeof(struct rule *));
	if (m->host == NULL || m->path == NULL)
		return false;
	for (i = 0; i < m->n; i++) {
		r = &m->rule[i];
		for (j = 0; j < r->n_hosts; j++)
			if (!host_add_rule(host_get(m, r->host[j], r->star), r))
				return false;
		if (r->n_hosts == 0)
			m->path[m->n_paths++] = r;
	}
	return true;
}

/* The scan's patterns: hosts first, in their order, then first segments. */
static bool
make_scan(struct match_rules *m)
{
	struct scan_pattern *p;
	const struct find_host *h;
	const char *s;
	size_t i, n = 0;

	p = calloc(m->n_hosts + m->n_paths + 1, sizeof(*p));
	if (p == NULL)
		return false;
	for (i = 0; i < m->n_hosts; i++) {
		h = &m->host[i];
		p[n++] = (struct scan_pattern){ .bytes = h->name,
		    .len = h->len, .fold = true, .label_before = h->star };
	}
	for (i = 0; i < m->n_paths; i++) {
		s = m->path[i]->rest + 1;
		p[n] = (struct scan_pattern){ .bytes = s,
		    .len = strcspn(s, "/"), .slash_before = true };
		p[n].slash_after = s[p[n].len] == '/';
		n++;
	}
	m->scan = scan_new(p, n);
	free(p);
	return m->scan != NULL;
}

static bool
check_same(const struct match_rules *m, const struct rule *r, struct err *err)
{
	size_t i;

	for (i = 0; i < m->n; i++) {
		if (!rule_same_from(&m->rule[i], r))
			continue;
		err_set(err, ERR_RULE, "rewrite rules %zu (%s) and %zu (%s) "
		    "have the same FROM", i + 1, m->rule[i].from, r->index + 1,
		    r->from);
		return err_hint(err, "remove one of them: scheme and host are "
		    "compared without case, a default port is dropped");
	}
	return true;
}

struct match_rules *
match_rules_new(const struct match_rule_spec *specs, size_t n, struct err *err)
{
	struct match_rules *m;
	struct rule *r;
	size_t i;

	if ((m = calloc(1, sizeof(*m))) == NULL ||
	    (m->rule = calloc(n + 1, sizeof(*m->rule))) == NULL) {
		err_nomem(err, "rewrite rules");
		goto fail;
	}
	for (i = 0; i < n; i++) {
		r = &m->rule[i];
		if (!rule_init(r, &specs[i], i, err))
			goto fail;
		if (!check_same(m, r, err)) {
			rule_free(r);
			goto fail;
		}
		m->n++;
	}
	if (!group_rules(m) || !make_scan(m)) {
		err_nomem(err, "rewrite rules");
		goto fail;
	}
	return m;

fail:
	match_rules_free(m);
	return NULL;
}

void
match_rules_free(struct match_rules *rules)
{
	size_t i;

	if (rules == NULL)
		return;
	scan_free(rules->scan);
	for (i = 0; i < rules->n_hosts; i++)
		free(rules->host[i].rule);
	free(rules->host);
	free(rules->path);
	for (i = 0; i < rules->n; i++)
		rule_free(&rules->rule[i]);
	free(rules->rule);
	free(rules);
}

size_t
match_rules_count(const struct match_rules *rules)
{

	return rules->n;
}

bool
match_possible(const struct match_rules *rules, const void *bytes, size_t len)
{

	return scan_any(rules->scan, bytes, len);
}

const char *
match_rules_host(const struct match_rules *rules, size_t i)
{

	return rules->rule[i].name;
}

static void
tell_counts(const struct finder *f, struct match_result *result)
{

	result->no_rule = f->no_rule;
	result->hosts = f->no_rule > 0 || f->other_ports;
}

bool
match_text(const struct match_rules *rules, const char *text, size_t len,
    struct buf *out, struct match_result *result, match_link_fn *on_link,
    void *arg)
{
	struct finder f;
	struct find_match m;
	struct link_reader links;
	struct match_link link;
	size_t before = out->len, copied = 0;

	result->matches = 0;
	find_init(&f, rules, text, len);
	link_reader_init(&links, text, len);
	while (find_next(&f, &m)) {
		if (!buf_append(out, text + copied, m.start - copied) ||
		    !escape_to(out, &m, text))
			goto fail;
		copied = m.end;
		result->matches++;
		if (on_link != NULL) {
			link_describe(&links, &m, &link);
			on_link(&link, arg);
		}
	}
	tell_counts(&f, result);
	if (result->matches > 0 &&
	    !buf_append(out, text + copied, len - copied))
		goto fail;
	return true;

fail:
	buf_truncate(out, before);
	return false;
}

void
match_count(const struct match_rules *rules, const char *text, size_t len,
    struct match_result *result)
{
	struct finder f;
	struct find_match m;

	result->matches = 0;
	find_init(&f, rules, text, len);
	while (find_next(&f, &m))
		result->matches++;
	tell_counts(&f, result);
}

void
match_hosts(const struct match_rules *rules, const char *text, size_t len,
    match_host_fn *fn, void *arg)
{
	struct finder f;
	struct find_match m;

	find_init(&f, rules, text, len);
	f.on_host = fn;
	f.arg = arg;
	while (find_next(&f, &m))
		continue;
}
