/*
 * How fast one core takes documents through the rewriter, by the very calls
 * that the pipeline makes: rewrite_possible() over a whole batch, and where it
 * says so rewrite_document() for each document, then docdigest() of each
 * result.  Documents of about 1.1 KB in the shape of an app's pages.
 *
 *	bench_rewrite [SECONDS]		(for each line; default 1)
 *
 * One line per case: its name, GB/s of source bytes, documents per second, and
 * the values rewritten per document.  Time is processor time, so that others
 * on the machine do not count.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <bson/bson.h>

#include "bson/docdigest.h"
#include "bson/rewrite.h"
#include "flow/batch.h"

#define BATCH_DOCS 900		/* about 1 MB, as the source makes them */
#define BATCHES 32		/* more than a cache holds */

static const struct match_rule_spec specs[] = {
	{ "https://old-vps.example/uploads/", "https://cdn.example/app/" },
	{ "https://old-vps.example", "https://new-space.example" },
	{ "https://*.sites.old-vps.example/", "https://sites.example/$1/" },
	{ "/uploads/", "https://cdn.example/app/" },
};

static const char paragraph[] =
    "<section class=\"hero\"><h1>Bienvenue</h1><p>Nous cr\xc3\xa9ons des sites "
    "pour les petites entreprises : vitrines, boutiques, calendriers. "
    "R\xc3\xa9servez en ligne.</p><ul><li>Accueil</li><li>Galerie</li>"
    "<li>Tarifs et horaires</li><li>Questions</li><li>Plan du site</li></ul>"
    "<a href=\"https://www.example.org/contact\">"
    "Contact</a></section><script src=\"https://cdn.example.net/lib/app.js\">"
    "</script>";

/* What one in n documents, or none, has in its values. */
struct kind {
	const char *name;
	unsigned one_in;	/* 0: none */
	bool no_rules;
};

static void
append_item(bson_t *items, unsigned i, bool matching)
{
	char key[8], url[120];
	bson_t item;

	snprintf(key, sizeof(key), "%u", i);
	snprintf(url, sizeof(url), "%simage-%u.jpg", matching ?
	    "https://old-vps.example/uploads/2024/" :
	    "https://images.example.org/2024/", i);
	bson_append_document_begin(items, key, -1, &item);
	bson_append_int32(&item, "position", -1, (int32_t)i);
	bson_append_utf8(&item, "imageUrl", -1, url, -1);
	bson_append_utf8(&item, "caption", -1, "Une image du site", -1);
	bson_append_document_end(items, &item);
}

static bson_t *
make_doc(unsigned n, bool matching)
{
	bson_t *doc = bson_new(), items, owner;
	bson_oid_t oid;
	char text[900], slug[40];
	unsigned i;

	bson_oid_init_from_string(&oid, "64b0c0ffee0123456789abcd");
	oid.bytes[11] = (uint8_t)n;
	oid.bytes[10] = (uint8_t)(n >> 8);
	snprintf(slug, sizeof(slug), "projet-%u", n);
	snprintf(text, sizeof(text), "%s<img src=\"%s/%u.png\">", paragraph,
	    matching ? "/uploads" : "/static", n);
	bson_append_oid(doc, "_id", -1, &oid);
	bson_append_utf8(doc, "name", -1, "Mon projet", -1);
	bson_append_utf8(doc, "subdomain", -1, slug, -1);
	bson_append_utf8(doc, "status", -1, "published", -1);
	bson_append_utf8(doc, "existingWebsiteUrl", -1,
	    "https://www.client-site.example/accueil", -1);
	bson_append_utf8(doc, "html", -1, text, -1);
	bson_append_document_begin(doc, "owner", -1, &owner);
	bson_append_oid(&owner, "userId", -1, &oid);
	bson_append_utf8(&owner, "email", -1, "person@mail.example", -1);
	bson_append_bool(&owner, "verified", -1, true);
	bson_append_document_end(doc, &owner);
	bson_append_array_begin(doc, "items", -1, &items);
	for (i = 0; i < 3; i++)
		append_item(&items, i, matching);
	bson_append_array_end(doc, &items);
	bson_append_double(doc, "score", -1, n / 7.0);
	bson_append_int32(doc, "visits", -1, (int32_t)n);
	bson_append_date_time(doc, "createdAt", -1, 1700000000000 + n);
	bson_append_date_time(doc, "updatedAt", -1, 1700000000000 + 2 * n);
	return doc;
}

static struct batch *
make_batch(const struct kind *kind, unsigned first)
{
	struct batch *b = batch_new((size_t)BATCH_DOCS * 4096, NULL, 0);
	bson_t *doc;
	unsigned i;

	for (i = first; b != NULL && i < first + BATCH_DOCS; i++) {
		doc = make_doc(i, kind->one_in != 0 && i % kind->one_in == 0);
		if (!batch_add(b, bson_get_data(doc), doc->len))
			abort();
		bson_destroy(doc);
	}
	return b;
}

struct work {
	struct rewriter *r;
	struct buf out;
	struct rewrite_counts counts;
	struct digest sum;
	bool digests;
};

static void
run_doc(struct work *w, const uint8_t *doc, size_t len, bool possible)
{
	struct err err;
	size_t before = w->out.len;

	if (possible) {
		switch (rewrite_document(w->r, doc, len, &w->out, &w->counts,
		    &err)) {
		case REWRITE_SAME:
			break;
		case REWRITE_CHANGED:
			doc = w->out.data + before;
			len = w->out.len - before;
			break;
		default:
			fprintf(stderr, "%s\n", err.message);
			exit(1);
		}
	}
	if (w->digests)
		digest_add(&w->sum, docdigest(doc, len));
}

static void
run_batch(struct work *w, const struct batch *b)
{
	const uint8_t *doc;
	size_t at = 0, len;
	bool possible;

	possible = rewrite_possible(w->r, b->docs.data, b->docs.len);
	buf_reset(&w->out);
	if (!possible && !w->digests)
		return;
	while ((doc = batch_next(b, &at, &len)) != NULL)
		run_doc(w, doc, len, possible);
}

/* Nanoseconds of processor time. */
static uint64_t
cpu_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ULL + (uint64_t)ts.tv_nsec;
}

static void
measure(const struct kind *kind, struct batch *batches[BATCHES],
    double seconds, bool digests)
{
	struct work w = { .digests = digests };
	struct rewriter_options options = { .ns = "app.projects" };
	struct match_rules *rules;
	uint64_t start, spent, bytes = 0, docs = 0;
	struct err err;
	size_t i;

	rules = match_rules_new(specs, kind->no_rules ? 0 :
	    sizeof(specs) / sizeof(specs[0]), &err);
	options.rules = rules;
	if (rules == NULL || (w.r = rewriter_new(&options, &err)) == NULL) {
		fprintf(stderr, "%s\n", err.message);
		exit(1);
	}
	buf_init(&w.out, (size_t)64 << 20);
	start = cpu_now();
	do {
		for (i = 0; i < BATCHES; i++) {
			run_batch(&w, batches[i]);
			bytes += batches[i]->docs.len;
			docs += batches[i]->n;
		}
		spent = cpu_now() - start;
	} while (spent < (uint64_t)(seconds * 1e9));
	printf("%-24s %-14s %7.3f GB/s %10.0f docs/s %5.2f values/doc\n",
	    kind->name, digests ? "with digest" : "rewrite only",
	    (double)bytes / (double)spent, (double)docs * 1e9 / (double)spent,
	    (double)w.counts.values / (double)docs);
	buf_free(&w.out);
	rewriter_free(w.r);
	match_rules_free(rules);
}

int
main(int argc, char **argv)
{
	static const struct kind kinds[] = {
		{ "no rules", 0, true },
		{ "none matching", 0, false },
		{ "one in 1000 matching", 1000, false },
		{ "one in 10 matching", 10, false },
		{ "every one matching", 1, false },
	};
	struct batch *batches[BATCHES];
	double seconds = argc > 1 ? atof(argv[1]) : 1;
	size_t i, j;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		for (j = 0; j < BATCHES; j++) {
			batches[j] = make_batch(&kinds[i],
			    (unsigned)j * BATCH_DOCS);
			if (batches[j] == NULL)
				return 1;
		}
		if (i == 0)
			printf("documents of %zu bytes, batches of %zu\n",
			    batches[0]->docs.len / BATCH_DOCS,
			    batches[0]->docs.len);
		if (!kinds[i].no_rules)
			measure(&kinds[i], batches, seconds, false);
		measure(&kinds[i], batches, seconds, true);
		for (j = 0; j < BATCHES; j++)
			batch_free(batches[j]);
	}
	return 0;
}
