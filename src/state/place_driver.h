/*
 * What a kind of place is to place.c: a table of functions, and the beginnings
 * of its structs, which each kind embeds as the first member of its own.  The
 * contracts are place.h's.  For place*.c only.
 */
#ifndef STATE_PLACE_DRIVER_H
#define STATE_PLACE_DRIVER_H

#include "state/place.h"
#include "store/store.h"

struct place_driver {
	void (*free)(struct place *p);
	bool (*held)(struct place *p, struct err *err);
	enum place_found (*exists)(struct place *p, const char *name,
	    struct err *err);
	bool (*remove)(struct place *p, const char *name, struct err *err);
	/* NULL: by copying and removing */
	bool (*rename)(struct place *p, const char *from, const char *to,
	    struct err *err);
	bool (*list)(struct place *p, const char *folder, place_list_fn *fn,
	    void *arg, struct err *err);
	struct place_reader *(*reader_new)(struct place *p, const char *name,
	    struct err *err);
	bool (*reader_read)(struct place_reader *r, void *data, size_t size,
	    size_t *got, struct err *err);
	void (*reader_free)(struct place_reader *r);
	struct place_writer *(*writer_new)(struct place *p, const char *name,
	    struct err *err);
	bool (*writer_write)(struct place_writer *w, const void *data,
	    size_t len, struct err *err);
	bool (*writer_finish)(struct place_writer *w, struct err *err);
	void (*writer_free)(struct place_writer *w);
	struct place_file *(*file_open)(struct place *p, const char *name,
	    uint64_t good, bool many, struct err *err);
	bool (*file_append)(struct place_file *f, const void *data, size_t len,
	    struct err *err);
	bool (*file_sync)(struct place_file *f, struct err *err);
	bool (*file_due)(struct place_file *f);
	uint64_t (*file_size)(const struct place_file *f);
	void (*file_free)(struct place_file *f);
};

struct place {
	const struct place_driver *driver;
	char *path;		/* freed by place.c */
	bool look_only;
};

struct place_reader {
	struct place *place;
};

struct place_writer {
	struct place *place;
};

struct place_file {
	struct place *place;
};

/* The folder at path, which is made and locked unless look_only is set.
 * Takes path over on success. */
struct place *place_local_new(char *path, bool look_only, struct err *err);

/* As place_folder(). */
struct place *place_local_plain(char *path, struct err *err);

struct place_store_options {
	const char *url;	/* of the prefix that is all ours */
	uint64_t patience_ms;
	uint64_t lapse_ms, renew_ms; /* 0: as lease.h says */
	bool look_only;
	bool create;		/* url is a folder: make it (tests) */
};

struct place *place_store_new(const struct place_store_options *options,
    struct err *err);

#endif
