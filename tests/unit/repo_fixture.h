/*
 * A repository in a fresh folder for each test: "r" is the repository, "state"
 * holds the naming keys.  Two people can be recipients.
 */
#ifndef UNIT_REPO_FIXTURE_H
#define UNIT_REPO_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/log.h"
#include "repo/repo.h"
#include "repo/snapshot.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define ANN "age1x9nj378nsq75dcvuh69rhlat9tk9enw5gnr5kr77dmch3vv0ccusqcypq5"
#define ANN_KEY \
	"AGE-SECRET-KEY-175SN3KFGVZSYYF4HUCD97QX35QYV88LQQS92AEREZT5MN0F9HJFQNNFXHW"
#define BOB "age19r3mns320p2036xl7q0eeea2hgcg6afx6tg9a229sqzycj48x49q45mum0"
#define BOB_KEY \
	"AGE-SECRET-KEY-1HTGKZQ0NHFF3ENQ3MLMUT6G22TXT535DANNAK5C4RFEYMZKHA7SSF0ZF7N"

static char root[64];
static struct age_recipients *ann, *bob;
static struct age_identities *ann_key, *bob_key;
static struct buf said;		/* by the log */

static inline void
say(enum log_level level, const char *line, void *arg)
{

	(void)level;
	buf_append_str(arg, line);
	buf_append_byte(arg, '\n');
}

static inline int
setup(void **state)
{
	struct err err;

	(void)state;
	snprintf(root, sizeof(root), "/tmp/sf-test-repo-XXXXXX");
	if (mkdtemp(root) == NULL || chdir(root) != 0)
		return 1;
	unsetenv("SPACEFERRY_NAMING_KEY");
	buf_init(&said, 1 << 20);
	log_set_handler(say, &said, LOG_WARNING);
	return (ann = age_recipients_new(&err)) == NULL ||
	    (bob = age_recipients_new(&err)) == NULL ||
	    (ann_key = age_identities_new(&err)) == NULL ||
	    (bob_key = age_identities_new(&err)) == NULL ||
	    !age_recipients_add(ann, ANN, &err) ||
	    !age_recipients_add(bob, BOB, &err) ||
	    !age_identities_add(ann_key, ANN_KEY, &err) ||
	    !age_identities_add(bob_key, BOB_KEY, &err);
}

static inline int
teardown(void **state)
{
	char command[256];

	(void)state;
	log_set_handler(NULL, NULL, LOG_WARNING);
	buf_free(&said);
	age_recipients_free(ann);
	age_recipients_free(bob);
	age_identities_free(ann_key);
	age_identities_free(bob_key);
	snprintf(command, sizeof(command),
	    "chmod -R u+rwX '%s' && rm -rf '%s'", root, root);
	return chdir("/") != 0 || system(command) != 0;
}

static inline struct repo *
try_open(bool add, const struct age_recipients *recipients,
    const struct age_identities *identities, struct err *err)
{
	const struct repo_options options = { .url = "r", .create = add,
		.add = add, .recipients = recipients,
		.identities = identities, .key_folder = "state" };

	err_clear(err);
	return repo_open(&options, err);
}

/* To add to it, the index read. */
static inline struct repo *
open_add(const struct age_recipients *recipients,
    const struct age_identities *identities)
{
	struct err err;
	struct repo *r = try_open(true, recipients, identities, &err);

	if (r == NULL || !repo_load_index(r, &err))
		fail_msg("%s", err.message);
	return r;
}

static inline struct repo *
open_read(const struct age_identities *identities)
{
	struct err err;
	struct repo *r = try_open(false, NULL, identities, &err);

	if (r == NULL)
		fail_msg("%s", err.message);
	return r;
}

static inline struct repo_session *
new_session(struct repo *r)
{
	struct err err;
	struct repo_session *s = repo_session_new(r, &err);

	assert_non_null(s);
	return s;
}

/* Stores text; whether it was fresh. */
static inline bool
put(struct repo_session *s, const char *text, struct repo_blob *b)
{
	struct err err;
	bool fresh;

	if (!repo_put(s, text, strlen(text), b, &fresh, &err))
		fail_msg("%s", err.message);
	return fresh;
}

static inline void
assert_blob(struct repo_session *s, const char *key_id,
    const struct repo_blob *b, const char *text)
{
	struct buf out;
	struct err err;

	buf_init(&out, REPO_BLOB_MAX);
	if (!repo_get(s, key_id, b->name, &out, &err))
		fail_msg("%s", err.message);
	assert_int_equal(out.len, strlen(text));
	assert_memory_equal(out.data, text, out.len);
	buf_free(&out);
}

/* The path of a blob's object, from the test's folder. */
static inline const char *
path_of(const struct repo *r, const struct repo_blob *b)
{
	static char path[128];
	char name[REPO_OBJECT_MAX];

	repo_object_name(r, b->name, name);
	snprintf(path, sizeof(path), "r/%s", name);
	return path;
}

static inline void
read_whole(const char *path, struct buf *out)
{
	struct err err;

	buf_init(out, 64 << 20);
	if (!file_read(path, out, &err))
		fail_msg("%s", err.message);
}

static inline void
write_whole(const char *path, const void *data, size_t len)
{
	struct err err;

	if (!file_replace(path, data, len, &err))
		fail_msg("%s", err.message);
}

/* How many lines a shell command prints. */
static inline unsigned
count_lines(const char *command)
{
	unsigned n = 0;
	FILE *f = popen(command, "r");
	int c;

	assert_non_null(f);
	while ((c = fgetc(f)) != EOF)
		n += c == '\n';
	assert_int_equal(pclose(f), 0);
	return n;
}

static inline void
shell(const char *command)
{

	if (system(command) != 0)
		fail_msg("%s", command);
}

#define HEAD(time) ((struct snapshot){ .time_ns = (time), \
	.group = "0123456789abcdef" })
#define SECOND INT64_C(1000000000)
#define T0 (INT64_C(1795449166) * SECOND) /* 2026-11-23T15:52:46Z */

/* A snapshot at time that needs these n blobs, with one line of details. */
static inline void
make_snapshot(struct repo *r, int64_t time, const struct repo_blob *b,
    size_t n, struct snapshot *done)
{
	const struct snapshot head = HEAD(time);
	struct repo_session *s = new_session(r);
	struct snapshot_writer *w;
	struct err err;
	size_t i;
	bool ok;

	w = snapshot_writer_new(r, &head, &err);
	ok = w != NULL;
	for (i = 0; ok && i < n; i++)
		ok = snapshot_writer_need(w, &b[i], &err);
	ok = ok && snapshot_writer_detail(w, s, "{\"a\":1}", 7, &err) &&
	    snapshot_writer_commit(w, s, 1000, done, &err);
	if (!ok)
		fail_msg("%s", err.message);
	snapshot_writer_free(w);
	repo_session_free(s);
}

#endif
