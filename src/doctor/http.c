#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "doctor/http.h"
#include "net/probe.h"

#define TCP_MS 5000
#define TLS_MS 10000

struct server {
	struct probe_host host;
	bool tls;
};

/* "https://user@[::1]:8443/path" taken apart. */
static bool
parse(const char *url, struct server *s, struct err *err)
{
	const char *host = strstr(url, "://"), *end, *at, *port;
	size_t len;

	memset(s, 0, sizeof(*s));
	s->tls = strncasecmp(url, "https:", 6) == 0;
	s->host.port = s->tls ? 443 : 80;
	host = host != NULL ? host + 3 : url;
	end = host + strcspn(host, "/?#");
	if ((at = memrchr(host, '@', (size_t)(end - host))) != NULL)
		host = at + 1;
	len = (size_t)(end - host);
	port = memrchr(host, ':', len);
	if (port != NULL && memchr(port, ']', (size_t)(end - port)) == NULL) {
		s->host.port = (unsigned)strtoul(port + 1, NULL, 10);
		len = (size_t)(port - host);
	}
	if (len > 1 && *host == '[' && host[len - 1] == ']') {
		host++;
		len -= 2;
	}
	if (len == 0 || len >= sizeof(s->host.name) || s->host.port == 0 ||
	    s->host.port > 65535)
		return err_set(err, ERR_URI, "%.200s: no host or no port in "
		    "it", url);
	memcpy(s->host.name, host, len);
	return true;
}

static bool
is_loopback(const char *host)
{

	return strcasecmp(host, "localhost") == 0 || strcmp(host, "::1") == 0 ||
	    strncmp(host, "127.", 4) == 0;
}

bool
doctor_http_is_local(const char *url)
{
	struct server s;
	struct err ignored;

	return parse(url, &s, &ignored) && is_loopback(s.host.name);
}

/* libcurl's variables; http_proxy counts in lower case alone. */
static bool
has_proxy(bool tls)
{
	static const char *const of_http[] = { "http_proxy", "all_proxy",
	    "ALL_PROXY" };
	static const char *const of_https[] = { "https_proxy", "HTTPS_PROXY",
	    "all_proxy", "ALL_PROXY" };
	const char *const *names = tls ? of_https : of_http;
	size_t i, n = tls ? 4 : 3;

	for (i = 0; i < n; i++) {
		const char *value = getenv(names[i]);

		if (value != NULL && value[0] != '\0')
			return true;
	}
	return false;
}

static bool
look_up(struct doctor *d, const struct doctor_http *names,
    const struct server *s)
{
	struct doctor_finding f = { names->dns, SPACEFERRY_FAIL,
	    "mend the host's name, or its DNS record where it is yours" };
	char address[64] = "";

	switch (probe_address(s->host.name, address)) {
	case PROBE_FOUND:
		if (strcmp(address, s->host.name) != 0)
			doctor_pass(d, f.name, "%s is %s", s->host.name,
			    address);
		return true;
	case PROBE_NO_NAME:
		doctor_tell(d, &f, "%s does not exist", s->host.name);
		return false;
	case PROBE_NO_RECORD:
		doctor_tell(d, &f, "%s has no address", s->host.name);
		return false;
	default:
		f.remedy = "look at this machine's connection and "
		    "/etc/resolv.conf, then try again";
		doctor_tell(d, &f, "the name servers do not answer for %s",
		    s->host.name);
		return false;
	}
}

static bool
connect_to(struct doctor *d, const struct doctor_http *names,
    const struct server *s, bool *open, struct err *err)
{
	struct doctor_finding f = { names->tcp, SPACEFERRY_FAIL, "" };
	struct probe_way way = { .host = s->host };

	if (!probe_connect(&way, 1, TCP_MS, err))
		return false;
	*open = way.tcp == PROBE_TCP_OPEN;
	switch (way.tcp) {
	case PROBE_TCP_OPEN:
		doctor_pass(d, f.name, "port %u is open", s->host.port);
		break;
	case PROBE_TCP_REFUSED:
		f.remedy = "start the server, or mend host and port";
		doctor_tell(d, &f, "%s refuses connections on port %u",
		    s->host.name, s->host.port);
		break;
	case PROBE_TCP_SILENT:
		f.remedy = "a firewall on the way drops packets, or the server "
		    "is down: open the port, or mend host and port";
		doctor_tell(d, &f, "%s does not answer on port %u",
		    s->host.name, s->host.port);
		break;
	default:
		f.remedy = "look at this machine's network";
		doctor_tell(d, &f, "there is no way to %s, port %u: %s",
		    s->host.name, s->host.port, way.error != 0 ?
		    strerror(way.error) : "no address");
		break;
	}
	return true;
}

/* What a handshake that failed means, and its remedy. */
static const char *
tls_fault(enum probe_tls result, const char **remedy)
{

	*remedy = "look at the server's log";
	switch (result) {
	case PROBE_TLS_NOT_TLS:
		*remedy = "write http:// if it is meant to be plain, else give "
		    "the port that speaks TLS";
		return "the server does not speak TLS on this port";
	case PROBE_TLS_EXPIRED:
		*remedy = "renew it; if it is good, set this machine's clock";
		return "the certificate is out of its time";
	case PROBE_TLS_UNKNOWN:
		*remedy = "browsers refuse it too: get one that is; an "
		    "authority of your own goes into SSL_CERT_FILE";
		return "the certificate is signed by nobody who is trusted "
		    "here";
	case PROBE_TLS_NAME:
		*remedy = "use the name that the certificate is for, or get "
		    "one for this name";
		return "the certificate is for another name";
	case PROBE_TLS_SILENT:
	case PROBE_TLS_CLOSED:
		*remedy = "a firewall or proxy on the way may end it; else "
		    "look at the server's log";
		return "the server takes the connection and does not answer "
		    "to TLS";
	default:
		return "TLS fails";
	}
}

static bool
shake_hands(struct doctor *d, const struct doctor_http *names,
    const struct server *s)
{
	const struct probe_tls_options options = { .timeout_ms = TLS_MS };
	struct doctor_finding f = { names->tls, SPACEFERRY_FAIL, "" };
	char text[PROBE_TEXT_SIZE] = "";
	enum probe_tls result;
	const char *what;

	if ((result = probe_tls(&s->host, &options, text)) == PROBE_TLS_OK) {
		doctor_pass(d, f.name, "the certificate of %s holds",
		    s->host.name);
		return true;
	}
	what = tls_fault(result, &f.remedy);
	doctor_tell(d, &f, "%s%s%s", what, text[0] != '\0' ? ": " : "", text);
	return false;
}

/* Without TLS everybody on the way reads along. */
static void
tell_plain(struct doctor *d, const struct doctor_http *names,
    const struct server *s)
{
	struct doctor_finding f = { names->tls, SPACEFERRY_WARN,
	    "use https:// if the server speaks it" };

	if (names->plain_ok)
		return;
	if (is_loopback(s->host.name))
		doctor_pass(d, f.name, "plain http, on this machine");
	else
		doctor_tell(d, &f, "plain http to %s: files and their names "
		    "can be read on the way", s->host.name);
}

bool
doctor_http(struct doctor *d, const struct doctor_http *names,
    const char *url, bool *reached, struct err *err)
{
	struct server s;

	*reached = false;
	if (!parse(url, &s, err)) {
		doctor_err(d, names->dns, err);
		return true;
	}
	if (has_proxy(s.tls) && !is_loopback(s.host.name)) {
		doctor_tell(d, &(struct doctor_finding){ names->tcp,
		    SPACEFERRY_SKIPPED, "" }, "goes through a proxy");
		*reached = true;
		return true;
	}
	if (!look_up(d, names, &s))
		return true;
	if (!connect_to(d, names, &s, reached, err))
		return false;
	if (*reached && s.tls)
		*reached = shake_hands(d, names, &s);
	else if (*reached)
		tell_plain(d, names, &s);
	return true;
}
