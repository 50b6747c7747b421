#include <stdlib.h>
#include <string.h>

#include "cli/config.h"

#define NAME_LETTERS \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_"
#define NAME_LONGEST 128

/* Appends the variable whose name begins at *p, behind "${", and moves *p
 * behind the "}". */
static bool
expand_variable(const char **p, struct buf *out, struct err *err)
{
	char name[NAME_LONGEST + 1];
	size_t len = strspn(*p, NAME_LETTERS);
	const char *value;

	if (len == 0 || len > NAME_LONGEST || (*p)[len] != '}' ||
	    (**p >= '0' && **p <= '9')) {
		err_set(err, ERR_CONFIG, "${ without a variable's name and }");
		return err_hint(err, "write ${NAME}; $$ stands for a $");
	}
	memcpy(name, *p, len);
	name[len] = '\0';
	if ((value = getenv(name)) == NULL) {
		err_set(err, ERR_CONFIG, "${%s} is not set", name);
		return err_hint(err, "export %s, or write $${%s} for the text "
		    "itself", name, name);
	}
	*p += len + 1;
	if (!buf_append_str(out, value))
		return err_set(err, ERR_CONFIG, "the value of ${%s} is too long",
		    name);
	return true;
}

bool
config_expand(const char *text, struct buf *out, struct err *err)
{
	const char *p = text;
	size_t plain;

	while (*p != '\0') {
		plain = strcspn(p, "$");
		if (plain == 0 && p[1] == '{') {
			p += 2;
			if (!expand_variable(&p, out, err))
				return false;
			continue;
		}
		/* "$$" gives one "$"; a "$" before anything else stays. */
		if (plain == 0) {
			p += p[1] == '$';
			plain = 1;
		}
		if (!buf_append(out, p, plain))
			return err_set(err, ERR_CONFIG, "a value is too long");
		p += plain;
	}
	return true;
}
