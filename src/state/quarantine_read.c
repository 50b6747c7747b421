#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "state/place.h"
#include "state/quarantine_read.h"

#define DIGEST_SIZE 16
#define READ_STEP ((size_t)64 << 10)
/* No line is longer (quarantine.c cuts what is in it). */
#define TAIL_MAX ((size_t)1 << 20)
#define BSON_MIN 5

struct quarantine_had {
	uint8_t digest[DIGEST_SIZE];
	bool met;
};

void
quarantine_pair_free(struct quarantine_pair *p)
{

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

enum found { FOUND_DOCUMENT, FOUND_END, FOUND_ERROR };

/* The digest and length of the document at f's position.  FOUND_END behind
 * the last whole one, also where reading fails (ferror() tells). */
static enum found
next_document(FILE *f, struct hash *h, uint8_t *sha256, size_t *len,
    struct err *err)
{
	uint8_t buf[READ_STEP];
	size_t left, n = 4;	/* what is read last */

	if (fread(buf, 1, 4, f) != 4)
		return FOUND_END;
	*len = (size_t)buf[0] | (size_t)buf[1] << 8 | (size_t)buf[2] << 16 |
	    (size_t)buf[3] << 24;
	if (*len < BSON_MIN || *len > INT32_MAX)
		return FOUND_END;
	hash_update(h, buf, 4);
	for (left = *len - 4; left > 0; left -= n) {
		n = left < sizeof(buf) ? left : sizeof(buf);
		if (fread(buf, 1, n, f) != n)
			return FOUND_END;
		hash_update(h, buf, n);
	}
	if (buf[n - 1] != 0)
		return FOUND_END;
	return hash_finish(h, sha256, NULL, err) ? FOUND_DOCUMENT : FOUND_ERROR;
}

static bool
read_documents(struct quarantine_pair *p, FILE *f, const char *path,
    struct err *err)
{
	uint8_t sha256[HASH_SHA256_SIZE];
	enum found found;
	struct hash *h;
	size_t len;

	if ((h = hash_new(false, err)) == NULL)
		return false;
	while ((found = next_document(f, h, sha256, &len, err)) ==
	    FOUND_DOCUMENT) {
		if (!remember(p, sha256)) {
			err_nomem(err, path);
			found = FOUND_ERROR;
			break;
		}
		p->bson_len += len;
		p->count++;
	}
	hash_free(h);
	if (found == FOUND_ERROR)
		return false;
	if (ferror(f))
		return err_set_errno(err, ERR_DISK, errno, "cannot read %s",
		    path);
	if (p->n_had > 0)
		qsort(p->had, p->n_had, sizeof(*p->had), by_digest);
	return true;
}

/* The length of the file up to its last newline. */
static bool
read_tail(struct quarantine_pair *p, FILE *f, const char *path,
    struct err *err)
{
	char *tail = malloc(TAIL_MAX), *end;
	struct stat st;
	off_t start;
	size_t n;

	if (tail == NULL)
		return err_nomem(err, path);
	if (fstat(fileno(f), &st) != 0)
		goto fail;
	start = st.st_size > (off_t)TAIL_MAX ? st.st_size - (off_t)TAIL_MAX : 0;
	if (fseeko(f, start, SEEK_SET) != 0)
		goto fail;
	n = fread(tail, 1, TAIL_MAX, f);
	if (ferror(f))
		goto fail;
	end = memrchr(tail, '\n', n);
	p->lines_len = (uint64_t)start +
	    (end == NULL ? 0 : (size_t)(end - tail) + 1);
	free(tail);
	return true;

fail:
	free(tail);
	return err_set_errno(err, ERR_DISK, errno, "cannot read %s", path);
}

static bool
read_file(struct quarantine_pair *p, const char *path,
    bool (*read)(struct quarantine_pair *, FILE *, const char *,
    struct err *), struct err *err)
{
	FILE *f;
	bool ok;

	if ((f = fopen(path, "rbe")) == NULL) {
		if (errno == ENOENT)
			return true;
		err_set_errno(err, ERR_DISK, errno, "cannot open %s", path);
		return place_hint(err);
	}
	ok = read(p, f, path, err);
	fclose(f);
	return ok;
}

bool
quarantine_read(struct quarantine_pair *p, const char *bson,
    const char *lines, struct err *err)
{
	struct stat st;

	if (!read_file(p, bson, read_documents, err) ||
	    !read_file(p, lines, read_tail, err))
		return false;
	if (stat(bson, &st) == 0 && (uint64_t)st.st_size > p->bson_len)
		log_warning("%s: %llu bytes behind the last whole document "
		    "are passed over", bson,
		    (unsigned long long)st.st_size - p->bson_len);
	return true;
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
