#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "app/dockerfile.h"
#include "base/buf.h"

#define TEXT_MAX 65536

static bool
add(struct dockerfile *d, struct span text, unsigned line)
{
	struct dockerfile_line *l = d->instruction, one;
	struct span word;
	size_t i;

	text = span_trim(text);
	if (!span_word(&text, &word) || word.len >= sizeof(one.word))
		return true;
	span_copy(word, one.word, sizeof(one.word));
	for (i = 0; one.word[i] != '\0'; i++) {
		if (one.word[i] >= 'a' && one.word[i] <= 'z')
			one.word[i] -= 'a' - 'A';
	}
	if (strcmp(one.word, "FROM") == 0)
		d->n_stages++;
	one.line = line;
	one.stage = d->n_stages > 0 ? d->n_stages - 1 : 0;
	if ((d->n & (d->n - 1)) == 0) {
		l = realloc(l, (d->n == 0 ? 1 : 2 * d->n) * sizeof(*l));
		if (l == NULL)
			return false;
		d->instruction = l;
	}
	one.rest = span_dup(span_trim(text));
	d->instruction[d->n] = one;
	return one.rest != NULL && ++d->n > 0;
}

/* The word that ends a here-document begun in line; *end.len 0 for none. */
static struct span
here_document(struct span line)
{
	struct span word = { line.p, 0 };
	const char *p = span_find(line, "<<");

	if (p == NULL || (!span_begins(line, "RUN") &&
	    !span_begins(line, "COPY") && !span_begins(line, "ADD")))
		return word;
	for (p += 2; p < line.p + line.len && strchr("-\"'", *p) != NULL; p++)
		;
	word.p = p;
	while (p < line.p + line.len && span_is_word_byte(*p))
		p++;
	word.len = (size_t)(p - word.p);
	return word;
}

static bool
parse(struct dockerfile *d, struct span rest, struct buf *whole)
{
	unsigned number = 0, begun = 0;
	struct span line, here = { NULL, 0 };
	bool goes_on;

	while (span_line(&rest, &line)) {
		number++;
		line = span_trim(line);
		if (here.len > 0) {
			if (line.len == here.len &&
			    memcmp(line.p, here.p, here.len) == 0)
				here.len = 0;
			continue;
		}
		if (line.len == 0 || *line.p == '#')
			continue;
		if (whole->len == 0) {
			begun = number;
			here = here_document(line);
		}
		goes_on = line.p[line.len - 1] == '\\';
		/* What is too long is cut: nothing here needs its end. */
		(void)(buf_append(whole, line.p, line.len - goes_on) &&
		    buf_append_byte(whole, ' '));
		if (goes_on && rest.len > 0)
			continue;
		if (!add(d, (struct span){ (char *)whole->data, whole->len },
		    begun))
			return false;
		buf_reset(whole);
	}
	return true;
}

/* Whether a stage is called name, as far as it is known: in "db_${WITH}" only
 * the beginning is. */
static bool
is_called(struct span stage, struct span name)
{
	const char *variable = memchr(name.p, '$', name.len);

	if (variable != NULL) {
		name.len = (size_t)(variable - name.p);
		if (stage.len > name.len)
			stage.len = name.len;
	}
	return name.len > 0 && stage.len == name.len &&
	    strncasecmp(stage.p, name.p, name.len) == 0;
}

/* The last stage before stage at that is called name; -1. */
static long
stage_named(const struct dockerfile *d, struct span name, size_t at)
{
	long found = -1;
	size_t i;

	for (i = 0; i < d->n; i++) {
		const struct dockerfile_line *l = &d->instruction[i];
		struct span rest = span_of(l->rest), word, last = { NULL, 0 };
		bool as = false;

		if (strcmp(l->word, "FROM") != 0 || l->stage >= at)
			continue;
		while (span_word(&rest, &word)) {
			if (as)
				last = word;
			as = span_is_fold(word, "AS");
		}
		if (is_called(last, name))
			found = (long)l->stage;
	}
	return found;
}

static bool
find_parents(struct dockerfile *d)
{
	size_t i;

	d->parent = calloc(d->n_stages + 1, sizeof(*d->parent));
	if (d->parent == NULL)
		return false;
	for (i = 0; i < d->n; i++) {
		const struct dockerfile_line *l = &d->instruction[i];
		struct span rest = span_of(l->rest), word = { "", 0 };

		if (strcmp(l->word, "FROM") != 0)
			continue;
		while (span_word(&rest, &word) && span_begins(word, "--"))
			;
		d->parent[l->stage] = stage_named(d, word, l->stage);
	}
	return true;
}

bool
dockerfile_parse(struct dockerfile *d, const char *text, size_t len,
    struct err *err)
{
	struct buf whole;
	bool ok;

	memset(d, 0, sizeof(*d));
	buf_init(&whole, TEXT_MAX);
	ok = parse(d, (struct span){ text, len < TEXT_MAX ? len : TEXT_MAX },
	    &whole) && find_parents(d);
	buf_free(&whole);
	return ok || err_nomem(err, "Dockerfile");
}

void
dockerfile_free(struct dockerfile *d)
{
	size_t i;

	for (i = 0; i < d->n; i++)
		free(d->instruction[i].rest);
	free(d->instruction);
	free(d->parent);
	memset(d, 0, sizeof(*d));
}

bool
dockerfile_in_image(const struct dockerfile *d, size_t stage)
{
	long at = d->n_stages > 0 ? (long)d->n_stages - 1 : -1;

	/* A parent always comes before its child. */
	while (at >= 0 && (size_t)at != stage)
		at = d->parent[at];
	return at >= 0;
}

const struct dockerfile_line *
dockerfile_last(const struct dockerfile *d, const char *word)
{
	size_t i;

	for (i = d->n; i-- > 0; ) {
		if (strcmp(d->instruction[i].word, word) == 0 &&
		    dockerfile_in_image(d, d->instruction[i].stage))
			return &d->instruction[i];
	}
	return NULL;
}

static struct span
unquote(struct span s)
{

	if (s.len >= 2 && (*s.p == '"' || *s.p == '\'') &&
	    s.p[s.len - 1] == *s.p) {
		s.p++;
		s.len -= 2;
	}
	return s;
}

/* The value of name in the arguments of one ENV: "A=1 B=2" or "A 1". */
static bool
env_value(struct span rest, const char *name, struct span *value)
{
	size_t len = strlen(name);
	struct span word, all = span_trim(rest);
	const char *p = all.p, *end = all.p + all.len;

	if (span_word(&rest, &word) && memchr(word.p, '=', word.len) == NULL) {
		*value = unquote(span_trim(rest));
		return span_is(word, name);
	}
	while (p < end) {
		const char *start = p;
		char quote = '\0';

		while (p < end && (quote != '\0' || !span_is_space(*p))) {
			if (quote != '\0' ? *p == quote :
			    *p == '"' || *p == '\'')
				quote = quote != '\0' ? '\0' : *p;
			p++;
		}
		if ((size_t)(p - start) > len && start[len] == '=' &&
		    memcmp(start, name, len) == 0) {
			start += len + 1;
			*value = unquote((struct span){ start,
			    (size_t)(p - start) });
			return true;
		}
		while (p < end && span_is_space(*p))
			p++;
	}
	return false;
}

const struct dockerfile_line *
dockerfile_env(const struct dockerfile *d, const char *name,
    struct span *value)
{
	size_t i;

	for (i = d->n; i-- > 0; ) {
		const struct dockerfile_line *l = &d->instruction[i];

		if (strcmp(l->word, "ENV") == 0 &&
		    dockerfile_in_image(d, l->stage) &&
		    env_value(span_of(l->rest), name, value))
			return l;
	}
	return NULL;
}

const struct dockerfile_line *
dockerfile_arg(const struct dockerfile *d, const char *name)
{
	size_t i;

	for (i = 0; i < d->n; i++) {
		const struct dockerfile_line *l = &d->instruction[i];
		struct span rest = span_of(l->rest), word;
		const char *is;

		if (strcmp(l->word, "ARG") != 0)
			continue;
		while (span_word(&rest, &word)) {
			is = memchr(word.p, '=', word.len);
			if (is != NULL)
				word.len = (size_t)(is - word.p);
			if (span_is(word, name))
				return l;
		}
	}
	return NULL;
}

const struct dockerfile_line *
dockerfile_says(const struct dockerfile *d, const char *word, const char *text)
{
	size_t i;

	for (i = 0; i < d->n; i++) {
		if (strcmp(d->instruction[i].word, word) == 0 &&
		    strstr(d->instruction[i].rest, text) != NULL)
			return &d->instruction[i];
	}
	return NULL;
}
