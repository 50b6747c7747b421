#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "repo/bloblines.h"

static int
append(const char *data, size_t len, void *arg)
{

	return buf_append(arg, data, len) ? 0 : -1;
}

/* One line of JSON; consumes object. */
static bool
add_json(struct buf *text, json_t *object)
{
	bool ok;

	ok = object != NULL && json_dump_callback(object, append, text,
	    JSON_COMPACT | JSON_ENSURE_ASCII) == 0 &&
	    buf_append_byte(text, '\n');
	json_decref(object);
	return ok;
}

void
bloblines_begin(struct bloblines_writer *w, const char *format, json_t *head)
{
	json_t *first;

	memset(w, 0, sizeof(*w));
	buf_init(&w->text, SNAPSHOT_LINES_MAX);
	first = json_pack("{s:s, s:i}", "format", format, "version",
	    BLOBLINES_VERSION);
	if (first == NULL || head == NULL ||
	    json_object_update_missing(first, head) != 0)
		w->failed = true;
	json_decref(head);
	if (w->failed)
		json_decref(first);
	else
		w->failed = !add_json(&w->text, first);
}

void
bloblines_add(struct bloblines_writer *w, const struct repo_blob *blob,
    bool detail)
{
	char name[2 * REPO_NAME_SIZE + 1], sha256[2 * HASH_SHA256_SIZE + 1];

	if (w->failed)
		return;
	hash_hex(blob->name, sizeof(blob->name), name);
	hash_hex(blob->sha256, sizeof(blob->sha256), sha256);
	w->failed = !buf_printf(&w->text, "[\"%s\",%" PRIu64 ",\"%s\"%s]\n",
	    name, blob->stored, sha256, detail ? ",\"detail\"" : "");
	w->blobs++;
	w->stored += blob->stored;
}

bool
bloblines_end(struct bloblines_writer *w, struct err *err)
{
	char hex[2 * HASH_SHA256_SIZE + 1];
	uint8_t sha256[HASH_SHA256_SIZE];

	if (!w->failed && hash_sha256(w->text.data, w->text.len, sha256)) {
		hash_hex(sha256, sizeof(sha256), hex);
		if (add_json(&w->text, json_pack("{s:{s:I, s:I, s:s}}", "end",
		    "blobs", (json_int_t)w->blobs, "stored",
		    (json_int_t)w->stored, "sha256", hex)))
			return true;
	}
	if (w->text.len + 512 > w->text.max)
		return err_set(err, ERR_TOO_LARGE, "a list of more than %"
		    PRIu64 " blobs is too long", w->blobs);
	return err_nomem(err, "a list of blobs");
}

void
bloblines_free(struct bloblines_writer *w)
{

	buf_free(&w->text);
}
