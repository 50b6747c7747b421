#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "base/cancel.h"
#include "net/http.h"
#include "net/probe.h"

/* X509_V_ERR_CERT_NOT_YET_VALID, _HAS_EXPIRED of <openssl/x509_vfy.h>. */
#define NOT_YET_VALID 9
#define HAS_EXPIRED 10

static const struct {
	const char *text;
	enum probe_tls tls;
} texts[] = {
	{ "alert internal error", PROBE_TLS_INTERNAL },
	{ "certificate required", PROBE_TLS_WANTS_ONE },
	{ "wrong version number", PROBE_TLS_NOT_TLS },
	{ "packet length", PROBE_TLS_NOT_TLS },
	{ "unknown protocol", PROBE_TLS_NOT_TLS },
	{ "http request", PROBE_TLS_NOT_TLS },
	{ "reset by peer", PROBE_TLS_CLOSED },
	{ "SYSCALL", PROBE_TLS_CLOSED },
	{ "eof", PROBE_TLS_CLOSED },
	{ "Broken pipe", PROBE_TLS_CLOSED },
};

/* Names are compared by libcurl, all else by OpenSSL. */
static enum probe_tls
judge_certificate(CURL *easy, const char *text)
{
	long result = 0;

	if (strstr(text, "subject name") != NULL)
		return PROBE_TLS_NAME;
	curl_easy_getinfo(easy, CURLINFO_SSL_VERIFYRESULT, &result);
	return result == HAS_EXPIRED || result == NOT_YET_VALID ?
	    PROBE_TLS_EXPIRED : PROBE_TLS_UNKNOWN;
}

static enum probe_tls
judge(CURL *easy, CURLcode rc, const char *text)
{
	size_t i;

	switch (rc) {
	case CURLE_OK:
		return PROBE_TLS_OK;
	case CURLE_PEER_FAILED_VERIFICATION:
		return judge_certificate(easy, text);
	case CURLE_OPERATION_TIMEDOUT:
		return PROBE_TLS_SILENT;
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CERTPROBLEM:
		return PROBE_TLS_FILE;
	case CURLE_SSL_CONNECT_ERROR:
		break;
	default:
		return PROBE_TLS_OTHER;
	}
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (strstr(text, texts[i].text) != NULL)
			return texts[i].tls;
	}
	return PROBE_TLS_OTHER;
}

static int
on_progress(void *arg, curl_off_t total, curl_off_t now, curl_off_t up_total,
    curl_off_t up)
{

	(void)arg;
	(void)total;
	(void)now;
	(void)up_total;
	(void)up;
	return cancel_requested() ? 1 : 0;
}

/* As libmongoc trusts: the given authorities and no others, else the
 * system's. */
static void
set_trust(CURL *easy, const struct probe_tls_options *o)
{
	const char *file = o->ca_file != NULL ? o->ca_file :
	    getenv("SSL_CERT_FILE");

	if (file != NULL && *file != '\0') {
		curl_easy_setopt(easy, CURLOPT_CAINFO, file);
		curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	}
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER,
	    o->any_certificate ? 0L : 1L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST,
	    o->any_name || o->any_certificate ? 0L : 2L);
	if (o->key_file == NULL)
		return;
	curl_easy_setopt(easy, CURLOPT_SSLCERT, o->key_file);
	curl_easy_setopt(easy, CURLOPT_SSLKEY, o->key_file);
	if (o->key_password != NULL)
		curl_easy_setopt(easy, CURLOPT_KEYPASSWD, o->key_password);
}

enum probe_tls
probe_tls(const struct probe_host *host, const struct probe_tls_options *o,
    char text[PROBE_TEXT_SIZE])
{
	bool v6 = strchr(host->name, ':') != NULL;
	char url[PROBE_NAME_SIZE + 32], message[CURL_ERROR_SIZE] = "";
	enum probe_tls tls;
	struct err ignored;
	CURLcode rc;
	CURL *easy;

	snprintf(text, PROBE_TEXT_SIZE, "libcurl");
	if (!http_global_init(&ignored) || (easy = curl_easy_init()) == NULL)
		return PROBE_TLS_OTHER;
	snprintf(url, sizeof(url), "https://%s%s%s:%u/", v6 ? "[" : "",
	    host->name, v6 ? "]" : "", host->port);
	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_SSL_ENABLE_ALPN, 0L);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, message);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)o->timeout_ms);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)o->timeout_ms);
	curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
	set_trust(easy, o);
	rc = curl_easy_perform(easy);
	tls = judge(easy, rc, message);
	snprintf(text, PROBE_TEXT_SIZE, "%s", rc == CURLE_OK ? "" :
	    message[0] != '\0' ? message : curl_easy_strerror(rc));
	curl_easy_cleanup(easy);
	return tls;
}
