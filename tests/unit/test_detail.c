#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "repo/detail.h"

#define SNAPSHOT "{\"snapshot\":{\"id\":\"1a2b3c4d\",\"time\":\"2026-11-23T15:52:46Z\"," \
	"\"host\":\"h\",\"tool\":\"t\",\"source\":\"\",\"server\":\"\"," \
	"\"consistent_at\":[],\"files\":[\"/u\"]}}"
#define NAME "abababababababababababababababababababababababababababababababab"
#define COLLECTION(count, bytes, runs) "{\"collection\":{\"ns\":\"a.b\"," \
	"\"type\":\"collection\",\"metadata\":\"{}\",\"count\":" #count \
	",\"bytes\":" #bytes ",\"digest\":\"00000000000000000000000000000001\"," \
	"\"runs\":" #runs "}}"
#define RUN(bytes, documents) "{\"run\":[\"" NAME "\"," #bytes "," #documents "]}"
#define PLACE(files, bytes) "{\"place\":{\"name\":\"/u\",\"files\":" #files \
	",\"bytes\":" #bytes "}}"
#define A_FILE(size) "{\"file\":{\"key\":\"k\",\"size\":" #size \
	",\"mtime_ns\":-5,\"sha256\":\"" NAME "\",\"blobs\":[\"" NAME "\"]}}"
#define END(c, d, p, f) "{\"end\":{\"collections\":" #c ",\"documents\":" #d \
	",\"places\":" #p ",\"files\":" #f "}}"

#define LINES 8

/* What is wrong with these lines; NULL: nothing. */
static const struct {
	const char *lines[LINES];
	const char *wrong;
} cases[] = {
	{ { SNAPSHOT, COLLECTION(3, 90, 2), RUN(40, 1), RUN(50, 2), PLACE(1, 5),
	    A_FILE(5), END(1, 3, 1, 1) }, NULL },
	{ { SNAPSHOT, COLLECTION(0, 0, 0), PLACE(0, 0), END(1, 0, 1, 0) }, NULL },
	{ { SNAPSHOT, END(0, 0, 0, 0) }, NULL },
	{ { END(0, 0, 0, 0) }, "first line" },
	{ { SNAPSHOT, SNAPSHOT }, "first line" },
	{ { SNAPSHOT }, "end too early" },
	{ { SNAPSHOT, END(0, 0, 0, 0), COLLECTION(0, 0, 0) }, "behind the end" },
	{ { SNAPSHOT, COLLECTION(3, 90, 2), RUN(40, 1), END(1, 3, 0, 0) },
	    "runs of a collection are missing" },
	{ { SNAPSHOT, COLLECTION(3, 90, 1), RUN(40, 1) }, "do not add up" },
	{ { SNAPSHOT, COLLECTION(3, 90, 1), RUN(91, 1) }, "too many" },
	{ { SNAPSHOT, COLLECTION(1, 90, 1), RUN(90, 0) }, "too many" },
	{ { SNAPSHOT, COLLECTION(3, 90, 0) }, "without runs" },
	{ { SNAPSHOT, COLLECTION(0, 0, 1) }, "without runs" },
	{ { SNAPSHOT, RUN(1, 1) }, "too many" },
	{ { SNAPSHOT, A_FILE(1) }, "too many" },
	{ { SNAPSHOT, PLACE(1, 5), A_FILE(6) }, "too many" },
	{ { SNAPSHOT, PLACE(1, 5), A_FILE(4) }, "do not add up" },
	{ { SNAPSHOT, PLACE(0, 5) }, "has bytes" },
	{ { SNAPSHOT, PLACE(1, 5), PLACE(1, 5) }, "files of a place are missing" },
	{ { SNAPSHOT, PLACE(0, 0), COLLECTION(0, 0, 0) }, "behind the files" },
	{ { SNAPSHOT, END(1, 0, 0, 0) }, "counts at the end" },
	{ { SNAPSHOT, COLLECTION(-1, 0, 0) }, "not what it should be" },
	{ { SNAPSHOT, "{\"run\":[\"zz\",1,1]}" }, "not what it should be" },
	{ { SNAPSHOT, "{\"hologram\":{}}" }, "does not know" },
	{ { SNAPSHOT, "[]" }, "no JSON object" },
	{ { SNAPSHOT, "{\"end\":" }, "no JSON object" },
};

static bool
take(struct detail_order *o, const char *line, struct err *err)
{
	struct detail d;
	struct buf again;
	bool ok;

	if (!detail_read(line, strlen(line), &d, err))
		return false;
	/* Written again it is the same line. */
	buf_init(&again, DETAIL_LINE_MAX);
	assert_true(detail_write(&d, &again, err));
	assert_string_equal(buf_str(&again), line);
	buf_free(&again);
	ok = detail_order_take(o, &d, err);
	detail_free(&d);
	return ok;
}

static void
test_cases(void **state)
{
	size_t i, j;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct detail_order order = { .any = false };
		struct err err;
		bool ok = true;

		err_clear(&err);
		for (j = 0; ok && j < LINES && cases[i].lines[j] != NULL; j++)
			ok = take(&order, cases[i].lines[j], &err);
		ok = ok && detail_order_done(&order, &err);
		if (ok != (cases[i].wrong == NULL))
			fail_msg("case %zu: %s", i, ok ? "taken" : err.message);
		if (!ok && strstr(err.message, cases[i].wrong) == NULL)
			fail_msg("case %zu: %s", i, err.message);
	}
}

static void
test_values(void **state)
{
	static const char line[] = A_FILE(5);
	struct detail d;
	struct err err;

	(void)state;
	assert_true(detail_read(line, sizeof(line) - 1, &d, &err));
	assert_int_equal(d.kind, DETAIL_FILE);
	assert_string_equal(d.file.key, "k");
	assert_int_equal(d.file.size, 5);
	assert_int_equal(d.file.mtime_ns, -5);
	assert_int_equal(d.file.n_blobs, 1);
	assert_int_equal(d.file.blobs[0][31], 0xab);
	detail_free(&d);
	/* What is no UTF-8 cannot be written down. */
	d = (struct detail){ .kind = DETAIL_PLACE };
	d.place.name = (char *)(uintptr_t)"\xff";
	struct buf out;
	buf_init(&out, 1000);
	assert_false(detail_write(&d, &out, &err));
	assert_int_equal(err.kind, ERR_REFUSED);
	buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
