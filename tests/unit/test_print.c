#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/err.h"
#include "cli/print.h"

/* Everything that a summary can hold. */
static struct spaceferry_metadata metadata[] = {
	{ "index", "email_1", "{\"v\":{\"$numberInt\":\"2\"}}", NULL },
	{ "option", "capped", "true", "not json" },
};
static struct spaceferry_collection collections[] = {
	{ .ns = "app.users", .type = "collection", .ok = false,
	    .source = { 1200, 45123, "00112233445566778899aabbccddeeff" },
	    .target = { 1199, 45000, "ffeeddccbbaa99887766554433221100" },
	    .rewritten_documents = 34, .rewritten_values = 70,
	    .unrewritten = { 1, 2, 3, 4, 5, 6 },
	    .metadata = metadata, .n_metadata = 2, .missing = 2, .extra = 1,
	    .different = 3, .kept = 4, .expired = 5, .quarantined = 6,
	    .conflicts = 7, .violations = 8 },
	{ .ns = "app.view", .type = "view", .ok = true },
};
static char *times[] = { "1700000000.1", "1700000300.7" };
static struct spaceferry_finding errors[] = {
	{ "missing", "app.users _id 4 is missing", "look for it" },
	{ "missing", "app.users _id 5 is missing", "look for it" },
	{ "network", "no connection to 10.0.0.1", "is it up?" },
	{ "odd", "\xFF\x1b[31m", "" },
};
static struct spaceferry_finding notes[] = {
	{ "dangling_link", "a link", "no such file" },
};
static struct spaceferry_sample samples[] = {
	{ "app.users", "{\"$oid\":\"507f1f77bcf86cd799439011\"}", "a.0.b",
	    "x\nhttp://old/", "x\nhttps://new/" },
	/* For people the same field is shown once. */
	{ "app.users", "1", "a.12.b", "c", "d" },
};

static struct spaceferry_host hosts[] = {
	{ "old.example", 1200, 9, 7, "https://old.example",
	    "app.users _id 1, a: x" },
	{ "", 3, 0, 0, NULL, NULL },
};

static struct spaceferry_summary
full(void)
{

	return (struct spaceferry_summary){ .ok = false, .command = "migrate",
	    .dry_run = true, .elapsed_seconds = 12.34567,
	    .source_changed = true, .consistent_at = times,
	    .n_consistent_at = 2, .collections = collections,
	    .n_collections = 2, .files = { 1, 2, 3, 4, 5, 6, 7, 8 },
	    .links_rewritten = 9, .links_dangling = 10,
	    .unreferenced_files = 11, .quarantine = "/q\"",
	    .errors = errors, .n_errors = 4, .notes = notes, .n_notes = 1,
	    .samples = samples, .n_samples = 2, .target_bytes = 12345,
	    .hosts = hosts, .n_hosts = 2,
	    .resumed = true, .repeated = { 1200, 2048, 1, 5 } };
}

/* What print writes, as a string that the caller frees. */
static char *
json_of(const struct spaceferry_summary *s)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	assert_true(print_json(out, s));
	fclose(out);
	return text;
}

/* Not inlined: gcc 12 would then take the text for a dead local variable. */
__attribute__((noinline)) static char *
summary_of(const struct spaceferry_summary *s, const struct print_style *style)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	print_summary(out, s, style);
	fclose(out);
	return text;
}

/* The contract: every key, in this order, on one line. */
static void
json_to_the_letter(void **state)
{
	static const char want[] =
	    "{\"ok\":false,\"command\":\"migrate\",\"dry_run\":true,"
	    "\"elapsed_seconds\":12.346,"
	    "\"consistent_at\":[\"1700000000.1\",\"1700000300.7\"],"
	    "\"source_changed\":true,"
	    "\"collections\":[{\"namespace\":\"app.users\","
	    "\"type\":\"collection\",\"ok\":false,"
	    "\"source\":{\"count\":1200,\"bytes\":45123,"
	    "\"digest\":\"00112233445566778899aabbccddeeff\"},"
	    "\"target\":{\"count\":1199,\"bytes\":45000,"
	    "\"digest\":\"ffeeddccbbaa99887766554433221100\"},"
	    "\"rewritten\":{\"documents\":34,\"values\":70},"
	    "\"unrewritten\":{\"keys\":1,\"ids\":2,\"binary\":3,\"regex\":4,"
	    "\"metadata\":5,\"no_rule\":6},"
	    "\"metadata\":[{\"kind\":\"index\",\"name\":\"email_1\","
	    "\"source\":{\"v\":{\"$numberInt\":\"2\"}},\"target\":null},"
	    "{\"kind\":\"option\",\"name\":\"capped\",\"source\":true,"
	    "\"target\":\"not json\"}],"
	    "\"missing\":2,\"extra\":1,\"different\":3,\"kept\":4,"
	    "\"expired\":5,\"quarantined\":6,\"conflicts\":7,"
	    "\"violations\":8},"
	    "{\"namespace\":\"app.view\",\"type\":\"view\",\"ok\":true,"
	    "\"source\":{\"count\":0,\"bytes\":0,\"digest\":\"\"},"
	    "\"target\":{\"count\":0,\"bytes\":0,\"digest\":\"\"},"
	    "\"rewritten\":{\"documents\":0,\"values\":0},"
	    "\"unrewritten\":{\"keys\":0,\"ids\":0,\"binary\":0,\"regex\":0,"
	    "\"metadata\":0,\"no_rule\":0},\"metadata\":[],"
	    "\"missing\":0,\"extra\":0,\"different\":0,\"kept\":0,"
	    "\"expired\":0,\"quarantined\":0,\"conflicts\":0,"
	    "\"violations\":0}],"
	    "\"files\":{\"count\":1,\"bytes\":2,\"uploaded\":3,"
	    "\"skipped\":4,\"failed\":5,\"missing\":6,\"extra\":7,"
	    "\"different\":8},"
	    "\"resumed\":{\"documents\":1200,\"bytes\":2048,"
	    "\"files\":1,\"file_bytes\":5},"
	    "\"links\":{\"rewritten\":9,\"dangling\":10,"
	    "\"unreferenced_files\":11},"
	    "\"quarantine\":\"/q\\\"\","
	    "\"errors\":[{\"kind\":\"missing\","
	    "\"message\":\"app.users _id 4 is missing\","
	    "\"hint\":\"look for it\"},{\"kind\":\"missing\","
	    "\"message\":\"app.users _id 5 is missing\","
	    "\"hint\":\"look for it\"},{\"kind\":\"network\","
	    "\"message\":\"no connection to 10.0.0.1\","
	    "\"hint\":\"is it up?\"},{\"kind\":\"odd\","
	    "\"message\":\"\xEF\xBF\xBD\\u001B[31m\",\"hint\":\"\"}],"
	    "\"notes\":[{\"kind\":\"dangling_link\",\"message\":\"a link\","
	    "\"hint\":\"no such file\"}],"
	    "\"samples\":[{\"namespace\":\"app.users\","
	    "\"_id\":{\"$oid\":\"507f1f77bcf86cd799439011\"},"
	    "\"path\":\"a.0.b\",\"before\":\"x\\nhttp://old/\","
	    "\"after\":\"x\\nhttps://new/\"},"
	    "{\"namespace\":\"app.users\",\"_id\":1,\"path\":\"a.12.b\","
	    "\"before\":\"c\",\"after\":\"d\"}],"
	    "\"target_bytes\":12345,"
	    "\"hosts\":[{\"host\":\"old.example\",\"rewritten\":1200,"
	    "\"no_rule\":9,\"uncovered\":7,"
	    "\"missing_rule\":\"https://old.example\","
	    "\"sample\":\"app.users _id 1, a: x\"},"
	    "{\"host\":\"\",\"rewritten\":3,\"no_rule\":0,"
	    "\"uncovered\":0,\"missing_rule\":null,\"sample\":null}]}\n";
	struct spaceferry_summary s = full();
	char *text = json_of(&s);

	(void)state;
	assert_string_equal(text, want);
	free(text);
}

static void
json_of_nothing(void **state)
{
	struct spaceferry_summary s = { 0 };
	char *text = json_of(&s);
	json_t *o = json_loads(text, 0, NULL);

	(void)state;
	assert_non_null(o);
	assert_true(json_is_null(json_object_get(o, "command")));
	assert_true(json_is_null(json_object_get(o, "quarantine")));
	assert_true(json_is_false(json_object_get(o, "ok")));
	assert_int_equal(json_array_size(json_object_get(o, "errors")), 0);
	assert_true(json_is_real(json_object_get(o, "elapsed_seconds")));
	json_decref(o);
	free(text);
}

static void
large_numbers(void **state)
{
	struct spaceferry_summary s = { .links_rewritten = UINT64_MAX,
	    .files.bytes = INT64_MAX };
	char *text = json_of(&s);

	(void)state;
	assert_non_null(strstr(text, "\"bytes\":9223372036854775807"));
	assert_null(strstr(text, ":-"));
	free(text);
}

static void
what_stops_a_run(void **state)
{
	static const enum err_kind stops[] = { ERR_USAGE, ERR_CONFIG, ERR_AUTH,
	    ERR_NETWORK, ERR_CANCELLED, ERR_INTERNAL, ERR_CONFLICT };
	static const enum err_kind findings[] = { ERR_REFUSED, ERR_CHANGED,
	    ERR_DIFFERS };
	struct spaceferry_finding f = { .kind = "file_missing" };
	size_t i;

	(void)state;
	assert_false(print_is_stop(&f));
	for (i = 0; i < sizeof(stops) / sizeof(stops[0]); i++) {
		f.kind = err_kind_name(stops[i]);
		assert_true(print_is_stop(&f));
	}
	for (i = 0; i < sizeof(findings) / sizeof(findings[0]); i++) {
		f.kind = err_kind_name(findings[i]);
		assert_false(print_is_stop(&f));
	}
}

static void
summary_for_people(void **state)
{
	static const char want[] =
	    "spaceferry migrate --dry-run, 12.3 s\n"
	    "\n"
	    "  collection     documents        size   rewritten\n"
	    "  app.users          1,200    44.1 KiB          34  2 missing, "
	    "3 different, 1 extra, 6 in quarantine, 2 in options or indexes, "
	    "7 there already, 8 against the validator, 4 kept, 5 expired\n"
	    "  app.view            view                          ok\n"
	    "  together           1,200    44.1 KiB          34\n"
	    "\n"
	    "  files: 1, 2 B: 3 to send, 4 there already and equal, 5 failed, "
	    "6 missing, 8 different, 7 only on the target\n"
	    "  links: 9 rewritten, 10 without their file; 11 files linked "
	    "from nowhere\n"
	    "  resumed: 1,200 documents (2.0 KiB) and 1 file written again\n"
	    "  left as they are: 1 in keys, 2 in _id, 3 in binary data, 4 in "
	    "regular expressions, 5 in views and validators, 6 mentions "
	    "of a rule's host\n"
	    "  quarantine: /q\"\n"
	    "  The source was written to while it was read.\n"
	    "\n"
	    "  links by host      rewritten     no rule   mentioned\n"
	    "  old.example            1,200           7           2  missing: "
	    "--rewrite https://old.example=...\n"
	    "  (paths)                    3           0           0\n"
	    "\n"
	    "  Rewritten values, for example:\n"
	    "    app.users _id {\"$oid\":\"507f1f77bcf86cd799439011\"}, "
	    "a.0.b\n"
	    "      - x\\nhttp://old/\n"
	    "      + x\\nhttps://new/\n"
	    "\n"
	    "  Wrong:\n"
	    "    app.users _id 4 is missing\n"
	    "    app.users _id 5 is missing\n"
	    "      hint: look for it\n"
	    "    \xEF\xBF\xBD\\x1b[31m\n"
	    "\n"
	    "  Worth knowing:\n"
	    "    a link\n"
	    "      hint: no such file\n"
	    "\n"
	    "Nothing was written.  The run would end with errors: 2 documents "
	    "missing, 3 documents different, 1 document only on the target, 6 "
	    "documents in quarantine, 8 documents against their validators, 2 "
	    "indexes or options different, 5 files not moved, 6 files missing, "
	    "8 files different.\n";
	struct spaceferry_summary s = full();
	const struct print_style style = { .status = 1, .files = true };
	char *text = summary_of(&s, &style);

	(void)state;
	assert_string_equal(text, want);
	free(text);
	s.delta.ran = true;
	text = summary_of(&s, &style);
	assert_non_null(strstr(text, "migrate --delta --dry-run, 12.3 s\n"));
	free(text);
}

/* The last words say what came out and what to do. */
static void
closing_words(void **state)
{
	static const struct {
		const char *command;
		bool dry_run, files;
		int status;
		const char *words;
		const char *source;
	} cases[] = {
		{ "migrate", false, false, 0, "Everything arrived: 5 documents "
		    "in 1 collection (1.0 KiB),\n", NULL },
		{ "migrate", false, true, 0, "Everything arrived: 5 documents "
		    "in 1 collection (1.0 KiB) and 1 file (7 B),\n", NULL },
		{ "verify", false, true, 0, "No difference: 5 documents", NULL },
		{ "migrate", true, false, 0, "Nothing was written.  The run "
		    "would move 5 documents", NULL },
		{ "migrate", false, false, 1, "Not everything arrived: see "
		    "above.\nMend", NULL },
		{ "verify", false, false, 1, "The two sides differ: see "
		    "above.\nmigrate --delta with the same options", NULL },
		{ "diff", false, false, 1, "The two sides differ: see above.\n"
		    "restore --on-conflict replace with the same options",
		    "snapshot:latest" },
		{ "migrate", false, false, 2, "Nothing was changed.  Mend", NULL },
		{ "migrate", false, false, 3, "Not finished.  The same command "
		    "resumes", NULL },
	};
	struct spaceferry_collection c = { .ns = "a.b", .type = "collection",
	    .ok = true, .extra = 3, .source = { 5, 1024, "" } };
	struct spaceferry_summary s = { .collections = &c, .n_collections = 1,
	    .files = { .count = 1, .bytes = 7 } };
	char *text, *last;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct print_style style = { .status = cases[i].status,
		    .files = cases[i].files };

		s.command = cases[i].command;
		s.source = (char *)(uintptr_t)cases[i].source;
		s.dry_run = cases[i].dry_run;
		text = summary_of(&s, &style);
		last = strstr(text, "\n\n");
		assert_non_null(last);
		while (strstr(last + 1, "\n\n") != NULL)
			last = strstr(last + 1, "\n\n");
		if (strncmp(last + 2, cases[i].words,
		    strlen(cases[i].words)) != 0)
			fail_msg("%zu: %s", i, last);
		free(text);
	}
}

/* Where the job came to nothing there is no empty table. */
static void
nothing_to_show(void **state)
{
	struct spaceferry_summary s = { .command = "migrate", .errors = errors,
	    .n_errors = 1 };
	const struct print_style style = { .status = 2, .files = true };
	char *text = summary_of(&s, &style);

	(void)state;
	assert_string_equal(text, "Nothing was changed.  Mend what the error "
	    "says, then run the same command again.\n");
	free(text);
}

static void
colour_only_where_asked(void **state)
{
	struct spaceferry_summary s = full();
	const struct print_style plain = { .status = 1 };
	const struct print_style coloured = { .status = 1, .colour = true };
	char *text = summary_of(&s, &plain);

	(void)state;
	assert_null(strchr(text, '\x1b'));
	free(text);
	text = summary_of(&s, &coloured);
	assert_non_null(strstr(text, "\x1b[31m- x\\nhttp://old/\x1b[0m"));
	assert_non_null(strstr(text, "\x1b[32m+ x\\nhttps://new/\x1b[0m"));
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_to_the_letter),
		cmocka_unit_test(json_of_nothing),
		cmocka_unit_test(large_numbers),
		cmocka_unit_test(what_stops_a_run),
		cmocka_unit_test(summary_for_people),
		cmocka_unit_test(closing_words),
		cmocka_unit_test(nothing_to_show),
		cmocka_unit_test(colour_only_where_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
