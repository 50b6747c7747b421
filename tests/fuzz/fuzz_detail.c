/*
 * The details of a snapshot, as they come out of a repository that somebody else
 * may have written: lines, each read, written again, read once more and compared,
 * and held against each other.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "repo/detail.h"

#define MUST(x) do { \
	if (!(x)) { \
		fprintf(stderr, "line %d: %s\n", __LINE__, #x); \
		abort(); \
	} \
} while (0)

/* What was read is written so that it reads as the same. */
static void
write_again(const struct detail *d)
{
	struct buf one, two;
	struct detail again;
	struct err err;

	buf_init(&one, DETAIL_LINE_MAX);
	buf_init(&two, DETAIL_LINE_MAX);
	MUST(detail_write(d, &one, &err));
	MUST(memchr(one.data, '\n', one.len) == NULL);
	MUST(detail_read((const char *)one.data, one.len, &again, &err));
	MUST(again.kind == d->kind);
	MUST(detail_write(&again, &two, &err));
	MUST(one.len == two.len && memcmp(one.data, two.data, one.len) == 0);
	detail_free(&again);
	buf_free(&two);
	buf_free(&one);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *p = (const char *)data, *end = p + size, *stop;
	struct detail_order order = { 0 };
	bool in_order = true;
	struct detail d;
	struct err err;

	for (; p < end; p = stop + 1) {
		char *line;

		if ((stop = memchr(p, '\n', (size_t)(end - p))) == NULL)
			stop = end;
		/* In a block of exactly its size. */
		line = malloc((size_t)(stop - p) + 1);
		memcpy(line, p, (size_t)(stop - p));
		line[stop - p] = '\0';
		if (detail_read(line, (size_t)(stop - p), &d, &err)) {
			write_again(&d);
			in_order = in_order &&
			    detail_order_take(&order, &d, &err);
			detail_free(&d);
		} else {
			MUST(err.message[0] != '\0');
			in_order = false;
		}
		free(line);
	}
	if (in_order && detail_order_done(&order, &err))
		MUST(order.runs == 0 && order.files == 0 && order.bytes == 0);
	return 0;
}
