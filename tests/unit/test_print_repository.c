#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <jansson.h>

#include "cli/print.h"
#include "cli/print_repository.h"

/* 2026-11-23T15:52:46Z */
#define NOW INT64_C(1795449166)

static char *tags[] = { "nightly", "before-1.2" };

static struct spaceferry_snapshot snapshots[] = {
	{ .id = "0011aabb", .time = "2025-11-20T15:52:46Z", .tags = tags,
	    .n_tags = 2, .stored = 5000, .added = 5000, .read = 9999,
	    .open = true, .source = "mongodb://u:***@h/app",
	    .collections = 3, .documents = 1234567, .files = 12,
	    .reason = "last, daily" },
	{ .id = "ffeeddcc", .time = "2026-11-23T14:20:00Z", .stored = 6000,
	    .added = 1 << 20, .read = 10000, .reason = "", .removed = true },
	{ .id = "12345678", .time = "tomorrow\x1b[31m", .reason = "" },
};

static struct spaceferry_summary
summary_of(const char *command)
{

	return (struct spaceferry_summary){ .ok = true, .command = command,
	    .snapshots = snapshots, .n_snapshots = 2,
	    .repository = { .name = "s3://b/r", .snapshots = 1, .blobs = 40,
	    .bytes = 3 << 20, .blobs_removed = 7, .bytes_removed = 1 << 20,
	    .blobs_added = 2, .bytes_added = 2048, .bytes_read = 5 << 20,
	    .bytes_read_week = UINT64_C(7000000000) } };
}

/* What is written for people, to be freed. */
static char *
text_of(const struct spaceferry_summary *s, struct print_style style)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	print_summary(out, s, &style);
	fclose(out);
	return text;
}

static void
has(const char *text, const char *part)
{

	if (strstr(text, part) == NULL)
		fail_msg("no \"%s\" in:\n%s", part, text);
}

static void
has_not(const char *text, const char *part)
{

	if (strstr(text, part) != NULL)
		fail_msg("\"%s\" in:\n%s", part, text);
}

static void
the_table_is_in_local_time(void **state)
{
	struct spaceferry_summary s = summary_of("snapshots");
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	(void)state;
	setenv("TZ", "Asia/Kathmandu", 1);	/* UTC+5:45 */
	tzset();
	s.n_snapshots = 3;
	print_repository_table(out, &s, false, NOW);
	fclose(out);
	setenv("TZ", "UTC", 1);
	tzset();
	has(text, "  snapshot  time                 age  tags              "
	    "     stored      added   documents    files\n");
	has(text, "  0011aabb  2025-11-20 21:37   12 mo  nightly,before-1.2"
	    "    4.9 KiB    4.9 KiB   1,234,567       12\n");
	/* Nobody who could read it: what is in it is not known. */
	has(text, "  ffeeddcc  2026-11-23 20:05  92 min  ");
	has(text, "    5.9 KiB    1.0 MiB           -        -\n");
	has(text, "  12345678  ?                      ?  ");
	has_not(text, "\x1b");
	free(text);
}

static void
prune_says_why(void **state)
{
	struct spaceferry_summary s = summary_of("prune");
	char *text;

	(void)state;
	text = text_of(&s, (struct print_style){ .status = 0 });
	has(text, "  kept: last, daily\n");
	has(text, "  removed\n");
	has(text, "1 snapshot and 7 blobs (1.0 MiB) removed, 1 snapshot and "
	    "40 blobs (3.0 MiB) stay.\n");
	free(text);
	s.dry_run = true;
	text = text_of(&s, (struct print_style){ .status = 0 });
	has(text, "  would be removed\n");
	has(text, " would be removed, 1 snapshot and 40 blobs (3.0 MiB) would "
	    "stay.\n");
	free(text);
	s.n_snapshots = 1;
	s.repository.blobs_removed = 0;
	s.dry_run = false;
	text = text_of(&s, (struct print_style){ .status = 0 });
	has(text, "Nothing was to be removed.\n");
	free(text);
}

static void
backup_says_what_was_new(void **state)
{
	static struct spaceferry_collection users = { .ns = "app.users",
	    .type = "collection", .ok = true, .source = { 12, 1024, "" } };
	struct spaceferry_summary s = summary_of("backup");
	char *text;

	(void)state;
	s.n_snapshots = 1;
	s.collections = &users;
	s.n_collections = 1;
	s.source = (char *)(uintptr_t)"mongodb://h/app";
	text = text_of(&s, (struct print_style){ .files = true });
	has(text, "  read: 5.0 MiB, new: 2 blobs (2.0 KiB); in the repository: "
	    "40 blobs (3.0 MiB)\n");
	has(text, "It is snapshot 0011aabb of 2025-11-20 15:52 in s3://b/r.\n");
	has(text, "  removed: 0 snapshots and 7 blobs (1.0 MiB)\n");
	has_not(text, "10 GB");
	/* Nothing is rewritten by it. */
	has(text, "  collection     documents        size\n");
	has(text, "  app.users             12     1.0 KiB  ok\n");
	free(text);
	s.source = (char *)(uintptr_t)"mongodb+srv://c.x.mongodb.net/app";
	text = text_of(&s, (struct print_style){ .files = true });
	has(text, "  in 7 days: 6.5 GiB read; Atlas' free tier gives out 10 GB, "
	    "then slows down\n");
	free(text);
	s.repository.bytes_read_week = UINT64_C(8000000001);
	text = text_of(&s, (struct print_style){ .files = true });
	has(text, "slows down: back up less often\n");
	free(text);
	s.files.failed = 2;
	text = text_of(&s, (struct print_style){ .files = true, .status = 1 });
	has(text, "Not everything was backed up: 2 files not read.\n");
	has(text, "It is snapshot 0011aabb");
	free(text);
}

static void
restore_names_the_snapshot(void **state)
{
	struct spaceferry_summary s = summary_of("restore");
	char *text;

	(void)state;
	s.n_snapshots = 1;
	text = text_of(&s, (struct print_style){ .files = true });
	has(text, "Restored from snapshot 0011aabb of 2025-11-20 15:52 in "
	    "s3://b/r.\nEverything arrived: ");
	free(text);
	text = text_of(&s, (struct print_style){ .drill = true });
	has(text, "A drill of snapshot 0011aabb");
	has(text, "It can be restored: ");
	free(text);
	text = text_of(&s, (struct print_style){ .drill = true, .status = 1 });
	has(text, "It could not all be restored: ");
	free(text);
	text = text_of(&s, (struct print_style){ .drill = true, .status = 3 });
	has(text, "The same command starts anew.\n");
	free(text);
}

static void
json_has_all_of_it(void **state)
{
	struct spaceferry_summary s = summary_of("prune");
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	json_t *line, *one;
	char *rest;

	(void)state;
	assert_true(print_json_snapshot(out, &snapshots[0]));
	assert_true(print_json(out, &s));
	fclose(out);
	rest = strchr(text, '\n') + 1;
	line = json_loadb(text, (size_t)(rest - text), 0, NULL);
	assert_string_equal(json_string_value(json_object_get(line,
	    "snapshot")), "0011aabb");
	assert_int_equal(json_integer_value(json_object_get(line,
	    "documents")), 1234567);
	assert_int_equal(json_array_size(json_object_get(line, "tags")), 2);
	json_decref(line);
	line = json_loads(rest, 0, NULL);
	assert_int_equal(json_integer_value(json_object_get(json_object_get(
	    line, "repository"), "bytes_read_week")), 7000000000);
	one = json_array_get(json_object_get(line, "snapshots"), 1);
	assert_string_equal(json_string_value(json_object_get(one, "id")),
	    "ffeeddcc");
	assert_true(json_is_true(json_object_get(one, "removed")));
	assert_null(json_object_get(one, "documents"));
	json_decref(line);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_is_in_local_time),
		cmocka_unit_test(prune_says_why),
		cmocka_unit_test(backup_says_what_was_new),
		cmocka_unit_test(restore_names_the_snapshot),
		cmocka_unit_test(json_has_all_of_it),
	};

	setenv("TZ", "UTC", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
