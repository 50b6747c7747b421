#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cancel.h"
#include "cli/rewrite_lines.h"

#define READ_STEP ((size_t)256 * 1024)
#define MIB ((size_t)1024 * 1024)

struct rewrite_lines {
	int fd;
	const char *name;
	const struct match_rules *rules;
	struct buf window;	/* bytes of the file, from window_at on */
	off_t window_at;
	size_t next;		/* where the next line begins in window */
	uint64_t number;	/* of the next line */
	struct buf rewritten;
};

struct rewrite_lines *
rewrite_lines_new(int fd, const char *name, const struct match_rules *rules,
    struct err *err)
{
	struct rewrite_lines *l;

	if ((l = calloc(1, sizeof(*l))) == NULL) {
		err_nomem(err, name);
		return NULL;
	}
	l->fd = fd;
	l->name = name;
	l->rules = rules;
	l->number = 1;
	buf_init(&l->window, REWRITE_LINE_MAX + READ_STEP);
	buf_init(&l->rewritten, REWRITE_LINE_GROWN_MAX);
	return l;
}

void
rewrite_lines_free(struct rewrite_lines *l)
{

	if (l == NULL)
		return;
	buf_free_secret(&l->window);
	buf_free_secret(&l->rewritten);
	free(l);
}

/* Makes room in the window, which then begins with the next line, and reads
 * on. */
static bool
read_on(struct rewrite_lines *l, bool *end, struct err *err)
{
	struct buf *w = &l->window;
	ssize_t n;

	if (cancel_requested())
		return cancel_err(err);
	if (l->next > 0) {
		memmove(w->data, w->data + l->next, w->len - l->next);
		buf_truncate(w, w->len - l->next);
		l->window_at += (off_t)l->next;
		l->next = 0;
	}
	if (!buf_reserve(w, READ_STEP))
		return err_nomem(err, l->name);
	do {
		n = pread(l->fd, w->data + w->len, READ_STEP,
		    l->window_at + (off_t)w->len);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_set_errno(err, ERR_DISK, errno, "cannot read %s",
		    l->name);
	*end = n == 0;
	w->len += (size_t)n;
	return true;
}

/* The length of the next line, which is in the window afterwards; 0 at the
 * end of the file. */
static bool
find_line(struct rewrite_lines *l, size_t *len, struct err *err)
{
	const struct buf *w = &l->window;
	size_t seen = 0, left;
	bool end = false;
	const uint8_t *nl;

	for (;;) {
		left = w->len - l->next;
		nl = left == seen ? NULL :
		    memchr(w->data + l->next + seen, '\n', left - seen);
		if (nl != NULL || end || left > REWRITE_LINE_MAX)
			break;
		seen = left;
		if (!read_on(l, &end, err))
			return false;
	}
	*len = nl != NULL ? (size_t)(nl - (w->data + l->next)) + 1 : left;
	if (*len <= REWRITE_LINE_MAX)
		return true;
	err_set(err, ERR_TOO_LARGE, "%s: line %llu is longer than %zu MiB",
	    l->name, (unsigned long long)l->number, REWRITE_LINE_MAX / MIB);
	return err_hint(err, "leave the file out, or break the line");
}

static bool
rewrite(struct rewrite_lines *l, struct rewrite_line *line, struct err *err)
{

	buf_reset(&l->rewritten);
	line->new = line->old;
	line->new_len = line->old_len;
	line->changed = false;
	if (!match_text(l->rules, line->old, line->old_len, &l->rewritten,
	    &line->found, NULL, NULL)) {
		err_set(err, ERR_TOO_LARGE, "%s: line %llu would be longer than "
		    "%zu MiB", l->name, (unsigned long long)l->number,
		    REWRITE_LINE_GROWN_MAX / MIB);
		return err_hint(err, "leave the file out");
	}
	if (line->found.matches == 0)
		return true;
	line->new = (const char *)l->rewritten.data;
	line->new_len = l->rewritten.len;
	line->changed = line->new_len != line->old_len ||
	    (line->new_len > 0 &&
	    memcmp(line->new, line->old, line->old_len) != 0);
	return true;
}

enum rewrite_lines_step
rewrite_lines_next(struct rewrite_lines *l, struct rewrite_line *line,
    struct err *err)
{
	size_t len;

	if (!find_line(l, &len, err))
		return REWRITE_LINES_ERROR;
	if (len == 0)
		return REWRITE_LINES_END;
	line->offset = l->window_at + (off_t)l->next;
	line->number = l->number;
	line->old = (const char *)l->window.data + l->next;
	line->old_len = len;
	if (!rewrite(l, line, err))
		return REWRITE_LINES_ERROR;
	l->next += len;
	l->number++;
	return REWRITE_LINES_LINE;
}

void
rewrite_lines_seek(struct rewrite_lines *l, off_t offset, uint64_t number)
{

	l->number = number;
	if (offset >= l->window_at &&
	    offset - l->window_at <= (off_t)l->window.len) {
		l->next = (size_t)(offset - l->window_at);
		return;
	}
	buf_reset(&l->window);
	l->window_at = offset;
	l->next = 0;
}
