/*
 * A store is where files go: a folder (PATH, file:///p) or a bucket
 * (s3://bucket/prefix); later also sftp://.  Jobs see objects with keys, never
 * the driver behind.
 *
 * Keys are UTF-8, '/'-separated, relative to the store's root, without empty,
 * "." or ".." components.  A struct store may be used by many threads at once;
 * each keeps what it needs per thread in a struct store_session.
 *
 * Order: store_open() once, store_session_new() per thread, sessions freed
 * before the store.  A body handed to store_put() must not be read through the
 * session that puts it.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/hash.h"

struct store;
struct store_session;

#define STORE_ETAG_MAX 256

struct store_options {
	bool create;		/* make a missing folder (never a bucket) */
	bool may_be_missing;	/* a missing folder reads as an empty one and is
				 * not made: for dry runs */
	uint64_t patience_ms;	/* for retries of one request */
	uint64_t bytes_per_second; /* per session, 0: no limit; not for folders */
	size_t part_size;	/* smallest part of a multipart upload; 0: 8 MiB */
	unsigned stall_seconds;	/* give a request up when nothing moves for so
				 * long; 0: 60 */
	bool quiet;		/* no warning about what the URL says (plain
				 * http): it is told otherwise */
	bool only_owner;	/* folders: what is made is for the owner alone
				 * (0700, 0600), whatever the umask */
	bool despite_cancel;	/* carry requests out although a stop was
				 * requested: for what must be left in order;
				 * nothing is tried again then */
};

/* What a listing or a head tells about an object. */
struct store_object {
	const char *key;
	uint64_t size;
	int64_t mtime_ns;	/* since 1970; 0 when the store does not say */
	char etag[STORE_ETAG_MAX]; /* opaque, as returned, with quotes if any; "" */
	int64_t now_ns;		/* the store's own clock when it answered a head
				 * or get; 0 when it does not say (listings) */
	dev_t dev;		/* folders only: identity of the file */
	ino_t ino;
	bool linked;		/* listings of folders only: another name, through
				 * a link to a folder, of a file within */
};

/* Things met in a listing that are no object (or that cannot be moved). */
enum store_oddity {
	STORE_OUTSIDE_LINK,	/* symlink that leads out of the tree */
	STORE_LOOP,		/* symlink back to a folder above it */
	STORE_SPECIAL,		/* FIFO, socket, device */
	STORE_BAD_NAME,		/* not UTF-8, or a key no store can hold */
	STORE_UNREADABLE,	/* permission denied, vanished, I/O error */
	STORE_DANGLING_LINK	/* symlink to nothing */
};

struct store_list_ops {
	/* One object, in any order; valid during the call.  False stops. */
	bool (*object)(void *arg, const struct store_object *o, struct err *err);
	/* Something that is no object; name is printable, why one line. */
	bool (*oddity)(void *arg, enum store_oddity kind, const char *name,
	    const char *why, struct err *err);
};

/* Opens the store that url names; relative paths are allowed.  S3 takes its
 * credentials, region and endpoint from the environment as the AWS tools do
 * (design, section 3).  Sends no request.  NULL with *err (ERR_URI,
 * ERR_NOT_FOUND, ERR_DENIED, ERR_CONFIG when a credential is missing). */
struct store *store_open(const char *url, const struct store_options *options,
    struct err *err);
void store_free(struct store *s);	/* NULL is allowed */

/* Copies url to out for messages, cut if too long, without the keys that
 * somebody may have written into it ("s3://KEY:SECRET@bucket"). */
void store_redact(const char *url, char *out, size_t out_size);

/* Like url, for messages and reports: no secret in it.  Lives with s. */
const char *store_name(const struct store *s);

/* What identifies the place, for recognising source = target and for the
 * journal's key: real path, or endpoint host + bucket + prefix. */
const char *store_identity(const struct store *s);
/* Of two identities: whether place is a folder or prefix of store, or the
 * same. */
bool store_lies_in(const char *place, const char *store);

/* Where requests go: "https://host:8443/path", no secrets in it; NULL for a
 * folder.  Lives with s. */
const char *store_endpoint(const struct store *s);

/* True when listing gives mtime and identity of local files. */
bool store_is_local(const struct store *s);

struct store_session *store_session_new(struct store *s, struct err *err);
void store_session_free(struct store_session *ss);	/* NULL is allowed */

/* The store's own word for why it refused the session's last request
 * ("NoSuchBucket"), "" when it gave none.  Lives until the next request. */
const char *store_reason(const struct store_session *ss);

/* Checks that the store can be read (and written, when write is true, without
 * leaving anything behind): wrong secret, missing bucket, folder missing or
 * unreadable.  An S3 write probe puts and deletes one object under a random
 * key; missing right to delete is reported by the log only. */
bool store_probe(struct store_session *ss, bool write, struct err *err);

/* Lists every object under the root: in a folder its files by name, then its
 * folders by name; in a bucket as the bucket sorts.  Leftover temporary files
 * (base/file.h) and empty objects that stand for folders (key ending in '/')
 * are passed over.  Blocks; a bucket's page is read whole before its objects
 * are handed out, so the callbacks may take their time.  False with *err. */
bool store_list(struct store_session *ss, const struct store_list_ops *ops,
    void *arg, struct err *err);

/* The same for what lies below one folder ("data"), whose name the keys still
 * begin with; one that is not there is empty. */
bool store_list_under(struct store_session *ss, const char *folder,
    const struct store_list_ops *ops, void *arg, struct err *err);

/* For ops->oddity where nobody needs to know: goes on. */
bool store_pass_over(void *arg, enum store_oddity kind, const char *name,
    const char *why, struct err *err);

enum store_found { STORE_FOUND, STORE_ABSENT, STORE_FAILED };

/* One object's size, mtime, etag; o->key is key.  STORE_FAILED sets *err.  What
 * is no file is absent. */
enum store_found store_head(struct store_session *ss, const char *key,
    struct store_object *o, struct err *err);

/* Streams the object to write, in pieces of at most 1 MiB.  On success *o
 * tells what was read (folders: looked at again after reading; ERR_CHANGED
 * when size, mtime or identity moved meanwhile).  ERR_NOT_FOUND when absent. */
typedef bool store_write_fn(void *arg, const void *data, size_t len,
    struct err *err);
bool store_get(struct store_session *ss, const char *key,
    struct store_object *o, store_write_fn *write, void *arg, struct err *err);

/* How an object is to be served; each may be NULL. */
struct store_headers {
	const char *content_type;
	const char *cache_control;
	const char *content_disposition;
	const char *content_encoding;
};

/* A body that can be read again from the start: requests are retried. */
struct store_body {
	uint64_t size;
	/* Reads exactly len bytes at offset.  False with *err (ERR_CHANGED when
	 * the file no longer has them). */
	bool (*read)(void *arg, uint64_t offset, void *data, size_t len,
	    struct err *err);
	void *arg;
};

struct store_put {
	const char *key;	/* a key no store can hold is ERR_REFUSED */
	struct store_body body;
	struct store_headers headers;
	const uint8_t *sha256;	/* of the whole body, HASH_SHA256_SIZE bytes */
	const uint8_t *md5;	/* of the whole body, HASH_MD5_SIZE bytes */
	int64_t mtime_ns;	/* folders: the file gets this time; 0: now */
	/* Conditions, for bodies of at most 64 MiB; at most one: only where no
	 * object is (If-None-Match: *), only in place of the one with this ETag
	 * (If-Match; NULL or "": any).  ERR_CONFLICT when it is not so, which a
	 * repeated request may also say of what the first one put there.
	 * ERR_UNSUPPORTED where the store says that it cannot tell (folders:
	 * if_match); some stores ignore conditions without a word. */
	bool create_only;
	const char *if_match;
	/* In parts, whatever its size (not 0), and dropped if that fails: to try
	 * out whether it can be done. */
	bool in_parts;
	/* A multipart upload to go on with, "" or NULL for none; upload_started
	 * (may be NULL) is told the id of a new one before its first part. */
	const char *upload_id;
	bool (*upload_started)(void *arg, const char *upload_id,
	    struct err *err);
	void (*sent)(void *arg, uint64_t bytes); /* for progress; may be NULL */
	void *arg;		/* for upload_started and sent */
};

/* Stores one object, whole or not at all: a folder through a temporary file,
 * fsync and rename; S3 by one PUT, or multipart above 64 MiB with equal parts
 * of max(part_size, size / 9000), each with Content-MD5 and
 * x-amz-content-sha256.  ERR_CHANGED when the body is not what sha256 says.
 * etag (STORE_ETAG_MAX bytes) gets the ETag as returned.  A failed multipart
 * upload is left for resumption unless the body changed or the store refused
 * it. */
bool store_put(struct store_session *ss, const struct store_put *put,
    char *etag, struct err *err);

/* Removes one object; true when it was not there.  A folder left empty stays. */
bool store_delete(struct store_session *ss, const char *key, struct err *err);

/* Reads parts of one object, for store_body.read.  Local: an open file.  S3:
 * ranged GETs with If-Match on the ETag seen at open. */
struct store_file;
struct store_file *store_file_open(struct store_session *ss, const char *key,
    struct store_object *o, struct err *err);
bool store_file_read(struct store_file *f, uint64_t offset, void *data,
    size_t len, struct err *err);
/* ERR_CHANGED when size, mtime or identity differ from those at open. */
bool store_file_unchanged(struct store_file *f, struct err *err);
void store_file_close(struct store_file *f);	/* NULL is allowed */

#endif
