#include <string.h>

#include "mongo/classify.h"

#define ATLAS_ERROR 8000

#define HINT_WANTS_TLS "does the server want TLS (tls=true in the URI), or " \
    "speak none though the URI asks for it (mongodb+srv does)? On Atlas: is " \
    "this machine's address under Network Access?"
#define HINT_ACCESS_LIST "Atlas closes connections from addresses that are " \
    "not on its list: add this machine's address under Network Access"
#define HINT_RIGHTS "give the user a role on this database: read where it is " \
    "the source, readWrite where it is the target (dbAdmin too, for validators " \
    "and expiry)"
#define HINT_QUOTA "free space on the target or choose a larger tier, then " \
    "run the same command again: it resumes"

struct by_code {
	int32_t code;
	enum err_kind kind;
	const char *hint;
};

/* Codes as src/mongo/base/error_codes.yml of the server names them. */
static const struct by_code codes[] = {
	{ 6, ERR_NETWORK, NULL },		/* HostUnreachable */
	{ 7, ERR_NETWORK, NULL },		/* HostNotFound */
	{ 13, ERR_DENIED, HINT_RIGHTS },	/* Unauthorized */
	{ 18, ERR_AUTH, "check user, password and authSource in the URI" },
	{ 24, ERR_NETWORK, NULL },		/* LockTimeout */
	{ 26, ERR_NOT_FOUND, NULL },		/* NamespaceNotFound */
	{ 43, ERR_NETWORK, NULL },		/* CursorNotFound */
	{ 46, ERR_NETWORK, NULL },		/* LockBusy */
	{ 48, ERR_CONFLICT, NULL },		/* NamespaceExists */
	{ 63, ERR_NETWORK, NULL },		/* StaleShardVersion */
	{ 64, ERR_NETWORK, "too few members of the set acknowledge writes: "
	    "are they up and not behind?" },	/* WriteConcernFailed */
	{ 79, ERR_URI, "check w= in the URI" },	/* UnknownReplWriteConcern */
	{ 89, ERR_NETWORK, NULL },		/* NetworkTimeout */
	{ 91, ERR_NOT_PRIMARY, NULL },		/* ShutdownInProgress */
	{ 100, ERR_URI, "check w= in the URI: the set has too few members" },
	{ 112, ERR_NETWORK, NULL },		/* WriteConflict */
	{ 121, ERR_REFUSED, NULL },		/* DocumentValidationFailure */
	{ 133, ERR_NETWORK, "check readPreference in the URI" },
	{ 136, ERR_CONFLICT, "documents rolled out of the capped collection "
	    "before they were read: stop the app that writes to it" },
	{ 150, ERR_NETWORK, NULL },		/* StaleEpoch */
	{ 175, ERR_NOT_FOUND, "somebody dropped or renamed it, or an index, "
	    "while it was read: run again" },	/* QueryPlanKilled */
	{ 189, ERR_NOT_PRIMARY, NULL },		/* PrimarySteppedDown */
	{ 237, ERR_NETWORK, NULL },		/* CursorKilled */
	{ 239, ERR_UNSUPPORTED, "the server no longer has its history of that "
	    "time: raise minSnapshotHistoryWindowInSeconds" },
	{ 246, ERR_UNSUPPORTED, NULL },		/* SnapshotUnavailable */
	{ 262, ERR_NETWORK, NULL },		/* ExceededTimeLimit */
	{ 365, ERR_NETWORK, NULL },	/* TemporarilyUnavailable */
	/* A server with a small cache takes no document of 16 MiB, ever. */
	{ 388, ERR_REFUSED, NULL },	/* TransactionTooLargeForCache */
	{ 462, ERR_THROTTLED, NULL },	/* IngressRequestRateLimitExceeded */
	{ 9001, ERR_NETWORK, NULL },		/* SocketException */
	{ 10058, ERR_NOT_PRIMARY, NULL },	/* LegacyNotPrimary */
	{ 10107, ERR_NOT_PRIMARY, NULL },	/* NotWritablePrimary */
	{ 10334, ERR_TOO_LARGE, NULL },		/* BSONObjectTooLarge */
	{ 11000, ERR_CONFLICT, NULL },		/* DuplicateKey */
	{ 11600, ERR_NOT_PRIMARY, NULL },	/* InterruptedAtShutdown */
	{ 11602, ERR_NOT_PRIMARY, NULL },	/* InterruptedDueToReplStateChange */
	{ 13297, ERR_CONFLICT, "database names may not differ in case only: "
	    "--rename" },			/* DatabaseDifferCase */
	{ 13388, ERR_NETWORK, NULL },		/* StaleConfig */
	{ 13435, ERR_NOT_PRIMARY, NULL },	/* NotPrimaryNoSecondaryOk */
	{ 13436, ERR_NOT_PRIMARY, NULL },	/* NotPrimaryOrSecondary */
	{ 14031, ERR_QUOTA, HINT_QUOTA },	/* OutOfDiskSpace */
	{ 16500, ERR_THROTTLED, NULL },		/* TooManyRequests */
	{ 17280, ERR_TOO_LARGE, NULL },		/* KeyTooLong */
};

/* Where one code or none stands for many things, the text decides. */
struct by_text {
	const char *text;
	enum err_kind kind;
	const char *hint;
};

static const struct by_text atlas_texts[] = {
	{ "over your space quota", ERR_QUOTA, HINT_QUOTA },
	{ "Writes are blocked", ERR_QUOTA, HINT_QUOTA },
	{ "collections of", ERR_QUOTA, "this tier holds no more collections: "
	    "choose a larger one, or --exclude some" },
	{ "rate limit", ERR_THROTTLED, NULL },
	{ "throttl", ERR_THROTTLED, NULL },
	{ "oo many requests", ERR_THROTTLED, NULL },
	{ "bad auth", ERR_AUTH, "check user and password in the URI; they are "
	    "set under Database Access, and take a minute to be known" },
	{ "not allowed to do action", ERR_DENIED, HINT_RIGHTS },
	{ "not authorized", ERR_DENIED, HINT_RIGHTS },
	{ "not allowed", ERR_UNSUPPORTED, NULL },
};

/* What is inside the brackets of "No suitable servers found: […]". */
static const struct by_text selection_texts[] = {
	{ "Failed to resolve", ERR_DNS, "check the host name in the URI; from "
	    "inside a container the names are other ones" },
	{ "ertificate", ERR_URI, "tlsCAFile=FILE in the URI names the "
	    "authority that signed it" },
	{ "alert internal error", ERR_NETWORK, HINT_ACCESS_LIST },
	{ "wrong version number", ERR_URI, "the server speaks no TLS: leave "
	    "tls=true out of the URI" },
	{ "TLS handshake failed", ERR_NETWORK, "does the server speak TLS? "
	    HINT_ACCESS_LIST },
	{ "connection refused because too many", ERR_NETWORK, "the server has "
	    "too many connections: --jobs with a smaller number" },
	{ "connection refused", ERR_NETWORK, "is mongod running there, on "
	    "that port, and listening on that address (net.bindIp)?" },
	{ "connection timeout", ERR_NETWORK, "a firewall on the way? the "
	    "server's port must be open; on Atlas also Network Access" },
	{ "socket timeout", ERR_NETWORK, "something accepts connections there "
	    "and does not answer: is it a MongoDB?" },
	{ "Invalid reply", ERR_NETWORK, "something answers there, but not as "
	    "a MongoDB does: is it the right port?" },
	{ "Failed to read", ERR_NETWORK, "something answers there, but not as "
	    "a MongoDB does: is it the right port?" },
	/* Which of the two depends on when it closes. */
	{ "closed connection", ERR_NETWORK, HINT_WANTS_TLS },
	{ "connection closed", ERR_NETWORK, HINT_WANTS_TLS },
	{ "Failed to connect", ERR_NETWORK, "nobody answers there: is the server "
	    "running, is the network up? The same command goes on from here" },
	{ "wire version", ERR_UNSUPPORTED, "this server is too old or too new "
	    "for the libmongoc in use" },
	{ "Authentication", ERR_AUTH, "check user, password and authSource in "
	    "the URI" },
};

static const struct by_code *
find_code(int32_t code)
{
	size_t i;

	for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		if (codes[i].code == code)
			return &codes[i];
	}
	return NULL;
}

static const struct by_text *
find_text(const struct by_text *table, size_t n, const char *message)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (strstr(message, table[i].text) != NULL)
			return &table[i];
	}
	return NULL;
}

#define FIND_TEXT(table, message) \
    find_text(table, sizeof(table) / sizeof(table[0]), message)

/* Unknown codes: the server understood and will not. */
static enum err_kind
judge(int32_t code, const char *message, const char **hint)
{
	const struct by_code *c;
	const struct by_text *t;

	*hint = NULL;
	if (code == ATLAS_ERROR) {
		if ((t = FIND_TEXT(atlas_texts, message)) == NULL)
			return ERR_UNSUPPORTED;
		*hint = t->hint;
		return t->kind;
	}
	if ((c = find_code(code)) == NULL)
		return ERR_UNSUPPORTED;
	*hint = c->hint;
	if (code == CLASSIFY_UNAUTHORIZED &&
	    strstr(message, "requires authentication") != NULL)
		*hint = "the URI names no user (mongodb://USER:PASSWORD@host/"
		    "?authSource=admin), or one that is no more";
	return c->kind;
}

enum err_kind
classify_code(int32_t code, const char *message)
{
	const char *hint;

	return judge(code, message, &hint);
}

bool
classify_server(int32_t code, const char *message, struct err *err)
{
	const char *hint;
	enum err_kind kind = judge(code, message, &hint);

	err_set(err, kind, "%s", message);
	if (err != NULL)
		err->code = code;
	return hint == NULL ? false : err_hint(err, "%s", hint);
}

/* Errors without a server's code. */
static bool
driver_error(enum err_kind kind, const char *message, const char *hint,
    struct err *err)
{

	err_set(err, kind, "%s", message);
	return hint == NULL ? false : err_hint(err, "%s", hint);
}

static bool
selection_error(const char *message, struct err *err)
{
	const struct by_text *t = FIND_TEXT(selection_texts, message);
	const char *reason = strchr(message, '[');

	/* What comes before the reasons in brackets is of no use to anyone. */
	if (reason == NULL)
		reason = "no member answers as it should";
	if (t == NULL)
		return driver_error(ERR_NETWORK, reason, "no member of the "
		    "deployment can be used now: does replicaSet= in the URI "
		    "fit, is there a primary?", err);
	return driver_error(t->kind, reason, t->hint, err);
}

/* libmongoc calls whatever fails while it authenticates an authentication
 * error: these are not. */
static bool
cut_short(const char *message)
{
	static const char *const texts[] = {
		"Failed to send", "socket", "stream", "shut", "nterrupted",
		"not primary", "not master", "quiesce", "stepp",
	};
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (strstr(message, texts[i]) != NULL)
			return true;
	}
	return false;
}

static bool
authentication_error(const char *message, struct err *err)
{

	if (cut_short(message))
		return driver_error(ERR_NETWORK, message, NULL, err);
	if (strstr(message, "bad auth") != NULL)
		return classify_server(ATLAS_ERROR, message, err);
	return classify_server(18, message, err);
}

static bool
dns_error(const char *message, struct err *err)
{

	return driver_error(ERR_DNS, message, "check the host name; an Atlas "
	    "cluster that is paused or deleted has no name either", err);
}

bool
classify_not_sent(const bson_error_t *e)
{

	return e->domain == MONGOC_ERROR_SERVER_SELECTION ||
	    (e->domain == MONGOC_ERROR_SERVER &&
	    (e->code == 10107 || e->code == 13435 || e->code == 10058));
}

/* True where the reply tells that a retry of the same command may succeed. */
static bool
labelled_retryable(const bson_t *reply)
{

	return reply != NULL &&
	    (mongoc_error_has_label(reply, "RetryableWriteError") ||
	    mongoc_error_has_label(reply, "TransientTransactionError"));
}

static bool
server_error(const bson_error_t *e, const bson_t *reply, struct err *err)
{

	classify_server((int32_t)e->code, e->message, err);
	if (err != NULL && !err_retryable(err->kind) && labelled_retryable(reply))
		err->kind = ERR_NETWORK;
	return false;
}

bool
classify_error(const bson_error_t *e, const bson_t *reply, struct err *err)
{

	switch (e->domain) {
	case MONGOC_ERROR_SERVER:
	case MONGOC_ERROR_WRITE_CONCERN:
	case MONGOC_ERROR_QUERY:
		return server_error(e, reply, err);
	case MONGOC_ERROR_STREAM:
		if (e->code == MONGOC_ERROR_STREAM_NAME_RESOLUTION)
			return dns_error(e->message, err);
		return driver_error(ERR_NETWORK, e->message, NULL, err);
	case MONGOC_ERROR_SERVER_SELECTION:
		return selection_error(e->message, err);
	case MONGOC_ERROR_CLIENT:
		if (e->code == MONGOC_ERROR_CLIENT_AUTHENTICATE)
			return authentication_error(e->message, err);
		return driver_error(ERR_NETWORK, e->message, NULL, err);
	case MONGOC_ERROR_SASL:
	case MONGOC_ERROR_SCRAM:
		return authentication_error(e->message, err);
	case MONGOC_ERROR_PROTOCOL:
		if (e->code == MONGOC_ERROR_PROTOCOL_BAD_WIRE_VERSION)
			return driver_error(ERR_UNSUPPORTED, e->message,
			    "the server is too old", err);
		return driver_error(ERR_NETWORK, e->message, NULL, err);
	case MONGOC_ERROR_BSON:
		return driver_error(ERR_TOO_LARGE, e->message, NULL, err);
	case MONGOC_ERROR_COMMAND:
		/* A server that was lost between two steps. */
		if (strstr(e->message, "invalidated server") != NULL)
			return driver_error(ERR_NETWORK, e->message, NULL, err);
		break;
	default:
		break;
	}
	return driver_error(ERR_UNSUPPORTED, e->message, NULL, err);
}
