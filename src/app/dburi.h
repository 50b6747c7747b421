/*
 * What stands in the MONGODB_URI of an app that is to run elsewhere, without
 * connecting and without quoting it.
 */
#ifndef APP_DBURI_H
#define APP_DBURI_H

#include <stdbool.h>

enum dburi_reach {
	DBURI_PUBLIC,
	DBURI_LOCAL,		/* localhost, 127.0.0.1, ::1 */
	DBURI_BARE,		/* a name without a dot: a container's */
	DBURI_PRIVATE		/* an address of a private network */
};

struct dburi {
	bool valid;		/* mongodb:// or mongodb+srv:// with a host */
	bool srv;
	bool unescaped;		/* user or password have a character that must be
				 * percent-encoded */
	bool srv_port;		/* an SRV name with a port, or several hosts */
	bool user;
	bool auth_source;	/* says where the user is known */
	enum dburi_reach reach;	/* the worst of its hosts */
	char host[256];		/* that one, without port */
	char database[64];	/* "" when there is none */
};

void dburi_read(struct dburi *u, const char *uri);

#endif
