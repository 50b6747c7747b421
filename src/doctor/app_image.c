#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/frontmatter.h"
#include "app/span.h"
#include "doctor/app.h"

#define SPACE_PORT 7860		/* where the README says nothing */
#define NEXT_PORT 3000		/* where nothing says anything */

/* A Space is told what it is by the README's head. */
static bool
readme_value(const struct doctor_app *a, const char *key, char *out,
    size_t size, unsigned *line)
{

	return a->readme.len > 0 && frontmatter_get((char *)a->readme.data,
	    a->readme.len, key, out, size, line);
}

static void
check_readme(struct doctor_app *a)
{
	struct doctor_finding f = { "readme", SPACEFERRY_FAIL,
	    "begin README.md with ---, title: NAME, sdk: docker, app_port: "
	    "3000, --- (each on a line)" };
	char sdk[64];
	unsigned line;

	if (a->readme.len == 0)
		doctor_tell(a->d, &f, "there is no README.md, which tells the "
		    "Space what it is");
	else if (!frontmatter_present((char *)a->readme.data, a->readme.len))
		doctor_tell(a->d, &f, "README.md does not begin with the lines "
		    "that tell the Space what it is");
	else if (!readme_value(a, "sdk", sdk, sizeof(sdk), &line))
		doctor_tell(a->d, &f, "README.md names no sdk");
	else if (strcmp(sdk, "docker") != 0)
		doctor_tell(a->d, &f, "README.md:%u: sdk is \"%s\", not docker",
		    line, sdk);
	else
		doctor_pass(a->d, f.name, "sdk: docker");
}

static void
check_dockerfile(struct doctor_app *a)
{
	struct doctor_finding f = { "dockerfile", SPACEFERRY_FAIL,
	    "put a Dockerfile at the top of the app" };

	if (!a->has_docker)
		doctor_tell(a->d, &f, "there is no Dockerfile, by which the "
		    "Space is built");
	else if (a->docker.n_stages == 0)
		doctor_tell(a->d, &f, "the Dockerfile has no FROM");
	else if (dockerfile_last(&a->docker, "CMD") == NULL &&
	    dockerfile_last(&a->docker, "ENTRYPOINT") == NULL) {
		f.verdict = SPACEFERRY_WARN;
		f.remedy = "CMD [\"node\", \"server.js\"]";
		doctor_tell(a->d, &f, "the image has neither CMD nor "
		    "ENTRYPOINT");
	} else {
		doctor_pass(a->d, f.name, "%zu stage%s", a->docker.n_stages,
		    a->docker.n_stages == 1 ? "" : "s");
	}
}

/* The number behind -p or --port of a command; 0. */
static long
port_option(const char *command)
{
	static const char *const options[] = { "-p ", "--port ", "--port=",
	    "-p=", "\"-p\", \"", "\"--port\", \"" };
	const char *at;
	size_t i;

	for (i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		if ((at = strstr(command, options[i])) != NULL)
			return strtol(at + strlen(options[i]), NULL, 10);
	}
	return 0;
}

/* Where the app listens, and what says so.  0: it cannot be known. */
static long
listening(const struct doctor_app *a, char *why, size_t size)
{
	const struct dockerfile_line *cmd = dockerfile_last(&a->docker, "CMD");
	const struct dockerfile_line *env;
	const char *start = a->package != NULL ?
	    package_script(a->package, "start") : NULL;
	struct span value;
	char text[32];
	long port;
	bool next = a->package == NULL ||
	    package_version(a->package, "next") != NULL;

	snprintf(why, size, "Next.js listens on %d", NEXT_PORT);
	if (cmd != NULL && (port = port_option(cmd->rest)) > 0) {
		snprintf(why, size, "Dockerfile:%u starts it on %ld", cmd->line,
		    port);
		return port;
	}
	if (cmd != NULL && start != NULL && strstr(cmd->rest, "start") != NULL &&
	    (port = port_option(start)) > 0) {
		snprintf(why, size, "package.json starts it on %ld", port);
		return port;
	}
	if ((env = dockerfile_env(&a->docker, "PORT", &value)) == NULL)
		return next ? NEXT_PORT : 0;
	span_copy(value, text, sizeof(text));
	port = strtol(text, NULL, 10);
	snprintf(why, size, "Dockerfile:%u sets PORT %s", env->line, text);
	return port;
}

static bool
exposes(const struct dockerfile *d, long port, unsigned *line)
{
	bool any = false;
	size_t i;

	for (i = 0; i < d->n; i++) {
		const struct dockerfile_line *l = &d->instruction[i];
		struct span rest = span_of(l->rest), word;

		if (strcmp(l->word, "EXPOSE") != 0 ||
		    !dockerfile_in_image(d, l->stage))
			continue;
		any = true;
		*line = l->line;
		while (span_word(&rest, &word)) {
			/* A variable may be anything. */
			if (*word.p == '$' || strtol(word.p, NULL, 10) == port)
				return true;
		}
	}
	return !any;
}

static void
check_port(struct doctor_app *a)
{
	const struct doctor_finding f = { "port", SPACEFERRY_FAIL,
	    "one number everywhere: app_port in README.md, EXPOSE and ENV PORT "
	    "in the Dockerfile" };
	const char *env_port = doctor_app_value(a, "PORT");
	char text[32] = "", why[100];
	bool said = readme_value(a, "app_port", text, sizeof(text), NULL);
	long app_port = said ? strtol(text, NULL, 10) : SPACE_PORT;
	long port = listening(a, why, sizeof(why));
	struct app_list l = { 0 };
	unsigned line = 0;

	if (port > 0 && port != app_port)
		doctor_app_list(&l, "%s, the Space asks port %ld (%s)", why,
		    app_port, said ? "app_port" : "its default, without "
		    "app_port");
	if (!exposes(&a->docker, app_port, &line))
		doctor_app_list(&l, "Dockerfile:%u does not EXPOSE %ld", line,
		    app_port);
	if (env_port != NULL && strtol(env_port, NULL, 10) != app_port)
		doctor_app_list(&l, "PORT in the env file is not %ld",
		    app_port);
	if (l.n > 0)
		doctor_tell(a->d, &f, "%s", doctor_app_listed(&l));
	else
		doctor_pass(a->d, f.name, port > 0 ? "app_port %ld, and the app "
		    "listens there" : "app_port %ld; where the app listens is "
		    "not known", app_port);
}

/* True when a RUN in the image makes user with UID 1000. */
static bool
has_uid_1000(const struct dockerfile *d, const char *user)
{
	size_t i;

	for (i = 0; i < d->n; i++) {
		const struct dockerfile_line *l = &d->instruction[i];

		if (strcmp(l->word, "RUN") == 0 &&
		    dockerfile_in_image(d, l->stage) &&
		    strstr(l->rest, user) != NULL &&
		    (strstr(l->rest, "-u 1000") != NULL ||
		    strstr(l->rest, "uid 1000") != NULL ||
		    strstr(l->rest, "uid=1000") != NULL))
			return true;
	}
	return false;
}

static void
check_user(struct doctor_app *a)
{
	const struct doctor_finding f = { "user", SPACEFERRY_WARN,
	    "USER node (UID 1000 in the node images), COPY --chown=node, and "
	    "folders that are written to owned by it" };
	const struct dockerfile_line *l = dockerfile_last(&a->docker, "USER");
	char user[64];

	if (l == NULL) {
		doctor_tell(a->d, &f, "the Dockerfile sets no USER: on a Space "
		    "the app runs as UID 1000, which owns nothing then");
		return;
	}
	span_copy((struct span){ l->rest, strcspn(l->rest, ": \t") }, user,
	    sizeof(user));
	if (strcmp(user, "node") == 0 || strcmp(user, "1000") == 0 ||
	    *user == '$' || has_uid_1000(&a->docker, user))
		doctor_pass(a->d, f.name, "USER %s", user);
	else
		doctor_tell(a->d, &f, "Dockerfile:%u: USER %s is not UID 1000, "
		    "as which a Space runs the app", l->line, user);
}

static void
check_bind(struct doctor_app *a)
{
	struct doctor_finding f = { "bind", SPACEFERRY_FAIL,
	    "ENV HOSTNAME=0.0.0.0 in the Dockerfile" };
	const struct dockerfile_line *cmd = dockerfile_last(&a->docker, "CMD");
	const struct dockerfile_line *env;
	struct span value;

	env = dockerfile_env(&a->docker, "HOSTNAME", &value);
	if (env != NULL && (span_is(value, "localhost") ||
	    span_begins(value, "127.") || span_is(value, "::1"))) {
		doctor_tell(a->d, &f, "Dockerfile:%u: the app listens on %.*s "
		    "only, where nobody else gets to", env->line,
		    (int)value.len, value.p);
	} else if (env == NULL && cmd != NULL &&
	    strstr(cmd->rest, "server.js") != NULL) {
		f.verdict = SPACEFERRY_WARN;
		doctor_tell(a->d, &f, "Dockerfile:%u: server.js listens on the "
		    "address of HOSTNAME, which docker sets to the container's "
		    "name", cmd->line);
	} else {
		doctor_pass(a->d, f.name, "listens on every address");
	}
}

void
doctor_app_image(struct doctor_app *a)
{

	check_readme(a);
	check_dockerfile(a);
	if (!a->has_docker || a->docker.n_stages == 0)
		return;
	check_port(a);
	check_user(a);
	check_bind(a);
}
