#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "cli/console.h"
#include "cli/console_line.h"
#include "cli/console_track.h"
#include "cli/signals.h"
#include "cli/terminal.h"
#include "cli/text.h"

#define INTERVAL_NS 10000000000ULL
#define MOST_LINES 12U
#define MOST_NAMED 3		/* things in one line of text */
#define DRAWING_LARGEST (64 * 1024)
#define LINE_LARGEST (16 * 1024)

struct console {
	pthread_mutex_t lock;	/* guards everything else */
	struct console_settings settings;
	struct console_track track;
	struct buf drawing;	/* as it stands on the terminal */
	unsigned drawn;		/* its lines; 0: none is there */
	int signals;		/* seen when it was drawn */
	uint64_t last_line_ns;	/* of progress, when not drawing */
};

struct console *
console_new(const struct console_settings *settings)
{
	struct console *c;

	if ((c = calloc(1, sizeof(*c))) == NULL)
		return NULL;
	if (pthread_mutex_init(&c->lock, NULL) != 0) {
		free(c);
		return NULL;
	}
	c->settings = *settings;
	if (c->settings.json)
		c->settings.terminal = false;
	buf_init(&c->drawing, DRAWING_LARGEST);
	c->last_line_ns = settings->now();
	return c;
}

void
console_free(struct console *c)
{

	if (c == NULL)
		return;
	console_clear(c);
	console_track_free(&c->track);
	buf_free(&c->drawing);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

/* Moves to the drawing's first line, unless something was written across. */
static void
go_up(struct console *c)
{

	if (c->drawn > 0 && c->signals == signals_seen())
		fprintf(c->settings.out, "\x1b[%uA\r", c->drawn);
	c->signals = signals_seen();
}

static void
erase(struct console *c)
{

	if (c->drawn == 0)
		return;
	go_up(c);
	fputs("\x1b[J", c->settings.out);
	c->drawn = 0;
}

void
console_clear(struct console *c)
{

	pthread_mutex_lock(&c->lock);
	erase(c);
	buf_reset(&c->drawing);
	fflush(c->settings.out);
	pthread_mutex_unlock(&c->lock);
}

/* Puts the drawing back below what was written above it. */
static void
restore(struct console *c)
{
	size_t i;

	for (i = 0; i < c->drawing.len; i++)
		c->drawn += c->drawing.data[i] == '\n';
	if (c->drawing.len > 0)
		fwrite(c->drawing.data, 1, c->drawing.len, c->settings.out);
}

/* The time of day as RFC 3339 has it, in UTC with milliseconds. */
static void
format_time(char *out, size_t size)
{
	struct timespec ts;
	struct tm tm = { 0 };
	size_t len;

	clock_gettime(CLOCK_REALTIME, &ts);
	gmtime_r(&ts.tv_sec, &tm);
	len = strftime(out, size, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out + len, size - len, ".%03uZ",
	    (unsigned)(ts.tv_nsec / 1000000) % 1000);
}

static json_t *
json_text(const char *s)
{
	struct buf text;
	json_t *value;

	buf_init(&text, LINE_LARGEST);
	text_valid(&text, s);
	value = json_stringn((const char *)text.data, text.len);
	buf_free(&text);
	return value != NULL ? value : json_string("");
}

static void
say_json(struct console *c, const char *level, const char *message,
    const char *hint)
{
	char now[40];
	json_t *line;

	format_time(now, sizeof(now));
	if ((line = json_object()) == NULL)
		return;
	json_object_set_new(line, "time", json_string(now));
	json_object_set_new(line, "level", json_string(level));
	json_object_set_new(line, "message", json_text(message));
	if (hint[0] != '\0')
		json_object_set_new(line, "hint", json_text(hint));
	json_dumpf(line, c->settings.out, JSON_COMPACT);
	fputc('\n', c->settings.out);
	json_decref(line);
}

static const struct {
	const char *name;
	const char *prefix;
	const char *colour;
} styles[] = {
	[SPACEFERRY_DEBUG] = { "debug", "debug: ", "" },
	[SPACEFERRY_INFO] = { "info", "", "" },
	[SPACEFERRY_WARNING] = { "warning", "warning: ", "\x1b[33m" },
	[SPACEFERRY_WARNING + 1] = { "error", "error: ", "\x1b[31m" },
};

static void
say_text(struct console *c, unsigned style, const char *message,
    const char *hint)
{
	FILE *out = c->settings.out;
	struct buf text;

	buf_init(&text, LINE_LARGEST);
	text_show(&text, message, TEXT_WHOLE);
	fprintf(out, "spaceferry: %s%s%s%.*s\n",
	    c->settings.colour ? styles[style].colour : "",
	    styles[style].prefix,
	    c->settings.colour && *styles[style].colour ? "\x1b[0m" : "",
	    (int)text.len, text.data != NULL ? (char *)text.data : "");
	buf_reset(&text);
	if (hint[0] != '\0' && text_show(&text, hint, TEXT_WHOLE))
		fprintf(out, "  hint: %.*s\n", (int)text.len, (char *)text.data);
	buf_free(&text);
}

/* One line, above the drawing when there is one. */
static void
say(struct console *c, unsigned style, const char *message, const char *hint)
{

	if (c->settings.json) {
		say_json(c, styles[style].name, message, hint);
	} else {
		erase(c);
		say_text(c, style, message, hint);
		restore(c);
	}
	fflush(c->settings.out);
}

void
console_log(void *arg, enum spaceferry_level level, const char *line)
{
	struct console *c = arg;

	if ((level == SPACEFERRY_DEBUG && !c->settings.verbose) ||
	    (level == SPACEFERRY_INFO && c->settings.quiet))
		return;
	pthread_mutex_lock(&c->lock);
	say(c, level, line, "");
	pthread_mutex_unlock(&c->lock);
}

void
console_error(struct console *c, const char *message, const char *hint)
{

	pthread_mutex_lock(&c->lock);
	say(c, SPACEFERRY_WARNING + 1, message, hint);
	pthread_mutex_unlock(&c->lock);
}

/* What is known of p's speed; nothing when memory is out. */
static struct console_rate
rate_of(struct console *c, const struct spaceferry_progress *p)
{
	struct console_item *item;

	item = console_track_note(&c->track, p, c->settings.now());
	return item != NULL ? item->rate : (struct console_rate){ 0 };
}

static void
draw(struct console *c, const struct spaceferry_progress *v, size_t n)
{
	struct terminal_size size = terminal_size(fileno(c->settings.out));
	unsigned lines = 0, more = 0, most = MOST_LINES;
	unsigned columns = c->settings.columns;
	struct console_rate rate;
	size_t i;

	if (columns == 0)
		columns = size.columns;
	if (size.rows < most + 2)
		most = size.rows > 3 ? size.rows - 2 : 1;
	buf_reset(&c->drawing);
	for (i = 0; i < n; i++) {
		rate = rate_of(c, &v[i]);
		if (v[i].finished)
			continue;
		if (lines == most) {
			more++;
			continue;
		}
		console_line_draw(&c->drawing, &v[i], &rate, columns);
		buf_append_str(&c->drawing, "\x1b[K\n");
		lines++;
	}
	if (more > 0)
		buf_printf(&c->drawing, "… and %u more\x1b[K\n", more);
	if (c->drawn == 0 && c->drawing.len == 0)
		return;
	go_up(c);
	c->drawn = 0;
	restore(c);
	fputs("\x1b[J", c->settings.out);
	fflush(c->settings.out);
}

/* One line about what moves now. */
static void
say_interval(struct console *c, const struct spaceferry_progress *v, size_t n)
{
	struct console_rate rate;
	struct buf line;
	size_t i, named = 0, more = 0;

	buf_init(&line, LINE_LARGEST);
	for (i = 0; i < n; i++) {
		if (v[i].finished)
			continue;
		if (named == MOST_NAMED) {
			more++;
			continue;
		}
		rate = rate_of(c, &v[i]);
		buf_append_str(&line, named > 0 ? "; " : "");
		console_line_say(&line, &v[i], &rate);
		named++;
	}
	if (more > 0)
		buf_printf(&line, "; and %zu more", more);
	if (named > 0 && buf_str(&line) != NULL)
		say(c, SPACEFERRY_INFO, buf_str(&line), "");
	buf_free(&line);
}

/* Says the end of what has ended since the last time. */
static void
say_ends(struct console *c, const struct spaceferry_progress *v, size_t n)
{
	struct console_item *item;
	struct buf line;
	size_t i;

	buf_init(&line, LINE_LARGEST);
	for (i = 0; i < n; i++) {
		item = console_track_note(&c->track, &v[i], c->settings.now());
		if (!v[i].finished || item == NULL || item->told)
			continue;
		item->told = true;
		buf_reset(&line);
		if (console_line_say(&line, &v[i], &item->rate) &&
		    buf_str(&line) != NULL)
			say(c, SPACEFERRY_INFO, buf_str(&line), "");
	}
	buf_free(&line);
}

/* What is said where nothing can be drawn. */
static void
say_progress(struct console *c, const struct spaceferry_progress *v, size_t n)
{
	uint64_t now = c->settings.now();

	say_ends(c, v, n);
	if (now - c->last_line_ns >= INTERVAL_NS) {
		c->last_line_ns = now;
		say_interval(c, v, n);
	}
}

void
console_progress(void *arg, const struct spaceferry_progress *v, size_t n)
{
	struct console *c = arg;

	if (c->settings.quiet)
		return;
	pthread_mutex_lock(&c->lock);
	if (c->settings.terminal)
		draw(c, v, n);
	else
		say_progress(c, v, n);
	pthread_mutex_unlock(&c->lock);
}
