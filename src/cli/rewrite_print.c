#include <stdint.h>
#include <stdlib.h>

#include <jansson.h>

#include "base/buf.h"
#include "cli/console.h"
#include "cli/print_json.h"
#include "cli/rewrite_print.h"
#include "cli/text.h"

#define LINE_MAX_BYTES 65536

static const char *
plural(uint64_t n)
{

	return n == 1 ? "" : "s";
}

static void
print_written(FILE *out, const struct rewrite_file *f)
{
	unsigned long long n = f->matches, lines = f->lines;
	struct buf line;

	buf_init(&line, LINE_MAX_BYTES);
	if (text_show(&line, f->name, TEXT_WHOLE) &&
	    buf_printf(&line, ": %llu URL%s in %llu line%s; kept as ", n,
	    plural(n), lines, plural(lines)) &&
	    text_show(&line, f->backup, TEXT_WHOLE) && buf_str(&line) != NULL)
		fprintf(out, "%s\n", buf_str(&line));
	buf_free(&line);
}

void
rewrite_print(FILE *out, struct console *console,
    const struct rewrite_file *files, size_t n, bool write)
{
	unsigned long long urls = 0, changed = 0;
	char line[200];
	size_t i;

	for (i = 0; i < n; i++) {
		if (files[i].written && files[i].backup != NULL)
			print_written(out, &files[i]);
		if (files[i].lines == 0)
			continue;
		urls += files[i].matches;
		changed++;
	}
	if (changed == 0)
		snprintf(line, sizeof(line), "nothing to rewrite in %zu file%s",
		    n, plural(n));
	else
		snprintf(line, sizeof(line), "%llu URL%s in %llu of %zu file%s%s",
		    urls, plural(urls), changed, n, plural(n), write ? "" :
		    "; nothing was written: --write does");
	console_log(console, SPACEFERRY_INFO, line);
}

static json_t *
entry(const struct rewrite_file *f)
{

	return json_pack("{s:o, s:I, s:I, s:I, s:b, s:o, s:s?}",
	    "file", print_json_text(f->operand),
	    "matches", (json_int_t)f->matches,
	    "lines", (json_int_t)f->lines,
	    "no_rule", (json_int_t)f->no_rule,
	    "written", f->written,
	    "backup", print_json_text(f->backup),
	    "note", f->binary);
}

bool
rewrite_print_json(FILE *out, const struct spaceferry_summary *s,
    const struct rewrite_file *files, size_t n)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < n && list != NULL; i++) {
		if (json_array_append_new(list, entry(&files[i])) != 0) {
			json_decref(list);
			list = NULL;
		}
	}
	return print_json_with(out, s, "rewrites", list);
}
