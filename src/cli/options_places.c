#include <string.h>

#include "cli/command.h"
#include "cli/options.h"

/* FROM=TO in place.from; with optional, a text without = is the whole of TO. */
static bool
split(struct options *o, struct spaceferry_pair *place, bool optional,
    struct err *err)
{
	const char *text = place->from;
	ptrdiff_t len = options_split(text);

	if (len < 0 && optional) {
		*place = (struct spaceferry_pair){ .to = text };
		return true;
	}
	if (len < 0) {
		err_set(err, ERR_USAGE, "there is no = in it");
		return err_hint(err, "write it as FROM=TO");
	}
	if (len == 0 && !optional)
		return err_set(err, ERR_USAGE, "FROM is empty");
	if (text[len + 1] == '\0')
		return err_set(err, ERR_USAGE, "TO is empty");
	place->from = len == 0 ? NULL : options_keep(o, text, (size_t)len);
	if (len > 0 && place->from == NULL)
		return err_nomem(err, "options");
	place->to = text + len + 1;
	return true;
}

bool
options_settle_places(struct options *o, unsigned command, struct err *err)
{
	/* Made by the setter: not const. */
	struct spaceferry_files *v = (struct spaceferry_files *)(uintptr_t)
	    o->job.files;
	size_t i;

	for (i = 0; i < o->job.n_files; i++) {
		if (command == COMMAND_BACKUP) {
			v[i].place.to = NULL;
			v[i].url = (struct spaceferry_pair){ NULL, NULL };
		} else if (v[i].place.to == NULL && (command &
		    options_find("files", 5)->commands) != 0) {
			if (!split(o, &v[i].place, command == COMMAND_RESTORE,
			    err))
				return false;
		}
	}
	/* backup rewrites nothing; a config file for migrate may have rules. */
	if (command == COMMAND_BACKUP)
		o->job.n_rewrite = 0;
	return true;
}
