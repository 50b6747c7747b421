#include <bson/bson.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "archive/extjson_internal.h"
#include "base/hash.h"

#define OID_SIZE 12
#define UUID_SIZE 16
#define UUID_SUBTYPE 4

/* What stands behind the first key of an object; j->p is at the value. */
typedef bool value_fn(struct extjson *j, uint8_t *type);

static const char *
word(const struct extjson *j)
{

	return (const char *)j->word.data;
}

static bool
oid(struct extjson *j, uint8_t *type)
{
	uint8_t bytes[OID_SIZE];

	*type = EXTJSON_OID;
	if (!extjson_c_string(j))
		return false;
	if (!hash_unhex(word(j), bytes, sizeof(bytes)))
		return extjson_fail(j, "$oid without 24 hex digits");
	return extjson_put(j, bytes, sizeof(bytes));
}

static bool
symbol(struct extjson *j, uint8_t *type)
{

	*type = EXTJSON_SYMBOL;
	return extjson_string(j) && extjson_put_string(j);
}

/* A whole number in a string, or as it is. */
static bool
text_integer(struct extjson *j, int64_t *value)
{
	char *end;

	if (extjson_peek(j) != '"')
		return extjson_integer(j, value);
	if (!extjson_c_string(j))
		return false;
	errno = 0;
	*value = strtoll(word(j), &end, 10);
	return (errno == 0 && *end == '\0' && end != word(j) &&
	    !isspace((uint8_t)*word(j))) ||
	    extjson_fail(j, "not a whole number of 64 bits");
}

static bool
number_int(struct extjson *j, uint8_t *type)
{
	int64_t value;

	*type = EXTJSON_INT32;
	if (!text_integer(j, &value))
		return false;
	if (value < INT32_MIN || value > INT32_MAX)
		return extjson_fail(j, "$numberInt of more than 32 bits");
	return extjson_put_number(j, (uint64_t)value, 4);
}

static bool
number_long(struct extjson *j, uint8_t *type)
{
	int64_t value;

	*type = EXTJSON_INT64;
	return text_integer(j, &value) &&
	    extjson_put_number(j, (uint64_t)value, 8);
}

static bool
number_double(struct extjson *j, uint8_t *type)
{
	uint64_t bits;
	double value;
	char *end;

	*type = EXTJSON_DOUBLE;
	if (!extjson_c_string(j))
		return false;
	value = strtod(word(j), &end);	/* knows Infinity and NaN */
	if (end == word(j) || *end != '\0' || isspace((uint8_t)*word(j)))
		return extjson_fail(j, "$numberDouble without a number");
	memcpy(&bits, &value, sizeof(bits));
	return extjson_put_number(j, bits, 8);
}

static bool
number_decimal(struct extjson *j, uint8_t *type)
{
	bson_decimal128_t value;

	*type = EXTJSON_DECIMAL128;
	if (!extjson_c_string(j))
		return false;
	if (!bson_decimal128_from_string(word(j), &value))
		return extjson_fail(j, "$numberDecimal without a number");
	return extjson_put_number(j, value.low, 8) &&
	    extjson_put_number(j, value.high, 8);
}

static bool
one(struct extjson *j)
{
	int64_t value;

	return extjson_integer(j, &value) &&
	    (value == 1 || extjson_fail(j, "1 expected"));
}

static bool
min_key(struct extjson *j, uint8_t *type)
{

	*type = EXTJSON_MIN_KEY;
	return one(j);
}

static bool
max_key(struct extjson *j, uint8_t *type)
{

	*type = EXTJSON_MAX_KEY;
	return one(j);
}

static bool
undefined(struct extjson *j, uint8_t *type)
{

	*type = EXTJSON_UNDEFINED;
	extjson_peek(j);
	if (j->end - j->p < 4 || memcmp(j->p, "true", 4) != 0)
		return extjson_fail(j, "$undefined without true");
	j->p += 4;
	return true;
}

/* width digits at *s, which goes on behind them; -1 when they are not there. */
static int
digits(const char **s, int width)
{
	int value = 0;

	while (width-- > 0) {
		if (**s < '0' || **s > '9')
			return -1;
		value = value * 10 + *(*s)++ - '0';
	}
	return value;
}

/* "2024-02-29T12:00:00.005Z" or with +01:00, as milliseconds since 1970. */
static bool
iso_date(const char *s, int64_t *ms)
{
	struct tm tm = { 0 };
	int fraction = 0, scale = 100, sign, hours, minutes, year;

	year = digits(&s, 4);
	tm.tm_year = year - 1900;
	tm.tm_mon = *s++ == '-' ? digits(&s, 2) - 1 : -1;
	if (year < 0 || tm.tm_mon < 0 || tm.tm_mon > 11 || *s++ != '-')
		return false;
	tm.tm_mday = digits(&s, 2);
	if (tm.tm_mday < 1 || tm.tm_mday > 31 || *s++ != 'T')
		return false;
	tm.tm_hour = digits(&s, 2);
	if (tm.tm_hour < 0 || tm.tm_hour > 23 || *s++ != ':')
		return false;
	tm.tm_min = digits(&s, 2);
	if (tm.tm_min < 0 || tm.tm_min > 59)
		return false;
	if (*s == ':') {
		s++;
		tm.tm_sec = digits(&s, 2);
		if (tm.tm_sec < 0 || tm.tm_sec > 60)
			return false;
	}
	if (*s == '.')
		for (s++; *s >= '0' && *s <= '9'; s++, scale /= 10)
			fraction += (*s - '0') * scale;
	*ms = (int64_t)timegm(&tm) * 1000 + fraction;
	if (*s == 'Z')
		return s[1] == '\0';
	if (*s != '+' && *s != '-')
		return false;
	sign = *s++ == '-' ? 1 : -1;
	hours = digits(&s, 2);
	if (*s == ':')
		s++;
	minutes = digits(&s, 2);
	*ms += (int64_t)sign * (hours * 60 + minutes) * 60000;
	return hours >= 0 && minutes >= 0 && *s == '\0';
}

static bool
date(struct extjson *j, uint8_t *type)
{
	int64_t ms;
	char c = extjson_peek(j);

	*type = EXTJSON_DATE;
	if (c == '{') {
		if (!extjson_expect(j, '{') || !extjson_key(j, "$numberLong") ||
		    !text_integer(j, &ms) || !extjson_expect(j, '}'))
			return false;
	} else if (c == '"') {
		if (!extjson_c_string(j))
			return false;
		if (!iso_date(word(j), &ms))
			return extjson_fail(j, "$date without a date");
	} else if (!extjson_integer(j, &ms)) {
		return false;
	}
	return extjson_put_number(j, (uint64_t)ms, 8);
}

/* The value of one digit of base64, -1 for none. */
static int
base64_digit(char c)
{

	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Appends length, a place for the subtype at *subtype, and the bytes. */
static bool
put_base64(struct extjson *j, size_t *subtype)
{
	const char *s = word(j);
	size_t n = j->word.len, pad = 0, i, bytes;
	uint32_t group = 0;
	int digit;

	if (n % 4 != 0)
		return extjson_fail(j, "not base64");
	while (pad < 2 && pad < n && s[n - 1 - pad] == '=')
		pad++;
	bytes = n / 4 * 3 - pad;
	if (!extjson_put_number(j, bytes, 4))
		return false;
	*subtype = j->out->len;
	if (!extjson_put_number(j, 0, 1))
		return false;
	for (i = 0; i < n; i++) {
		digit = i >= n - pad ? 0 : base64_digit(s[i]);
		if (digit < 0)
			return extjson_fail(j, "not base64");
		group = group << 6 | (uint32_t)digit;
		if (i % 4 != 3)
			continue;
		group = (group & 0xff) << 16 | (group & 0xff00) |
		    (group >> 16 & 0xff);
		if (!extjson_put_number(j, group, bytes < 3 ? bytes : 3))
			return false;
		bytes -= bytes < 3 ? bytes : 3;
		group = 0;
	}
	return true;
}

static bool
subtype(struct extjson *j, size_t at)
{
	const char *s;
	char *end;
	long value;

	if (!extjson_c_string(j))
		return false;
	s = word(j);
	value = strtol(s, &end, 16);
	if (!isxdigit((uint8_t)*s) || *end != '\0' || strlen(s) > 2)
		return extjson_fail(j, "not a subtype");
	j->out->data[at] = (uint8_t)value;
	return true;
}

/* {"base64": "…", "subType": "00"}, or v1's "…", "$type": "00". */
static bool
binary(struct extjson *j, uint8_t *type)
{
	size_t at;

	*type = EXTJSON_BINARY;
	if (extjson_peek(j) == '{')
		return extjson_expect(j, '{') && extjson_key(j, "base64") &&
		    extjson_c_string(j) && put_base64(j, &at) &&
		    extjson_expect(j, ',') && extjson_key(j, "subType") &&
		    subtype(j, at) && extjson_expect(j, '}');
	return extjson_c_string(j) && put_base64(j, &at) &&
	    extjson_expect(j, ',') && extjson_key(j, "$type") &&
	    subtype(j, at);
}

static bool
uuid(struct extjson *j, uint8_t *type)
{
	uint8_t bytes[UUID_SIZE];
	char hex[2 * UUID_SIZE + 1];
	const char *s;
	size_t i, n = 0;

	*type = EXTJSON_BINARY;
	if (!extjson_c_string(j))
		return false;
	s = word(j);
	if (j->word.len != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' ||
	    s[23] != '-')
		return extjson_fail(j, "$uuid without a UUID");
	for (i = 0; i < 36; i++)
		if (i != 8 && i != 13 && i != 18 && i != 23)
			hex[n++] = s[i];
	hex[n] = '\0';
	if (!hash_unhex(hex, bytes, sizeof(bytes)))
		return extjson_fail(j, "$uuid without a UUID");
	return extjson_put_number(j, UUID_SIZE, 4) &&
	    extjson_put_number(j, UUID_SUBTYPE, 1) &&
	    extjson_put(j, bytes, sizeof(bytes));
}

/* Code alone, or length, code and scope. */
static bool
code(struct extjson *j, uint8_t *type)
{
	size_t at = j->out->len, i, n;

	if (!extjson_string(j))
		return false;
	*type = EXTJSON_CODE;
	if (extjson_peek(j) != ',')
		return extjson_put_string(j);
	*type = EXTJSON_CODE_WITH_SCOPE;
	if (!extjson_put_number(j, 0, 4) || !extjson_put_string(j) ||
	    !extjson_expect(j, ',') || !extjson_key(j, "$scope") ||
	    !extjson_document(j))
		return false;
	n = j->out->len - at;
	for (i = 0; i < 4; i++)
		j->out->data[at + i] = (uint8_t)(n >> (8 * i));
	return true;
}

static bool
timestamp(struct extjson *j, uint8_t *type)
{
	int64_t t, i;

	*type = EXTJSON_TIMESTAMP;
	if (!extjson_expect(j, '{') || !extjson_key(j, "t") ||
	    !extjson_integer(j, &t) || !extjson_expect(j, ',') ||
	    !extjson_key(j, "i") || !extjson_integer(j, &i) ||
	    !extjson_expect(j, '}'))
		return false;
	if (t < 0 || t > UINT32_MAX || i < 0 || i > UINT32_MAX)
		return extjson_fail(j, "$timestamp of more than 32 bits");
	return extjson_put_number(j, (uint64_t)i, 4) &&
	    extjson_put_number(j, (uint64_t)t, 4);
}

static bool
put_c_string(struct extjson *j)
{

	return extjson_c_string(j) &&
	    extjson_put(j, j->word.data, j->word.len + 1);
}

static bool
regex(struct extjson *j, uint8_t *type)
{

	*type = EXTJSON_REGEX;
	return extjson_expect(j, '{') && extjson_key(j, "pattern") &&
	    put_c_string(j) && extjson_expect(j, ',') &&
	    extjson_key(j, "options") && put_c_string(j) &&
	    extjson_expect(j, '}');
}

static bool
db_pointer(struct extjson *j, uint8_t *type)
{
	uint8_t unused;

	*type = EXTJSON_DBPOINTER;
	return extjson_expect(j, '{') && extjson_key(j, "$ref") &&
	    extjson_string(j) && extjson_put_string(j) &&
	    extjson_expect(j, ',') && extjson_key(j, "$id") &&
	    extjson_expect(j, '{') && extjson_key(j, "$oid") &&
	    oid(j, &unused) && extjson_expect(j, '}') && extjson_expect(j, '}');
}

static const struct {
	const char *key;
	value_fn *read;
} values[] = {
	{ "$oid", oid },
	{ "$symbol", symbol },
	{ "$numberInt", number_int },
	{ "$numberLong", number_long },
	{ "$numberDouble", number_double },
	{ "$numberDecimal", number_decimal },
	{ "$minKey", min_key },
	{ "$maxKey", max_key },
	{ "$undefined", undefined },
	{ "$date", date },
	{ "$binary", binary },
	{ "$uuid", uuid },
	{ "$code", code },
	{ "$timestamp", timestamp },
	{ "$regularExpression", regex },
	{ "$dbPointer", db_pointer },
};

static size_t
find(const char *key)
{
	size_t i, n = sizeof(values) / sizeof(*values);

	for (i = 0; i < n && strcmp(values[i].key, key) != 0; i++)
		;
	return i;
}

bool
extjson_is_value(const char *key)
{

	return find(key) < sizeof(values) / sizeof(*values);
}

bool
extjson_value(struct extjson *j, const char *key, uint8_t *type)
{

	return extjson_expect(j, '{') && extjson_key(j, key) &&
	    values[find(key)].read(j, type) && extjson_expect(j, '}');
}
