#include <string.h>

#include "codec/age_internal.h"

static bool
is_space(char c)
{

	return c == ' ' || c == '\t' || c == '\r';
}

bool
age_lines_each(struct buf *text, const char *path, size_t *n,
    bool (*each)(void *arg, const char *line, struct err *err), void *arg,
    struct err *err)
{
	char *line, *next, *end;
	size_t number;

	*n = 0;
	if (buf_str(text) == NULL)
		return err_nomem(err, path);
	if (memchr(text->data, '\0', text->len) != NULL)
		return err_set(err, ERR_USAGE, "%s: not a text file", path);
	line = (char *)text->data;
	for (number = 1; line != NULL; number++, line = next) {
		end = strchr(line, '\n');
		next = end != NULL ? end + 1 : NULL;
		if (end == NULL)
			end = line + strlen(line);
		while (line < end && is_space(*line))
			line++;
		while (end > line && is_space(end[-1]))
			end--;
		*end = '\0';
		if (*line == '\0' || *line == '#')
			continue;
		if (!each(arg, line, err))
			return err_prefix(err, "%s, line %zu", path, number);
		++*n;
	}
	return true;
}
