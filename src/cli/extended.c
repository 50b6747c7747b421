#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "cli/extended.h"

#define DEPTH_MAX 1000
#define PARTS_MAX 5

/*
 * What a document that stands for something else looks like, and how it is
 * shown.  Like: %n digits and letters, %s a string, %v any value.  Show: %1 to
 * %5 these parts; %d part 1, milliseconds, as a date; %x part 2, hexadecimal, as
 * a number.
 */
static const struct form {
	const char *like;
	const char *show;
} forms[] = {
	{ "{\"$oid\":%s}", "ObjectId(%1)" },
	{ "{\"$numberInt\":\"%n\"}", "%1" },
	{ "{\"$numberLong\":\"%n\"}", "Long(%1)" },
	{ "{\"$numberDouble\":\"%n\"}", "%1" },
	{ "{\"$numberDecimal\":%s}", "Decimal128(%1)" },
	{ "{\"$date\":{\"$numberLong\":\"%n\"}}", "%d" },
	{ "{\"$timestamp\":{\"t\":%n,\"i\":%n}}", "Timestamp(%1, %2)" },
	{ "{\"$binary\":{\"base64\":%s,\"subType\":\"%n\"}}",
	    "BinData(%x, %1)" },
	{ "{\"$regularExpression\":{\"pattern\":%s,\"options\":%s}}",
	    "RegExp(%1, %2)" },
	{ "{\"$code\":%s}", "Code(%1)" },
	{ "{\"$code\":%s,\"$scope\":%v}", "Code(%1, %2)" },
	{ "{\"$symbol\":%s}", "Symbol(%1)" },
	{ "{\"$dbPointer\":{\"$ref\":%s,\"$id\":%v}}", "DBPointer(%1, %2)" },
	{ "{\"$undefined\":true}", "undefined" },
	{ "{\"$minKey\":1}", "MinKey" },
	{ "{\"$maxKey\":1}", "MaxKey" },
	{ "{\"$cut\":%s,\"$type\":\"%n\",\"$from\":%n,\"$length\":%n}",
	    "%2 of %4 bytes, from %3: %1" },
	{ "{\"$cut\":%s,\"$type\":\"%n\",\"$length\":%n}",
	    "%2 of %3 bytes: %1" },
	{ "{\"$value\":%v,\"$type\":\"%n\",\"$bytes\":\"%n\"}", "%1 [%2 %3]" },
	{ "{\"$value\":%v,\"$type\":\"%n\",\"$from\":%n,\"$bytes\":\"%n\"}",
	    "%1 [%2, bytes from %3: %4]" },
	{ "{\"$value\":%v,\"$type\":\"%n\",\"$key\":%s,\"$bytes\":\"%n\"}",
	    "%1 [key %3, %2 %4]" },
	{ "{\"$value\":%v,\"$type\":\"%n\",\"$key\":%s,\"$from\":%n,"
	    "\"$bytes\":\"%n\"}", "%1 [key %3, %2, bytes from %4: %5]" },
};

/* A part of a form. */
struct part {
	const char *p;
	size_t len;
};

static const char *show_value(struct buf *out, const char *p, unsigned depth);

/* Behind the string that begins at p; NULL when it has no end. */
static const char *
skip_string(const char *p)
{

	if (*p != '"')
		return NULL;
	for (p++; *p != '"'; p++) {
		if (*p == '\\')
			p++;
		if (*p == '\0')
			return NULL;
	}
	return p + 1;
}

static const char *
skip_word(const char *p)
{

	while (isalnum((unsigned char)*p) || *p == '-' || *p == '+' ||
	    *p == '.')
		p++;
	return p;
}

/* Behind the value at p, whose brackets are sound; NULL when there is none. */
static const char *
skip_value(const char *p)
{
	size_t open = 0;

	do {
		if (*p == '"') {
			if ((p = skip_string(p)) == NULL)
				return NULL;
			continue;
		}
		if (*p == '\0')
			return NULL;
		if (*p == '{' || *p == '[')
			open++;
		if (*p == '}' || *p == ']')
			open--;
		if (open == 0 && *p != '}' && *p != ']')
			return skip_word(p);
		p++;
	} while (open > 0);
	return p;
}

/* Behind the part of that kind at p; NULL when it is of another. */
static const char *
skip_part(char kind, const char *p)
{
	const char *end;

	if (kind == 's')
		return skip_string(p);
	if (kind == 'v')
		return skip_value(p);
	end = skip_word(p);
	return end != p ? end : NULL;
}

/* Behind the document at p if it is of the form; NULL otherwise. */
static const char *
match_form(const struct form *form, const char *p, struct part *parts)
{
	const char *like, *end;

	for (like = form->like; *like != '\0'; like++) {
		if (*like != '%') {
			if (*p++ != *like)
				return NULL;
			continue;
		}
		if ((end = skip_part(*++like, p)) == NULL)
			return NULL;
		*parts++ = (struct part){ p, (size_t)(end - p) };
		p = end;
	}
	return p;
}

/* ISODate("…") where people have a name for that year, else Date(ms). */
static bool
show_date(struct buf *out, const char *text)
{
	int64_t ms = strtoll(text, NULL, 10), s = ms / 1000;
	struct tm tm;
	time_t t;

	ms %= 1000;
	if (ms < 0) {
		ms += 1000;
		s--;
	}
	t = (time_t)s;
	if (gmtime_r(&t, &tm) == NULL || tm.tm_year < -1900 ||
	    tm.tm_year > 8099)
		return buf_append_str(out, "Date(") &&
		    buf_append(out, text, strspn(text, "-0123456789")) &&
		    buf_append_byte(out, ')');
	return buf_printf(out, "ISODate(\"%04d-%02d-%02dT%02d:%02d:%02d.%03d"
	    "Z\")", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
	    tm.tm_min, tm.tm_sec, (int)ms);
}

static bool
show_part(struct buf *out, const struct part *part, unsigned depth)
{

	if (*part->p == '{' || *part->p == '[')
		return show_value(out, part->p, depth + 1) != NULL;
	return buf_append(out, part->p, part->len);
}

static bool
show_form(struct buf *out, const struct form *form, const struct part *parts,
    unsigned depth)
{
	const char *show;
	bool ok = true;

	for (show = form->show; ok && *show != '\0'; show++) {
		if (*show != '%')
			ok = buf_append_byte(out, (uint8_t)*show);
		else if (*++show == 'd')
			ok = show_date(out, parts[0].p);
		else if (*show == 'x')
			ok = buf_printf(out, "%lu",
			    strtoul(parts[1].p, NULL, 16));
		else
			ok = show_part(out, &parts[*show - '1'], depth);
	}
	return ok;
}

/* {} with what is in it; a name as it is where it can be one in the shell. */
static const char *
show_name(struct buf *out, const char *p)
{
	const char *end = skip_string(p), *s;

	if (end == NULL || *end != ':')
		return NULL;
	for (s = p + 1; isalnum((unsigned char)*s) || *s == '_' || *s == '$';
	    s++)
		continue;
	if (s == end - 1 && s > p + 1 && !isdigit((unsigned char)p[1])) {
		if (!buf_append(out, p + 1, (size_t)(s - p - 1)))
			return NULL;
	} else if (!buf_append(out, p, (size_t)(end - p))) {
		return NULL;
	}
	return buf_append_str(out, ": ") ? end + 1 : NULL;
}

/* A document or an array. */
static const char *
show_list(struct buf *out, const char *p, unsigned depth)
{
	char closer = *p == '{' ? '}' : ']';
	bool first = true;

	if (!buf_append_byte(out, (uint8_t)*p++))
		return NULL;
	while (*p != closer) {
		if (!first && (*p++ != ',' || !buf_append_str(out, ", ")))
			return NULL;
		first = false;
		if (closer == '}' && (p = show_name(out, p)) == NULL)
			return NULL;
		if ((p = show_value(out, p, depth + 1)) == NULL)
			return NULL;
	}
	return buf_append_byte(out, (uint8_t)*p) ? p + 1 : NULL;
}

/* Shows the value at p and returns what is behind it; NULL when it is none. */
static const char *
show_value(struct buf *out, const char *p, unsigned depth)
{
	struct part parts[PARTS_MAX];
	const char *end;
	size_t i;

	if (depth > DEPTH_MAX)
		return NULL;
	if (strncmp(p, "{\"$", 3) == 0) {
		for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
			if ((end = match_form(&forms[i], p, parts)) != NULL)
				return show_form(out, &forms[i], parts,
				    depth) ? end : NULL;
		}
	}
	if (*p == '{' || *p == '[')
		return show_list(out, p, depth);
	end = *p == '"' ? skip_string(p) : skip_word(p);
	if (end == NULL || end == p ||
	    !buf_append(out, p, (size_t)(end - p)))
		return NULL;
	return end;
}

/* Whether text is JSON, of whatever kind of value. */
static bool
is_json(const char *text)
{
	json_t *v = json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);

	json_decref(v);
	return v != NULL;
}

bool
extended_compact(struct buf *out, const char *json)
{
	const char *end;
	size_t before = out->len;

	if (!is_json(json))
		return false;
	while (*json != '\0') {
		end = *json == '"' ? skip_string(json) : json + 1;
		if (end == NULL || (strchr(" \t\r\n", *json) == NULL &&
		    !buf_append(out, json, (size_t)(end - json)))) {
			buf_truncate(out, before);
			return false;
		}
		json = end;
	}
	return true;
}

bool
extended_show(struct buf *out, const char *json)
{
	size_t before = out->len;
	struct buf compact;
	const char *end = NULL;

	buf_init(&compact, out->max);
	if (extended_compact(&compact, json) && buf_str(&compact) != NULL)
		end = show_value(out, buf_str(&compact), 0);
	buf_free(&compact);
	if (end != NULL)
		return true;
	buf_truncate(out, before);
	return false;
}
