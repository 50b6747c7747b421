/*
 * Snapshots: written, listed, found, read with their details, damaged.
 */
#include <inttypes.h>

#include <jansson.h>

#include "repo_fixture.h"

static bool
show(void *arg, const struct snapshot_blob *b, struct err *err)
{
	char hex[9];

	(void)err;
	hash_hex(b->blob.name, 4, hex);
	return buf_printf(arg, "%s %" PRIu64 "%s\n", hex, b->blob.stored,
	    b->detail ? " detail" : "");
}

static bool
show_line(void *arg, char *line, size_t len, struct err *err)
{

	(void)err;
	assert_int_equal(strlen(line), len);
	return buf_append(arg, line, len) && buf_append_byte(arg, '\n');
}

static void
get_list(struct repo *r, struct snapshot_list *list)
{
	struct repo_session *s = new_session(r);
	struct err err;

	if (!snapshot_list(s, list, NULL, NULL, &err))
		fail_msg("%s", err.message);
	repo_session_free(s);
}

static void
test_round(void **state)
{
	const struct age_recipients *who[] = { NULL, ann };
	char want[256], path[300];
	struct snapshot done, head;
	struct snapshot_list list;
	struct repo_blob b[3];
	struct repo_session *s;
	struct repo *r;
	struct buf seen, lines;
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		r = open_add(who[i], ann_key);
		s = new_session(r);
		put(s, "one", &b[0]);
		put(s, "two", &b[1]);
		b[2] = b[0];	/* is noted once */
		make_snapshot(r, T0 + 7, b, 3, &done);
		assert_int_equal(done.time_ns, T0 + 7);
		assert_int_equal(done.blobs, 3);
		assert_int_equal(done.read, 1000);
		assert_int_equal(done.added_blobs, 1);
		assert_true(done.added > 0 && done.added < 1000);
		assert_string_equal(done.key_id, repo_key_id(r));
		snprintf(want, sizeof(want),
		    "snapshots/20261123T155246Z-%s.jsonl", done.id);
		assert_string_equal(done.object, want);
		snprintf(path, sizeof(path), "r/%s", want);

		get_list(r, &list);
		assert_int_equal(list.n, 1);
		assert_string_equal(list.v[0].id, done.id);
		assert_string_equal(list.v[0].group, "0123456789abcdef");
		assert_string_equal(list.v[0].object, done.object);
		assert_int_equal(list.v[0].time_ns, done.time_ns);
		assert_int_equal(list.v[0].blobs, done.blobs);
		assert_int_equal(list.v[0].stored, done.stored);
		assert_int_equal(list.v[0].added, done.added);
		read_whole(path, &seen);
		assert_int_equal(list.v[0].size, seen.len);
		assert_int_equal(done.size, seen.len);
		buf_free(&seen);

		buf_init(&lines, 4096);
		snapshot_init(&head);
		assert_true(snapshot_read(s, done.object, &head, show, &lines,
		    &err));
		assert_int_equal(head.stored, done.stored);
		/* The names' first bytes, and their order. */
		snprintf(want, sizeof(want), "%02x%02x%02x%02x %d\n"
		    "%02x%02x%02x%02x %d\n", b[0].name[0], b[0].name[1],
		    b[0].name[2], b[0].name[3], (int)b[0].stored,
		    b[1].name[0], b[1].name[1], b[1].name[2], b[1].name[3],
		    (int)b[1].stored);
		assert_memory_equal(lines.data, want, strlen(want));
		assert_non_null(strstr(buf_str(&lines), " detail\n"));
		buf_reset(&lines);
		assert_true(snapshot_read_details(s, &head, show_line, &lines,
		    &err));
		assert_string_equal(buf_str(&lines), "{\"a\":1}\n");
		buf_free(&lines);
		snapshot_free(&head);
		snapshot_free(&done);
		snapshot_list_free(&list);
		repo_session_free(s);
		repo_close(r);
		shell("rm -r r");
	}
}

/* As a stranger would read it: lines of JSON, a digest of those before. */
static void
test_format(void **state)
{
	struct snapshot head = HEAD(T0), done;
	struct repo *r = open_add(NULL, NULL);
	struct repo_session *s = new_session(r);
	const char *line, *end;
	struct snapshot_writer *w;
	struct repo_blob b;
	struct buf text;
	char hex[65];
	uint8_t sum[32];
	struct err err;
	json_t *j, *last;

	(void)state;
	assert_true(strings_add(&head.tags, "nightly"));
	assert_true(strings_add(&head.tags, "v1.0_x-y"));
	put(s, "one", &b);
	assert_non_null(w = snapshot_writer_new(r, &head, &err));
	assert_true(snapshot_writer_need(w, &b, &err));
	assert_true(snapshot_writer_commit(w, s, 3, &done, &err));
	assert_string_equal(done.id, snapshot_writer_id(w));
	assert_true(snapshot_has_tags(&done, &head.tags));
	snapshot_writer_free(w);
	strings_free(&head.tags);
	shell("cp r/snapshots/* text");
	read_whole("text", &text);
	line = buf_str(&text);
	end = strchr(line, '\n');
	j = json_loadb(line, (size_t)(end - line), 0, NULL);
	assert_string_equal(json_string_value(json_object_get(j, "format")),
	    "spaceferry snapshot");
	assert_int_equal(json_integer_value(json_object_get(j, "version")), 1);
	assert_string_equal(json_string_value(json_object_get(j, "time")),
	    "2026-11-23T15:52:46Z");
	assert_string_equal(json_string_value(json_array_get(json_object_get(
	    j, "tags"), 1)), "v1.0_x-y");
	json_decref(j);
	line = end + 1;
	end = strchr(line, '\n');
	j = json_loadb(line, (size_t)(end - line), 0, NULL);
	assert_int_equal(json_array_size(j), 3);
	hash_hex(b.sha256, 32, hex);
	assert_string_equal(json_string_value(json_array_get(j, 2)), hex);
	json_decref(j);
	line = end + 1;
	assert_true(hash_sha256(text.data, (size_t)(line -
	    (char *)text.data), sum));
	hash_hex(sum, 32, hex);
	last = json_loads(line, 0, NULL);
	j = json_object_get(last, "end");
	assert_string_equal(json_string_value(json_object_get(j, "sha256")),
	    hex);
	assert_int_equal(json_integer_value(json_object_get(j, "stored")),
	    b.stored);
	json_decref(last);
	buf_free(&text);
	snapshot_free(&done);
	repo_session_free(s);
	repo_close(r);
}

/* A line like those of a collection's runs. */
static size_t
line_of(unsigned n, char out[160])
{
	uint8_t sum[32];
	char hex[65];

	assert_true(hash_sha256(&n, sizeof(n), sum));
	hash_hex(sum, 32, hex);
	return (size_t)snprintf(out, 160, "{\"run\":[\"%s\",%u,%u]}", hex,
	    1000000 + n, n);
}

/* Writes n lines, those from skip on another than before; the details as they
 * are read back. */
static void
write_lines(struct repo *r, unsigned n, unsigned changed,
    struct snapshot *done)
{
	const struct snapshot head = HEAD(T0);
	struct repo_session *s = new_session(r);
	struct snapshot_writer *w;
	struct buf want, got;
	struct err err;
	char line[160];
	unsigned i;
	size_t len;

	buf_init(&want, 64 << 20);
	buf_init(&got, 64 << 20);
	assert_non_null(w = snapshot_writer_new(r, &head, &err));
	for (i = 0; i < n; i++) {
		len = line_of(i == changed ? n + i : i, line);
		if (i == 0)
			len = (size_t)snprintf(line, sizeof(line),
			    "{\"id\":\"%s\"}", snapshot_writer_id(w));
		assert_true(snapshot_writer_detail(w, s, line, len, &err));
		buf_append(&want, line, len);
		buf_append_byte(&want, '\n');
	}
	assert_true(snapshot_writer_commit(w, s, 1, done, &err));
	snapshot_writer_free(w);
	if (!snapshot_read_details(s, done, show_line, &got, &err))
		fail_msg("%s", err.message);
	assert_int_equal(got.len, want.len);
	assert_memory_equal(got.data, want.data, got.len);
	buf_free(&want);
	buf_free(&got);
	repo_session_free(s);
}

static void
test_details(void **state)
{
	struct repo *r = open_add(ann, ann_key);
	struct snapshot done;
	uint64_t blobs;

	(void)state;
	write_lines(r, 1, 0, &done);
	assert_int_equal(done.blobs, 1);
	snapshot_free(&done);
	write_lines(r, 60000, 0, &done);
	blobs = done.blobs;
	assert_true(blobs >= 4 && blobs <= 14);
	snapshot_free(&done);
	/* The first line is another; nothing else is stored. */
	write_lines(r, 60000, 0, &done);
	assert_int_equal(done.blobs, blobs);
	assert_int_equal(done.added_blobs, 1);
	assert_true(done.added < 400);
	snapshot_free(&done);
	/* One line more: that run, and the next if it was cut elsewhere. */
	write_lines(r, 60000, 30000, &done);
	assert_true(done.added_blobs <= 3);
	snapshot_free(&done);
	repo_close(r);
}

static bool
measure(void *arg, char *line, size_t len, struct err *err)
{

	(void)line;
	(void)err;
	return buf_printf(arg, "%zu\n", len);
}

/* Lines at the edges of a run and of a blob, and beyond. */
static void
test_long_lines(void **state)
{
	static const size_t lengths[] = { 3, (2 << 20) - 1, 0, 2 << 20,
		(2 << 20) + 1, 5, 7 << 20, (20 << 20) + 17, 1 };
	const struct snapshot head = HEAD(T0);
	struct repo *r = open_add(NULL, NULL);
	struct repo_session *s = new_session(r);
	struct snapshot done;
	struct snapshot_writer *w;
	struct buf want, got;
	struct err err;
	char *line = malloc(21 << 20);
	size_t i;

	(void)state;
	assert_non_null(line);
	memset(line, 'x', 21 << 20);
	buf_init(&want, 4096);
	buf_init(&got, 4096);
	assert_non_null(w = snapshot_writer_new(r, &head, &err));
	for (i = 0; i < COUNT(lengths); i++) {
		assert_true(snapshot_writer_detail(w, s, line, lengths[i],
		    &err));
		buf_printf(&want, "%zu\n", lengths[i]);
	}
	assert_true(snapshot_writer_commit(w, s, 1, &done, &err));
	snapshot_writer_free(w);
	if (!snapshot_read_details(s, &done, measure, &got, &err))
		fail_msg("%s", err.message);
	assert_string_equal(buf_str(&got), buf_str(&want));
	buf_free(&want);
	buf_free(&got);
	free(line);
	snapshot_free(&done);
	repo_session_free(s);
	repo_close(r);
}

static void
test_find(void **state)
{
	struct snapshot v[3] = {
		{ .id = "aa000001", .time_ns = T0 },
		{ .id = "ab000002", .time_ns = T0 + SECOND },
		{ .id = "ba000003", .time_ns = T0 + 2 * SECOND },
	};
	const struct snapshot_list list = { v, 3 }, none = { NULL, 0 };
	struct strings tags = { .n = 0 };
	struct err err;

	(void)state;
	assert_true(strings_add(&v[0].tags, "x"));
	assert_true(strings_add(&v[1].tags, "x"));
	assert_true(strings_add(&v[1].tags, "y"));
	assert_ptr_equal(snapshot_find(&list, "latest", NULL, &err), &v[2]);
	assert_ptr_equal(snapshot_find(&list, "b", NULL, &err), &v[2]);
	assert_ptr_equal(snapshot_find(&list, "aa", NULL, &err), &v[0]);
	assert_ptr_equal(snapshot_find(&list, "ab000002", NULL, &err), &v[1]);
	assert_true(strings_add(&tags, "x"));
	assert_ptr_equal(snapshot_find(&list, "latest", &tags, &err), &v[1]);
	assert_null(snapshot_find(&list, "a", NULL, &err));
	assert_int_equal(err.kind, ERR_USAGE);
	assert_non_null(strstr(err.message,
	    "ab000002 (2026-11-23T15:52:47Z), aa000001 (2026-11-23T15:52:46Z)"));
	assert_null(snapshot_find(&list, "c", NULL, &err));
	assert_int_equal(err.kind, ERR_NOT_FOUND);
	assert_non_null(strstr(err.hint, "ba000003"));
	assert_null(snapshot_find(&list, "ba", &tags, &err));
	assert_int_equal(err.kind, ERR_NOT_FOUND);
	assert_true(strings_add(&tags, "z"));
	assert_null(snapshot_find(&list, "latest", &tags, &err));
	assert_int_equal(err.kind, ERR_NOT_FOUND);
	assert_null(snapshot_find(&none, "latest", NULL, &err));
	assert_int_equal(err.kind, ERR_NOT_FOUND);
	assert_null(snapshot_find(&list, "", NULL, &err));
	assert_int_equal(err.kind, ERR_USAGE);
	assert_null(snapshot_find(&list, "Latest", NULL, &err));
	assert_int_equal(err.kind, ERR_USAGE);
	assert_null(snapshot_find(&list, "ab0000021", NULL, &err));
	assert_int_equal(err.kind, ERR_USAGE);
	strings_free(&tags);
	snapshot_free(&v[0]);
	snapshot_free(&v[1]);
}

static void
test_refused(void **state)
{
	struct repo *r = open_add(NULL, NULL);
	struct snapshot head = HEAD(T0), odd = HEAD(-1);
	struct err err;

	(void)state;
	assert_true(strings_add(&head.tags, "two words"));
	assert_null(snapshot_writer_new(r, &head, &err));
	assert_int_equal(err.kind, ERR_USAGE);
	assert_non_null(strstr(err.message, "two words"));
	strings_free(&head.tags);
	assert_null(snapshot_writer_new(r, &odd, &err));
	assert_int_equal(err.kind, ERR_INTERNAL);
	repo_close(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_round, setup, teardown),
		cmocka_unit_test_setup_teardown(test_format, setup, teardown),
		cmocka_unit_test_setup_teardown(test_details, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_long_lines, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_find, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup,
		    teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
