#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cancel.h"
#include "doctor/ends.h"

#define ATLAS ".mongodb.net"
#define EXAMPLE "the URI still looks like a guide's example (user:pass@): " \
    "copy your own under Connect, Drivers in Atlas"
#define PAUSED "an Atlas cluster that is paused or deleted has no name: resume " \
    "it, or copy the URI again under Connect, Drivers; else check the spelling"
#define NO_NAME_SERVER "this machine's name servers do not answer: is the " \
    "network up, is /etc/resolv.conf right?"

static bool
ends_with(const char *name, const char *end)
{
	size_t len = strlen(name), n = strlen(end);

	return len > n && strcasecmp(name + len - n, end) == 0;
}

static void
judge_names(struct doctor_end *e)
{
	size_t i;

	e->atlas = e->facts->srv != NULL && ends_with(e->facts->srv, ATLAS);
	for (i = 0; i < e->facts->n_hosts; i++)
		e->atlas = e->atlas || ends_with(e->facts->hosts[i].name, ATLAS);
}

static bool
add_way(struct doctor_end *e, const char *name, unsigned port)
{
	struct probe_way *grown;

	grown = realloc(e->ways, (e->n_ways + 1) * sizeof(*grown));
	if (grown == NULL)
		return false;
	e->ways = grown;
	memset(&grown[e->n_ways], 0, sizeof(*grown));
	snprintf(grown[e->n_ways].host.name, sizeof(grown->host.name), "%s",
	    name);
	grown[e->n_ways++].host.port = port;
	return true;
}

static enum doctor_next
out_of_memory(struct err *err)
{

	err_nomem(err, "doctor");
	return DOCTOR_ABORT;
}

enum doctor_next
doctor_reach_uri(struct doctor_end *e, struct err *err)
{
	char name[1024];
	size_t i;

	if ((e->reach = reach_new(e->text, err)) == NULL)
		return doctor_failed(e->doctor, "uri", err);
	e->facts = reach_facts(e->reach);
	judge_names(e);
	for (i = 0; i < e->facts->n_hosts; i++) {
		if (!add_way(e, e->facts->hosts[i].name,
		    e->facts->hosts[i].port))
			return out_of_memory(err);
	}
	mongo_redact(e->text, name, sizeof(name));
	doctor_pass(e->doctor, "uri", "%s", name);
	return DOCTOR_GO;
}

/* Targets must share the domain that the name is in (the specification of the
 * DNS seed list). */
static bool
is_of_domain(const char *target, const char *name)
{
	const char *domain = strchr(name, '.');

	return domain != NULL && ends_with(target, domain);
}

static enum doctor_next
take_srv(struct doctor_end *e, const struct probe_hosts *hosts,
    struct err *err)
{
	struct doctor_names names = { .n = 0 };
	size_t i;

	for (i = 0; i < hosts->n; i++) {
		char text[PROBE_NAME_SIZE + 16];

		if (!is_of_domain(hosts->v[i].name, e->facts->srv)) {
			doctor_fail(e->doctor, "srv", "the record is wrong: "
			    "its targets must lie in the same domain",
			    "_%s._tcp.%s leads to %s, in another domain",
			    e->facts->service, e->facts->srv, hosts->v[i].name);
			return DOCTOR_STOP;
		}
		if (!add_way(e, hosts->v[i].name, hosts->v[i].port))
			return out_of_memory(err);
		snprintf(text, sizeof(text), "%s:%u", hosts->v[i].name,
		    hosts->v[i].port);
		doctor_names_add(&names, text);
	}
	doctor_pass(e->doctor, "srv", "%s leads to %s", e->facts->srv,
	    doctor_names_text(&names));
	return DOCTOR_GO;
}

static enum doctor_next
no_srv(struct doctor_end *e, enum probe_answer answer)
{
	const char *name = e->facts->srv;

	if (answer == PROBE_NO_ANSWER)
		doctor_fail(e->doctor, "srv", NO_NAME_SERVER,
		    "no answer to the question for the SRV record of %s", name);
	else if (answer == PROBE_NO_RECORD || probe_address(name, NULL) ==
	    PROBE_FOUND)
		doctor_fail(e->doctor, "srv", "a single host takes mongodb:// "
		    "(with its port) in place of mongodb+srv://",
		    "%s exists, but has no SRV record for MongoDB", name);
	else
		doctor_fail(e->doctor, "srv", e->facts->example ? EXAMPLE :
		    e->atlas ? PAUSED : "check the spelling of the name",
		    "there is no name _%s._tcp.%s (NXDOMAIN)",
		    e->facts->service, name);
	return DOCTOR_STOP;
}

enum doctor_next
doctor_reach_srv(struct doctor_end *e, struct err *err)
{
	char name[2 * PROBE_NAME_SIZE];
	struct probe_hosts hosts = { NULL, 0 };
	enum probe_answer answer;
	enum doctor_next next;

	snprintf(name, sizeof(name), "_%s._tcp.%s", e->facts->service,
	    e->facts->srv);
	answer = probe_srv(name, &hosts);
	next = answer == PROBE_FOUND ? take_srv(e, &hosts, err) :
	    no_srv(e, answer);
	probe_hosts_free(&hosts);
	return next;
}

/* A missing record is none too few. */
enum doctor_next
doctor_reach_txt(struct doctor_end *e, struct err *err)
{
	struct strings texts = { NULL, 0 };
	enum doctor_next next = DOCTOR_GO;
	enum probe_answer answer = probe_txt(e->facts->srv, &texts);

	if (answer == PROBE_NO_ANSWER) {
		doctor_fail(e->doctor, "txt", NO_NAME_SERVER, "no answer to "
		    "the question for the TXT record of %s", e->facts->srv);
		next = DOCTOR_STOP;
	} else if (texts.n > 1) {
		doctor_fail(e->doctor, "txt", "one TXT record is allowed "
		    "beside the SRV record: remove the others",
		    "%s has %zu TXT records", e->facts->srv, texts.n);
		next = DOCTOR_STOP;
	} else if (texts.n == 1 && !reach_add_txt(e->reach, texts.v[0], err)) {
		doctor_fail(e->doctor, "txt", "only authSource, replicaSet and "
		    "loadBalanced may be in it", "%s: %s", e->facts->srv,
		    err->message);
		next = DOCTOR_STOP;
	} else {
		doctor_pass(e->doctor, "txt", "%s", texts.n == 1 ?
		    texts.v[0] : "no TXT record, which is allowed");
	}
	strings_free(&texts);
	return next;
}

/* --- addresses --- */

/* The name of an Atlas cluster has no address: only its SRV record leads to
 * hosts. */
static const char *
no_address_remedy(const struct doctor_end *e, const char *name,
    enum probe_answer answer)
{
	char srv[2 * PROBE_NAME_SIZE];
	struct probe_hosts hosts = { NULL, 0 };
	bool found;

	if (answer == PROBE_NO_ANSWER)
		return NO_NAME_SERVER;
	snprintf(srv, sizeof(srv), "_mongodb._tcp.%s", name);
	found = e->facts->srv == NULL &&
	    probe_srv(srv, &hosts) == PROBE_FOUND;
	probe_hosts_free(&hosts);
	if (found)
		return "this name has an SRV record: write mongodb+srv:// in "
		    "place of mongodb://, without a port";
	if (e->facts->example)
		return EXAMPLE;
	if (e->atlas)
		return PAUSED;
	return "check the spelling; names of a docker network are known "
	    "inside it only: use the host's own address there";
}

static bool
is_socket(const struct doctor_end *e, size_t i)
{

	return i < e->facts->n_hosts && e->facts->hosts[i].socket;
}

enum doctor_next
doctor_reach_dns(struct doctor_end *e, struct err *err)
{
	struct doctor_names good = { .n = 0 }, bad = { .n = 0 };
	const char *remedy = "";
	size_t i;

	(void)err;
	for (i = 0; i < e->n_ways; i++) {
		const char *name = e->ways[i].host.name;
		enum probe_answer answer;
		char address[64], text[PROBE_NAME_SIZE + 80];

		if (is_socket(e, i)) {
			doctor_names_add(&good, name);
			continue;
		}
		if ((answer = probe_address(name, address)) != PROBE_FOUND) {
			remedy = no_address_remedy(e, name, answer);
			doctor_names_add(&bad, name);
			continue;
		}
		if (strcmp(name, address) == 0)
			address[0] = '\0';
		snprintf(text, sizeof(text), "%s%s%s", name,
		    address[0] != '\0' ? " is " : "", address);
		doctor_names_add(&good, text);
	}
	if (bad.n == e->n_ways) {
		doctor_fail(e->doctor, "dns", remedy, "no address for %s",
		    doctor_names_text(&bad));
		return DOCTOR_STOP;
	}
	if (bad.n > 0)
		doctor_warn(e->doctor, "dns", remedy, "no address for %s; %s",
		    doctor_names_text(&bad), doctor_names_text(&good));
	else
		doctor_pass(e->doctor, "dns", "%s", doctor_names_text(&good));
	return DOCTOR_GO;
}

/* --- TCP --- */

static const char *
tcp_word(enum probe_tcp tcp)
{

	return tcp == PROBE_TCP_REFUSED ? "refused" :
	    tcp == PROBE_TCP_SILENT ? "no answer" :
	    tcp == PROBE_TCP_UNREACHABLE ? "unreachable" : "no address";
}

static const char *
tcp_remedy(const struct doctor_end *e, enum probe_tcp tcp)
{

	switch (tcp) {
	case PROBE_TCP_REFUSED:
		return "is mongod running there, on that port, and listening "
		    "on that address (net.bindIp)?";
	case PROBE_TCP_SILENT:
		return e->atlas ? "a firewall on the way drops it: port 27017 "
		    "must be open from here to Atlas; is the cluster paused?" :
		    "a firewall drops it, or the machine is down: open the "
		    "port for this machine's address";
	case PROBE_TCP_UNREACHABLE:
		return "no way leads there: is the network (a VPN, a tunnel) "
		    "up, is the address right?";
	default:
		return "check the name";
	}
}

enum doctor_next
doctor_reach_tcp(struct doctor_end *e, struct err *err)
{
	struct doctor_names good = { .n = 0 }, bad = { .n = 0 };
	enum probe_tcp worst = PROBE_TCP_OPEN;
	size_t i;

	if (is_socket(e, 0)) {
		for (i = 0; i < e->n_ways; i++)
			e->ways[i].tcp = PROBE_TCP_OPEN;
		doctor_pass(e->doctor, "tcp", "a socket of this machine");
		return DOCTOR_GO;
	}
	if (!probe_connect(e->ways, e->n_ways, DOCTOR_STEP_MS, err))
		return DOCTOR_ABORT;
	for (i = 0; i < e->n_ways; i++) {
		const struct probe_way *w = &e->ways[i];
		char text[PROBE_NAME_SIZE + 32];
		bool open = w->tcp == PROBE_TCP_OPEN;

		snprintf(text, sizeof(text), "%s:%u%s%s", w->host.name,
		    w->host.port, open ? "" : " ", open ? "" :
		    tcp_word(w->tcp));
		doctor_names_add(open ? &good : &bad, text);
		if (!open)
			worst = w->tcp;
	}
	if (good.n == 0) {
		doctor_fail(e->doctor, "tcp", tcp_remedy(e, worst), "%s",
		    doctor_names_text(&bad));
		return DOCTOR_STOP;
	}
	if (bad.n > 0)
		doctor_warn(e->doctor, "tcp", tcp_remedy(e, worst),
		    "%s; open: %s", doctor_names_text(&bad),
		    doctor_names_text(&good));
	else
		doctor_pass(e->doctor, "tcp", "%s open",
		    doctor_names_text(&good));
	return DOCTOR_GO;
}
