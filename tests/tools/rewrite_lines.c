/*
 * Rewrites JSON lines, so that another engine can be compared with ours:
 *
 *	{"rules": [["FROM", "TO"], ...], "input_hex": "..."}	(or "input")
 * becomes
 *	{"output_hex": "...", "matches": n, "no_rule": n, "unstable": bool,
 *	 "links": [{"rule": i, "forms_hex": [...]}]}
 * or {"error": "..."}.  Forms equal to an earlier one are left out.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "match/match.h"

#define OUT_MAX (64u << 20)

static json_t *
hex_string(const uint8_t *s, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	json_t *value;
	char *hex;
	size_t i;

	if ((hex = malloc(2 * n + 1)) == NULL)
		return NULL;
	for (i = 0; i < n; i++) {
		hex[2 * i] = digits[s[i] >> 4];
		hex[2 * i + 1] = digits[s[i] & 15];
	}
	value = json_stringn(hex, 2 * n);
	free(hex);
	return value;
}

static int
nibble(char c)
{

	return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

/* The input's bytes, from either key; the caller frees them. */
static char *
input_of(const json_t *request, size_t *n)
{
	const json_t *value = json_object_get(request, "input_hex");
	const char *s;
	char *text;
	size_t i;

	if (value == NULL) {
		value = json_object_get(request, "input");
		*n = json_string_length(value);
		if ((text = malloc(*n + 1)) != NULL)
			memcpy(text, json_string_value(value), *n);
		return text;
	}
	s = json_string_value(value);
	*n = json_string_length(value) / 2;
	if ((text = malloc(*n + 1)) != NULL)
		for (i = 0; i < *n; i++)
			text[i] = (char)(nibble(s[2 * i]) << 4 |
			    nibble(s[2 * i + 1]));
	return text;
}

static void
on_link(const struct match_link *link, void *arg)
{
	json_t *links = arg, *forms = json_array(), *one, *form;
	struct buf b;
	size_t i, j;

	buf_init(&b, OUT_MAX);
	for (i = 0; match_link_form(link, i, &b); i++) {
		form = hex_string(b.data, b.len);
		for (j = 0; j < json_array_size(forms); j++)
			if (json_equal(form, json_array_get(forms, j)))
				break;
		if (j == json_array_size(forms))
			json_array_append(forms, form);
		json_decref(form);
		buf_reset(&b);
	}
	buf_free(&b);
	one = json_object();
	json_object_set_new(one, "rule", json_integer((json_int_t)link->rule));
	json_object_set_new(one, "forms_hex", forms);
	json_array_append_new(links, one);
}

static json_t *
rewrite(const struct match_rules *rules, const char *text, size_t len)
{
	struct match_result result;
	struct buf out;
	json_t *reply = json_object(), *links = json_array();
	char why[200];

	buf_init(&out, OUT_MAX);
	if (!match_text(rules, text, len, &out, &result, on_link, links)) {
		json_object_set_new(reply, "error", json_string("no room"));
	} else {
		if (result.matches == 0)
			buf_append(&out, text, len);
		json_object_set_new(reply, "output_hex",
		    hex_string(out.data, out.len));
		json_object_set_new(reply, "matches",
		    json_integer((json_int_t)result.matches));
		json_object_set_new(reply, "no_rule",
		    json_integer((json_int_t)result.no_rule));
		json_object_set_new(reply, "unstable", json_boolean(
		    match_rules_unstable(rules, why, sizeof(why))));
		json_object_set(reply, "links", links);
	}
	json_decref(links);
	buf_free(&out);
	return reply;
}

static json_t *
answer(const json_t *request)
{
	const json_t *list = json_object_get(request, "rules"), *pair;
	struct match_rule_spec *specs;
	struct match_rules *rules;
	struct err err;
	json_t *reply;
	char *text;
	size_t i, n = json_array_size(list), len;

	if ((specs = calloc(n + 1, sizeof(*specs))) == NULL)
		return NULL;
	for (i = 0; i < n; i++) {
		pair = json_array_get(list, i);
		specs[i].from = json_string_value(json_array_get(pair, 0));
		specs[i].to = json_string_value(json_array_get(pair, 1));
	}
	if ((rules = match_rules_new(specs, n, &err)) == NULL) {
		reply = json_object();
		json_object_set_new(reply, "error", json_string(err.message));
	} else {
		text = input_of(request, &len);
		reply = text == NULL ? NULL : rewrite(rules, text, len);
		free(text);
	}
	match_rules_free(rules);
	free(specs);
	return reply;
}

int
main(void)
{
	char *line = NULL;
	size_t cap = 0;
	json_t *request, *reply;
	json_error_t error;

	while (getline(&line, &cap, stdin) > 0) {
		request = json_loads(line, JSON_ALLOW_NUL, &error);
		if (request == NULL) {
			fprintf(stderr, "not JSON: %s\n", error.text);
			free(line);
			return 1;
		}
		reply = answer(request);
		json_dumpf(reply, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
		putchar('\n');
		json_decref(reply);
		json_decref(request);
	}
	free(line);
	return 0;
}
