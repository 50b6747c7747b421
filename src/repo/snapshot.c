#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "repo/snapshot.h"

void
snapshot_init(struct snapshot *s)
{

	memset(s, 0, sizeof(*s));
}

void
snapshot_free(struct snapshot *s)
{

	strings_free(&s->tags);
	snapshot_init(s);
}

void
snapshot_time_text(int64_t time_ns, char out[SNAPSHOT_TIME_SIZE])
{
	time_t t = (time_t)(time_ns / 1000000000);
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL ||
	    strftime(out, SNAPSHOT_TIME_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		snprintf(out, SNAPSHOT_TIME_SIZE, "1970-01-01T00:00:00Z");
}

bool
snapshot_has_tags(const struct snapshot *s, const struct strings *tags)
{
	size_t i, j;

	for (i = 0; tags != NULL && i < tags->n; i++) {
		for (j = 0; j < s->tags.n; j++) {
			if (strcmp(s->tags.v[j], tags->v[i]) == 0)
				break;
		}
		if (j == s->tags.n)
			return false;
	}
	return true;
}

/* --- finding one --- */

#define SHOWN_MAX 4

/* "ID (TIME), …" of the youngest ones that begin with start. */
static void
show(const struct snapshot_list *list, const struct strings *tags,
    const char *start, struct buf *out)
{
	char when[SNAPSHOT_TIME_SIZE];
	const struct snapshot *s;
	unsigned shown = 0;
	size_t i;

	for (i = list->n; i > 0 && shown < SHOWN_MAX; i--) {
		s = &list->v[i - 1];
		if (!snapshot_has_tags(s, tags) ||
		    strncmp(s->id, start, strlen(start)) != 0)
			continue;
		snapshot_time_text(s->time_ns, when);
		buf_printf(out, "%s%s (%s)", shown == 0 ? "" : ", ", s->id,
		    when);
		shown++;
	}
}

static void
not_found(const struct snapshot_list *list, const char *text,
    const struct strings *tags, struct err *err)
{
	bool tagged = tags != NULL && tags->n > 0;
	struct buf some;

	buf_init(&some, 1024);
	show(list, tags, "", &some);
	if (some.len == 0) {
		err_set(err, ERR_NOT_FOUND, "the repository holds no snapshot%s",
		    tagged ? " with these tags" : "");
		err_hint(err, tagged && list->n > 0 ? "`spaceferry snapshots` "
		    "shows all of them, with their tags" : "`spaceferry backup` "
		    "makes one");
	} else {
		err_set(err, ERR_NOT_FOUND, "no snapshot's id begins with %s",
		    text);
		err_hint(err, "there are %s%s", buf_str(&some),
		    list->n > SHOWN_MAX ? ", and older ones" : "");
	}
	buf_free(&some);
}

static bool
is_id(const char *text)
{
	size_t len = strlen(text);

	return len > 0 && len <= REPO_ID_SIZE &&
	    strspn(text, "0123456789abcdef") == len;
}

const struct snapshot *
snapshot_find(const struct snapshot_list *list, const char *text,
    const struct strings *tags, struct err *err)
{
	bool latest = strcmp(text, "latest") == 0;
	const struct snapshot *found = NULL, *s;
	struct buf some;
	size_t i;

	if (!latest && !is_id(text)) {
		err_set(err, ERR_USAGE, "\"%s\" names no snapshot", text);
		err_hint(err, "write \"latest\", or the first digits of an id "
		    "as `spaceferry snapshots` shows it");
		return NULL;
	}
	for (i = list->n; i > 0; i--) {
		s = &list->v[i - 1];
		if (!snapshot_has_tags(s, tags) || (!latest &&
		    strncmp(s->id, text, strlen(text)) != 0))
			continue;
		if (latest || found == NULL)
			found = s;
		else
			goto several;
		if (latest)
			break;
	}
	if (found == NULL)
		not_found(list, text, tags, err);
	return found;

several:
	buf_init(&some, 1024);
	show(list, tags, text, &some);
	err_set(err, ERR_USAGE, "several snapshots begin with %s: %s", text,
	    buf_str(&some));
	err_hint(err, "write more digits of the one that is meant");
	buf_free(&some);
	return NULL;
}
