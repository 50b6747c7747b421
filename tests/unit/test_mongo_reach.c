#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "mongo/client.h"
#include "mongo/reach.h"

#define SECRET "S3CRET"

static struct reach *
parse(const char *uri)
{
	struct err err;
	struct reach *r = reach_new(uri, &err);

	if (r == NULL)
		fail_msg("%s: %s", uri, err.message);
	return r;
}

static void
hosts(void **state)
{
	struct reach *r = parse("mongodb://a.example,[::1]:27018,"
	    "%2Ftmp%2Fmongodb-27017.sock/db");
	const struct reach_facts *f = reach_facts(r);

	(void)state;
	assert_null(f->srv);
	assert_int_equal(f->n_hosts, 3);
	assert_string_equal(f->hosts[0].name, "a.example");
	assert_int_equal(f->hosts[0].port, 27017);
	assert_string_equal(f->hosts[1].name, "::1");
	assert_int_equal(f->hosts[1].port, 27018);
	assert_string_equal(f->hosts[2].name, "/tmp/mongodb-27017.sock");
	assert_true(f->hosts[2].socket && !f->hosts[1].socket);
	assert_string_equal(f->db, "db");
	assert_null(f->user);
	assert_false(f->tls);
	assert_true(f->discovers && f->needs_primary);
	reach_free(r);
}

static void
what_is_asked_for(void **state)
{
	static const struct {
		const char *uri;
		bool tls, discovers, any_certificate, any_name, needs_primary;
	} cases[] = {
		{ "mongodb://h/", false, false, false, false, true },
		{ "mongodb://h/?replicaSet=x", false, true, false, false, true },
		{ "mongodb://h/?replicaSet=x&directConnection=true", false,
		    false, false, false, true },
		{ "mongodb://h/?tls=true", true, false, false, false, true },
		{ "mongodb://h/?ssl=true", true, false, false, false, true },
		{ "mongodb+srv://c.x.example/", true, true, false, false,
		    true },
		{ "mongodb+srv://c.x.example/?tls=false", false, true, false,
		    false, true },
		{ "mongodb+srv://c.x.example/?tlsAllowInvalidHostnames=true",
		    true, true, false, true, true },
		{ "mongodb://h/?tlsInsecure=true", true, false, true, true,
		    true },
		{ "mongodb://h/?readPreference=secondary", false, false, false,
		    false, false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct reach *r = parse(cases[i].uri);
		const struct reach_facts *f = reach_facts(r);

		if (f->tls != cases[i].tls ||
		    f->discovers != cases[i].discovers ||
		    f->any_certificate != cases[i].any_certificate ||
		    f->any_name != cases[i].any_name ||
		    f->needs_primary != cases[i].needs_primary)
			fail_msg("%s", cases[i].uri);
		reach_free(r);
	}
}

static void
txt(void **state)
{
	struct reach *r = parse("mongodb+srv://u:" SECRET "@c.x.example/app");
	struct err err;

	(void)state;
	assert_string_equal(reach_facts(r)->srv, "c.x.example");
	assert_string_equal(reach_facts(r)->service, "mongodb");
	assert_string_equal(reach_facts(r)->source, "app");
	assert_true(reach_add_txt(r, "authSource=admin&replicaSet=s-0", &err));
	assert_string_equal(reach_facts(r)->source, "admin");
	assert_string_equal(reach_facts(r)->set_name, "s-0");
	reach_free(r);
	/* What the URI says comes first. */
	r = parse("mongodb+srv://u:" SECRET "@c.x.example/app?authSource=own"
	    "&replicaSet=mine");
	assert_true(reach_add_txt(r, "authSource=admin&replicaSet=s-0", &err));
	assert_string_equal(reach_facts(r)->source, "own");
	assert_string_equal(reach_facts(r)->set_name, "mine");
	assert_true(reach_add_txt(r, "loadBalanced=false", &err));
	assert_true(reach_add_txt(r, "", &err));
	assert_false(reach_add_txt(r, "tls=false", &err));
	assert_int_equal(err.kind, ERR_URI);
	assert_false(reach_add_txt(r, "v=spf1 -all", &err));
	assert_false(reach_add_txt(r, "authSource", &err));
	reach_free(r);
}

static void
examples(void **state)
{
	static const struct {
		const char *uri;
		bool example;
	} cases[] = {
		{ "mongodb+srv://user:pass@cluster.mongodb.net/ezia", true },
		{ "mongodb://Username:Password@h/", true },
		{ "mongodb://user:" SECRET "@h/", false },
		{ "mongodb://app:pass@h/", false },
		{ "mongodb://h/", false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct reach *r = parse(cases[i].uri);

		if (reach_facts(r)->example != cases[i].example)
			fail_msg("%s", cases[i].uri);
		reach_free(r);
	}
}

static void
refuses(void **state)
{
	static const char *const uris[] = {
		"mongodb://u:p@" SECRET "@h/", "mongodb://<user>:" SECRET "@h/",
		"mongodb://u:" SECRET "@<cluster>/", "mongodb+srv://h/", "x",
	};
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(uris) / sizeof(uris[0]); i++) {
		assert_null(reach_new(uris[i], &err));
		assert_int_equal(err.kind, ERR_URI);
		assert_true(err.hint[0] != '\0');
		assert_null(strstr(err.message, SECRET));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hosts),
		cmocka_unit_test(what_is_asked_for),
		cmocka_unit_test(txt),
		cmocka_unit_test(examples),
		cmocka_unit_test(refuses),
	};
	int rc;

	mongo_global_init();
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	mongo_global_cleanup();
	return rc;
}
