#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"
#include "store/sigv4.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

/* The signatures below are those AWS publishes: the "Signature Version 4 test
 * suite" (service "service") and the examples of the S3 API Reference. */
static const struct sigv4_scope suite = {
	"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "us-east-1",
	"service",
};
static const struct sigv4_scope s3_docs = {
	"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
	"us-east-1", "s3",
};

#define HOST { "Host", "example.amazonaws.com" }
#define DATE { "X-Amz-Date", "20150830T123600Z" }

struct suite_case {
	const char *name;
	const char *method;
	const char *path;	/* before encoding */
	struct sigv4_param params[5];
	size_t n_params;
	struct http_header headers[6];
	size_t n_headers;
	const char *body;
	const char *signed_headers;
	const char *signature;
};

static const struct suite_case suite_cases[] = {
	{ "get-vanilla", "GET", "/", { { 0 } }, 0, { HOST, DATE }, 2, "",
	  "host;x-amz-date",
	  "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31" },
	{ "post-vanilla", "POST", "/", { { 0 } }, 0, { HOST, DATE }, 2, "",
	  "host;x-amz-date",
	  "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b" },
	{ "get-vanilla-query-order-key-case", "GET", "/",
	  { { "Param2", "value2" }, { "Param1", "value1" } }, 2,
	  { HOST, DATE }, 2, "", "host;x-amz-date",
	  "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500" },
	{ "get-vanilla-query-unreserved", "GET", "/",
	  { { "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	      "abcdefghijklmnopqrstuvwxyz",
	      "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	      "abcdefghijklmnopqrstuvwxyz" } }, 1,
	  { HOST, DATE }, 2, "", "host;x-amz-date",
	  "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197" },
	{ "get-vanilla-empty-query-key", "GET", "/",
	  { { "Param1", "value1" } }, 1, { HOST, DATE }, 2, "",
	  "host;x-amz-date",
	  "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb" },
	{ "get-unreserved", "GET", "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	  "abcdefghijklmnopqrstuvwxyz", { { 0 } }, 0, { HOST, DATE }, 2, "",
	  "host;x-amz-date",
	  "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f" },
	{ "get-utf8", "GET", "/\xe1\x88\xb4", { { 0 } }, 0, { HOST, DATE }, 2,
	  "", "host;x-amz-date",
	  "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85" },
	{ "get-header-key-duplicate", "GET", "/", { { 0 } }, 0,
	  { HOST, { "My-Header1", "value2" }, { "My-Header1", "value2" },
	    { "My-Header1", "value1" }, DATE }, 5, "",
	  "host;my-header1;x-amz-date",
	  "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea" },
	{ "get-header-value-trim", "GET", "/", { { 0 } }, 0,
	  { HOST, { "My-Header1", " value1" },
	    { "My-Header2", " \"a   b   c\"" }, DATE }, 4, "",
	  "host;my-header1;my-header2;x-amz-date",
	  "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736" },
	{ "post-header-key-sort", "POST", "/", { { 0 } }, 0,
	  { HOST, { "My-Header1", "value1" }, DATE }, 3, "",
	  "host;my-header1;x-amz-date",
	  "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c" },
	{ "post-header-value-case", "POST", "/", { { 0 } }, 0,
	  { HOST, { "My-Header1", "VALUE1" }, DATE }, 3, "",
	  "host;my-header1;x-amz-date",
	  "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d" },
	{ "post-x-www-form-urlencoded", "POST", "/", { { 0 } }, 0,
	  { { "Content-Type", "application/x-www-form-urlencoded" }, HOST,
	    DATE }, 3, "Param1=value1", "content-type;host;x-amz-date",
	  "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a" },
};

#define S3_HOST { "Host", "examplebucket.s3.amazonaws.com" }
#define S3_DATE { "x-amz-date", "20130524T000000Z" }
#define S3_EMPTY { "x-amz-content-sha256", EMPTY }

static const struct suite_case s3_cases[] = {
	{ "GET Object", "GET", "/test.txt", { { 0 } }, 0,
	  { S3_HOST, { "Range", "bytes=0-9" }, S3_EMPTY, S3_DATE }, 4, "",
	  "host;range;x-amz-content-sha256;x-amz-date",
	  "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41" },
	{ "PUT Object", "PUT", "/test$file.text", { { 0 } }, 0,
	  { { "Date", "Fri, 24 May 2013 00:00:00 GMT" }, S3_HOST, S3_DATE,
	    { "x-amz-content-sha256", "44ce7dd67c959e0d3524ffac1771dfbb"
	      "a87d2b6b4b4e99e42034a8b803f8b072" },
	    { "x-amz-storage-class", "REDUCED_REDUNDANCY" } }, 5,
	  "Welcome to Amazon S3.",
	  "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
	  "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd" },
	{ "GET Bucket Lifecycle", "GET", "/", { { "lifecycle", "" } }, 1,
	  { S3_HOST, S3_DATE, S3_EMPTY }, 3, "",
	  "host;x-amz-content-sha256;x-amz-date",
	  "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543" },
	{ "Get Bucket (List Objects)", "GET", "/",
	  { { "prefix", "J" }, { "max-keys", "2" } }, 2,
	  { S3_HOST, S3_DATE, S3_EMPTY }, 3, "",
	  "host;x-amz-content-sha256;x-amz-date",
	  "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7" },
};

static void
check(const struct suite_case *c, const struct sigv4_scope *scope,
    const char *date)
{
	struct buf path, query, got;
	uint8_t digest[HASH_SHA256_SIZE];
	char payload[2 * HASH_SHA256_SIZE + 1], want[512];
	struct sigv4_request request = { .method = c->method, .date = date,
		.payload = payload, .headers = c->headers,
		.n_headers = c->n_headers };
	struct err err;

	buf_init(&path, 1000);
	buf_init(&query, 1000);
	buf_init(&got, 1000);
	assert_true(sigv4_encode(&path, c->path, true));
	assert_true(sigv4_query(&query, c->params, c->n_params));
	assert_true(hash_sha256(c->body, strlen(c->body), digest));
	hash_hex(digest, sizeof(digest), payload);
	request.path = buf_str(&path);
	request.query = buf_str(&query);
	assert_true(sigv4_sign(scope, &request, &got, &err));
	snprintf(want, sizeof(want), "AWS4-HMAC-SHA256 Credential=%s/%.8s/%s/%s"
	    "/aws4_request, SignedHeaders=%s, Signature=%s", scope->access_key,
	    date, scope->region, scope->service, c->signed_headers,
	    c->signature);
	if (strcmp(buf_str(&got), want) != 0)
		fail_msg("%s:\n%s\nnot\n%s", c->name, buf_str(&got), want);
	buf_free(&path);
	buf_free(&query);
	buf_free(&got);
}

static void
published_signatures(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(suite_cases); i++)
		check(&suite_cases[i], &suite, "20150830T123600Z");
	for (i = 0; i < COUNT(s3_cases); i++)
		check(&s3_cases[i], &s3_docs, "20130524T000000Z");
}

/* As the S3 API Reference prints it. */
static void
canonical_request(void **state)
{
	static const struct http_header headers[] = {
		{ "Host", "examplebucket.s3.amazonaws.com" },
		{ "Range", "bytes=0-9" },
		{ "X-Amz-Content-SHA256", EMPTY },
		{ "x-amz-date", "20130524T000000Z" },
	};
	const struct sigv4_request request = { .method = "GET",
		.path = "/test.txt", .query = "", .date = "20130524T000000Z",
		.payload = EMPTY, .headers = headers, .n_headers = 4 };
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	assert_true(sigv4_canonical(&b, &request));
	assert_string_equal(buf_str(&b), "GET\n/test.txt\n\n"
	    "host:examplebucket.s3.amazonaws.com\nrange:bytes=0-9\n"
	    "x-amz-content-sha256:" EMPTY "\nx-amz-date:20130524T000000Z\n\n"
	    "host;range;x-amz-content-sha256;x-amz-date\n" EMPTY);
	buf_free(&b);
}

static void
encoding(void **state)
{
	static const struct {
		const char *text;
		bool path;
		const char *want;
	} cases[] = {
		{ "a/b c", true, "a/b%20c" }, { "a/b c", false, "a%2Fb%20c" },
		{ "AZaz09-._~", true, "AZaz09-._~" },
		{ "!\"#$%&'()*+,:;<=>?@[\\]^`{|}", true,
		  "%21%22%23%24%25%26%27%28%29%2A%2B%2C%3A%3B%3C%3D%3E%3F%40"
		  "%5B%5C%5D%5E%60%7B%7C%7D" },
		{ "\xc3\xa9\xf0\x9f\x98\x80\n\x7f", true,
		  "%C3%A9%F0%9F%98%80%0A%7F" },
		{ "%2f", true, "%252f" }, { "", true, "" },
	};
	struct buf b;
	size_t i;

	(void)state;
	buf_init(&b, 500);
	for (i = 0; i < COUNT(cases); i++) {
		buf_reset(&b);
		assert_true(sigv4_encode(&b, cases[i].text, cases[i].path));
		assert_string_equal(buf_str(&b), cases[i].want);
	}
	buf_free(&b);
	buf_init(&b, 3);
	assert_true(sigv4_encode(&b, "abc", true));
	assert_false(sigv4_encode(&b, "d", true));
	buf_free(&b);
}

static void
query_is_sorted_after_encoding(void **state)
{
	static const struct sigv4_param params[] = {
		{ "uploads", "" }, { "a-b", "1" }, { "a", "2" }, { "a", "10" },
		{ "A", "x" }, { "a0", "y" }, { "\xc3\xa9", "=&" },
		{ "token", "a+b/c==" },
	};
	struct buf b;

	(void)state;
	buf_init(&b, 500);
	assert_true(sigv4_query(&b, params, COUNT(params)));
	assert_string_equal(buf_str(&b), "%C3%A9=%3D%26&A=x&a=10&a=2&a-b=1&a0=y"
	    "&token=a%2Bb%2Fc%3D%3D&uploads=");
	buf_reset(&b);
	assert_true(sigv4_query(&b, NULL, 0));
	assert_string_equal(buf_str(&b), "");
	buf_free(&b);
}

/* A name that begins another comes first: some signers get this wrong. */
static void
headers_are_sorted_by_name(void **state)
{
	static const struct http_header headers[] = {
		{ "x-amz-meta-a-b", "1" }, { "x-amz-meta-a", "2" },
		{ "Host", "h:9000" }, { "X-AMZ-Meta-A0", "3" },
	};
	const struct sigv4_request request = { .method = "PUT", .path = "/",
		.query = "", .date = "20130524T000000Z", .payload = "P",
		.headers = headers, .n_headers = 4 };
	struct buf b;

	(void)state;
	buf_init(&b, 500);
	assert_true(sigv4_canonical(&b, &request));
	assert_string_equal(buf_str(&b), "PUT\n/\n\nhost:h:9000\n"
	    "x-amz-meta-a:2\nx-amz-meta-a-b:1\nx-amz-meta-a0:3\n\n"
	    "host;x-amz-meta-a;x-amz-meta-a-b;x-amz-meta-a0\nP");
	buf_free(&b);
}

static void
dates(void **state)
{
	char date[SIGV4_DATE_SIZE];

	(void)state;
	sigv4_date(1369353600, date);
	assert_string_equal(date, "20130524T000000Z");
	sigv4_date(1440938160, date);
	assert_string_equal(date, "20150830T123600Z");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_signatures),
		cmocka_unit_test(canonical_request),
		cmocka_unit_test(encoding),
		cmocka_unit_test(query_is_sorted_after_encoding),
		cmocka_unit_test(headers_are_sorted_by_name),
		cmocka_unit_test(dates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
