#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/print_doctor.h"
#include "cli/terminal.h"

#define TEXT(s) ((char *)(uintptr_t)(s))

static struct spaceferry_check checks[] = {
	{ "source", "dns", SPACEFERRY_PASS, TEXT("db.example: 3 hosts, and "
	    "more than one line of a terminal takes, which is cut"), TEXT("") },
	{ "source", "tls", SPACEFERRY_FAIL, TEXT("the certificate of "
	    "db.example ran out on \x1b[2J and so on"), TEXT("renew it, or "
	    "give another host that has one which is still good") },
	{ "files", "a-very-long-name-of-one", SPACEFERRY_WARN, TEXT("odd"),
	    TEXT("look") },
	{ "files", "cors", SPACEFERRY_SKIPPED, TEXT("no --app-url"),
	    TEXT("") },
};

/* What is written for the checks and the closing words; the caller frees it.
 * Not inlined: gcc 12 would then take the text for a dead local variable. */
__attribute__((noinline)) static char *
told(struct print_doctor *p, size_t n, const struct print_style *style)
{
	struct spaceferry_summary s = { .command = "doctor", .checks = checks,
	    .n_checks = n };
	char *text = NULL;
	size_t len, i;

	p->out = open_memstream(&text, &len);
	assert_non_null(p->out);
	for (i = 0; i < n; i++)
		print_doctor_check(p, &checks[i]);
	if (style != NULL)
		print_summary(p->out, &s, style);
	fclose(p->out);
	return text;
}

/* The summary alone, as JSON where style is NULL. */
__attribute__((noinline)) static char *
summed(const struct spaceferry_summary *s, const struct print_style *style)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	if (style != NULL)
		print_summary(out, s, style);
	else
		assert_true(print_json(out, s));
	fclose(out);
	return text;
}

static void
one_screen(void **state)
{
	static const char want[] =
	    "source  \xE2\x9C\x93 dns              db.example: 3 hosts, and "
	    "more than\xE2\x80\xA6\n"
	    "        \xE2\x9C\x97 tls              the certificate of "
	    "db.example ran\n"
	    "                           out on \\x1b[2J and so on\n"
	    "                           \xE2\x86\x92 renew it, or give another "
	    "host\n"
	    "                             that has one which is still good\n"
	    "files   ! a-very-long-name-of-one odd\n"
	    "                                  \xE2\x86\x92 look\n"
	    "        \xE2\x80\x93 cors             no --app-url\n"
	    "\n"
	    "4 checks: 1 passed, 1 warning, 1 failed, 1 skipped\n"
	    "failed: source tls\n"
	    "warnings: files a-very-long-name-of-one\n"
	    "The migration would not go well.  Mend what failed, then run "
	    "doctor again.\n";
	struct print_doctor p = { .utf8 = true, .columns = 62 };
	const struct print_style style = { .status = 1, .files = true };
	char *text = told(&p, 4, &style);

	(void)state;
	assert_string_equal(text, want);
	free(text);
}

/* Words where marks cannot be shown, nothing cut where there is no terminal. */
static void
plain_and_whole(void **state)
{
	static const char want[] =
	    "source  ok   dns              db.example: 3 hosts, and more than one "
	    "line of a terminal takes, which is cut\n"
	    "        FAIL tls              the certificate of db.example ran "
	    "out on \\x1b[2J and so on\n"
	    "                              -> renew it, or give another host "
	    "that has one which is still good\n"
	    "files   warn a-very-long-name-of-one odd\n"
	    "                                     -> look\n"
	    "        skip cors             no --app-url\n";
	struct print_doctor p = { 0 };
	char *text = told(&p, 4, NULL);

	(void)state;
	assert_string_equal(text, want);
	free(text);
}

/* A terminal on which nothing fits is left to wrap by itself. */
static void
narrow(void **state)
{
	struct print_doctor p = { .columns = 30 };
	char *text = told(&p, 2, NULL);

	(void)state;
	assert_non_null(strstr(text, "which is cut\n"));
	assert_non_null(strstr(text, "and so on\n"));
	free(text);
}

/* A pass that asks for something is no mere pass. */
static void
pass_with_remedy(void **state)
{
	const struct spaceferry_check c = { "outside", "places",
	    SPACEFERRY_PASS, TEXT("old URLs may be in places that nobody "
	    "reaches from here"), TEXT("look") };
	struct spaceferry_check kept = checks[0];
	struct print_doctor p = { .utf8 = true, .columns = 62 };
	char *text;

	(void)state;
	checks[0] = c;
	text = told(&p, 1, NULL);
	checks[0] = kept;
	assert_string_equal(text, "outside \xE2\x9C\x93 places           "
	    "old URLs may be in places that\n"
	    "                           nobody reaches from here\n"
	    "                           \xE2\x86\x92 look\n");
	free(text);
}

static void
coloured(void **state)
{
	struct print_doctor p = { .utf8 = true, .colour = true };
	const struct print_style style = { .status = 1, .colour = true };
	char *text = told(&p, 2, &style);

	(void)state;
	assert_non_null(strstr(text, "\x1b[1msource  \x1b[0m"));
	assert_non_null(strstr(text, "\x1b[32m\xE2\x9C\x93\x1b[0m dns"));
	assert_non_null(strstr(text, "\x1b[31m\xE2\x9C\x97\x1b[0m tls"));
	assert_null(strstr(text, "\x1b[2J"));
	free(text);
}

static void
lines_of_json(void **state)
{
	static const char want[] =
	    "{\"check\":\"tls\",\"group\":\"source\",\"verdict\":\"fail\","
	    "\"seen\":\"the certificate of db.example ran out on "
	    "\\u001B[2J and so on\",\"remedy\":\"renew it, or give another "
	    "host that has one which is still good\"}\n"
	    "{\"check\":\"a-very-long-name-of-one\",\"group\":\"files\","
	    "\"verdict\":\"warn\",\"seen\":\"odd\",\"remedy\":\"look\"}\n"
	    "{\"check\":\"cors\",\"group\":\"files\",\"verdict\":\"skipped\","
	    "\"seen\":\"no --app-url\",\"remedy\":\"\"}\n";
	struct print_doctor p = { .json = true, .colour = true,
	    .columns = 40 };
	char *text = told(&p, 4, NULL), *second = strchr(text, '\n') + 1;

	(void)state;
	assert_memory_equal(text, "{\"check\":\"dns\",", 15);
	assert_string_equal(second, want);
	free(text);
}

/* The summary has the counts, and only doctor's has. */
static void
counts_in_the_summary(void **state)
{
	struct spaceferry_summary s = { .command = "doctor", .checks = checks,
	    .n_checks = 4 };
	char *text = summed(&s, NULL);

	(void)state;
	assert_non_null(strstr(text, "\"checks\":{\"passed\":1,\"warnings\":1,"
	    "\"failed\":1,\"skipped\":1}"));
	free(text);
}

static void
closing_words(void **state)
{
	static const struct {
		size_t n;
		int status;
		const char *want;
	} cases[] = {
		{ 0, 2, "0 checks: 0 passed, 0 warnings, 0 failed\nNot "
		    "everything was looked at: mend what the error says, then "
		    "run doctor again.\n" },
		{ 1, 0, "\n1 check: 1 passed, 0 warnings, 0 failed\nNothing "
		    "was found that stops the migration.\n" },
		{ 3, 0, "\n3 checks: 1 passed, 1 warning, 1 failed\nfailed: "
		    "source tls\nwarnings: files a-very-long-name-of-one\nNothing "
		    "was found that stops the migration; see to the warnings "
		    "first.\n" },
	};
	struct spaceferry_summary s = { .command = "doctor",
	    .checks = checks };
	char *text;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct print_style style = { .status = cases[i].status };

		s.n_checks = cases[i].n;
		text = summed(&s, &style);
		assert_string_equal(text, cases[i].want);
		free(text);
	}
}

static void
locales(void **state)
{

	(void)state;
	unsetenv("LC_ALL");
	unsetenv("LC_CTYPE");
	setenv("LANG", "fr_FR.UTF-8", 1);
	assert_true(terminal_is_utf8());
	setenv("LC_CTYPE", "C.utf8", 1);
	setenv("LANG", "C", 1);
	assert_true(terminal_is_utf8());
	setenv("LC_ALL", "POSIX", 1);
	assert_false(terminal_is_utf8());
	setenv("LC_ALL", "", 1);
	assert_true(terminal_is_utf8());
	unsetenv("LC_CTYPE");
	assert_false(terminal_is_utf8());
	unsetenv("LANG");
	assert_false(terminal_is_utf8());
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_screen),
		cmocka_unit_test(plain_and_whole),
		cmocka_unit_test(narrow),
		cmocka_unit_test(pass_with_remedy),
		cmocka_unit_test(coloured),
		cmocka_unit_test(lines_of_json),
		cmocka_unit_test(counts_in_the_summary),
		cmocka_unit_test(closing_words),
		cmocka_unit_test(locales),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
