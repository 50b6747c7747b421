#include <string.h>

#include "cli/options.h"

static bool
overwrite(char *from, const char *end)
{

	if (from == NULL || end == NULL || from >= end)
		return false;
	memset(from, 'x', (size_t)(end - from));
	return true;
}

/* The last '@' before end, NULL when there is none. */
static char *
last_at(char *s, const char *end)
{
	char *at = NULL;

	for (; s < end; s++) {
		if (*s == '@')
			at = s;
	}
	return at;
}

/* True when the text behind a ':' is a port: digits up to what may follow. */
static bool
is_port(const char *s)
{
	size_t digits = strspn(s, "0123456789");

	return digits > 0 && strchr("/?,", s[digits]) != NULL;
}

/*
 * The authority of a URL begins at s.  In a URI of MongoDB that was written
 * wrongly the password may hold '/', '?' and '@' as they are: everything up to
 * the last '@' is taken for it then, unless what follows the first ':' is
 * clearly a port.
 */
static bool
hide_authority(char *s, bool mongodb)
{
	char *end = s + (mongodb ? strlen(s) : strcspn(s, "/?#=")), *at, *colon;

	if ((at = last_at(s, end)) == NULL ||
	    (colon = memchr(s, ':', (size_t)(at - s))) == NULL)
		return false;
	if (mongodb && is_port(colon + 1))
		return false;
	return overwrite(colon + 1, at);
}

/* The values of what a URL's options call a password, a token … */
static bool
hide_options(char *text)
{
	static const char *const names[] = { "password=", "secret=", "token=",
		"token:", "signature=" };
	char *p, *value;
	size_t i;
	bool found = false;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		for (p = text; (p = strcasestr(p, names[i])) != NULL;
		    p = value) {
			value = p + strlen(names[i]);
			if (overwrite(value, value + strcspn(value, "&;,# ")))
				found = true;
		}
	}
	return found;
}

bool
options_hide(char *text)
{
	char *p, *s;
	bool mongodb, found = false;

	for (p = text; (s = strstr(p, "://")) != NULL; p = s + 3) {
		mongodb = (s - text >= 7 && strncmp(s - 7, "mongodb", 7) == 0) ||
		    (s - text >= 11 && strncmp(s - 11, "mongodb+srv", 11) == 0);
		if (hide_authority(s + 3, mongodb))
			found = true;
	}
	s = strstr(text, "://");
	return (s != NULL && hide_options(s)) || found;
}
