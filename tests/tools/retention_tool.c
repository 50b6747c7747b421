/*
 * Applies retention policies for tests in other languages.  Each line of stdin is
 *
 *	{"tz": …, "policy": {"last": n, …, "within_ns": n}, "times": [ns, …]}
 *
 * and is answered by {"kept": n, "reasons": ["last, daily", "", …]}.
 */
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "repo/retention.h"

static uint32_t
number(const json_t *policy, const char *name)
{

	return (uint32_t)json_integer_value(json_object_get(policy, name));
}

static json_t *
answer(const json_t *request)
{
	const json_t *p = json_object_get(request, "policy");
	const json_t *times = json_object_get(request, "times");
	const struct retention_policy policy = {
		.last = number(p, "last"), .hourly = number(p, "hourly"),
		.daily = number(p, "daily"), .weekly = number(p, "weekly"),
		.monthly = number(p, "monthly"), .yearly = number(p, "yearly"),
		.within_ns = (uint64_t)json_integer_value(json_object_get(p,
		    "within_ns")),
	};
	size_t i, kept, n = json_array_size(times);
	int64_t *v = calloc(n + 1, sizeof(*v));
	unsigned *reasons = calloc(n + 1, sizeof(*reasons));
	json_t *list = json_array();
	char text[RETENTION_TEXT_SIZE];

	if (v == NULL || reasons == NULL)
		exit(1);
	for (i = 0; i < n; i++)
		v[i] = json_integer_value(json_array_get(times, i));
	setenv("TZ", json_string_value(json_object_get(request, "tz")), 1);
	kept = retention_apply(&policy, v, n, reasons);
	for (i = 0; i < n; i++) {
		retention_text(reasons[i], text);
		json_array_append_new(list, json_string(text));
	}
	free(v);
	free(reasons);
	return json_pack("{s:I, s:o}", "kept", (json_int_t)kept, "reasons",
	    list);
}

int
main(void)
{
	json_t *request, *o;
	char *line = NULL;
	size_t cap = 0;

	while (getline(&line, &cap, stdin) > 0) {
		if ((request = json_loads(line, 0, NULL)) == NULL)
			return 1;
		o = answer(request);
		json_dumpf(o, stdout, JSON_COMPACT);
		putchar('\n');
		fflush(stdout);
		json_decref(o);
		json_decref(request);
	}
	free(line);
	return 0;
}
