/*
 * A folder store in a fresh folder for each test: shared by the tests of the
 * folder driver.  Header-only, because each unit test is one source file.
 */
#ifndef UNIT_FOLDER_FIXTURE_H
#define UNIT_FOLDER_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "store/store.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Each test runs in a fresh folder; "t" in it is the store's root. */
static char root[64];
static struct store *store;
static struct store_session *session;

static inline void
open_store(const char *url)
{
	const struct store_options options = { .create = true };
	struct err err;

	store = store_open(url, &options, &err);
	if (store == NULL)
		fail_msg("%s", err.message);
	session = store_session_new(store, &err);
	assert_non_null(session);
}

static inline int
setup(void **state)
{

	(void)state;
	snprintf(root, sizeof(root), "/tmp/sf-test-store-XXXXXX");
	if (mkdtemp(root) == NULL || chdir(root) != 0)
		return 1;
	open_store("t");
	return 0;
}

static inline int
teardown(void **state)
{
	char command[256];

	(void)state;
	store_session_free(session);
	store_free(store);
	snprintf(command, sizeof(command),
	    "chmod -R u+rwX '%s' && rm -rf '%s'", root, root);
	return chdir("/") != 0 || system(command) != 0;
}

static inline void
make(const char *path, const char *text)
{
	char *slash, folder[4200];
	struct err err;
	FILE *f;

	snprintf(folder, sizeof(folder), "%s", path);
	if ((slash = strrchr(folder, '/')) != NULL) {
		*slash = '\0';
		assert_true(file_make_folders(folder, 0755, &err));
	}
	assert_non_null(f = fopen(path, "w"));
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

/* What a listing said: "key size\n" and "!kind name: why\n". */
struct listing {
	struct buf text;
	size_t objects, oddities;
	size_t stop_after;	/* objects; 0: never */
};

static inline bool
on_object(void *arg, const struct store_object *o, struct err *err)
{
	struct listing *l = arg;

	assert_string_equal(o->etag, "");
	assert_true(o->ino != 0);
	assert_true(o->mtime_ns > 1000000000000000000);
	buf_printf(&l->text, "%s %llu\n", o->key, (unsigned long long)o->size);
	l->objects++;
	if (l->objects == l->stop_after)
		return err_set(err, ERR_DISK, "enough");
	return true;
}

static inline bool
on_oddity(void *arg, enum store_oddity kind, const char *name,
    const char *why, struct err *err)
{
	static const char *const kinds[] = { "outside", "loop", "special",
		"name", "unreadable", "dangling" };
	struct listing *l = arg;

	(void)err;
	assert_true(*why != '\0');
	buf_printf(&l->text, "!%s %s\n", kinds[kind], name);
	l->oddities++;
	return true;
}

static const struct store_list_ops list_ops = { on_object, on_oddity };

static inline void
assert_listing(const char *want)
{
	struct listing l = { .stop_after = 0 };
	struct err err;

	buf_init(&l.text, 1 << 20);
	if (!store_list(session, &list_ops, &l, &err))
		fail_msg("%s", err.message);
	assert_string_equal(buf_str(&l.text), want);
	buf_free(&l.text);
}

static inline bool
collect(void *arg, const void *data, size_t len, struct err *err)
{

	(void)err;
	return buf_append(arg, data, len);
}

static inline void
assert_get(const char *key, const char *want)
{
	struct store_object o;
	struct buf b;
	struct err err;

	buf_init(&b, 1 << 20);
	if (!store_get(session, key, &o, collect, &b, &err))
		fail_msg("%s", err.message);
	assert_int_equal(b.len, strlen(want));
	assert_int_equal(o.size, strlen(want));
	assert_string_equal(o.key, key);
	assert_string_equal(buf_str(&b), want);
	buf_free(&b);
}

static inline enum err_kind
get_error(const char *key)
{
	struct store_object o;
	struct buf b;
	struct err err;
	bool ok;

	buf_init(&b, 1 << 20);
	ok = store_get(session, key, &o, collect, &b, &err);
	buf_free(&b);
	return ok ? ERR_NONE : err.kind;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
