#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <netdb.h>
#include <resolv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/probe.h"

#define MESSAGE_MAX 65536
#define RETRANS_S 3
#define RETRIES 2

void
probe_hosts_free(struct probe_hosts *hosts)
{

	free(hosts->v);
	hosts->v = NULL;
	hosts->n = 0;
}

bool
probe_hosts_add(struct probe_hosts *hosts, const char *name, unsigned port)
{
	struct probe_host *grown;
	size_t len = strlen(name);

	if (len >= PROBE_NAME_SIZE)
		return false;
	grown = realloc(hosts->v, (hosts->n + 1) * sizeof(*grown));
	if (grown == NULL)
		return false;
	hosts->v = grown;
	memcpy(grown[hosts->n].name, name, len + 1);
	grown[hosts->n++].port = port;
	return true;
}

/* Takes one record's data: false when it is malformed. */
typedef bool record_fn(void *arg, const ns_msg *message, const ns_rr *record);

static enum probe_answer
read_records(const uint8_t *data, size_t len, ns_type type, record_fn *each,
    void *arg)
{
	enum probe_answer answer = PROBE_NO_RECORD;
	ns_msg message;
	ns_rr record;
	int i;

	if (len > MESSAGE_MAX || ns_initparse(data, (int)len, &message) != 0)
		return PROBE_NO_ANSWER;
	if (ns_msg_getflag(message, ns_f_rcode) == ns_r_nxdomain)
		return PROBE_NO_NAME;
	if (ns_msg_getflag(message, ns_f_rcode) != ns_r_noerror)
		return PROBE_NO_ANSWER;
	for (i = 0; i < ns_msg_count(message, ns_s_an); i++) {
		if (ns_parserr(&message, ns_s_an, i, &record) != 0)
			return PROBE_NO_ANSWER;
		if (ns_rr_type(record) != type)
			continue;
		if (!each(arg, &message, &record))
			return PROBE_NO_ANSWER;
		answer = PROBE_FOUND;
	}
	return answer;
}

/* Priority, weight, port, target. */
static bool
take_srv(void *arg, const ns_msg *message, const ns_rr *record)
{
	const uint8_t *data = ns_rr_rdata(*record);
	char name[NS_MAXDNAME];

	if (ns_rr_rdlen(*record) < 7 || ns_name_uncompress(
	    ns_msg_base(*message), ns_msg_end(*message), data + 6, name,
	    sizeof(name)) < 0)
		return false;
	return probe_hosts_add(arg, name, ns_get16(data + 4));
}

/* Strings, each behind its length. */
static bool
take_txt(void *arg, const ns_msg *message, const ns_rr *record)
{
	const uint8_t *data = ns_rr_rdata(*record);
	size_t len = ns_rr_rdlen(*record), at = 0, n = 0;
	char text[PROBE_TEXT_SIZE * 4];

	(void)message;
	while (at < len) {
		size_t piece = data[at++];

		if (piece > len - at || n + piece >= sizeof(text))
			return false;
		memcpy(text + n, data + at, piece);
		n += piece;
		at += piece;
	}
	text[n] = '\0';
	return strings_add(arg, text);
}

enum probe_answer
probe_read_srv(const uint8_t *message, size_t len, struct probe_hosts *hosts)
{

	return read_records(message, len, ns_t_srv, take_srv, hosts);
}

enum probe_answer
probe_read_txt(const uint8_t *message, size_t len, struct strings *texts)
{

	return read_records(message, len, ns_t_txt, take_txt, texts);
}

static enum probe_answer
ask(const char *name, ns_type type, record_fn *each, void *arg)
{
	struct __res_state state;
	enum probe_answer answer;
	uint8_t *data;
	int len;

	memset(&state, 0, sizeof(state));
	if ((data = malloc(MESSAGE_MAX)) == NULL)
		return PROBE_NO_ANSWER;
	if (res_ninit(&state) != 0) {
		free(data);
		return PROBE_NO_ANSWER;
	}
	state.retrans = RETRANS_S;
	state.retry = RETRIES;
	len = res_nquery(&state, name, ns_c_in, (int)type, data, MESSAGE_MAX);
	if (len >= 0)
		answer = read_records(data, (size_t)len, type, each, arg);
	else
		answer = state.res_h_errno == HOST_NOT_FOUND ? PROBE_NO_NAME :
		    state.res_h_errno == NO_DATA ? PROBE_NO_RECORD :
		    PROBE_NO_ANSWER;
	res_nclose(&state);
	free(data);
	return answer;
}

enum probe_answer
probe_srv(const char *name, struct probe_hosts *hosts)
{

	return ask(name, ns_t_srv, take_srv, hosts);
}

enum probe_answer
probe_txt(const char *name, struct strings *texts)
{

	return ask(name, ns_t_txt, take_txt, texts);
}

enum probe_answer
probe_address(const char *host, char text[64])
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list;
	int rc = getaddrinfo(host, NULL, &hints, &list);

	if (rc == 0) {
		if (text != NULL && getnameinfo(list->ai_addr,
		    list->ai_addrlen, text, 64, NULL, 0, NI_NUMERICHOST) != 0)
			text[0] = '\0';
		freeaddrinfo(list);
		return PROBE_FOUND;
	}
	return rc == EAI_NONAME ? PROBE_NO_NAME :
#ifdef EAI_NODATA
	    rc == EAI_NODATA ? PROBE_NO_RECORD :
#endif
	    PROBE_NO_ANSWER;
}
