#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cancel.h"
#include "doctor/ends.h"

#define ACCESS_LIST "add this machine's address under Network Access in " \
    "Atlas, and 0.0.0.0/0 for a host whose address changes (a Hugging Face " \
    "Space); it takes a minute to be known"

static bool
is_open(const struct doctor_end *e, size_t i)
{

	return e->ways[i].tcp == PROBE_TCP_OPEN;
}

static struct reach_host
reach_host_of(const struct doctor_end *e, size_t i)
{
	struct reach_host host = { .port = e->ways[i].host.port };

	snprintf(host.name, sizeof(host.name), "%s", e->ways[i].host.name);
	host.socket = strchr(host.name, '/') != NULL;
	return host;
}

static void
forget_hellos(struct doctor_end *e)
{
	size_t i;

	for (i = 0; e->hellos != NULL && i < e->n_ways; i++)
		reach_hello_free(&e->hellos[i]);
	free(e->hellos);
	free(e->answered);
	e->hellos = NULL;
	e->answered = NULL;
}

size_t
doctor_reach_ask(struct doctor_end *e, bool tls, struct err *err)
{
	size_t i, n = 0;

	forget_hellos(e);
	e->tls = tls;
	err_set(&e->unanswered, ERR_NETWORK, "no answer");
	e->hellos = calloc(e->n_ways + 1, sizeof(*e->hellos));
	e->answered = calloc(e->n_ways + 1, sizeof(*e->answered));
	if (e->hellos == NULL || e->answered == NULL) {
		err_nomem(err, "doctor");
		return 0;
	}
	for (i = 0; i < e->n_ways && !cancel_requested(); i++) {
		struct reach_host host = reach_host_of(e, i);

		e->answered[i] = is_open(e, i) && reach_hello(e->reach, &host,
		    tls, DOCTOR_STEP_MS, &e->hellos[i], &e->unanswered);
		n += e->answered[i];
	}
	return n;
}

void
doctor_reach_free(struct doctor_end *e)
{

	forget_hellos(e);
	mongo_rights_free(e->rights);
	reach_free(e->reach);
	free(e->ways);
}

/* --- TLS --- */

static struct probe_tls_options
tls_options(const struct reach_facts *f)
{
	struct probe_tls_options o = {
		.ca_file = f->ca_file,
		.key_file = f->key_file,
		.key_password = f->key_password,
		.any_certificate = f->any_certificate,
		.any_name = f->any_name,
		.timeout_ms = DOCTOR_STEP_MS,
	};

	return o;
}

static const char *
tls_remedy(const struct doctor_end *e, enum probe_tls tls)
{

	switch (tls) {
	case PROBE_TLS_INTERNAL:
		return e->atlas ? ACCESS_LIST : "on Atlas: " ACCESS_LIST
		    "; a server of your own says why in its log";
	case PROBE_TLS_CLOSED:
		return e->atlas ? ACCESS_LIST : "a tunnel or proxy whose other "
		    "end is away does that; look into the server's log";
	case PROBE_TLS_SILENT:
		return "something accepts connections there and does not "
		    "answer: is it a MongoDB, is a firewall in between?";
	case PROBE_TLS_NOT_TLS:
		return "is it the right port? What answers there is no TLS";
	case PROBE_TLS_EXPIRED:
		return "renew the server's certificate, and check the clocks "
		    "of both machines";
	case PROBE_TLS_UNKNOWN:
		return "tlsCAFile=FILE in the URI names the authority that "
		    "signed it; for one that everybody knows, the package "
		    "ca-certificates is missing here";
	case PROBE_TLS_NAME:
		return "use a name that is in the server's certificate "
		    "(tlsAllowInvalidHostnames=true passes over that)";
	case PROBE_TLS_WANTS_ONE:
		return "tlsCertificateKeyFile=FILE in the URI names this "
		    "client's certificate and key";
	case PROBE_TLS_FILE:
		return "check the path and rights of tlsCAFile and "
		    "tlsCertificateKeyFile, and that they are PEM";
	default:
		return "the server's log says what it did not like: no "
		    "certificate of the client's (tlsCertificateKeyFile=FILE), "
		    "an old version of TLS?";
	}
}

static const char *
tls_word(enum probe_tls tls)
{

	switch (tls) {
	case PROBE_TLS_INTERNAL:
		return "ended the handshake with alert 80 (internal error), as "
		    "Atlas does with addresses that are not on its list";
	case PROBE_TLS_CLOSED:
		return "closed the connection in the handshake";
	case PROBE_TLS_SILENT:
		return "does not answer the handshake";
	case PROBE_TLS_NOT_TLS:
		return "answers, but not in TLS";
	case PROBE_TLS_EXPIRED:
		return "has a certificate that has expired or is not valid yet";
	case PROBE_TLS_UNKNOWN:
		return "has a certificate that nobody who is trusted signed";
	case PROBE_TLS_NAME:
		return "has a certificate for another name";
	case PROBE_TLS_WANTS_ONE:
		return "wants a client's certificate";
	case PROBE_TLS_FILE:
		return "was not asked: a file of ours cannot be read";
	default:
		return "does not get through the handshake";
	}
}

/* What is no TLS, or is closed, may be a MongoDB that speaks none. */
static bool
speaks_plainly(struct doctor_end *e, enum probe_tls tls)
{
	struct err ignored;

	return (tls == PROBE_TLS_CLOSED || tls == PROBE_TLS_NOT_TLS ||
	    tls == PROBE_TLS_OTHER) &&
	    doctor_reach_ask(e, false, &ignored) > 0;
}

static enum doctor_next
tell_tls(struct doctor_end *e, size_t i, enum probe_tls tls, const char *text)
{
	const struct probe_host *host = &e->ways[i].host;

	if (speaks_plainly(e, tls))
		doctor_fail(e->doctor, "tls", e->facts->srv != NULL ?
		    "mongodb+srv asks for TLS by itself: tls=false in the URI, "
		    "or switch TLS on in the server" :
		    "leave tls=true out of the URI, or switch TLS on in the "
		    "server", "%s:%u speaks no TLS, and the URI asks for it",
		    host->name, host->port);
	else
		doctor_fail(e->doctor, "tls", tls_remedy(e, tls),
		    "%s:%u %s (%s)", host->name, host->port, tls_word(tls),
		    text);
	return DOCTOR_STOP;
}

/* Without TLS in the URI: the server must do without, too. */
static enum doctor_next
check_plain(struct doctor_end *e, struct err *err)
{
	struct probe_tls_options o = tls_options(e->facts);
	char text[PROBE_TEXT_SIZE];
	enum probe_tls tls;
	size_t i;

	o.any_certificate = o.any_name = true;
	if (doctor_reach_ask(e, false, err) > 0) {
		doctor_pass(e->doctor, "tls", "none, as the URI asks: fine on "
		    "this machine and through a tunnel");
		return DOCTOR_GO;
	}
	for (i = 0; i < e->n_ways; i++) {
		/* Who says nothing will say nothing to this either. */
		if (!is_open(e, i) ||
		    strstr(e->unanswered.message, "timeout") != NULL)
			continue;
		tls = probe_tls(&e->ways[i].host, &o, text);
		if (tls != PROBE_TLS_OK && tls != PROBE_TLS_WANTS_ONE)
			continue;
		doctor_fail(e->doctor, "tls", "tls=true in the URI (and "
		    "tlsCAFile=FILE for an authority of your own)",
		    "%s:%u wants TLS, and the URI does not ask for it",
		    e->ways[i].host.name, e->ways[i].host.port);
		return DOCTOR_STOP;
	}
	doctor_pass(e->doctor, "tls", "none, as the URI asks");
	return DOCTOR_GO;
}

enum doctor_next
doctor_reach_tls(struct doctor_end *e, struct err *err)
{
	struct probe_tls_options o = tls_options(e->facts);
	char text[PROBE_TEXT_SIZE];
	size_t i, n = 0;

	if (!e->facts->tls)
		return check_plain(e, err);
	for (i = 0; i < e->n_ways; i++) {
		enum probe_tls tls;

		if (!is_open(e, i) || cancel_requested())
			continue;
		tls = probe_tls(&e->ways[i].host, &o, text);
		if (tls != PROBE_TLS_OK)
			return tell_tls(e, i, tls, text);
		n++;
	}
	if (e->n_ways == 1)
		snprintf(text, sizeof(text), "the certificate holds");
	else
		snprintf(text, sizeof(text), "%zu of %zu hosts have a "
		    "certificate that holds", n, e->n_ways);
	doctor_pass(e->doctor, "tls", "%s%s", text, o.any_certificate ?
	    " (the URI says not to look)" : "");
	return DOCTOR_GO;
}

/* --- hello --- */

enum doctor_next
doctor_reach_hello(struct doctor_end *e, struct err *err)
{
	bool asked = e->hellos != NULL && e->tls == e->facts->tls;
	size_t i, n = 0, open = 0;

	if (!asked)
		doctor_reach_ask(e, e->facts->tls, err);
	if (e->answered == NULL)
		return DOCTOR_ABORT;
	for (i = 0; i < e->n_ways; i++) {
		open += is_open(e, i);
		n += e->answered[i];
	}
	/* Since TLS 1.3 it is told only after the handshake. */
	if (n == 0 && e->tls && e->facts->key_file == NULL &&
	    strstr(e->unanswered.message, "timeout") == NULL)
		err_hint(&e->unanswered, "does the server want a client's "
		    "certificate (tlsCertificateKeyFile=FILE in the URI)? Its "
		    "log says so");
	if (n == 0)
		return doctor_failed(e->doctor, "hello", &e->unanswered);
	if (n < open)
		doctor_warn(e->doctor, "hello", "look into the logs of those "
		    "that do not", "%zu of %zu hosts answer as a MongoDB", n,
		    open);
	else
		doctor_pass(e->doctor, "hello", "a MongoDB answers");
	return DOCTOR_GO;
}

enum doctor_next
doctor_reach_clock(struct doctor_end *e, struct err *err)
{
	const int64_t most_ms = 60000;
	int64_t worst = 0;
	bool known = false;
	size_t i;

	(void)err;
	for (i = 0; i < e->n_ways; i++) {
		int64_t ahead = e->answered[i] ? e->hellos[i].ahead_ms : 0;

		known = known || (e->answered[i] && e->hellos[i].has_clock);
		if (llabs(ahead) > llabs(worst))
			worst = ahead;
	}
	if (!known)
		doctor_skip(e->doctor, "clock", "the server does not tell its "
		    "time");
	else if (llabs(worst) > most_ms)
		doctor_warn(e->doctor, "clock", "set both by NTP: S3 refuses "
		    "requests, and tokens end early or late, where clocks "
		    "differ", "the server's clock is %lld s %s this machine's",
		    (long long)(llabs(worst) / 1000), worst > 0 ? "ahead of" :
		    "behind");
	else
		doctor_pass(e->doctor, "clock", "within %lld s of this "
		    "machine's", (long long)(llabs(worst) / 1000 + 1));
	return DOCTOR_GO;
}
