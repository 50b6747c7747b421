#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "app/dburi.h"
#include "app/span.h"

/* The end of the part with the hosts; a '/' or '?' in an unescaped password
 * comes before an '@'. */
static const char *
authority_end(const char *p)
{
	const char *at = strrchr(p, '@');
	const char *end = p + strcspn(p, "/?");

	if (at != NULL && at > end && strchr(p, '?') == NULL)
		end = at + strcspn(at, "/?");
	return end;
}

static bool
needs_escape(struct span s)
{
	size_t i;

	for (i = 0; i < s.len; i++) {
		if (strchr("@:/?#[]", s.p[i]) != NULL)
			return true;
		if (s.p[i] == '%' && (i + 2 >= s.len ||
		    strspn(s.p + i + 1, "0123456789abcdefABCDEF") < 2))
			return true;
	}
	return false;
}

static bool
is_address(struct span s)
{
	size_t i;

	for (i = 0; i < s.len; i++) {
		if ((s.p[i] < '0' || s.p[i] > '9') && s.p[i] != '.')
			return false;
	}
	return s.len > 0;
}

static enum dburi_reach
reach_of(struct span host)
{
	int second;

	if (span_is_fold(host, "localhost") || span_begins(host, "127.") ||
	    span_is(host, "0.0.0.0") || span_is(host, "[::1]"))
		return DBURI_LOCAL;
	if (*host.p == '[')
		return DBURI_PUBLIC;
	if (memchr(host.p, '.', host.len) == NULL)
		return DBURI_BARE;
	if (span_ends(host, ".local") || span_ends(host, ".internal"))
		return DBURI_PRIVATE;
	if (!is_address(host))
		return DBURI_PUBLIC;
	second = span_begins(host, "172.") ? atoi(host.p + 4) : 0;
	return span_begins(host, "10.") || span_begins(host, "192.168.") ||
	    (second >= 16 && second <= 31) ? DBURI_PRIVATE : DBURI_PUBLIC;
}

static void
read_hosts(struct dburi *u, struct span rest)
{
	struct span one;
	size_t n = 0, i;
	bool worse;

	while (span_word(&rest, &one)) {
		n++;
		for (i = one.len; i > 0 && one.p[i - 1] != ':' &&
		    one.p[i - 1] != ']'; i--)
			;
		if (i > 1 && one.p[i - 1] == ':') {
			u->srv_port = u->srv;
			one.len = i - 1;
		}
		if (one.len == 0)
			continue;
		worse = reach_of(one) != DBURI_PUBLIC &&
		    u->reach == DBURI_PUBLIC;
		if (n == 1 || worse) {
			u->reach = reach_of(one);
			span_copy(one, u->host, sizeof(u->host));
		}
	}
	u->srv_port |= u->srv && n > 1;
	u->valid = u->host[0] != '\0';
}

void
dburi_read(struct dburi *u, const char *uri)
{
	const char *p, *end, *at, *colon;
	struct span user;

	memset(u, 0, sizeof(*u));
	if (strncmp(uri, "mongodb+srv://", 14) == 0)
		u->srv = true;
	else if (strncmp(uri, "mongodb://", 10) != 0)
		return;
	p = uri + (u->srv ? 14 : 10);
	end = authority_end(p);
	at = memrchr(p, '@', (size_t)(end - p));
	if (at != NULL) {
		u->user = true;
		colon = memchr(p, ':', (size_t)(at - p));
		user = (struct span){ p, (size_t)((colon != NULL ? colon : at) -
		    p) };
		u->unescaped = needs_escape(user) || (colon != NULL &&
		    needs_escape((struct span){ colon + 1,
		    (size_t)(at - colon - 1) }));
		p = at + 1;
	}
	read_hosts(u, (struct span){ p, (size_t)(end - p) });
	if (*end == '/')
		span_copy((struct span){ end + 1, strcspn(end + 1, "?") },
		    u->database, sizeof(u->database));
	u->auth_source = strcasestr(end, "authSource=") != NULL;
}
