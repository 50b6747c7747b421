#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/report_html.h"
#include "cli/text.h"
#include "cli/units.h"

#define FLUSH_AT ((size_t)64 * 1024)
#define FORMAT_MAX 2048
#define KEY_MAX 128

void
report_html_init(struct report_html *h, struct file_writer *file)
{

	*h = (struct report_html){ .file = file };
	buf_init(&h->pending, REPORT_HTML_BUFFER);
}

void
report_html_free(struct report_html *h)
{

	buf_free(&h->pending);
}

static void
flush(struct report_html *h)
{

	if (h->failed || h->file == NULL)
		return;
	if (!file_writer_write(h->file, h->pending.data, h->pending.len,
	    &h->err))
		h->failed = true;
	buf_reset(&h->pending);
}

bool
report_html_end(struct report_html *h, struct err *err)
{

	flush(h);
	if (h->failed)
		*err = h->err;
	return !h->failed;
}

void
report_html_bytes_raw(struct report_html *h, const void *data, size_t len)
{

	if (h->failed)
		return;
	if (!buf_append(&h->pending, data, len)) {
		h->failed = true;
		err_nomem(&h->err, "report");
	}
	if (h->pending.len >= FLUSH_AT)
		flush(h);
}

void
report_html_raw(struct report_html *h, const char *markup)
{

	report_html_bytes_raw(h, markup, strlen(markup));
}

void
report_html_format(struct report_html *h, const char *fmt, ...)
{
	char text[FORMAT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	report_html_raw(h, text);
}

static const char *
entity(char c)
{

	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return NULL;
	}
}

void
report_html_text(struct report_html *h, const char *text)
{
	struct buf shown;
	const char *p, *end, *from;

	buf_init(&shown, REPORT_HTML_TEXT);
	text_show(&shown, text, TEXT_WHOLE);
	from = (const char *)shown.data;
	end = from + shown.len;
	for (p = from; p < end; p++) {
		const char *name = entity(*p);

		if (name == NULL)
			continue;
		report_html_bytes_raw(h, from, (size_t)(p - from));
		report_html_raw(h, name);
		from = p + 1;
	}
	if (shown.len > 0)
		report_html_bytes_raw(h, from, (size_t)(end - from));
	buf_free(&shown);
}

void
report_html_name(struct report_html *h, const char *text)
{

	report_html_raw(h, "<bdi>");
	report_html_text(h, text);
	report_html_raw(h, "</bdi>");
}

/* The opening tag, the words people read, the end. */
static void
figure(struct report_html *h, uint64_t n, const char *shown, const char *key)
{

	report_html_format(h, "<data value=\"%" PRIu64 "\"", n);
	if (key[0] != '\0')
		report_html_format(h, " data-key=\"%s\"", key);
	report_html_format(h, ">%s</data>", shown);
}

void
report_html_count(struct report_html *h, uint64_t n, const char *key, ...)
{
	char shown[UNITS_TEXT], path[KEY_MAX];
	va_list ap;

	va_start(ap, key);
	vsnprintf(path, sizeof(path), key, ap);
	va_end(ap);
	figure(h, n, units_print_count(n, shown), path);
}

void
report_html_bytes(struct report_html *h, uint64_t n, const char *key, ...)
{
	char shown[UNITS_TEXT], path[KEY_MAX];
	va_list ap;

	va_start(ap, key);
	vsnprintf(path, sizeof(path), key, ap);
	va_end(ap);
	figure(h, n, units_print_bytes(n, shown), path);
}
