/*
 * How fast one core looks for rules in text, and what other ways of looking
 * would cost (docs/REWRITING-MATCHER.md).
 *
 *	bench_match [SECONDS] [FILE...]		(for each line; default 0.3)
 *
 * Texts are made here, or are the FILEs.  One line per rule set, text and
 * call: GB/s of text in the fastest of several passes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "match/match.h"
#include "match/scan_tables.h"

#define TEXT_SIZE ((size_t)16 << 20)
#define DOC_SIZE 1100		/* of a large and of a small value */
#define WORD_SIZE 40

struct text {
	const char *name;
	char *bytes;
	size_t len;
};

struct literals {
	struct scan_pattern pattern[400];
	size_t n;
};

struct rule_set {
	const char *name;
	struct match_rule_spec spec[200];
	size_t n;
};

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static uint32_t
pick(uint32_t n)
{
	static uint64_t state = 88172645463325252u;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 32) % n;
}

/* Pieces are appended in random order until the text is full. */
static void
fill_pieces(struct text *t, const char *const *piece, size_t n)
{
	const char *s;
	size_t len;

	t->len = 0;
	for (;;) {
		s = piece[pick((uint32_t)n)];
		len = strlen(s);
		if (t->len + len > TEXT_SIZE)
			return;
		memcpy(t->bytes + t->len, s, len);
		t->len += len;
	}
}

static void
fill_base64(char *s, size_t n)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t i;

	for (i = 0; i < n; i++)
		s[i] = digits[pick(64)];
}

static const char *const html[] = {
	"<div class=\"card card-body mb-3\">", "</div>\n", "<p>", "</p>\n",
	"<a href=\"https://www.example.org/contact.html\">Contact</a>",
	"<a href=\"https://fonts.example.net/css2?family=Inter:wght@400\">",
	"<img src=\"https://images.example.com/photos/hero-2024.jpg\" alt=\"\">",
	"<img src=\"/static/img/logo.svg\">", "<ul><li>", "</li></ul>",
	"Nous aidons les petites entreprises \xc3\xa0 vendre en ligne. ",
	"R\xc3\xa9servez votre rendez-vous d\xc3\xa8s maintenant, ",
	"tarifs, horaires et plan du site. ", "Our old web site has moved. ",
	"<script>window.dataLayer=window.dataLayer||[];</script>",
	"style=\"color:#1a2b3c;margin:0 auto;padding:12px 8px\" ",
	"<h2 id=\"faq\">Questions fr\xc3\xa9quentes</h2>",
};

static const char *const records[] = {
	"\x02title",
	"\x02" "existingWebsiteUrl", "https://www.client-site.example/accueil",
	"\x03" "metadata", "\x12" "createdAt", "\x07_id", "person@mail.example",
	"\x02" "content", "Une image du site, plein \xc3\xa9" "cran", "published",
	"{\"role\":\"assistant\",\"content\":\"Voici votre page\"}",
	"iVBORw0KGgoAAAANSUhEUgAAAAUAAAAFCAYAAACNbyblAAAAHElEQVQI12P4//8/w38GIAXD"
	"IBKE0DHxgljNBAAO9TXL0Y4OHwAAAABJRU5ErkJggg==", "data:image/png;base64,",
	"\x01\x02\x03\x04\x05\x06\x07", "https://api.example.net/v1/chat",
};

static const char *const matching[] = {
	"https://old-vps.example/a/b.html ", "\"/uploads/2024/a.png\" ",
	"<a href=\"https://old-vps.example/uploads/b.png\">",
	"https:\\/\\/shop.sites.old-vps.example\\/x ",
};

static void
make_text(struct text *t, const char *name)
{
	size_t i;

	t->name = name;
	t->bytes = malloc(TEXT_SIZE + 64);
	t->len = TEXT_SIZE;
	if (t->bytes == NULL)
		abort();
	if (strcmp(name, "html") == 0 || strcmp(name, "html, 1 match/KB") == 0) {
		fill_pieces(t, html, sizeof(html) / sizeof(html[0]));
	} else if (strcmp(name, "records") == 0) {
		fill_pieces(t, records, sizeof(records) / sizeof(records[0]));
	} else if (strcmp(name, "base64") == 0) {
		fill_base64(t->bytes, t->len);
	} else if (strcmp(name, "random") == 0) {
		for (i = 0; i < t->len; i++)
			t->bytes[i] = (char)pick(256);
	}
	if (strcmp(name, "html, 1 match/KB") == 0)
		for (i = 500; i + DOC_SIZE < t->len; i += DOC_SIZE) {
			const char *s = matching[pick(4)];

			memcpy(t->bytes + i, s, strlen(s));
		}
}

static void
read_text(struct text *t, const char *path)
{
	FILE *f = fopen(path, "rb");

	t->name = path;
	t->bytes = malloc(TEXT_SIZE);
	if (f == NULL || t->bytes == NULL) {
		perror(path);
		exit(1);
	}
	t->len = fread(t->bytes, 1, TEXT_SIZE, f);
	fclose(f);
}

static struct match_rules *
compile(const struct rule_set *set)
{
	struct match_rules *rules;
	struct err err;

	if ((rules = match_rules_new(set->spec, set->n, &err)) == NULL) {
		fprintf(stderr, "%s\n", err.message);
		exit(1);
	}
	return rules;
}

/* One way to look through a text: the public calls, a scan by one method, or
 * another way altogether. */
struct work {
	const struct match_rules *rules;
	const struct scan *scan;
	const struct literals *literals;
	const struct text *text;
	size_t value;		/* bytes of each value that is looked at alone */
	struct buf out;
	uint64_t found;
	uint64_t no_rule;
};

typedef void pass_fn(struct work *w);

/* The time that the fastest of several passes took: others use the machine. */
static void
run(const char *set, const char *call, pass_fn *pass, struct work *w,
    double seconds)
{
	double start = now(), t, spent, best = 1e9;

	do {
		t = now();
		pass(w);
		spent = now() - t;
		if (spent < best)
			best = spent;
	} while (now() - start < seconds);
	printf("%-10s %-18s %-22s %8.2f GB/s", set, w->text->name, call,
	    (double)w->text->len / best / 1e9);
}

static void
pass_possible(struct work *w)
{

	w->found = match_possible(w->rules, w->text->bytes, w->text->len);
}

static void
pass_count(struct work *w)
{
	struct match_result r;

	match_count(w->rules, w->text->bytes, w->text->len, &r);
	w->found = r.matches;
	w->no_rule = r.no_rule;
}

static void
pass_values(struct work *w)
{
	struct match_result r;
	size_t i, n;

	for (i = 0; i < w->text->len; i += n) {
		n = w->text->len - i < w->value ? w->text->len - i : w->value;
		buf_reset(&w->out);
		match_text(w->rules, w->text->bytes + i, n, &w->out, &r, NULL,
		    NULL);
	}
}

static void
measure(const struct rule_set *set, const struct text *t, double seconds)
{
	struct match_rules *rules = compile(set);
	struct work w = { .rules = rules, .text = t };
	double per_kib = 1024 / (double)t->len;

	buf_init(&w.out, (size_t)1 << 30);
	run(set->name, "match_possible", pass_possible, &w, seconds);
	printf("%s\n", w.found > 0 ? "  (yes: it stops there)" : "");
	run(set->name, "match_count", pass_count, &w, seconds);
	printf("  %.2f matches/KiB, %.2f no_rule/KiB\n",
	    (double)w.found * per_kib, (double)w.no_rule * per_kib);
	w.value = DOC_SIZE;
	run(set->name, "match_text by 1100", pass_values, &w, seconds);
	putchar('\n');
	w.value = WORD_SIZE;
	run(set->name, "match_text by 40", pass_values, &w, seconds);
	putchar('\n');
	buf_free(&w.out);
	match_rules_free(rules);
}

/*
 * Other ways to look for the literals of a rule set, none of them with all
 * that the rules need (hosts in any case).
 */
static void
pass_memmem(struct work *w)
{
	const struct literals *l = w->literals;
	const char *text = w->text->bytes, *p;
	size_t i, len = w->text->len, found = 0;

	for (i = 0; i < l->n; i++)
		for (p = text; (p = memmem(p, len - (size_t)(p - text),
		    l->pattern[i].bytes, l->pattern[i].len)) != NULL; p++)
			found++;
	w->found = found;
}

/* memchr on the first letter, in both cases where they count. */
static void
pass_memchr(struct work *w)
{
	const struct literals *l = w->literals;
	const struct scan_pattern *q;
	const char *text = w->text->bytes, *p;
	size_t i, len = w->text->len, found = 0, k;
	int c;

	for (i = 0; i < l->n; i++) {
		q = &l->pattern[i];
		for (k = 0; k < (q->fold ? 2 : 1); k++) {
			c = q->bytes[0];
			if (k == 1 && c >= 'a' && c <= 'z')
				c -= 32;
			else if (k == 1)
				break;
			for (p = text; (p = memchr(p, c, len - (size_t)(p -
			    text))) != NULL; p++)
				if (len - (size_t)(p - text) >= q->len &&
				    strncasecmp(p, q->bytes, q->len) == 0)
					found++;
		}
	}
	w->found = found;
}

/* Two bytes of each literal, both cases, in a loop that compilers turn into
 * vector code; 64 bytes at a time. */
static void
pass_pairs(struct work *w)
{
	const struct literals *l = w->literals;
	const char *text = w->text->bytes;
	const uint8_t *s = (const uint8_t *)text;
	const struct scan_pattern *q;
	size_t i, at, k, len = w->text->len, found = 0, last;
	uint8_t a, b, fold_a, fold_b, any;

	for (i = 0; i < l->n; i++) {
		q = &l->pattern[i];
		last = q->len - 1;
		a = (uint8_t)q->bytes[0];
		b = (uint8_t)q->bytes[last];
		fold_a = q->fold && a >= 'a' && a <= 'z' ? 32 : 0;
		fold_b = q->fold && b >= 'a' && b <= 'z' ? 32 : 0;
		for (at = 0; at + 64 + last <= len; at += 64) {
			any = 0;
			for (k = 0; k < 64; k++)
				any |= ((s[at + k] | fold_a) == a) &
				    ((s[at + k + last] | fold_b) == b);
			if (!any)
				continue;
			for (k = 0; k < 64; k++)
				if (strncasecmp(text + at + k, q->bytes,
				    q->len) == 0)
					found++;
		}
	}
	w->found = found;
}

static void
pass_scan(struct work *w)
{
	size_t at = 0;

	for (w->found = 0; (at = scan_next(w->scan, w->text->bytes,
	    w->text->len, at)) != SCAN_NONE; at++)
		w->found++;
}

static void
measure_others(const struct rule_set *set, const struct text *t,
    const struct literals *l, double seconds)
{
	static const struct {
		const char *name;
		pass_fn *pass;
	} ways[] = {
		{ "  memmem each", pass_memmem },
		{ "  memchr, compare", pass_memchr }, { "  pairs", pass_pairs },
	};
	const struct scan_method *methods;
	struct work w = { .text = t, .literals = l };
	struct scan *s;
	char name[40];
	size_t i, n = scan_blocks_methods(&methods);

	for (i = 0; i < n; i++) {
		w.scan = s = scan_new_with(l->pattern, l->n, &methods[i]);
		snprintf(name, sizeof(name), "  scan, %s", methods[i].name);
		run(set->name, name, pass_scan, &w, seconds);
		printf("  %zu found\n", (size_t)w.found);
		scan_free(s);
	}
	for (i = 0; i < sizeof(ways) / sizeof(ways[0]) && l->n < 100; i++) {
		run(set->name, ways[i].name, ways[i].pass, &w, seconds);
		printf("  %zu found\n", (size_t)w.found);
	}
}

/* Hosts (or first segments) as match.c takes them, less their surroundings. */
static void
take_literals(struct literals *l, const struct rule_set *set)
{
	struct scan_pattern *p;
	const char *s;
	size_t i;

	for (l->n = 0, i = 0; i < set->n; i++) {
		s = set->spec[i].from;
		p = &l->pattern[l->n++];
		memset(p, 0, sizeof(*p));
		p->fold = s[0] != '/';
		s = p->fold ? strstr(s, "//") + 2 : s + 1;
		if (s[0] == '*')
			s++;
		p->bytes = s;
		p->len = strcspn(s, "/");
		p->slash_before = !p->fold;
		p->slash_after = !p->fold && s[p->len] == '/';
	}
}

static void
make_sets(struct rule_set set[4])
{
	static char names[400][48];
	static const char *const words[] = { "shop", "blog", "app", "media",
	    "cdn", "api", "www", "static", "docs", "mail" };
	size_t i;

	set[0] = (struct rule_set){ .name = "1 host", .n = 1, .spec = {
	    { "https://old-vps.example/", "https://new.example/" } } };
	set[1] = (struct rule_set){ .name = "4 rules", .n = 4, .spec = {
	    { "https://old-vps.example/uploads/", "https://cdn.example/app/" },
	    { "https://old-vps.example", "https://new-space.example" },
	    { "https://*.sites.old-vps.example/", "https://s.example/$1/" },
	    { "/uploads/", "https://cdn.example/app/" } } };
	set[2] = set[1];
	set[2].name = "20 rules";
	set[3] = set[1];
	set[3].name = "200 rules";
	for (i = 4; i < 200; i++) {
		if (i % 3 == 0)
			snprintf(names[i], sizeof(names[i]), "/%s%zu/files/",
			    words[i % 10], i / 10);
		else
			snprintf(names[i], sizeof(names[i]),
			    "https://%s.customer%zu.example/", words[i % 10], i);
		set[3].spec[i].from = names[i];
		set[3].spec[i].to = "https://new.example/x/";
		set[3].n++;
		if (i < 20)
			set[2].spec[set[2].n++] = set[3].spec[i];
	}
}

int
main(int argc, char **argv)
{
	static const char *const names[] = { "html", "records", "base64",
	    "random", "html, 1 match/KB" };
	static struct rule_set set[4];
	static struct literals literals;
	struct text t;
	double seconds = argc > 1 ? atof(argv[1]) : 0.3;
	size_t i, j, n = argc > 2 ? (size_t)argc - 2 : 5;

	make_sets(set);
	for (j = 0; j < n; j++) {
		if (argc > 2)
			read_text(&t, argv[j + 2]);
		else
			make_text(&t, names[j]);
		for (i = 0; i < 4; i++) {
			measure(&set[i], &t, seconds);
			take_literals(&literals, &set[i]);
			measure_others(&set[i], &t, &literals, seconds);
		}
		free(t.bytes);
	}
	return 0;
}
