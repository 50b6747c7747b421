/*
 * Damaged snapshots: each way has its own words, none is read or listed.
 */
#include "repo_fixture.h"

struct oddities {
	unsigned n;
	struct buf text;
};

static bool
note(void *arg, const char *key, const struct err *why, struct err *err)
{
	struct oddities *o = arg;

	(void)err;
	o->n++;
	return buf_printf(&o->text, "%s: %s\n", key, why->message);
}

static bool
ignore(void *arg, const struct snapshot_blob *b, struct err *err)
{

	(void)arg;
	(void)b;
	(void)err;
	return true;
}

/* Neither read nor listed; says so. */
static void
assert_damaged(struct repo_session *s, const char *object, const char *words,
    enum err_kind kind)
{
	struct oddities o = { .n = 0 };
	struct snapshot_list list;
	struct snapshot head;
	struct err err;

	snapshot_init(&head);
	buf_init(&o.text, 4096);
	assert_false(snapshot_read(s, object, &head, ignore, NULL, &err));
	assert_int_equal(err.kind, kind);
	if (strstr(err.message, words) == NULL ||
	    strstr(err.message, object) == NULL)
		fail_msg("not \"%s\": %s", words, err.message);
	assert_true(snapshot_list(s, &list, note, &o, &err));
	assert_int_equal(list.n, 0);
	assert_int_equal(o.n, 1);
	assert_memory_equal(o.text.data, object, strlen(object));
	snapshot_list_free(&list);
	buf_free(&o.text);
	snapshot_free(&head);
}

/* $f is the snapshot, good a copy of it. */
static const struct {
	const char *change, *words;
	enum err_kind kind;
} cases[] = {
	{ ": > $f", "it is empty", ERR_DAMAGED },
	{ "head -c 50 good > $f", "ends within line 1", ERR_DAMAGED },
	{ "head -n 2 good > $f", "end is missing", ERR_DAMAGED },
	{ "head -c -1 good > $f", "ends within line 5", ERR_DAMAGED },
	{ "(cat good; echo '[]') > $f", "behind its end",
	    ERR_DAMAGED },
	{ "cat good good > $f", "behind its end", ERR_DAMAGED },
	{ "sed 2d good > $f", "digest", ERR_DAMAGED },
	{ "sed '2{h;d};3{p;x}' good > $f", "digest", ERR_DAMAGED },
	{ "sed '1s/\"read\":1000/\"read\":1001/' good > $f", "digest",
	    ERR_DAMAGED },
	{ "sed '2s/,/,1/' good > $f", "", ERR_DAMAGED },
	{ "sed '2s/\\[\"./[\"z/' good > $f", "line 2 is not that of a "
	    "blob", ERR_DAMAGED },
	{ "sed '2s/,/,0/' good > $f", "line 2 is not", ERR_DAMAGED },
	{ "sed '2s/,/,99999999/' good > $f", "line 2 is not",
	    ERR_DAMAGED },
	{ "sed '2s/$/ /' good > $f", "line 2 is not", ERR_DAMAGED },
	{ "sed '2s/]/,\"detail\"]/' good > $f", "behind those of the "
	    "details", ERR_DAMAGED },
	{ "sed '2s/^/{/' good > $f", "line 2 is no object",
	    ERR_DAMAGED },
	{ "sed '2s/.*/{}/' good > $f", "line 2 is neither",
	    ERR_DAMAGED },
	{ "sed '1s/\"group\":/\"grout\":/' good > $f", "lacks",
	    ERR_DAMAGED },
	{ "sed '1s/snapshot/snapshut/' good > $f", "first line",
	    ERR_DAMAGED },
	{ "sed '1s/\"version\":1/\"version\":2/' good > $f",
	    "version 2", ERR_UNSUPPORTED },
	{ "sed '1s/\"id\":\"/\"id\":\"g/' good > $f", "cannot be",
	    ERR_DAMAGED },
	{ "sed '1s/\"key\":\"/&0123456789abcdef/' good > $f",
	    "encrypted", ERR_DAMAGED },
	{ "sed '1s/\"time_ns\":1/\"time_ns\":/' good > $f",
	    "another one", ERR_DAMAGED },
	{ "head -c 100000 /dev/zero > $f", "line 1 is too long",
	    ERR_DAMAGED },
};

static void
test_damage(void **state)
{
	struct repo *r = open_add(NULL, NULL);
	struct repo_session *s = new_session(r);
	char command[512], object[REPO_OBJECT_MAX];
	struct snapshot done;
	struct repo_blob b[2];
	size_t i;

	(void)state;
	put(s, "one", &b[0]);
	put(s, "two", &b[1]);
	make_snapshot(r, T0, b, 2, &done);
	snprintf(object, sizeof(object), "%s", done.object);
	snapshot_free(&done);
	shell("cp r/snapshots/* good");
	for (i = 0; i < COUNT(cases); i++) {
		snprintf(command, sizeof(command), "f=r/%s; %s && ! cmp -s "
		    "good $f", object, cases[i].change);
		shell(command);
		assert_damaged(s, object, cases[i].words, cases[i].kind);
	}
	/* Under another's name. */
	shell("rm r/snapshots/*; cp good "
	    "r/snapshots/20261123T155246Z-00000000.jsonl");
	assert_damaged(s, "snapshots/20261123T155246Z-00000000.jsonl",
	    "another one", ERR_DAMAGED);
	shell("rm r/snapshots/*; cp good r/snapshots/notes");
	assert_damaged(s, "snapshots/notes", "another one", ERR_DAMAGED);
	assert_int_equal(said.len, 0);
	repo_session_free(s);
	repo_close(r);
	/* A backup goes on without what it recorded. */
	r = open_add(NULL, NULL);
	assert_non_null(strstr(buf_str(&said), "snapshots/notes"));
	s = new_session(r);
	assert_false(put(s, "one", &b[0]));
	repo_session_free(s);
	repo_close(r);
}

/* Each byte of it. */
static void
test_flips(void **state)
{
	struct repo *r = open_add(NULL, NULL);
	struct repo_session *s = new_session(r);
	struct snapshot done, head;
	struct snapshot_list list;
	struct repo_blob b;
	struct buf text;
	char path[160];
	struct err err;
	size_t at;

	(void)state;
	put(s, "one", &b);
	make_snapshot(r, T0, &b, 1, &done);
	snprintf(path, sizeof(path), "r/%s", done.object);
	read_whole(path, &text);
	snapshot_init(&head);
	for (at = 0; at < text.len; at++) {
		text.data[at] ^= 1;
		write_whole(path, text.data, text.len);
		assert_false(snapshot_read(s, done.object, &head, ignore, NULL,
		    &err));
		assert_true(err.kind == ERR_DAMAGED ||
		    err.kind == ERR_UNSUPPORTED);
		assert_true(snapshot_list(s, &list, NULL, NULL, &err));
		assert_int_equal(list.n, 0);
		snapshot_list_free(&list);
		text.data[at] ^= 1;
	}
	buf_free(&text);
	snapshot_free(&done);
	repo_session_free(s);
	repo_close(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_damage, setup, teardown),
		cmocka_unit_test_setup_teardown(test_flips, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
