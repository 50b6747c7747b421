/*
 * What a driver is to store.c: a table of functions and the beginnings of its
 * structs.  A driver embeds struct store, store_session and store_file as the
 * first member of its own; store.c has checked every key before a driver sees
 * it.  For src/store, and for job/snapshot_files.
 */
#ifndef STORE_DRIVER_H
#define STORE_DRIVER_H

#include "store/store.h"

struct store_driver {
	void (*free)(struct store *s);
	struct store_session *(*session_new)(struct store *s, struct err *err);
	void (*session_free)(struct store_session *ss);
	const char *(*reason)(const struct store_session *ss); /* NULL: none */
	bool (*probe)(struct store_session *ss, bool write, struct err *err);
	bool (*list)(struct store_session *ss, const char *under,
	    const struct store_list_ops *ops, void *arg,
	    struct err *err);	/* under: a folder, "": everything */
	enum store_found (*head)(struct store_session *ss, const char *key,
	    struct store_object *o, struct err *err);
	bool (*get)(struct store_session *ss, const char *key,
	    struct store_object *o, store_write_fn *write, void *arg,
	    struct err *err);
	bool (*put)(struct store_session *ss, const struct store_put *put,
	    char *etag, struct err *err);
	bool (*delete)(struct store_session *ss, const char *key,
	    struct err *err);
	struct store_file *(*file_open)(struct store_session *ss,
	    const char *key, struct store_object *o, struct err *err);
	bool (*file_read)(struct store_file *f, uint64_t offset, void *data,
	    size_t len, struct err *err);
	bool (*file_unchanged)(struct store_file *f, struct err *err);
	void (*file_close)(struct store_file *f);
};

struct store {
	const struct store_driver *driver;
	struct store_options options;
	char *name;		/* freed by store.c, as is identity */
	char *identity;
	char *endpoint;		/* or NULL */
	bool local;
};

struct store_session {
	struct store *store;
};

struct store_file {
	struct store_session *session;
};

/* Each opens what comes after "s3://", or a path.  NULL with *err. */
struct store *s3_open(const char *rest, const struct store_options *options,
    struct err *err);
struct store *folder_open(const char *path,
    const struct store_options *options, struct err *err);

#endif
