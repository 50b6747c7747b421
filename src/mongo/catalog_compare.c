#include <stdlib.h>
#include <string.h>

#include "mongo/catalog_same.h"
#include "mongo/catalog_spec.h"
#include "mongo/raw.h"

#define UNPRINTABLE "\"(holds bytes that are not UTF-8)\""

struct comparison {
	const struct collection_info *source;
	const char *view_on;	/* what the target's base must be called */
	catalog_differs_fn *differs;
	void *arg;
};

/* Canonical Extended JSON of one value: libbson makes it of documents only,
 * so a scalar is wrapped and unwrapped again.  The caller frees it. */
static char *
value_json(const bson_iter_t *it)
{
	const uint8_t *data;
	char *json, *cut;
	uint32_t len;
	size_t end;
	bson_t b;

	if (it == NULL)
		return NULL;
	if (BSON_ITER_HOLDS_DOCUMENT(it)) {
		bson_iter_document(it, &len, &data);
		json = raw_bson(data, len, &b) ?
		    bson_as_canonical_extended_json(&b, NULL) : NULL;
		goto out;
	}
	bson_init(&b);
	bson_append_iter(&b, "", 0, it);
	json = bson_as_canonical_extended_json(&b, NULL);
	bson_destroy(&b);
	if (json != NULL && (cut = strchr(json, ':')) != NULL) {
		cut += strspn(cut, ": ");
		end = strlen(cut);
		while (end > 0 && (cut[end - 1] == '}' || cut[end - 1] == ' ')) {
			end--;
			if (cut[end] == '}')
				break;
		}
		while (end > 0 && cut[end - 1] == ' ')
			end--;
		memmove(json, cut, end);
		json[end] = '\0';
	}
out:
	return json != NULL ? json : bson_strdup(UNPRINTABLE);
}

static char *
string_json(const char *s)
{
	bson_iter_t it;
	char *json;
	bson_t b;

	bson_init(&b);
	BSON_APPEND_UTF8(&b, "s", s);
	json = bson_iter_init_find(&it, &b, "s") ? value_json(&it) : NULL;
	bson_destroy(&b);
	return json;
}

static char *
spec_json(const struct rawdoc *doc)
{
	char *json;
	bson_t b;

	json = raw_bson(doc->data, doc->len, &b) ?
	    bson_as_canonical_extended_json(&b, NULL) : NULL;
	return json != NULL ? json : bson_strdup(UNPRINTABLE);
}

static const char *
kind_of(const char *option)
{

	if (strcmp(option, "validator") == 0)
		return "validator";
	if (strcmp(option, "viewOn") == 0 || strcmp(option, "pipeline") == 0)
		return "view";
	return "option";
}

static void
option_differs(void *arg, const char *name, const bson_iter_t *a,
    const bson_iter_t *b)
{
	struct comparison *c = arg;
	char *source, *target;

	if (strcmp(name, "viewOn") == 0 && b != NULL && c->view_on != NULL &&
	    BSON_ITER_HOLDS_UTF8(b) &&
	    strcmp(bson_iter_utf8(b, NULL), c->view_on) == 0)
		return;
	source = value_json(a);
	target = value_json(b);
	c->differs(c->arg, &(struct catalog_difference){
		.kind = kind_of(name), .name = name,
		.source = source, .target = target,
		.harmless = b == NULL ? !catalog_same_matters(name) :
		    a != NULL && catalog_same_rounded(name, a, b),
	});
	bson_free(source);
	bson_free(target);
}

/* A renamed base that kept its old name on the target is a difference that
 * comparing the options does not show. */
static void
compare_base(struct comparison *c, const struct collection_info *target)
{
	const char *base = c->source->view_on;
	char *source, *there;

	if (c->view_on == NULL || base == NULL || target->view_on == NULL ||
	    strcmp(base, c->view_on) == 0 ||
	    strcmp(base, target->view_on) != 0)
		return;
	source = string_json(c->view_on);
	there = string_json(target->view_on);
	c->differs(c->arg, &(struct catalog_difference){
		.kind = "view", .name = "viewOn",
		.source = source, .target = there,
	});
	bson_free(source);
	bson_free(there);
}

static const struct index_info *
find_index(const struct collection_info *c, const char *name)
{
	size_t i;

	for (i = 0; i < c->n_indexes; i++) {
		if (strcmp(c->indexes[i].name, name) == 0)
			return &c->indexes[i];
	}
	return NULL;
}

enum sameness { SAME, SAME_TO_QUERIES, DIFFERENT };

/* What an old server's spec becomes where it is built anew, or what a target
 * that refused it went without. */
static bool
is_harmless(const char *name, const bson_iter_t *a, const bson_iter_t *b)
{

	if (b == NULL)
		return !catalog_spec_matters(name);
	if (a == NULL)
		return (strcmp(name, "2dsphereIndexVersion") == 0 ||
		    strcmp(name, "textIndexVersion") == 0) &&
		    bson_iter_as_int64(b) == 1;
	if (strcmp(name, "v") == 0)
		return bson_iter_as_int64(a) < bson_iter_as_int64(b);
	if (strcmp(name, "key") == 0)
		return catalog_spec_same_key(a, b);
	return catalog_same_rounded(name, a, b);
}

static void
note_difference(void *arg, const char *name, const bson_iter_t *a,
    const bson_iter_t *b)
{
	enum sameness *so_far = arg;

	if (!is_harmless(name, a, b))
		*so_far = DIFFERENT;
	else if (*so_far == SAME)
		*so_far = SAME_TO_QUERIES;
}

static enum sameness
compare_index(const struct index_info *a, const struct index_info *b)
{
	enum sameness how = SAME;
	bson_t x, y;

	if (!raw_bson(a->spec.data, a->spec.len, &x) ||
	    !raw_bson(b->spec.data, b->spec.len, &y))
		return DIFFERENT;
	catalog_same_each(&x, &y, true, note_difference, &how);
	return how;
}

static void
index_differs(struct comparison *c, const struct index_info *a,
    const struct index_info *b, bool harmless)
{
	char *source = a != NULL ? spec_json(&a->spec) : NULL;
	char *target = b != NULL ? spec_json(&b->spec) : NULL;

	c->differs(c->arg, &(struct catalog_difference){
		.kind = "index", .name = a != NULL ? a->name : b->name,
		.source = source, .target = target, .harmless = harmless,
	});
	bson_free(source);
	bson_free(target);
}

/* Servers from 6.3 on give every time-series an index on metaField and
 * timeField by themselves. */
static bool
is_servers_own(const struct collection_info *c, const struct index_info *i)
{
	bson_iter_t it, key;
	bson_t spec;

	if (c->type != COLLECTION_TIMESERIES || c->meta_field == NULL)
		return false;
	return raw_bson(i->spec.data, i->spec.len, &spec) &&
	    bson_iter_init_find(&it, &spec, "key") &&
	    bson_iter_recurse(&it, &key) && bson_iter_next(&key) &&
	    strcmp(bson_iter_key(&key), c->meta_field) == 0 &&
	    bson_iter_next(&key) &&
	    strcmp(bson_iter_key(&key), c->time_field) == 0 &&
	    !bson_iter_next(&key);
}

static void
compare_indexes(struct comparison *c, const struct collection_info *target)
{
	const struct index_info *a, *b;
	enum sameness how;
	size_t i;

	for (i = 0; i < c->source->n_indexes; i++) {
		a = &c->source->indexes[i];
		b = find_index(target, a->name);
		how = b != NULL ? compare_index(a, b) : DIFFERENT;
		if (how != SAME)
			index_differs(c, a, b, how == SAME_TO_QUERIES);
	}
	for (i = 0; i < target->n_indexes; i++) {
		b = &target->indexes[i];
		if (find_index(c->source, b->name) == NULL &&
		    !is_servers_own(target, b))
			index_differs(c, NULL, b, false);
	}
}

static const char *
type_json(enum collection_type type)
{

	return type == COLLECTION_VIEW ? "\"view\"" :
	    type == COLLECTION_TIMESERIES ? "\"timeseries\"" :
	    "\"collection\"";
}

void
catalog_compare(const struct collection_info *source,
    const struct collection_info *target, const char *view_on,
    catalog_differs_fn *differs, void *arg)
{
	struct comparison c = {
		.source = source, .view_on = view_on,
		.differs = differs, .arg = arg,
	};
	bson_t a, b;

	if (source->type != target->type) {
		differs(arg, &(struct catalog_difference){
			.kind = "option", .name = "type",
			.source = type_json(source->type),
			.target = type_json(target->type),
		});
		return;
	}
	if (raw_bson(source->options.data, source->options.len, &a) &&
	    raw_bson(target->options.data, target->options.len, &b))
		catalog_same_each(&a, &b, false, option_differs, &c);
	compare_base(&c, target);
	compare_indexes(&c, target);
}
