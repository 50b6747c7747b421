/*
 * The test vectors of the age format (fixtures/age): what is sound is
 * decrypted, what is not is refused for the right reason, and nothing is handed
 * out that was not authenticated.
 */
#include "age_fixture.h"

#include <dirent.h>

#include <zlib.h>

#include "base/file.h"

#define ALL ((size_t)64 << 20)

/* The reference hands out a full last chunk before it looks at what stands
 * behind it, or that it is not marked as the last; here it is withheld. */
static const struct {
	const char *name;
	size_t handed_out;
} stricter[] = {
	{ "armor_garbage_encoded", 0 },
	{ "stream_no_final_full", 0 },
	{ "stream_no_final_two_chunks_full", AGE_CHUNK },
	{ "stream_trailing_garbage_long", 0 },
	{ "stream_trailing_garbage_short", 0 },
	{ "stream_two_final_chunks", 0 },
	{ "stream_two_final_chunks_full", 0 },
	{ "stream_two_final_chunks_second", AGE_CHUNK },
};

struct vector {
	const char *name;
	char expect[32];
	char payload[2 * HASH_SHA256_SIZE + 1];
	bool compressed;
	struct age_identities *with;
	struct buf file;	/* what stands behind the empty line */
};

static void
read_key(struct vector *v, const char *line)
{
	struct err err;

	if (strncmp(line, "expect: ", 8) == 0)
		snprintf(v->expect, sizeof(v->expect), "%s", line + 8);
	else if (strncmp(line, "payload: ", 9) == 0)
		snprintf(v->payload, sizeof(v->payload), "%s", line + 9);
	else if (strncmp(line, "identity: ", 10) == 0)
		assert_true(age_identities_add(v->with, line + 10, &err));
	else if (strncmp(line, "passphrase: ", 12) == 0)
		assert_true(age_identities_add_passphrase(v->with, line + 12,
		    &err));
	else if (strcmp(line, "compressed: zlib") == 0)
		v->compressed = true;
	else
		assert_true(strncmp(line, "file key: ", 10) == 0 ||
		    strncmp(line, "armored: ", 9) == 0 ||
		    strncmp(line, "comment: ", 9) == 0);
}

static void
inflate_all(const uint8_t *data, size_t len, struct buf *out)
{
	uLongf size = ALL;

	assert_true(buf_reserve(out, ALL));
	assert_int_equal(uncompress(out->data, &size, data, len), Z_OK);
	out->len = size;
}

static void
read_vector(struct vector *v, const char *path)
{
	struct buf all;
	struct err err;
	char *line, *end;

	memset(v, 0, sizeof(*v));
	v->with = identities(NULL);
	buf_init(&all, ALL);
	buf_init(&v->file, ALL);
	assert_true(file_read(path, &all, &err));
	assert_non_null(buf_str(&all));
	for (line = (char *)all.data; *line != '\n'; line = end + 1) {
		assert_non_null(end = strchr(line, '\n'));
		*end = '\0';
		read_key(v, line);
	}
	line++;
	all.len -= (size_t)(line - (char *)all.data);
	if (v->compressed)
		inflate_all((uint8_t *)line, all.len, &v->file);
	else
		assert_true(buf_append(&v->file, line, all.len));
	buf_free(&all);
}

static void
check_payload(const struct vector *v, const struct buf *out)
{
	uint8_t digest[HASH_SHA256_SIZE];
	char hex[2 * HASH_SHA256_SIZE + 1];
	size_t i;

	assert_true(hash_sha256(out->data, out->len, digest));
	hash_hex(digest, sizeof(digest), hex);
	for (i = 0; i < sizeof(stricter) / sizeof(*stricter); i++) {
		if (strcmp(v->name, stricter[i].name) == 0) {
			assert_string_not_equal(hex, v->payload);
			assert_int_equal(out->len, stricter[i].handed_out);
			return;
		}
	}
	assert_string_equal(hex, v->payload);
}

static void
check_kind(const struct vector *v, const struct err *err)
{

	if (strcmp(v->expect, "no match") == 0)
		assert_int_equal(err->kind, ERR_AUTH);
	else if (strcmp(v->expect, "header failure") == 0)
		assert_true(err->kind == ERR_DAMAGED ||
		    err->kind == ERR_UNSUPPORTED);
	else
		assert_int_equal(err->kind, ERR_DAMAGED);
}

static void
check_vector(struct vector *v, size_t chunk)
{
	struct buf out;
	struct err err;
	bool ok;

	buf_init(&out, ALL);
	ok = decrypt_stream(v->with, v->file.data, v->file.len, chunk, &out,
	    &err);
	assert_int_equal(ok, strcmp(v->expect, "success") == 0);
	if (ok || strcmp(v->expect, "payload failure") == 0)
		check_payload(v, &out);
	else
		assert_int_equal(out.len, 0);
	if (!ok)
		check_kind(v, &err);
	buf_reset(&out);
	assert_true(buf_append(&out, "abc", 3));
	assert_int_equal(ok, age_decrypt(v->with, v->file.data, v->file.len,
	    "file f", &out, &err));
	assert_memory_equal(out.data, "abc", 3);
	if (ok) {
		memmove(out.data, out.data + 3, out.len - 3);
		out.len -= 3;
		check_payload(v, &out);
	} else {
		assert_int_equal(out.len, 3);
		check_kind(v, &err);
	}
	buf_free(&out);
}

static void
test_vectors(void **state)
{
	DIR *dir = opendir(SF_FIXTURES "/age/vectors");
	struct dirent *e;
	struct vector v;
	char path[512];
	size_t n = 0;

	(void)state;
	assert_non_null(dir);
	while ((e = readdir(dir)) != NULL) {
		if (*e->d_name == '.')
			continue;
		snprintf(path, sizeof(path), SF_FIXTURES "/age/vectors/%s",
		    e->d_name);
		print_message("%s\n", e->d_name);
		read_vector(&v, path);
		v.name = e->d_name;
		check_vector(&v, ALL);
		if (v.file.len < 100000)
			check_vector(&v, 1);
		age_identities_free(v.with);
		buf_free(&v.file);
		n++;
	}
	closedir(dir);
	assert_int_equal(n, 124);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
