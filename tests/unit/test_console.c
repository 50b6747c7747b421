#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "cli/console.h"
#include "cli/console_line.h"
#include "cli/text.h"

#define SECOND UINT64_C(1000000000)

static uint64_t clock_ns;

static uint64_t
now(void)
{

	return clock_ns;
}

/* A console that writes into memory. */
struct screen {
	struct console *console;
	FILE *out;
	char *text;
	size_t len;
};

static void
screen_open(struct screen *s, struct console_settings settings)
{

	clock_ns = 100 * SECOND;
	*s = (struct screen){ 0 };
	s->out = open_memstream(&s->text, &s->len);
	assert_non_null(s->out);
	settings.out = s->out;
	settings.now = now;
	s->console = console_new(&settings);
	assert_non_null(s->console);
}

/* What was written since the last call. */
static const char *
screen_text(struct screen *s)
{
	static char copy[4096];

	fflush(s->out);
	snprintf(copy, sizeof(copy), "%.*s", (int)s->len, s->text);
	rewind(s->out);
	return copy;
}

static void
screen_close(struct screen *s)
{

	console_free(s->console);
	fclose(s->out);
	free(s->text);
}

static void
eta_and_percent(void **state)
{
	static const struct {
		struct spaceferry_progress p;
		struct console_rate rate;
		int64_t eta;
		int percent;
	} cases[] = {
		{ { .items = 0 }, { .items = 0 }, -1, -1 },
		{ { .items = 5, .items_total = 10 }, { .items = 0 }, -1, 50 },
		{ { .items = 5, .items_total = 10 }, { .items = 1 }, 5, 50 },
		/* Bytes say more than items. */
		{ { .items = 5, .items_total = 10, .bytes = 25,
		    .bytes_total = 100 }, { .items = 1, .bytes = 25 }, 3, 25 },
		/* More than was expected: not done before it is finished. */
		{ { .items = 12, .items_total = 10 }, { .items = 1 }, -1, 99 },
		{ { .items = 12, .items_total = 10, .finished = true },
		    { .items = 1 }, -1, 100 },
		{ { .items = 1, .items_total = UINT64_MAX }, { .items = 1e-9 },
		    -1, 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (console_line_eta(&cases[i].p, &cases[i].rate) !=
		    cases[i].eta ||
		    console_line_percent(&cases[i].p) != cases[i].percent)
			fail_msg("%zu", i);
	}
}

/* Whatever the width and the name, a line never wraps. */
static void
lines_fit(void **state)
{
	static const char *const names[] = {
		"app.users", "", "app.a_collection_of_a_name_that_goes_on_and_on"
		"_and_on_and_on_and_on_and_on_and_on_and_on_and_on_and_on",
		"app.\xE6\x97\xA5\xE6\x9C\xAC\xE6\x97\xA5\xE6\x9C\xAC\xE6\x97"
		"\xA5\xE6\x9C\xAC\xE6\x97\xA5\xE6\x9C\xAC\xE6\x97\xA5",
		"app.\x1b[31m\n\xFF",
	};
	const struct console_rate rate = { .items = 1e6, .bytes = 1e9 };
	struct spaceferry_progress p = { .phase = "indexes",
	    .items = 123456789, .items_total = 9876543210,
	    .bytes = 5000000000, .bytes_total = 900000000000 };
	struct buf line;
	unsigned columns;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		p.name = names[i];
		for (columns = 2; columns <= 200; columns++) {
			buf_init(&line, 1000);
			assert_true(console_line_draw(&line, &p, &rate,
			    columns));
			if (text_columns(buf_str(&line)) >= columns)
				fail_msg("%u: %s", columns, buf_str(&line));
			buf_free(&line);
		}
	}
}

static void
lines_say_what_there_is_room_for(void **state)
{
	static const struct {
		unsigned columns;
		const char *want;
	} cases[] = {
		{ 80, "copy    app.users                     1,200/12,000  10 %"
		    "     2.0 MiB/s     0:42" },
		{ 62, "copy    app.users                 1,200/12,000"
		    "  10 %     0:42" },
		{ 41, "copy    app.users          10 %     0:42" },
		{ 33, "copy    app.users           10 %" },
		{ 26, "copy    app.users        " },
		{ 20, "app.users" },
		{ 6, "app.\xE2\x80\xA6" },
	};
	const struct spaceferry_progress p = { .phase = "copy",
	    .name = "app.users", .items = 1200, .items_total = 12000,
	    .bytes = 10 << 20, .bytes_total = 94 << 20 };
	const struct console_rate rate = { .items = 100, .bytes = 2 << 20 };
	struct buf line;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		buf_init(&line, 1000);
		assert_true(console_line_draw(&line, &p, &rate,
		    cases[i].columns));
		assert_string_equal(buf_str(&line), cases[i].want);
		buf_free(&line);
	}
}

static void
waiting_has_its_times(void **state)
{
	const struct spaceferry_progress p = { .phase = "waiting",
	    .name = "h:27017: connection refused", .items = 12,
	    .items_total = 600 };
	const struct console_rate rate = { .items = 1 };
	struct buf line;

	(void)state;
	buf_init(&line, 4096);
	assert_true(console_line_draw(&line, &p, &rate, 60));
	assert_string_equal(buf_str(&line), "waiting h:27017: connection "
	    "refused           0:12 of 10:00");
	buf_reset(&line);
	assert_true(console_line_draw(&line, &p, &rate, 30));
	assert_string_equal(buf_str(&line), "waiting h:27017: connection \xE2\x80\xA6");
	buf_free(&line);
}

static void
sentences(void **state)
{
	static const struct {
		struct spaceferry_progress p;
		struct console_rate rate;
		const char *want;
	} cases[] = {
		{ { .phase = "copy", .name = "a.b", .items = 1200,
		    .items_total = 12000, .bytes = 100, .bytes_total = 1000 },
		    { .bytes = 10 }, "copy a.b: 1,200 of 12,000 documents "
		    "(10 %), 10 B/s, 1:30 left" },
		{ { .phase = "copy", .name = "a.b/c", .items = 1 },
		    { .items = 2 }, "copy a.b/c: 1 document, 2/s" },
		{ { .phase = "files", .name = "/u", .items = 1 },
		    { .items = 2 }, "files /u: 1 file, 2/s" },
		{ { .phase = "copy", .name = "a.b", .items = 2, .bytes = 2048,
		    .finished = true }, { .bytes = 10 },
		    "copy a.b: 2 documents, 2.0 KiB" },
		{ { .phase = "indexes", .name = "a.b", .items = 1,
		    .finished = true }, { .items = 0 }, "indexes a.b: 1 index" },
		{ { .phase = "waiting", .name = "h:1: refused", .items = 65,
		    .items_total = 600 }, { .items = 1 }, "waiting for 1:05, "
		    "giving up in 8:55: h:1: refused" },
	};
	struct buf line;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		buf_init(&line, 1000);
		assert_true(console_line_say(&line, &cases[i].p,
		    &cases[i].rate));
		assert_string_equal(buf_str(&line), cases[i].want);
		buf_free(&line);
	}
}

static void
drawn_in_place(void **state)
{
	struct spaceferry_progress v[2] = {
		{ .phase = "copy", .name = "a.b", .items = 1 },
		{ .phase = "files", .name = "/u", .items = 2 },
	};
	struct screen s;
	const char *text;

	(void)state;
	screen_open(&s, (struct console_settings){ .terminal = true,
	    .columns = 30 });
	console_progress(s.console, v, 2);
	assert_string_equal(screen_text(&s),
	    "copy    a.b                  \x1b[K\n"
	    "files   /u                   \x1b[K\n\x1b[J");

	/* The next drawing begins two lines higher, and may be shorter. */
	v[0].finished = true;
	console_progress(s.console, v, 2);
	assert_string_equal(screen_text(&s), "\x1b[2A\r"
	    "files   /u                   \x1b[K\n\x1b[J");

	/* A line of log goes above, the drawing comes back below. */
	console_log(s.console, SPACEFERRY_WARNING, "take care");
	assert_string_equal(screen_text(&s), "\x1b[1A\r\x1b[J"
	    "spaceferry: warning: take care\n"
	    "files   /u                   \x1b[K\n");

	console_error(s.console, "lost", "look for it");
	text = screen_text(&s);
	assert_non_null(strstr(text, "spaceferry: error: lost\n"
	    "  hint: look for it\nfiles"));
	console_clear(s.console);
	assert_string_equal(screen_text(&s), "\x1b[1A\r\x1b[J");
	console_log(s.console, SPACEFERRY_INFO, "gone");
	assert_string_equal(screen_text(&s), "spaceferry: gone\n");
	screen_close(&s);
}

static void
quiet_lines_elsewhere(void **state)
{
	struct spaceferry_progress v[5] = {
		{ .phase = "copy", .name = "a.b", .items = 0,
		    .items_total = 100 },
		{ .phase = "copy", .name = "c.d" },
		{ .phase = "copy", .name = "e.f" },
		{ .phase = "copy", .name = "g.h" },
		{ .phase = "copy", .name = "i.j" },
	};
	struct screen s;
	unsigned i;

	(void)state;
	screen_open(&s, (struct console_settings){ 0 });
	for (i = 0; i < 19; i++, clock_ns += SECOND / 2) {
		console_progress(s.console, v, 5);
		v[0].items++;
	}
	assert_string_equal(screen_text(&s), "");
	clock_ns = 110 * SECOND;
	console_progress(s.console, v, 5);
	assert_string_equal(screen_text(&s), "spaceferry: "
	    "copy a.b: 19 of 100 documents (19 %), 2/s, 0:44 left; "
	    "copy c.d: 0 documents; copy e.f: 0 documents; and 2 more\n");

	/* An end is said once, whenever it comes. */
	v[1].finished = true;
	v[1].items = 7;
	console_progress(s.console, v, 5);
	console_progress(s.console, v, 5);
	assert_string_equal(screen_text(&s),
	    "spaceferry: copy c.d: 7 documents\n");
	screen_close(&s);
}

static void
quiet_and_verbose(void **state)
{
	const struct spaceferry_progress v = { .phase = "copy", .name = "a.b",
	    .finished = true };
	struct screen s;

	(void)state;
	screen_open(&s, (struct console_settings){ .quiet = true });
	console_progress(s.console, &v, 1);
	console_log(s.console, SPACEFERRY_INFO, "info");
	console_log(s.console, SPACEFERRY_DEBUG, "debug");
	assert_string_equal(screen_text(&s), "");
	console_log(s.console, SPACEFERRY_WARNING, "warning");
	assert_string_equal(screen_text(&s), "spaceferry: warning: warning\n");
	screen_close(&s);

	screen_open(&s, (struct console_settings){ 0 });
	console_log(s.console, SPACEFERRY_DEBUG, "debug");
	assert_string_equal(screen_text(&s), "");
	screen_close(&s);
	screen_open(&s, (struct console_settings){ .verbose = true,
	    .colour = true });
	console_log(s.console, SPACEFERRY_DEBUG, "d\x1b");
	console_error(s.console, "e", "");
	assert_string_equal(screen_text(&s), "spaceferry: debug: d\\x1b\n"
	    "spaceferry: \x1b[31merror: \x1b[0me\n");
	screen_close(&s);
}

static void
json_lines(void **state)
{
	const struct spaceferry_progress v = { .phase = "copy", .name = "a.b",
	    .items = 1, .finished = true };
	struct screen s;
	json_t *line;
	const char *text, *time;

	(void)state;
	screen_open(&s, (struct console_settings){ .json = true,
	    .terminal = true });
	console_log(s.console, SPACEFERRY_WARNING, "a \"b\"\n\xFF");
	text = screen_text(&s);
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
	line = json_loads(text, 0, NULL);
	assert_non_null(line);
	assert_int_equal(json_object_size(line), 3);
	assert_string_equal(json_string_value(json_object_get(line, "level")),
	    "warning");
	assert_string_equal(json_string_value(json_object_get(line,
	    "message")), "a \"b\"\n\xEF\xBF\xBD");
	time = json_string_value(json_object_get(line, "time"));
	assert_int_equal(strlen(time), strlen("2026-01-01T00:00:00.000Z"));
	assert_int_equal(time[23], 'Z');
	json_decref(line);

	console_progress(s.console, &v, 1);
	line = json_loads(screen_text(&s), 0, NULL);
	assert_string_equal(json_string_value(json_object_get(line,
	    "message")), "copy a.b: 1 document");
	json_decref(line);

	console_error(s.console, "e", "h");
	line = json_loads(screen_text(&s), 0, NULL);
	assert_string_equal(json_string_value(json_object_get(line, "level")),
	    "error");
	assert_string_equal(json_string_value(json_object_get(line, "hint")),
	    "h");
	json_decref(line);
	screen_close(&s);
}

#define LINES 500

static void *
log_many(void *console)
{
	unsigned i;

	for (i = 0; i < LINES; i++)
		console_log(console, SPACEFERRY_WARNING, "abcdefghijklmnop");
	return NULL;
}

/* Lines of log stay whole while progress is drawn. */
static void
from_two_threads(void **state)
{
	const struct spaceferry_progress v = { .phase = "copy", .name = "a.b" };
	struct screen s;
	pthread_t thread;
	unsigned i, n = 0;
	char *p;

	(void)state;
	screen_open(&s, (struct console_settings){ .terminal = true,
	    .columns = 40 });
	assert_int_equal(pthread_create(&thread, NULL, log_many, s.console), 0);
	for (i = 0; i < LINES; i++)
		console_progress(s.console, &v, 1);
	pthread_join(thread, NULL);
	fflush(s.out);
	for (p = s.text; p != NULL && p < s.text + s.len;) {
		p = strstr(p, "spaceferry: warning: abcdefghijklmnop\n");
		if (p != NULL) {
			n++;
			p++;
		}
	}
	assert_int_equal(n, LINES);
	screen_close(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(eta_and_percent),
		cmocka_unit_test(lines_fit),
		cmocka_unit_test(lines_say_what_there_is_room_for),
		cmocka_unit_test(waiting_has_its_times),
		cmocka_unit_test(sentences),
		cmocka_unit_test(drawn_in_place),
		cmocka_unit_test(quiet_lines_elsewhere),
		cmocka_unit_test(quiet_and_verbose),
		cmocka_unit_test(json_lines),
		cmocka_unit_test(from_two_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
