#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "state/quarantine_read.h"

#define DIGEST_SIZE 16
#define READ_STEP ((size_t)64 << 10)
#define BSON_MIN 5

struct quarantine_had {
	uint8_t digest[DIGEST_SIZE];
	bool met;
};

void
quarantine_pair_free(struct quarantine_pair *p)
{

	place_file_free(p->lines);
	place_file_free(p->bson);
	free(p->stem);
	free(p->had);
	memset(p, 0, sizeof(*p));
}

static int
by_digest(const void *a, const void *b)
{

	return memcmp(a, b, DIGEST_SIZE);
}

static bool
remember(struct quarantine_pair *p, const uint8_t *sha256)
{
	struct quarantine_had *had;

	if (p->n_had == p->cap_had) {
		size_t cap = p->cap_had == 0 ? 64 : 2 * p->cap_had;

		if ((had = reallocarray(p->had, cap, sizeof(*had))) == NULL)
			return false;
		p->had = had;
		p->cap_had = cap;
	}
	had = &p->had[p->n_had++];
	memcpy(had->digest, sha256, DIGEST_SIZE);
	had->met = false;
	return true;
}

/* Reads exactly len bytes, less at the end of the file. */
static bool
read_some(struct place_reader *from, uint8_t *data, size_t len, size_t *got,
    struct err *err)
{
	size_t n = 1;

	for (*got = 0; *got < len && n > 0; *got += n) {
		if (!place_reader_read(from, data + *got, len - *got, &n, err))
			return false;
	}
	return true;
}

enum found { FOUND_DOCUMENT, FOUND_END, FOUND_ERROR };

/* The digest and length of the next document.  FOUND_END behind the last whole
 * one; *left gets what was read of it. */
static enum found
next_document(struct place_reader *from, struct hash *h, uint8_t *sha256,
    size_t *len, size_t *left, struct err *err)
{
	uint8_t buf[READ_STEP];
	size_t n, got;

	if (!read_some(from, buf, 4, &got, err))
		return FOUND_ERROR;
	*left = got;
	if (got < 4)
		return FOUND_END;
	*len = (size_t)buf[0] | (size_t)buf[1] << 8 | (size_t)buf[2] << 16 |
	    (size_t)buf[3] << 24;
	if (*len < BSON_MIN || *len > INT32_MAX)
		return FOUND_END;
	hash_update(h, buf, 4);
	while (*left < *len) {
		n = *len - *left < sizeof(buf) ? *len - *left : sizeof(buf);
		if (!read_some(from, buf, n, &got, err))
			return FOUND_ERROR;
		*left += got;
		if (got < n)
			return FOUND_END;
		hash_update(h, buf, n);
		if (*left == *len && buf[n - 1] != 0)
			return FOUND_END;
	}
	return hash_finish(h, sha256, NULL, err) ? FOUND_DOCUMENT : FOUND_ERROR;
}

static bool
read_documents(struct quarantine_pair *p, struct place_reader *from,
    const char *name, struct err *err)
{
	uint8_t sha256[HASH_SHA256_SIZE];
	enum found found;
	struct hash *h;
	size_t len, left;

	if ((h = hash_new(false, err)) == NULL)
		return false;
	while ((found = next_document(from, h, sha256, &len, &left, err)) ==
	    FOUND_DOCUMENT) {
		if (!remember(p, sha256)) {
			err_nomem(err, name);
			found = FOUND_ERROR;
			break;
		}
		p->bson_len += len;
		p->count++;
	}
	hash_free(h);
	if (found == FOUND_ERROR)
		return false;
	if (left > 0)
		log_warning("%s: what stands behind the last whole document "
		    "is passed over", name);
	if (p->n_had > 0)
		qsort(p->had, p->n_had, sizeof(*p->had), by_digest);
	return true;
}

/* The length of the file up to its last newline. */
static bool
read_lines(struct quarantine_pair *p, struct place_reader *from,
    const char *name, struct err *err)
{
	uint8_t buf[READ_STEP];
	const uint8_t *end;
	uint64_t at;
	size_t got;

	(void)name;
	for (at = 0;; at += got) {
		if (!place_reader_read(from, buf, sizeof(buf), &got, err))
			return false;
		if (got == 0)
			return true;
		end = memrchr(buf, '\n', got);
		if (end != NULL)
			p->lines_len = at + (uint64_t)(end - buf) + 1;
	}
}

typedef bool read_fn(struct quarantine_pair *p, struct place_reader *from,
    const char *name, struct err *err);

static bool
read_file(struct quarantine_pair *p, struct place *place, const char *name,
    read_fn *read, struct err *err)
{
	struct place_reader *from;
	bool ok;

	if ((from = place_reader_new(place, name, err)) == NULL)
		return false;
	ok = read(p, from, name, err);
	place_reader_free(from);
	return ok;
}

bool
quarantine_read(struct quarantine_pair *p, struct place *place,
    const char *bson, const char *lines, struct err *err)
{

	return read_file(p, place, bson, read_documents, err) &&
	    read_file(p, place, lines, read_lines, err);
}

bool
quarantine_had(struct quarantine_pair *p,
    const uint8_t sha256[HASH_SHA256_SIZE])
{
	struct quarantine_had *first, *end;

	if (p->n_had == 0)
		return false;
	first = bsearch(sha256, p->had, p->n_had, sizeof(*p->had), by_digest);
	if (first == NULL)
		return false;
	end = p->had + p->n_had;
	while (first > p->had && by_digest(first - 1, sha256) == 0)
		first--;
	for (; first < end && by_digest(first, sha256) == 0; first++) {
		if (!first->met)
			return first->met = true;
	}
	return false;
}
