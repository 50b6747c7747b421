#include <stdio.h>
#include <string.h>

#include "app/secret.h"
#include "app/variable.h"

/* A prefix and how many characters of which set follow it at least. */
static const struct form {
	const char *prefix;
	size_t least;
	const char *kind;
} forms[] = {
	{ "hf_", 30, "a Hugging Face token" },
	{ "sk_live_", 16, "a Stripe live key" },
	{ "rk_live_", 16, "a Stripe live key" },
	{ "whsec_", 24, "a Stripe webhook secret" },
	{ "AKIA", 16, "an AWS access key" },
	{ "ghp_", 30, "a GitHub token" },
	{ "github_pat_", 30, "a GitHub token" },
	{ "xkeysib-", 40, "a Brevo key" },
	{ "SG.", 40, "a SendGrid key" },
	{ "xoxb-", 20, "a Slack token" },
	{ "AIza", 35, "a Google API key" },
	{ "sk-proj-", 40, "an OpenAI key" },
	{ "sk-ant-", 40, "an Anthropic key" },
};

static bool
is_key_byte(char c)
{

	return span_is_word_byte(c) || c == '-' || c == '.';
}

/* Examples are crossed out, or say so. */
static bool
is_example(struct span s)
{
	char text[512];

	span_copy(s, text, sizeof(text));
	return span_find_fold(s, "example") != NULL ||
	    span_find_fold(s, "xxxx") != NULL || strchr(text, '<') != NULL ||
	    strchr(text, '$') != NULL || strstr(text, "...") != NULL ||
	    variable_placeholder(text) != NULL;
}

static bool
scan_form(struct span text, const struct form *f, secret_fn *fn, void *arg)
{
	const char *at = text.p, *end = text.p + text.len, *p;
	size_t len = strlen(f->prefix);

	while ((at = span_find(span_from(text, at), f->prefix)) != NULL) {
		for (p = at + len; p < end && is_key_byte(*p); p++)
			;
		if ((at == text.p || !is_key_byte(at[-1])) &&
		    (size_t)(p - at) >= len + f->least &&
		    !is_example((struct span){ at, (size_t)(p - at) }) &&
		    !fn(arg, f->kind, at))
			return false;
		at = p;
	}
	return true;
}

static bool
is_hidden(struct span password)
{
	size_t i;

	for (i = 0; i < password.len; i++) {
		if (password.p[i] != '*' && password.p[i] != '.')
			return false;
	}
	return true;
}

/* scheme://user:password@host */
static bool
scan_uris(struct span text, const char *scheme, const char *kind,
    secret_fn *fn, void *arg)
{
	const char *at = text.p, *end = text.p + text.len, *p, *colon;
	struct span uri, user;

	while ((at = span_find(span_from(text, at), scheme)) != NULL) {
		uri.p = at;
		user.p = at + strlen(scheme);
		colon = NULL;
		for (p = user.p; p < end && !span_is_space(*p) &&
		    strchr("@\"'`/,;)", *p) == NULL; p++) {
			if (*p == ':' && colon == NULL)
				colon = p;
		}
		if (p < end && *p == '@' && colon != NULL && colon + 1 < p) {
			uri.len = (size_t)(p + 1 - uri.p);
			user = (struct span){ colon + 1,
			    (size_t)(p - colon - 1) };
			if (!is_example(uri) && !is_hidden(user) &&
			    !span_is_fold(user, "password") &&
			    !span_is_fold(user, "pass") &&
			    !fn(arg, kind, at))
				return false;
		}
		at = p;
	}
	return true;
}

static bool
scan_private_keys(struct span text, secret_fn *fn, void *arg)
{
	const char *at = text.p;
	struct span line, rest;

	while ((at = span_find(span_from(text, at), "-----BEGIN ")) != NULL) {
		rest = span_from(text, at);
		line = (struct span){ at, rest.len < 80 ? rest.len : 80 };
		/* A key, not the words by which one is recognised. */
		if (span_find(line, "PRIVATE KEY-----") != NULL &&
		    rest.len > 64 && span_find((struct span){ rest.p,
		    rest.len < 8192 ? rest.len : 8192 }, "-----END ") != NULL &&
		    !fn(arg, "a private key", at))
			return false;
		at++;
	}
	return true;
}

static bool
scan_values(struct span text, const struct envfile *env, secret_fn *fn,
    void *arg)
{
	char kind[160];
	const char *at;
	size_t i;

	for (i = 0; i < env->n; i++) {
		const struct envfile_variable *v = &env->variable[i];

		if (!variable_is_secret(v->name) || variable_is_public(v->name) ||
		    strlen(v->value) < 12 || variable_placeholder(v->value) ||
		    variable_is_known_secret(v->value) ||
		    (at = span_find(text, v->value)) == NULL)
			continue;
		snprintf(kind, sizeof(kind), "the value of %.100s", v->name);
		if (!fn(arg, kind, at))
			return false;
	}
	return true;
}

bool
secret_scan(struct span text, const struct envfile *env, secret_fn *fn,
    void *arg)
{
	static const char *const schemes[] = { "mongodb+srv://", "mongodb://" };
	static const char *const databases[] = { "postgres://", "postgresql://",
	    "mysql://", "redis://", "rediss://", "amqp://", "amqps://" };
	size_t i;

	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (!scan_form(text, &forms[i], fn, arg))
			return false;
	}
	for (i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		if (!scan_uris(text, schemes[i],
		    "a MongoDB URI with a password", fn, arg))
			return false;
	}
	for (i = 0; i < sizeof(databases) / sizeof(databases[0]); i++) {
		if (!scan_uris(text, databases[i],
		    "a database URI with a password", fn, arg))
			return false;
	}
	return scan_private_keys(text, fn, arg) &&
	    (env == NULL || scan_values(text, env, fn, arg));
}
