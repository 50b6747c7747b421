#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "app/span.h"
#include "app/variable.h"

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

const char *const variable_required[] = { "MONGODB_URI", "HF_TOKEN",
    "DEFAULT_HF_TOKEN", "MISTRAL_API_KEY", "JWT_SECRET", "NEXTAUTH_SECRET" };
const size_t variable_required_count = COUNT(variable_required);

bool
variable_is_required(const char *name)
{
	size_t i;

	for (i = 0; i < variable_required_count; i++) {
		if (strcmp(name, variable_required[i]) == 0)
			return true;
	}
	return false;
}

bool
variable_is_public(const char *name)
{

	return strncmp(name, "NEXT_PUBLIC_", 12) == 0;
}

bool
variable_is_secret(const char *name)
{
	static const char *const parts[] = { "SECRET", "PASSWORD", "PASSWD",
	    "PRIVATE_KEY", "API_KEY", "APIKEY", "CREDENTIAL" };
	static const char *const ends[] = { "_TOKEN", "_KEY", "_DSN", "_PASS",
	    "_PWD", "MONGODB_URI", "MONGO_URI", "MONGO_URL", "DATABASE_URL",
	    "REDIS_URL" };
	size_t i;

	for (i = 0; i < COUNT(parts); i++) {
		if (strstr(name, parts[i]) != NULL)
			return true;
	}
	for (i = 0; i < COUNT(ends); i++) {
		if (span_ends(span_of(name), ends[i]))
			return true;
	}
	return strcmp(name, "TOKEN") == 0;
}

bool
variable_is_provided(const char *name)
{
	static const char *const names[] = { "NODE_ENV", "PORT", "HOSTNAME",
	    "HOST", "HOME", "PATH", "PWD", "USER", "TZ", "LANG", "SHELL", "TERM",
	    "CI", "DEBUG", "ANALYZE", "NODE_OPTIONS", "NODE_VERSION",
	    "YARN_VERSION", "NEXT_RUNTIME", "NEXT_PHASE", "MEMORY", "CPU_CORES",
	    "LOG_LEVEL", "DEV", "PROD", "MODE", "BASE_URL", "SSR",
	    "SKIP_ENV_VALIDATION", "TURBOPACK", "SHLVL", "OLDPWD", "_" };
	static const char *const begins[] = { "VERCEL", "SPACE_", "npm_",
	    "NEXT_TELEMETRY", "__NEXT", "KUBERNETES_", "NETLIFY", "LC_",
	    "DEBUG_", "GITHUB_ACTION" };
	size_t i;

	for (i = 0; i < COUNT(names); i++) {
		if (strcmp(name, names[i]) == 0)
			return true;
	}
	for (i = 0; i < COUNT(begins); i++) {
		if (strncmp(name, begins[i], strlen(begins[i])) == 0)
			return true;
	}
	return false;
}

static bool
is_mail_port(const char *value)
{

	return strcmp(value, "25") == 0 || strcmp(value, "465") == 0 ||
	    strcmp(value, "587") == 0;
}

bool
variable_is_smtp(const char *name, const char *value)
{

	if (*value == '\0')
		return false;
	return strncmp(name, "SMTP_", 5) == 0 || strstr(name, "_SMTP_") != NULL ||
	    strcmp(name, "EMAIL_SERVER") == 0 ||
	    strcmp(name, "MAIL_HOST") == 0 ||
	    strncmp(name, "EMAIL_SERVER_", 13) == 0 ||
	    strncmp(value, "smtp://", 7) == 0 ||
	    strncmp(value, "smtps://", 8) == 0 ||
	    (span_ends(span_of(name), "PORT") && is_mail_port(value));
}

/* Four or more x, and not much else. */
static bool
is_crossed_out(const char *value)
{
	size_t crosses = 0, others = 0;

	for (; *value != '\0'; value++) {
		if (*value == 'x' || *value == 'X')
			crosses++;
		else if (*value != '-' && *value != '_')
			others++;
	}
	return crosses >= 4 && crosses >= others;
}

static bool
has_brackets(const char *value)
{
	const char *open = strchr(value, '<'), *close;

	if (open == NULL || (close = strchr(open, '>')) == NULL)
		return false;
	for (open++; open < close; open++) {
		if (!span_is_word_byte(*open) && *open != '-' && *open != ' ')
			return false;
	}
	return true;
}

const char *
variable_placeholder(const char *value)
{
	static const char *const starts[] = { "your-", "your_", "votre-",
	    "votre_", "changeme", "change-me", "change_me", "replace-me",
	    "replace_me", "todo", "placeholder", "example-" };
	static const char *const parts[] = { "change-this", "change_this",
	    "user:pass@", "user:password@", "username:password@",
	    "utilisateur:motdepasse@", "your-super-secret", "your_password",
	    "your-password" };
	struct span s = span_of(value);
	size_t i;

	if (is_crossed_out(value))
		return "crossed out (xxxx)";
	if (has_brackets(value))
		return "something in <angle brackets> is to be filled in";
	for (i = 0; i < COUNT(starts); i++) {
		if (strncasecmp(value, starts[i], strlen(starts[i])) == 0)
			return "the example of a guide";
	}
	for (i = 0; i < COUNT(parts); i++) {
		if (span_find_fold(s, parts[i]) != NULL)
			return "the example of a guide";
	}
	return NULL;
}

bool
variable_is_known_secret(const char *value)
{
	static const char *const known[] = { "your-secret-key",
	    "default-jwt-secret", "your-super-secret-jwt-key-change-this",
	    "your-super-secret-nextauth-key-change-this", "secret",
	    "your-secret", "jwt-secret", "jwt_secret", "your-jwt-secret",
	    "your-nextauth-secret", "supersecret", "super-secret", "changeme",
	    "fallback-secret", "dev-secret", "my-secret-key", "secret-key" };
	size_t i;

	for (i = 0; i < COUNT(known); i++) {
		if (strcasecmp(value, known[i]) == 0)
			return true;
	}
	return false;
}
