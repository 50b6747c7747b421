#include <string.h>

#include "bson/rewrite.h"
#include "bson/walk.h"

void
rewrite_counts_add(struct rewrite_counts *sum, const struct rewrite_counts *c)
{

	sum->documents += c->documents;
	sum->values += c->values;
	sum->keys += c->keys;
	sum->ids += c->ids;
	sum->binary += c->binary;
	sum->regex += c->regex;
	sum->no_rule += c->no_rule;
	sum->dbrefs += c->dbrefs;
}

struct metadata {
	const struct match_rules *rules;
	uint64_t matches;
};

static void
count_text(struct metadata *m, const char *text, size_t len)
{
	struct match_result result = { 0 };

	match_count(m->rules, text, len, &result);
	m->matches += result.matches;
}

static bool
count_element(void *arg, const struct walk_element *e)
{
	struct metadata *m = arg;

	count_text(m, e->key, e->key_len);
	if (e->text != NULL)
		count_text(m, e->text, e->text_len);
	if (e->type == WALK_REGEX)
		count_text(m, walk_regex_options(e),
		    strlen(walk_regex_options(e)));
	return true;
}

uint64_t
rewrite_count_metadata(const struct match_rules *rules, const uint8_t *doc,
    size_t len)
{
	struct metadata m = { .rules = rules };

	if (match_possible(rules, doc, len))
		walk_all(doc, len, count_element, &m);
	return m.matches;
}
