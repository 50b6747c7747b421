#include <stdlib.h>
#include <string.h>

#include "app/variable.h"
#include "doctor/app.h"

#define SECRET_MIN 32

static const char *const signing[] = { "JWT_SECRET", "NEXTAUTH_SECRET",
    "AUTH_SECRET" };

#define N_SIGNING (sizeof(signing) / sizeof(signing[0]))

/* A value that is there and no example. */
static const char *
real_value(const struct doctor_app *a, const char *name)
{
	const char *value = doctor_app_value(a, name);

	return value == NULL || *value == '\0' ||
	    variable_placeholder(value) != NULL ? NULL : value;
}

static void
check_tokens(struct doctor_app *a)
{
	static const char *const names[] = { "HF_TOKEN", "DEFAULT_HF_TOKEN" };
	struct doctor_finding f = { "tokens", SPACEFERRY_FAIL,
	    "make a token with the right \"read\" at "
	    "huggingface.co/settings/tokens" };
	const char *own = getenv("SPACEFERRY_HF_TOKEN");
	const char *value[2];
	struct app_list wrong = { 0 }, odd = { 0 };
	size_t i;

	for (i = 0; i < 2; i++) {
		value[i] = real_value(a, names[i]);
		if (value[i] == NULL)
			continue;
		if (strncmp(value[i], "hf_", 3) != 0)
			doctor_app_list(&wrong, "%s does not begin with hf_",
			    names[i]);
		else if (own != NULL && strcmp(own, value[i]) == 0)
			doctor_app_list(&odd, "%s is the token that deploys "
			    "(SPACEFERRY_HF_TOKEN): the app needs no right to "
			    "write", names[i]);
	}
	if (value[0] == NULL && value[1] == NULL)
		return;
	if (value[0] != NULL && value[1] != NULL &&
	    strcmp(value[0], value[1]) == 0)
		doctor_app_list(&odd, "HF_TOKEN and DEFAULT_HF_TOKEN are the "
		    "same: visitors act with the app's own");
	if (wrong.n == 0) {
		f.verdict = SPACEFERRY_WARN;
		wrong = odd;
	}
	doctor_app_verdict(a, &f, &wrong, "they begin with hf_ and differ");
}

static void
check_signing(struct doctor_app *a)
{
	struct doctor_finding f = { "signing-secrets", SPACEFERRY_FAIL,
	    "openssl rand -base64 48 makes one; a new one ends every session" };
	struct app_list known = { 0 }, weak = { 0 };
	bool any = false;
	size_t i, j;

	for (i = 0; i < N_SIGNING; i++) {
		const char *value = doctor_app_value(a, signing[i]);

		if (value == NULL || *value == '\0')
			continue;
		if (variable_is_known_secret(value)) {
			any = true;
			doctor_app_list(&known, "%s is a value that stands in "
			    "public code: anybody can sign in as anybody",
			    signing[i]);
			continue;
		}
		if (variable_placeholder(value) != NULL)
			continue;
		any = true;
		if (strlen(value) < SECRET_MIN)
			doctor_app_list(&weak, "%s has %zu characters, fewer "
			    "than %d", signing[i], strlen(value), SECRET_MIN);
		for (j = 0; j < i; j++) {
			const char *other = doctor_app_value(a, signing[j]);

			/* The last two are one setting under two names. */
			if (j == 0 && other != NULL &&
			    strcmp(other, value) == 0)
				doctor_app_list(&weak, "%s and %s are the same",
				    signing[j], signing[i]);
		}
	}
	if (!any)
		return;
	if (known.n == 0) {
		f.verdict = SPACEFERRY_WARN;
		known = weak;
	}
	doctor_app_verdict(a, &f, &known, "long, and of their own");
}

/* Sessions live on where the same value signs them. */
static void
check_sessions(struct doctor_app *a)
{
	const struct doctor_finding f = { "sessions", SPACEFERRY_FAIL,
	    "set a value of your own: all sign in again, once; to keep sessions "
	    "alive, set the fallback for a few days, knowing that it is no "
	    "secret" };
	struct app_list kept = { 0 }, fallback = { 0 };
	size_t i;

	for (i = 0; i < N_SIGNING; i++) {
		const struct app_sighting *use = doctor_app_use(a, signing[i]);
		const char *value = doctor_app_value(a, signing[i]);

		if (real_value(a, signing[i]) != NULL)
			doctor_app_list(&kept, "%s", signing[i]);
		else if ((value == NULL || *value == '\0') && use != NULL &&
		    use->fallback != NULL)
			doctor_app_list(&fallback, "%s is not set, so sessions "
			    "are signed with the fallback in the source "
			    "(%.150s:%u)", signing[i], use->file, use->line);
	}
	if (fallback.n > 0)
		doctor_tell(a->d, &f, "%s", doctor_app_listed(&fallback));
	else if (kept.n > 0)
		doctor_pass(a->d, f.name, "keep these very values on the new "
		    "host, or every session ends: %s", doctor_app_listed(&kept));
}

/* Whether a value that everybody will read looks like a secret. */
static bool
looks_secret(const char *value)
{
	static const char *const begins[] = { "hf_", "sk_live_", "sk_test_",
	    "rk_live_", "mongodb://", "mongodb+srv://", "xkeysib-", "sk-proj-",
	    "ghp_" };
	size_t i;

	for (i = 0; i < sizeof(begins) / sizeof(begins[0]); i++) {
		if (strncmp(value, begins[i], strlen(begins[i])) == 0)
			return true;
	}
	return false;
}

static void
check_public(struct doctor_app *a)
{
	const struct doctor_finding f = { "public-values", SPACEFERRY_FAIL,
	    "drop NEXT_PUBLIC_ from the name, use it on the server only, and "
	    "replace the secret: it was public" };
	struct app_list l = { 0 };
	size_t i, n = 0;

	for (i = 0; i < a->env.n; i++) {
		const struct envfile_variable *v = &a->env.variable[i];

		if (!variable_is_public(v->name))
			continue;
		n++;
		if (looks_secret(v->value))
			doctor_app_list(&l, "%.100s (line %u) holds a secret, "
			    "and goes to every visitor", v->name, v->line);
	}
	if (l.n > 0)
		doctor_tell(a->d, &f, "%s", doctor_app_listed(&l));
	else if (n > 0)
		doctor_pass(a->d, f.name, "what begins with NEXT_PUBLIC_ (%zu) is "
		    "written in when the app is built: on a Space these are "
		    "variables, not secrets, and take effect with the next "
		    "build", n);
}

void
doctor_app_secrets(struct doctor_app *a)
{

	check_tokens(a);
	check_signing(a);
	check_sessions(a);
	check_public(a);
}
