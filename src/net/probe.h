/*
 * Looks at the way to a server one layer at a time, so that doctor can say
 * which of them fails: names (addresses, SRV, TXT), TCP, TLS.  Nothing is sent
 * beyond what the layer itself needs.
 *
 * Each function blocks for the time that its comment says and may be called
 * from any thread; http_global_init() (net/http.h) comes before probe_tls().
 */
#ifndef NET_PROBE_H
#define NET_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/glob.h"

#define PROBE_NAME_SIZE 256
#define PROBE_TEXT_SIZE 256

struct probe_host {
	char name[PROBE_NAME_SIZE]; /* a name or an address, IPv6 without [] */
	unsigned port;
};

struct probe_hosts {
	struct probe_host *v;
	size_t n;
};
void probe_hosts_free(struct probe_hosts *hosts);
bool probe_hosts_add(struct probe_hosts *hosts, const char *name,
    unsigned port);	/* false: no memory, or the name is too long */

/* --- names: each blocks as long as the resolver does, 10 s at most for SRV
 * and TXT --- */

enum probe_answer {
	PROBE_FOUND,
	PROBE_NO_NAME,		/* the name does not exist (NXDOMAIN) */
	PROBE_NO_RECORD,	/* it does, without a record of this kind */
	PROBE_NO_ANSWER		/* the name servers do not say */
};

/* The targets of the SRV records of name, appended to *hosts. */
enum probe_answer probe_srv(const char *name, struct probe_hosts *hosts);

/* The TXT records of name, the strings of each joined. */
enum probe_answer probe_txt(const char *name, struct strings *texts);

/* Whether host has an address, as connecting to it would find it (files and
 * name servers); the first one in text (may be NULL). */
enum probe_answer probe_address(const char *host, char text[64]);

/* The same out of a DNS message (RFC 1035, 2782), as the two above read it: a
 * malformed one is PROBE_NO_ANSWER. */
enum probe_answer probe_read_srv(const uint8_t *message, size_t len,
    struct probe_hosts *hosts);
enum probe_answer probe_read_txt(const uint8_t *message, size_t len,
    struct strings *texts);

/* --- TCP --- */

enum probe_tcp {
	PROBE_TCP_OPEN,
	PROBE_TCP_REFUSED,
	PROBE_TCP_SILENT,	/* no answer at all: filtered, or down */
	PROBE_TCP_UNREACHABLE,	/* the network says that there is no way */
	PROBE_TCP_NO_ADDRESS
};

struct probe_way {
	struct probe_host host;	/* in */
	enum probe_tcp tcp;	/* out: the best of its addresses */
	int error;		/* out: errno, 0 if open or silent */
};

/* Connects to all of them at once and closes again; blocks timeout_ms at most,
 * and what resolving takes.  False with ERR_CANCELLED or ERR_NOMEM. */
bool probe_connect(struct probe_way *ways, size_t n, unsigned timeout_ms,
    struct err *err);

/* --- TLS --- */

enum probe_tls {
	PROBE_TLS_OK,
	PROBE_TLS_INTERNAL,	/* alert 80: what Atlas says to an address that
				 * is not on its list */
	PROBE_TLS_CLOSED,	/* closed or reset instead of an answer */
	PROBE_TLS_SILENT,
	PROBE_TLS_NOT_TLS,	/* an answer that is none of TLS */
	PROBE_TLS_EXPIRED,	/* the server's certificate: out of its time, */
	PROBE_TLS_UNKNOWN,	/* signed by nobody who is trusted, */
	PROBE_TLS_NAME,		/* for another name */
	PROBE_TLS_WANTS_ONE,	/* the server wants a certificate of ours */
	PROBE_TLS_FILE,		/* a file of ours cannot be read */
	PROBE_TLS_OTHER
};

struct probe_tls_options {
	const char *ca_file;	/* NULL: the system's, or SSL_CERT_FILE */
	const char *key_file;	/* our certificate and key, PEM; or NULL */
	const char *key_password;
	bool any_certificate;
	bool any_name;
	unsigned timeout_ms;
};

/* One handshake; text gets libcurl's words, "" when all is well.  Blocks
 * timeout_ms at most. */
enum probe_tls probe_tls(const struct probe_host *host,
    const struct probe_tls_options *options, char text[PROBE_TEXT_SIZE]);

#endif
