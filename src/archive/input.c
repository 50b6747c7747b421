#include <stdlib.h>
#include <string.h>

#include "archive/archive.h"
#include "archive/input.h"
#include "base/cancel.h"

#define BLOCK ((size_t)256 * 1024)
#define WINDOW_MAX (ARCHIVE_DOC_MAX + BLOCK)

void
input_init(struct input *i, const struct stream_in *in)
{

	*i = (struct input){ .in = *in };
}

void
input_free(struct input *i)
{

	free(i->data);
	i->data = NULL;
	i->cap = i->begin = i->end = 0;
}

/* Room behind end: by moving what is left, by doubling when it fills half. */
static bool
make_room(struct input *i, struct err *err)
{
	size_t left = i->end - i->begin, cap;
	uint8_t *data;

	if (i->begin > 0 && left > 0)
		memmove(i->data, i->data + i->begin, left);
	i->begin = 0;
	i->end = left;
	if (left < i->cap / 2)
		return true;
	cap = i->cap == 0 ? BLOCK : 2 * i->cap;
	if (cap > WINDOW_MAX)
		cap = WINDOW_MAX;
	if (cap == i->cap)
		return true;
	if ((data = realloc(i->data, cap)) == NULL)
		return err_nomem(err, "a document of an archive");
	i->data = data;
	i->cap = cap;
	return true;
}

bool
input_need(struct input *i, size_t n, size_t *at_hand, struct err *err)
{
	size_t len;

	while ((*at_hand = i->end - i->begin) < n && !i->eof) {
		if (cancel_requested())
			return cancel_err(err);
		if (i->end == i->cap || i->begin == i->end) {
			if (!make_room(i, err))
				return false;
		}
		if (!i->in.read(i->in.arg, i->data + i->end, i->cap - i->end,
		    &len, err))
			return false;
		i->end += len;
		i->eof = len == 0;
	}
	return true;
}
