#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "cli/units.h"

#define KIB 1024ULL
#define FRACTION_DIGITS 9

/* A name and what one of it is worth. */
struct unit {
	const char *name;
	uint64_t worth;
};

static const struct unit sizes[] = {
	{ "", 1 }, { "B", 1 },
	{ "k", KIB }, { "KiB", KIB }, { "kB", 1000 },
	{ "m", KIB * KIB }, { "MiB", KIB * KIB }, { "MB", 1000000 },
	{ "g", KIB * KIB * KIB }, { "GiB", KIB * KIB * KIB },
	{ "GB", 1000000000 },
	{ "t", KIB * KIB * KIB * KIB }, { "TiB", KIB * KIB * KIB * KIB },
	{ "TB", 1000000000000 },
	{ NULL, 0 }
};

static const struct unit bits[] = {
	{ "kbit", 1000 / 8 }, { "mbit", 1000000 / 8 },
	{ "gbit", 1000000000 / 8 },
	{ NULL, 0 }
};

static const struct unit durations[] = {
	{ "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "min", 60000 },
	{ "h", 3600000 }, { "d", 86400000 },
	{ NULL, 0 }
};

/* digits[.digits] as read: whole, and fraction / scale. */
struct number {
	uint64_t whole;
	uint64_t fraction;
	uint64_t scale;		/* 1 when there is no fraction */
};

static bool
is_digit(char c)
{

	return c >= '0' && c <= '9';
}

/* Reads a number at *p and moves *p behind it.  False when there is none or
 * it does not fit; *too_large tells which. */
static bool
read_number(const char **p, struct number *n, bool *too_large)
{
	const char *s = *p;
	unsigned digits;

	*too_large = false;
	*n = (struct number){ .scale = 1 };
	if (!is_digit(*s))
		return false;
	for (; is_digit(*s); s++) {
		uint64_t d = (uint64_t)(*s - '0');

		if (n->whole > (UINT64_MAX - d) / 10) {
			*too_large = true;
			return false;
		}
		n->whole = n->whole * 10 + d;
	}
	if (*s == '.') {
		s++;
		if (!is_digit(*s))
			return false;
		for (digits = 0; is_digit(*s); s++, digits++) {
			if (digits >= FRACTION_DIGITS)
				continue;
			n->fraction = n->fraction * 10 + (uint64_t)(*s - '0');
			n->scale *= 10;
		}
	}
	*p = s;
	return true;
}

/* *sum += n * worth.  False on overflow. */
static bool
add_product(uint64_t *sum, const struct number *n, uint64_t worth)
{
	double part = (double)n->fraction / (double)n->scale * (double)worth;
	uint64_t fraction = (uint64_t)(part + 0.5);

	if (n->whole > (UINT64_MAX - fraction) / worth ||
	    *sum > UINT64_MAX - fraction - n->whole * worth)
		return false;
	*sum += n->whole * worth + fraction;
	return true;
}

/* The unit whose name is the len bytes at s, NULL when there is none. */
static const struct unit *
find_unit(const struct unit *units, const char *s, size_t len)
{

	for (; units->name != NULL; units++) {
		if (strlen(units->name) == len &&
		    strncasecmp(units->name, s, len) == 0)
			return units;
	}
	return NULL;
}

static bool
too_large_err(const char *text, struct err *err)
{

	return err_set(err, ERR_USAGE, "'%.40s' is too large", text);
}

bool
units_size(const char *text, uint64_t *bytes, struct err *err)
{
	const char *p = text;
	const struct unit *unit;
	struct number n;
	uint64_t sum = 0;
	bool too_large;

	if (!read_number(&p, &n, &too_large))
		goto bad;
	while (*p == ' ')
		p++;
	if ((unit = find_unit(sizes, p, strlen(p))) == NULL)
		goto bad;
	if (!add_product(&sum, &n, unit->worth))
		return too_large_err(text, err);
	*bytes = sum;
	return true;

bad:
	if (too_large)
		return too_large_err(text, err);
	err_set(err, ERR_USAGE, "'%.40s' is not a size", text);
	return err_hint(err, "write bytes, or a number with k, MiB, GB …: 64MiB");
}

bool
units_rate(const char *text, uint64_t *bytes, struct err *err)
{
	const char *p = text;
	const struct unit *unit;
	struct number n;
	uint64_t sum = 0;
	size_t len;
	bool too_large;

	if (!read_number(&p, &n, &too_large))
		goto bad;
	while (*p == ' ')
		p++;
	len = strlen(p);
	if (len >= 2 && strcasecmp(p + len - 2, "/s") == 0)
		len -= 2;
	if ((unit = find_unit(sizes, p, len)) == NULL &&
	    (unit = find_unit(bits, p, len)) == NULL)
		goto bad;
	if (!add_product(&sum, &n, unit->worth))
		return too_large_err(text, err);
	*bytes = sum;
	return true;

bad:
	if (too_large)
		return too_large_err(text, err);
	err_set(err, ERR_USAGE, "'%.40s' is not a rate", text);
	return err_hint(err, "write it as 10MiB/s, 1.5MB or 80mbit");
}

bool
units_duration(const char *text, uint64_t *ms, struct err *err)
{
	const char *p = text;
	const struct unit *unit;
	struct number n;
	uint64_t sum = 0;
	size_t len;
	bool too_large = false;

	if (strcmp(text, "0") == 0) {
		*ms = 0;
		return true;
	}
	do {
		if (!read_number(&p, &n, &too_large))
			goto bad;
		for (len = 0; p[len] != '\0' && !is_digit(p[len]); len++)
			;
		if ((unit = find_unit(durations, p, len)) == NULL)
			goto bad;
		if (!add_product(&sum, &n, unit->worth))
			return too_large_err(text, err);
		p += len;
	} while (*p != '\0');
	*ms = sum;
	return true;

bad:
	if (too_large)
		return too_large_err(text, err);
	err_set(err, ERR_USAGE, "'%.40s' is not a duration", text);
	return err_hint(err, "write a number with its unit: 90s, 10m, 2h, 1h30m");
}

bool
units_count(const char *text, uint64_t least, uint64_t *n, struct err *err)
{
	const char *p = text;
	struct number number;
	bool too_large;

	if (!read_number(&p, &number, &too_large) || *p != '\0' ||
	    number.scale != 1) {
		if (too_large)
			return too_large_err(text, err);
		return err_set(err, ERR_USAGE, "'%.40s' is not a whole number",
		    text);
	}
	if (number.whole < least)
		return err_set(err, ERR_USAGE, "'%.40s' is less than %" PRIu64,
		    text, least);
	*n = number.whole;
	return true;
}

const char *
units_print_bytes(uint64_t n, char out[UNITS_TEXT])
{
	static const char *const names[] = { "KiB", "MiB", "GiB", "TiB" };
	double value = (double)n;
	size_t i;

	if (n < KIB) {
		snprintf(out, UNITS_TEXT, "%" PRIu64 " B", n);
		return out;
	}
	value /= KIB;
	/* 1023.95 would be printed as 1024.0. */
	for (i = 0; value >= 1023.95 && i + 1 < sizeof(names) / sizeof(*names);
	    i++)
		value /= KIB;
	snprintf(out, UNITS_TEXT, "%.1f %s", value, names[i]);
	return out;
}

const char *
units_print_count(uint64_t n, char out[UNITS_TEXT])
{
	char digits[24];
	size_t len, i, j;

	len = (size_t)snprintf(digits, sizeof(digits), "%" PRIu64, n);
	for (i = j = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			out[j++] = ',';
		out[j++] = digits[i];
	}
	out[j] = '\0';
	return out;
}

const char *
units_print_clock(uint64_t s, char out[UNITS_TEXT])
{
	unsigned minutes = (unsigned)(s / 60 % 60), rest = (unsigned)(s % 60);

	if (s < 3600)
		snprintf(out, UNITS_TEXT, "%u:%02u", minutes, rest);
	else
		snprintf(out, UNITS_TEXT, "%" PRIu64 ":%02u:%02u", s / 3600,
		    minutes, rest);
	return out;
}

const char *
units_print_seconds(double s, char out[UNITS_TEXT])
{

	if (s < 100)
		snprintf(out, UNITS_TEXT, "%.1f s", s);
	else
		units_print_clock((uint64_t)(s + 0.5), out);
	return out;
}
