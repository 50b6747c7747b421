#include <idn2.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "match/charclass.h"
#include "match/rule.h"

#define PORT_DIGITS 5

/* Says what is wrong with the rule.  Returns false. */
static bool
bad(const struct rule *r, struct err *err, const char *what, const char *hint)
{

	err_set(err, ERR_RULE, "rewrite rule %zu (%s=%s): %s", r->index + 1,
	    r->from, r->to, what);
	return err_hint(err, "%s", hint);
}

const char *
rule_default_port(enum rule_scheme scheme)
{

	return scheme == RULE_HTTP ? "80" : "443";
}

/* The length of "http:" or "https:" before "//", 0 for anything else. */
static size_t
scheme_len(const char *url, enum rule_scheme *scheme)
{

	if (strncasecmp(url, "http://", 7) == 0) {
		*scheme = RULE_HTTP;
		return 5;
	}
	if (strncasecmp(url, "https://", 8) == 0) {
		*scheme = RULE_HTTPS;
		return 6;
	}
	*scheme = RULE_PATH;
	return 0;
}

static bool
all_url(const char *s, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (!charclass_url((uint8_t)s[i]))
			return false;
	return true;
}

static bool
ends_in(const char *s, const char *set)
{
	size_t n = strlen(s);

	return n > 0 && strchr(set, s[n - 1]) != NULL;
}

/* The punycode form (UTS 46, non-transitional) becomes one more host. */
static bool
add_punycode(struct rule *r, struct err *err)
{
	const char *name = r->host[0] + (r->star ? 1 : 0);
	char *ascii, *copy;
	size_t n;
	int rc;

	rc = idn2_to_ascii_8z(name, &ascii,
	    IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
	if (rc == IDN2_MALLOC)
		return err_nomem(err, "host name");
	if (rc != IDN2_OK)
		return bad(r, err, "the host is no valid internationalised name",
		    idn2_strerror(rc));
	n = strlen(ascii);
	if ((copy = malloc(n + 2)) == NULL) {
		idn2_free(ascii);
		return err_nomem(err, "host name");
	}
	copy[0] = '.';
	memcpy(copy + (r->star ? 1 : 0), ascii, n + 1);
	idn2_free(ascii);
	r->host[r->n_hosts++] = copy;
	return true;
}

/* [::1] and the like: only its alphabet is checked. */
static bool
bracketed(const char *s, size_t n)
{
	size_t i;

	if (n < 4 || s[0] != '[' || s[n - 1] != ']')
		return false;
	for (i = 1; i < n - 1; i++)
		if (charclass_hex((uint8_t)s[i]) < 0 && s[i] != ':' && s[i] != '.')
			return false;
	return true;
}

static bool
parse_host(struct rule *r, const char *s, size_t n, struct err *err)
{
	static const char hint[] =
	    "write it as https://host/, or https://*.host/ for any first label";
	bool ascii = true;
	size_t i;
	char *host;

	if (n > 0 && s[0] == '*') {
		r->star = true;
		s++;
		n--;
		if (n < 2 || s[0] != '.')
			return bad(r, err,
			    "'*' stands for the whole leftmost label only", hint);
	}
	if (n == 0 || (s[0] == '.' && !r->star))
		return bad(r, err, "the host of FROM is missing", hint);
	for (i = 0; i < n && !bracketed(s, n); i++) {
		if ((uint8_t)s[i] >= 0x80)
			ascii = false;
		else if (s[i] == '*')
			return bad(r, err,
			    "'*' stands for the whole leftmost label only", hint);
		else if (!charclass_label((uint8_t)s[i]) && s[i] != '.')
			return bad(r, err,
			    "FROM has a character that no host name has", hint);
		if (i > 0 && s[i] == '.' && s[i - 1] == '.')
			return bad(r, err, "the host of FROM has an empty label",
			    hint);
	}
	if ((host = malloc(n + 1)) == NULL)
		return err_nomem(err, "host name");
	for (i = 0; i < n; i++)
		host[i] = (char)charclass_lower((uint8_t)s[i]);
	host[n] = '\0';
	r->host[r->n_hosts++] = host;
	return ascii || add_punycode(r, err);
}

static bool
parse_port(struct rule *r, const char *s, size_t n, struct err *err)
{
	const char *usual = rule_default_port(r->scheme);

	if (n == 0 || n > PORT_DIGITS || s[0] == '0' ||
	    strspn(s, "0123456789") < n || strtoul(s, NULL, 10) > 65535)
		return bad(r, err, "FROM has a malformed port",
		    "a port is a number from 1 to 65535");
	if (n == strlen(usual) && memcmp(s, usual, n) == 0)
		return true;
	r->port = s;
	r->port_len = n;
	return true;
}

static bool
parse_from(struct rule *r, struct err *err)
{
	static const char hint[] = "FROM is a prefix such as "
	    "https://old.example/, http://old.example:3000 or /uploads/";
	const char *s = r->from;
	size_t n, colon;

	n = scheme_len(s, &r->scheme);
	if (n == 0 && (s[0] != '/' || s[1] == '/' || s[1] == '\0'))
		return bad(r, err,
		    "FROM must start with http://, https:// or one /", hint);
	if (n > 0) {
		s += n + 2;
		n = strcspn(s, "/?#");
		if (memchr(s, '@', n) != NULL)
			return bad(r, err, "FROM must not have a user name", hint);
		colon = s[0] == '[' ? strcspn(s, "]") : 0;
		colon += strcspn(s + colon, ":");
		if (colon > n)
			colon = n;
		if (!parse_host(r, s, colon, err) || (colon < n &&
		    !parse_port(r, s + colon + 1, n - colon - 1, err)))
			return false;
		s += n;
	}
	r->rest = s;
	r->rest_len = strlen(s);
	if (memchr(r->rest, '*', r->rest_len) != NULL)
		return bad(r, err, "'*' stands for the leftmost host label only",
		    hint);
	if (!all_url(r->rest, r->rest_len))
		return bad(r, err, "FROM has a character that no URL has",
		    "percent-encode it as the texts do");
	r->open = ends_in(r->from, "/?=#");
	return true;
}

static bool
parse_to(struct rule *r, struct err *err)
{
	static const char hint[] = "TO starts with http://, https://, // or /, "
	    "or is empty";
	enum rule_scheme scheme;
	const char *s = r->to;

	r->to_scheme = scheme_len(s, &scheme);
	if (s[0] != '\0' && s[0] != '/' && r->to_scheme == 0)
		return bad(r, err, "TO is no URL and no path", hint);
	if (!all_url(s, strlen(s)))
		return bad(r, err, "TO has a character that no URL has",
		    "percent-encode it; write a host in punycode");
	s += r->to_scheme;
	if (strncmp(s, "//", 2) == 0 && strcspn(s + 2, "/?#") == 0)
		return bad(r, err, "the host of TO is missing", hint);
	if (!ends_in(r->from, "?=#") &&
	    ends_in(r->from, "/") != ends_in(r->to, "/"))
		return bad(r, err, "only one of FROM and TO ends in /",
		    "let both end in /, or neither");
	return true;
}

static bool
make_name(struct rule *r, struct err *err)
{
	const char *host = r->n_hosts > 0 ? r->host[0] : "";
	size_t size = strlen(host) + r->port_len + 3;

	if ((r->name = malloc(size)) == NULL)
		return err_nomem(err, "rewrite rule");
	snprintf(r->name, size, "%s%s%s%.*s", r->star ? "*" : "", host,
	    r->port_len > 0 ? ":" : "", (int)r->port_len,
	    r->port_len > 0 ? r->port : "");
	return true;
}

bool
rule_init(struct rule *r, const struct match_rule_spec *spec, size_t index,
    struct err *err)
{

	memset(r, 0, sizeof(*r));
	r->index = index;
	r->from = strdup(spec->from);
	r->to = strdup(spec->to);
	if (r->from == NULL || r->to == NULL) {
		err_nomem(err, "rewrite rule");
		goto fail;
	}
	if (!parse_from(r, err) || !parse_to(r, err) || !make_name(r, err))
		goto fail;
	return true;

fail:
	rule_free(r);
	return false;
}

void
rule_free(struct rule *r)
{
	size_t i;

	for (i = 0; i < r->n_hosts; i++)
		free(r->host[i]);
	free(r->name);
	free(r->from);
	free(r->to);
}

bool
rule_same_from(const struct rule *a, const struct rule *b)
{

	if (a->scheme != b->scheme || a->star != b->star ||
	    a->n_hosts != b->n_hosts || a->port_len != b->port_len ||
	    strcmp(a->rest, b->rest) != 0)
		return false;
	if (a->port_len > 0 && memcmp(a->port, b->port, a->port_len) != 0)
		return false;
	return a->n_hosts == 0 || strcmp(a->host[0], b->host[0]) == 0;
}
