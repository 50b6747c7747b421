#include <string.h>

#include "codec/age_internal.h"

void
age_input_start(struct age_input *i, const struct stream_in *in)
{

	i->in = *in;
	i->begin = i->end = 0;
	i->eof = false;
}

int
age_input_peek(struct age_input *i, struct err *err)
{

	if (i->begin == i->end && !i->eof) {
		i->begin = i->end = 0;
		if (!i->in.read(i->in.arg, i->data, sizeof(i->data), &i->end,
		    err))
			return -2;
		i->eof = i->end == 0;
	}
	return i->begin < i->end ? i->data[i->begin] : -1;
}

bool
age_input_line(struct age_input *i, size_t most, struct buf *out,
    struct err *err)
{
	const uint8_t *newline;
	size_t n;
	int c;

	for (; most > 0; most -= n) {
		if ((c = age_input_peek(i, err)) < 0)
			return c == -1;
		n = i->end - i->begin < most ? i->end - i->begin : most;
		newline = memchr(i->data + i->begin, '\n', n);
		if (newline != NULL)
			n = (size_t)(newline - (i->data + i->begin)) + 1;
		if (!buf_append(out, i->data + i->begin, n))
			return err_nomem(err, "age header");
		i->begin += n;
		if (newline != NULL)
			return true;
	}
	return true;
}

bool
age_input_read(struct age_input *i, void *data, size_t size, size_t *len,
    struct err *err)
{
	uint8_t *to = data;
	size_t n = i->end - i->begin < size ? i->end - i->begin : size;

	memcpy(to, i->data + i->begin, n);
	i->begin += n;
	*len = n;
	while (*len < size && !i->eof) {
		if (!i->in.read(i->in.arg, to + *len, size - *len, &n, err))
			return false;
		*len += n;
		i->eof = n == 0;
	}
	return true;
}
