#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/home.h"

/* The home folder of this user; NULL when there is none. */
static char *
home(void)
{
	const char *path = getenv("HOME");
	struct passwd pw, *found;
	char buf[4096];

	if (path != NULL && path[0] == '/')
		return strdup(path);
	if (getpwuid_r(getuid(), &pw, buf, sizeof(buf), &found) != 0 ||
	    found == NULL || found->pw_dir[0] != '/')
		return NULL;
	return strdup(found->pw_dir);
}

char *
home_state(struct err *err)
{
	const char *xdg = getenv("XDG_STATE_HOME");
	char *path = NULL, *base;

	if (xdg != NULL && xdg[0] == '/') {
		if (asprintf(&path, "%s/spaceferry", xdg) < 0)
			path = NULL;
	} else {
		if ((base = home()) == NULL) {
			err_set(err, ERR_NOT_FOUND, "no home folder to keep "
			    "the state in");
			err_hint(err, "choose a folder with --state");
			return NULL;
		}
		if (asprintf(&path, "%s/.local/state/spaceferry", base) < 0)
			path = NULL;
		free(base);
	}
	if (path == NULL)
		err_nomem(err, "the state's folder");
	return path;
}
