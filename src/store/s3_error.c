#include <stdio.h>
#include <string.h>

#include "store/key.h"
#include "store/s3.h"
#include "store/xml.h"

#define HINT_ACCESS_KEY "check AWS_ACCESS_KEY_ID, and that " \
    "AWS_ENDPOINT_URL_S3 is the provider it belongs to"
#define HINT_CLOCK "set this machine's clock: signatures hold for 15 minutes"
#define HINT_RIGHTS "give the key the rights to list the bucket and to read, " \
    "write and delete its objects"
#define HINT_TOKEN "get fresh credentials: AWS_ACCESS_KEY_ID, " \
    "AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN together"
#define HINT_REGION "set AWS_REGION to the bucket's region"
#define HINT_QUOTA "make room or raise the quota, then run the same command " \
    "again"

struct meaning {
	const char *code;
	enum err_kind kind;
	const char *hint;	/* NULL: nothing to say */
};

static const struct meaning codes[] = {
	{ "InvalidAccessKeyId", ERR_AUTH, HINT_ACCESS_KEY },
	{ "XAdminUserNotFound", ERR_AUTH, HINT_ACCESS_KEY }, /* versitygw */
	{ "SignatureDoesNotMatch", ERR_AUTH, "check AWS_SECRET_ACCESS_KEY "
	    "(and AWS_REGION)" },
	{ "ExpiredToken", ERR_AUTH, HINT_TOKEN },
	{ "TokenRefreshRequired", ERR_AUTH, HINT_TOKEN },
	{ "InvalidToken", ERR_AUTH, HINT_TOKEN },
	{ "InvalidSecurity", ERR_AUTH, HINT_TOKEN },
	{ "RequestTimeTooSkewed", ERR_AUTH, HINT_CLOCK },
	{ "RequestExpired", ERR_AUTH, HINT_CLOCK },
	{ "AccessDenied", ERR_DENIED, HINT_RIGHTS },
	{ "AllAccessDisabled", ERR_DENIED, NULL },
	{ "AccountProblem", ERR_DENIED, NULL },
	{ "NoSuchBucket", ERR_NOT_FOUND, "create it first, spaceferry never "
	    "makes buckets" },
	{ "NoSuchKey", ERR_NOT_FOUND, NULL },
	{ "NoSuchUpload", ERR_REFUSED, NULL },
	{ "InvalidBucketName", ERR_URI, NULL },
	{ "PermanentRedirect", ERR_CONFIG, HINT_REGION },
	{ "TemporaryRedirect", ERR_CONFIG, HINT_REGION },
	{ "AuthorizationHeaderMalformed", ERR_CONFIG, HINT_REGION },
	{ "IllegalLocationConstraintException", ERR_CONFIG, HINT_REGION },
	{ "InvalidRegion", ERR_CONFIG, HINT_REGION },
	{ "SlowDown", ERR_THROTTLED, NULL },
	{ "SlowDownRead", ERR_THROTTLED, NULL },
	{ "SlowDownWrite", ERR_THROTTLED, NULL },
	{ "Throttling", ERR_THROTTLED, NULL },
	{ "ThrottlingException", ERR_THROTTLED, NULL },
	{ "RequestLimitExceeded", ERR_THROTTLED, NULL },
	{ "TooManyRequests", ERR_THROTTLED, NULL },
	{ "ServiceUnavailable", ERR_THROTTLED, NULL },
	{ "InternalError", ERR_NETWORK, NULL },
	{ "RequestTimeout", ERR_NETWORK, NULL },
	{ "OperationAborted", ERR_NETWORK, NULL },
	{ "ConditionalRequestConflict", ERR_NETWORK, NULL },
	{ "BadDigest", ERR_CHANGED, "the file changed while it was sent" },
	{ "XAmzContentSHA256Mismatch", ERR_CHANGED,
	    "the file changed while it was sent" },
	{ "IncompleteBody", ERR_CHANGED, NULL },
	{ "PreconditionFailed", ERR_CHANGED, NULL },
	{ "QuotaExceeded", ERR_QUOTA, HINT_QUOTA },
	{ "StorageQuotaExceeded", ERR_QUOTA, HINT_QUOTA },
	{ "ServiceQuotaExceeded", ERR_QUOTA, HINT_QUOTA },
	{ "XMinioAdminBucketQuotaExceeded", ERR_QUOTA, HINT_QUOTA },
	{ "XMinioStorageFull", ERR_QUOTA, HINT_QUOTA },
	{ "EntityTooLarge", ERR_REFUSED, "this store takes no file of this "
	    "size" },
	{ "InvalidObjectState", ERR_REFUSED, "the object is archived: restore "
	    "it first" },
	{ "KeyTooLongError", ERR_REFUSED, NULL },
	{ "InvalidPart", ERR_REFUSED, NULL },
	{ "InvalidPartOrder", ERR_REFUSED, NULL },
	{ "EntityTooSmall", ERR_REFUSED, NULL },
	{ "MalformedXML", ERR_REFUSED, NULL },
	{ "NotImplemented", ERR_UNSUPPORTED, NULL },
};

static const struct {
	long first, last;
	struct meaning meaning;
} statuses[] = {
	{ 301, 308, { "", ERR_CONFIG, "set AWS_REGION to the bucket's region, "
	    "or mend AWS_ENDPOINT_URL_S3" } },
	{ 401, 401, { "", ERR_AUTH, "check AWS_ACCESS_KEY_ID and "
	    "AWS_SECRET_ACCESS_KEY" } },
	{ 402, 402, { "", ERR_QUOTA, HINT_QUOTA } },
	{ 403, 403, { "", ERR_DENIED, HINT_RIGHTS } },
	{ 404, 404, { "", ERR_NOT_FOUND, NULL } },
	{ 405, 405, { "", ERR_UNSUPPORTED, "is AWS_ENDPOINT_URL_S3 an S3 "
	    "endpoint?" } },
	{ 408, 408, { "", ERR_NETWORK, NULL } },
	{ 412, 412, { "", ERR_CHANGED, NULL } },
	{ 413, 413, { "", ERR_REFUSED, "this store takes no file of this "
	    "size" } },
	{ 425, 425, { "", ERR_NETWORK, NULL } },
	{ 429, 429, { "", ERR_THROTTLED, NULL } },
	{ 501, 501, { "", ERR_UNSUPPORTED, NULL } },
	{ 503, 503, { "", ERR_THROTTLED, NULL } },
	{ 507, 507, { "", ERR_QUOTA, HINT_QUOTA } },
	{ 500, 599, { "", ERR_NETWORK, NULL } },
};

struct answer {
	const struct s3 *s3;
	char *code;		/* the session's */
	size_t code_size;
	char message[300];
	char region[64];
};

/* Some servers repeat what they were sent. */
static bool
holds_secret(const struct s3 *s, const char *text)
{

	return strstr(text, s->secret_key) != NULL ||
	    strstr(text, s->access_key) != NULL ||
	    (s->token != NULL && strstr(text, s->token) != NULL) ||
	    strstr(text, "Signature=") != NULL;
}

static bool
on_element(void *arg, const char *parent, const char *name, const char *text,
    struct err *err)
{
	struct answer *a = arg;

	(void)err;
	if (strcmp(parent, "Error") != 0)
		return true;
	if (strcmp(name, "Code") == 0)
		snprintf(a->code, a->code_size, "%s", text);
	else if (strcmp(name, "Message") == 0)
		key_printable(holds_secret(a->s3, text) ?
		    "(its message holds a key)" : text, a->message, sizeof(a->message));
	else if (strcmp(name, "Region") == 0)
		key_printable(text, a->region, sizeof(a->region));
	return true;
}

static struct meaning
meaning_of(const char *code, long status, bool of_object)
{
	struct meaning unknown = { "", ERR_REFUSED, NULL };
	size_t i;

	for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		if (strcmp(code, codes[i].code) == 0)
			return codes[i];
	}
	for (i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		if (status >= statuses[i].first && status <= statuses[i].last)
			return statuses[i].meaning;
	}
	/* Not about one object: the whole job cannot go on. */
	if (!of_object) {
		unknown.kind = ERR_UNSUPPORTED;
		unknown.hint = "is AWS_ENDPOINT_URL_S3 an S3 endpoint, and "
		    "AWS_REGION its region?";
	}
	return unknown;
}

bool
s3_error(struct s3_session *ss, const struct s3_request *r, struct err *err)
{
	const struct s3 *s = (struct s3 *)ss->base.store;
	const struct buf *body = &ss->response.body;
	struct answer a = { .s3 = s, .code = ss->code,
		.code_size = sizeof(ss->code) };
	char key[512] = "", code[sizeof(ss->code)];
	struct meaning m;

	ss->code[0] = '\0';
	/* What is no XML (a proxy's page) still has a status. */
	if (body->len > 0)
		xml_parse(body->data, body->len, on_element, &a, NULL);
	key_printable(ss->code, code, sizeof(code));
	m = meaning_of(ss->code, ss->response.status, r->key != NULL);
	if (r->key != NULL)
		key_printable(r->key, key, sizeof(key));
	err_set(err, m.kind, "%s %s%s%s: %s%s%s (HTTP %ld)", r->what,
	    s->base.name, r->key != NULL ? "/" : "", key,
	    code[0] != '\0' ? code : "no reason given",
	    a.message[0] != '\0' ? ": " : "", a.message,
	    ss->response.status);
	if (err != NULL)
		err->code = (int)ss->response.status;
	if (a.region[0] == '\0')
		http_response_header(&ss->response, "x-amz-bucket-region",
		    a.region, sizeof(a.region));
	if (m.kind == ERR_CONFIG && a.region[0] != '\0')
		err_hint(err, "%s: it is %s", HINT_REGION, a.region);
	else if (m.hint != NULL)
		err_hint(err, "%s", m.hint);
	return false;
}
