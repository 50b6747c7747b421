/* The way to an HTTP server, layer by layer: its name, its port, its TLS. */
#ifndef DOCTOR_DOCTOR_HTTP_H
#define DOCTOR_DOCTOR_HTTP_H

#include <stdbool.h>

#include "doctor/doctor.h"

/* Names of the checks. */
struct doctor_http {
	const char *dns;
	const char *tcp;
	const char *tls;
	bool plain_ok;		/* http is no fault in itself */
};

/* Tells the checks for url (http or https; its path does not count) up to the
 * first that fails.  *reached: requests have a chance.  Through a proxy of the
 * environment no layer can be looked at.  Blocks 10 s at most for each layer.
 * False with *err when doctor cannot go on. */
bool doctor_http(struct doctor *d, const struct doctor_http *names,
    const char *url, bool *reached, struct err *err);

/* Whether url's host is this machine. */
bool doctor_http_is_local(const char *url);

#endif
