#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "match/charclass.h"
#include "match/slash.h"
#include "match/unstable_forms.h"

#define FORM_MAX (1u << 20)

static bool
add(struct unstable_forms *f, const struct unstable_form *model,
    const struct buf *b)
{
	struct unstable_form *list, *form;
	size_t i;

	list = realloc(f->form, (f->n + 1) * sizeof(*list));
	if (list == NULL)
		return false;
	f->form = list;
	form = &f->form[f->n];
	*form = *model;
	form->len = b->len;
	if ((form->text = malloc(2 * b->len + 1)) == NULL)
		return false;
	form->reading = form->text + b->len;
	for (i = 0; i < b->len; i++) {
		form->text[i] = (char)b->data[i];
		form->reading[i] = form->text[i] == UNSTABLE_STAR ? '_' :
		    form->text[i];
	}
	f->n++;
	return true;
}

void
unstable_forms_free(struct unstable_forms *f)
{
	size_t i;

	for (i = 0; i < f->n; i++)
		free(f->form[i].text);
	free(f->form);
}

/* One spelling of a FROM with a host; scheme is "http:", "https:" or "". */
static bool
add_url(struct unstable_forms *f, const struct rule *r, const char *scheme,
    const char *host, const char *port)
{
	struct unstable_form form = { .rule = r };
	struct buf b;
	bool ok;

	buf_init(&b, FORM_MAX);
	ok = buf_append_str(&b, scheme) && buf_append_str(&b, "//") &&
	    (!r->star || buf_append_byte(&b, UNSTABLE_STAR)) &&
	    buf_append_str(&b, host);
	form.fold = b.len;
	ok = ok && (port == NULL ||
	    (buf_append_byte(&b, ':') && buf_append_str(&b, port))) &&
	    (r->port == NULL || (buf_append_byte(&b, ':') &&
	    buf_append(&b, r->port, r->port_len))) &&
	    buf_append(&b, r->rest, r->rest_len) && add(f, &form, &b);
	buf_free(&b);
	return ok;
}

bool
unstable_forms_from(struct unstable_forms *f, const struct rule *r)
{
	static const struct {
		const char *scheme, *port;
	} ways[] = {
		{ "http:", NULL }, { "https:", NULL }, { "", NULL },
		{ "http:", "80" }, { "https:", "443" }, { "", "80" },
		{ "", "443" },
	};
	struct unstable_form form = { .rule = r };
	struct buf b;
	size_t i, j, n;
	bool ok;

	if (r->n_hosts == 0) {
		buf_init(&b, FORM_MAX);
		ok = buf_append(&b, r->rest, r->rest_len) && add(f, &form, &b);
		buf_free(&b);
		return ok;
	}
	n = r->port == NULL ? sizeof(ways) / sizeof(ways[0]) : 3;
	for (i = 0; i < n; i++)
		for (j = 0; j < r->n_hosts; j++)
			if (!add_url(f, r, ways[i].scheme, r->host[j],
			    ways[i].port))
				return false;
	return true;
}

/* TO as it stands, $1 made a star. */
static bool
write_plain(struct buf *b, const struct rule *r, const char *to)
{
	const char *star;

	while (r->star && (star = strstr(to, "$1")) != NULL) {
		if (!buf_append(b, to, (size_t)(star - to)) ||
		    !buf_append_byte(b, UNSTABLE_STAR))
			return false;
		to = star + 2;
	}
	return buf_append_str(b, to);
}

/* The same with every slash and colon in %2F style, but for these. */
static bool
write_percent(struct buf *b, const struct buf *plain, const char *format)
{
	size_t i;
	uint8_t c;
	bool ok = true;

	for (i = 0; i < plain->len && ok; i++) {
		c = plain->data[i];
		ok = charclass_unreserved(c) || c == '/' || c == ':' ||
		    c == UNSTABLE_STAR ? buf_append_byte(b, c) :
		    buf_printf(b, format, c);
	}
	return ok;
}

/* The same with the escaped slashes and colons that stand in it undone. */
static bool
write_undone(struct buf *b, const struct buf *plain)
{
	static const enum slash_style styles[] = { SLASH_PERCENT,
	    SLASH_HEX_ENTITY, SLASH_DECIMAL_ENTITY };
	const char *s = (const char *)plain->data;
	size_t i, j, n;
	uint8_t c;

	for (i = 0; i < plain->len; i += n) {
		c = plain->data[i];
		n = slash_colon_after(s, plain->len, i, SLASH_PERCENT);
		if (n > 0)
			c = ':';
		for (j = 0; j < sizeof(styles) / sizeof(styles[0]) && n == 0; j++)
			if ((n = slash_after(s, plain->len, i, styles[j])) > 0)
				c = '/';
		if (n == 0)
			n = 1;
		if (!buf_append_byte(b, c))
			return false;
	}
	return true;
}

static bool
add_ways(struct unstable_forms *f, const struct unstable_form *model,
    const char *to)
{
	struct buf plain, b;
	size_t way;
	bool ok;

	buf_init(&plain, FORM_MAX);
	buf_init(&b, FORM_MAX);
	ok = write_plain(&plain, model->rule, to) && add(f, model, &plain);
	for (way = 0; way < 3 && ok; way++) {
		buf_reset(&b);
		ok = way == 0 ? write_undone(&b, &plain) :
		    write_percent(&b, &plain, way == 1 ? "%%%02X" : "%%%02x");
		if (ok && (b.len != plain.len ||
		    memcmp(b.data, plain.data, b.len) != 0))
			ok = add(f, model, &b);
	}
	buf_free(&b);
	buf_free(&plain);
	return ok;
}

bool
unstable_forms_to(struct unstable_forms *f, const struct rule *r)
{
	struct unstable_form form = { .rule = r };

	if (!add_ways(f, &form, r->to))
		return false;
	form.relative = true;
	return r->n_hosts == 0 || r->to_scheme == 0 ||
	    add_ways(f, &form, r->to + r->to_scheme);
}
