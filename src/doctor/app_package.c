#include <stdio.h>
#include <string.h>

#include "app/span.h"
#include "doctor/app.h"

static void
check_package(struct doctor_app *a)
{
	struct doctor_finding f = { "package", SPACEFERRY_FAIL,
	    "mend package.json" };
	const char *next;

	if (tree_find(&a->tree, "package.json") == NULL) {
		f.remedy = "give --app the folder with package.json";
		doctor_tell(a->d, &f, "there is no package.json in %.300s",
		    a->tree.folder);
	} else if (a->package == NULL) {
		doctor_tell(a->d, &f, "package.json: %s",
		    a->package_err.message);
	} else if (package_script(a->package, "build") == NULL) {
		f.verdict = SPACEFERRY_WARN;
		f.remedy = "\"build\": \"next build\"";
		doctor_tell(a->d, &f, "package.json has no script \"build\"");
	} else {
		next = package_version(a->package, "next");
		doctor_pass(a->d, f.name, "package.json%s%.40s",
		    next != NULL ? ", next " : "", next != NULL ? next : "");
	}
}

/* Names that tsconfig.json maps ("lib/…"), or folders that baseUrl makes
 * importable. */
static bool
is_alias(const struct doctor_app *a, struct span config, const char *name)
{
	char quoted[260];
	size_t i, len = strcspn(name, "/");

	snprintf(quoted, sizeof(quoted), "\"%.*s/", (int)(len > 200 ? 200 : len),
	    name);
	if (span_find(config, quoted) != NULL)
		return true;
	snprintf(quoted, sizeof(quoted), "\"%.200s\"", name);
	if (span_find(config, quoted) != NULL)
		return true;
	for (i = 0; i < a->tree.n; i++) {
		const char *path = a->tree.file[i].path;

		if (strncmp(path, "src/", 4) == 0 &&
		    strncmp(path + 4, name, len) == 0 && path[4 + len] == '/')
			return true;
		if (strncmp(path, name, len) == 0 && path[len] == '/')
			return true;
	}
	return false;
}

static void
check_dependencies(struct doctor_app *a)
{
	static const char *const configs[] = { "tsconfig.json",
	    "jsconfig.json" };
	const struct doctor_finding f = { "dependencies", SPACEFERRY_WARN,
	    "npm install NAME: a fresh build has only what package.json "
	    "names" };
	struct buf config;
	struct app_list l = { 0 };
	struct err err;
	size_t i;

	buf_init(&config, TREE_FILE_MAX);
	for (i = 0; i < 2 && config.len == 0; i++) {
		const struct tree_file *t = tree_find(&a->tree, configs[i]);

		if (t != NULL)
			(void)tree_load(&a->tree, t, &config, &err);
	}
	for (i = 0; i < a->import.n; i++) {
		const struct app_sighting *m = &a->import.v[i];

		if (!package_has(a->package, span_of(m->what)) &&
		    !is_alias(a, (struct span){ (char *)config.data,
		    config.len }, m->what))
			doctor_app_list(&l, "%.100s (%.150s:%u)", m->what,
			    m->file, m->line);
	}
	buf_free(&config);
	doctor_app_verdict(a, &f, &l, "what the source imports is in "
	    "package.json");
}

/* A build that insists on a lock file needs it among what is pushed. */
static void
check_lock(struct doctor_app *a)
{
	static const struct {
		const char *command, *file;
	} locks[] = {
		{ "npm ci", "package-lock.json" },
		{ "--frozen-lockfile", "pnpm-lock.yaml" },
		{ "--frozen-lockfile", "yarn.lock" },
		{ "--immutable", "yarn.lock" },
	};
	const struct doctor_finding f = { "lock-file", SPACEFERRY_FAIL,
	    "commit the lock file" };
	const struct dockerfile_line *wants = NULL, *l;
	const struct tree_file *t;
	const char *file = NULL;
	size_t i;

	for (i = 0; i < sizeof(locks) / sizeof(locks[0]); i++) {
		l = dockerfile_says(&a->docker, "RUN", locks[i].command);
		if (l == NULL)
			continue;
		if (wants == NULL) {
			wants = l;
			file = locks[i].file;
		}
		t = tree_find(&a->tree, locks[i].file);
		if (t != NULL && !t->ignored)
			return;
	}
	if (wants == NULL)
		return;
	t = tree_find(&a->tree, file);
	doctor_tell(a->d, &f, "Dockerfile:%u installs by a lock file, and %s "
	    "%s", wants->line, file, t == NULL ? "is not there" :
	    "is left out by .gitignore");
}

void
doctor_app_package(struct doctor_app *a)
{

	check_package(a);
	if (a->package != NULL)
		check_dependencies(a);
	if (a->has_docker)
		check_lock(a);
}
