#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

#define BUF_SMALLEST 256

void
buf_init(struct buf *b, size_t max)
{

	b->data = NULL;
	b->len = 0;
	b->cap = 0;
	b->max = max;
}

void
buf_free(struct buf *b)
{

	free(b->data);
	buf_init(b, b->max);
}

void
buf_free_secret(struct buf *b)
{

	if (b->data != NULL)
		explicit_bzero(b->data, b->cap);
	buf_free(b);
}

void
buf_reset(struct buf *b)
{

	b->len = 0;
}

void
buf_truncate(struct buf *b, size_t len)
{

	if (len < b->len)
		b->len = len;
}

bool
buf_reserve(struct buf *b, size_t extra)
{
	uint8_t *data;
	size_t need, cap;

	if (extra <= b->cap - b->len)
		return true;
	if (extra > b->max - b->len)
		return false;
	need = b->len + extra;
	cap = b->cap < BUF_SMALLEST ? BUF_SMALLEST : b->cap;
	while (cap < need)
		cap = cap > b->max / 2 ? b->max : cap * 2;
	if (cap > b->max)
		cap = b->max;
	if ((data = realloc(b->data, cap)) == NULL)
		return false;
	b->data = data;
	b->cap = cap;
	return true;
}

bool
buf_append(struct buf *b, const void *data, size_t len)
{

	if (len == 0)
		return true;
	if (!buf_reserve(b, len))
		return false;
	memcpy(b->data + b->len, data, len);
	b->len += len;
	return true;
}

bool
buf_append_byte(struct buf *b, uint8_t byte)
{

	return buf_append(b, &byte, 1);
}

bool
buf_append_str(struct buf *b, const char *s)
{

	return buf_append(b, s, strlen(s));
}

bool
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int need;

	va_start(ap, fmt);
	need = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (need < 0 || !buf_reserve(b, (size_t)need + 1))
		return false;
	va_start(ap, fmt);
	vsnprintf((char *)b->data + b->len, (size_t)need + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)need;
	return true;
}

const char *
buf_str(struct buf *b)
{

	if (!buf_reserve(b, 1))
		return NULL;
	b->data[b->len] = '\0';
	return (const char *)b->data;
}

uint8_t *
buf_steal(struct buf *b, size_t *len)
{
	uint8_t *data = b->data;

	*len = b->len;
	buf_init(b, b->max);
	return data;
}
