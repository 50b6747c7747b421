#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "app/span.h"
#include "app/variable.h"
#include "doctor/app.h"

/* A Space gives its variables to the build, but only to who asks by ARG. */
static void
check_arguments(struct doctor_app *a)
{
	const struct doctor_finding f = { "build-arguments", SPACEFERRY_FAIL,
	    "ARG NAME in the stage that builds, before the build; the value is a "
	    "variable (not a secret) of the Space" };
	struct app_list l = { 0 };
	struct span value;
	size_t i;

	for (i = 0; i < a->use.n; i++) {
		const struct app_sighting *u = &a->use.v[i];

		if (variable_is_public(u->what) && !u->optional &&
		    dockerfile_arg(&a->docker, u->what) == NULL &&
		    dockerfile_env(&a->docker, u->what, &value) == NULL)
			doctor_app_list(&l, "%.100s (%.150s:%u)", u->what,
			    u->file, u->line);
	}
	for (i = 0; i < a->env.n; i++) {
		const char *name = a->env.variable[i].name;
		const struct app_sighting *u = doctor_app_use(a, name);

		/* Optional ones count where a value is meant for them. */
		if (variable_is_public(name) && u != NULL && u->optional &&
		    a->env.variable[i].value[0] != '\0' &&
		    dockerfile_arg(&a->docker, name) == NULL)
			doctor_app_list(&l, "%.100s (env file, line %u)", name,
			    a->env.variable[i].line);
	}
	doctor_app_verdict(a, &f, &l, "an ARG for each NEXT_PUBLIC_ value");
}

/* Secrets are not given to the build. */
static void
check_build_secrets(struct doctor_app *a)
{
	const struct doctor_finding f = { "build-secrets", SPACEFERRY_WARN,
	    "read it when the app runs, or RUN --mount=type=secret,id=NAME" };
	struct app_list l = { 0 };
	size_t i;

	for (i = 0; i < a->docker.n; i++) {
		const struct dockerfile_line *d = &a->docker.instruction[i];
		struct span rest = span_of(d->rest), word;
		char name[128];

		if (strcmp(d->word, "ARG") != 0)
			continue;
		while (span_word(&rest, &word)) {
			span_copy(word, name, sizeof(name));
			if (strchr(name, '=') == NULL &&
			    variable_is_secret(name) && !variable_is_public(name))
				doctor_app_list(&l, "ARG %s (Dockerfile:%u) "
				    "stays empty: a Space gives no secret to "
				    "the build", name, d->line);
		}
	}
	doctor_app_verdict(a, &f, &l, "the build asks for no secret");
}

/* Values for the build only, or for tests, that the running app would see. */
static void
check_image_values(struct doctor_app *a)
{
	const struct doctor_finding f = { "image-values", SPACEFERRY_FAIL,
	    "set it in the building stage only; a Space's secret comes when the "
	    "app runs" };
	struct app_list l = { 0 };
	struct span value;
	size_t i;

	for (i = 0; i < variable_required_count; i++) {
		const char *name = variable_required[i];
		const struct dockerfile_line *d = dockerfile_env(&a->docker,
		    name, &value);

		if (d != NULL && value.len > 0 && *value.p != '$')
			doctor_app_list(&l, "%s (Dockerfile:%u)", name,
			    d->line);
	}
	doctor_app_verdict(a, &f, &l, "the image has no value of a secret");
}

static void
check_standalone(struct doctor_app *a)
{
	const struct doctor_finding f = { "standalone", SPACEFERRY_FAIL,
	    "output: 'standalone' in the next.config" };
	const struct dockerfile_line *copy = dockerfile_says(&a->docker, "COPY",
	    ".next/standalone");

	if (copy == NULL)
		return;
	if (a->has_next && a->next.standalone)
		doctor_pass(a->d, f.name, "is built and copied");
	else
		doctor_tell(a->d, &f, "Dockerfile:%u copies .next/standalone, "
		    "which %s does not make", copy->line, a->has_next ?
		    a->next_path : "a build without next.config");
}

/* Next serves what was in public/ when it was built. */
static void
check_public_copy(struct doctor_app *a)
{
	const struct doctor_finding f = { "public-copied", SPACEFERRY_FAIL,
	    "COPY --from=builder /app/public ./public" };
	size_t i;

	if (dockerfile_says(&a->docker, "COPY", ".next/standalone") == NULL ||
	    dockerfile_says(&a->docker, "COPY", "public") != NULL)
		return;
	for (i = 0; i < a->tree.n; i++) {
		if (strncmp(a->tree.file[i].path, "public/", 7) == 0) {
			doctor_tell(a->d, &f, "there is a folder public/, which "
			    "the Dockerfile does not copy into the image");
			return;
		}
	}
}

void
doctor_app_build(struct doctor_app *a)
{

	if (!a->has_docker || a->docker.n_stages == 0)
		return;
	check_arguments(a);
	check_build_secrets(a);
	check_image_values(a);
	check_standalone(a);
	check_public_copy(a);
}

/* The host of a URL with a scheme; false when it has none. */
static bool
url_host(const char *url, char *out, size_t size)
{
	const char *p = strstr(url, "://");

	if (p == NULL)
		return false;
	p += 3;
	span_copy((struct span){ p, strcspn(p, "/:?#") }, out, size);
	return *out != '\0';
}

static void
check_image_hosts(struct doctor_app *a)
{
	const struct spaceferry_options *o = a->d->job.options;
	char host[256], remedy[900] = "images: { remotePatterns: [";
	const struct doctor_finding f = { "image-hosts", SPACEFERRY_FAIL,
	    remedy };
	struct app_list l = { 0 };
	size_t i, len;

	if (a->next.unoptimized || !(a->next_image || a->next.images)) {
		doctor_pass(a->d, f.name, a->next.unoptimized ?
		    "next/image loads from anywhere (unoptimized)" :
		    "next/image is not used");
		return;
	}
	for (i = 0; i < o->n_files; i++) {
		if (o->files[i].url.to == NULL ||
		    !url_host(o->files[i].url.to, host, sizeof(host)) ||
		    strcmp(host, a->new_host) == 0 ||
		    nextconfig_allows(&a->next, host))
			continue;
		len = strlen(remedy);
		snprintf(remedy + len, sizeof(remedy) - len,
		    "%s{ protocol: '%.5s', hostname: '%s' }",
		    l.n > 0 ? ", " : "", strncasecmp(o->files[i].url.to,
		    "http:", 5) == 0 ? "http" : "https", host);
		doctor_app_list(&l, "next/image will not load from %.200s, "
		    "where the files go: %s does not name it", host,
		    a->has_next ? a->next_path : "no next.config");
	}
	len = strlen(remedy);
	snprintf(remedy + len, sizeof(remedy) - len, "] } in the next.config");
	doctor_app_verdict(a, &f, &l, "next/image may load from where the files "
	    "go");
}

static void
check_inlined(struct doctor_app *a)
{
	struct doctor_finding f = { "inlined-values", SPACEFERRY_FAIL,
	    "take it out of env: {…}: process.env is read when the app runs" };
	struct app_list secrets = { 0 }, others = { 0 };
	size_t i;

	for (i = 0; i < a->next.inlined.n; i++) {
		const char *name = a->next.inlined.v[i];

		if (variable_is_public(name))
			continue;
		if (variable_is_secret(name))
			doctor_app_list(&secrets, "%s writes %.100s into the "
			    "build: the Space's secret has no effect, and "
			    "visitors may see it", a->next_path, name);
		else
			doctor_app_list(&others, "%s writes %.100s into the "
			    "build: the Space's value has no effect",
			    a->next_path, name);
	}
	if (secrets.n == 0) {
		f.verdict = SPACEFERRY_WARN;
		secrets = others;
	}
	doctor_app_verdict(a, &f, &secrets, "no value of the environment is "
	    "written into the build");
}

void
doctor_app_next(struct doctor_app *a)
{

	check_image_hosts(a);
	if (a->has_next)
		check_inlined(a);
}
