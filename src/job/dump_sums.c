#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "job/dump_sums.h"

#define HEAD "spaceferry sums 1\n"
#define SUMS_MAX ((size_t)64 * 1024 * 1024)
#define ESCAPED_MAX (3 * MONGO_NS_MAX)

static bool
path_of(const char *folder, char out[PATH_MAX], struct err *err)
{

	return snprintf(out, PATH_MAX, "%s/%s", folder, DUMP_SUMS_NAME) <
	    PATH_MAX || err_set(err, ERR_USAGE, "the name %s is too long",
	    folder);
}

/* A name may hold what would break a line. */
static void
escape(const char *ns, char out[ESCAPED_MAX])
{
	size_t n = 0;

	for (; *ns != '\0'; ns++) {
		unsigned char c = (unsigned char)*ns;

		if (c > 0x20 && c != '%' && c != 0x7f)
			out[n++] = (char)c;
		else
			n += (size_t)snprintf(out + n, 4, "%%%02X", c);
	}
	out[n] = '\0';
}

bool
dump_sums_write(const char *folder, const struct archive_scan *scan,
    struct err *err)
{
	char path[PATH_MAX], ns[ESCAPED_MAX], digest[DIGEST_HEX_SIZE];
	struct buf b;
	bool ok;
	size_t i;

	if (!path_of(folder, path, err))
		return false;
	buf_init(&b, SUMS_MAX);
	ok = buf_append_str(&b, HEAD);
	for (i = 0; ok && i < scan->n; i++) {
		escape(scan->v[i].ns, ns);
		digest_hex(scan->v[i].tally.digest, digest);
		ok = buf_printf(&b, "%llu %llu %s %s\n",
		    (unsigned long long)scan->v[i].tally.count,
		    (unsigned long long)scan->v[i].tally.bytes, digest, ns);
	}
	ok = ok ? file_replace(path, b.data, b.len, err) :
	    err_nomem(err, path);
	buf_free(&b);
	return ok;
}

static bool
differs(const char *ns, const struct tally *noted, const struct tally *found,
    struct err *err)
{

	return err_set(err, ERR_DAMAGED, "%s holds %llu documents of %llu "
	    "bytes%s, when the dump was made it held %llu of %llu", ns,
	    (unsigned long long)found->count,
	    (unsigned long long)found->bytes,
	    found->count == noted->count && found->bytes == noted->bytes ?
	    " that are not the same any more" : "",
	    (unsigned long long)noted->count,
	    (unsigned long long)noted->bytes);
}

/* Finds who is called so; a dump has few thousand collections at most. */
static const struct archive_seen *
find_escaped(const struct archive_scan *scan, const char *escaped)
{
	char ns[ESCAPED_MAX];
	size_t i;

	for (i = 0; i < scan->n; i++) {
		escape(scan->v[i].ns, ns);
		if (strcmp(ns, escaped) == 0)
			return &scan->v[i];
	}
	return NULL;
}

static bool
check_line(const char *line, const struct archive_scan *scan, struct err *err)
{
	unsigned long long count, bytes;
	char hex[DIGEST_HEX_SIZE];
	const struct archive_seen *seen;
	struct tally noted;
	int at = 0;

	if (sscanf(line, "%llu %llu %32[0-9a-f] %n", &count, &bytes, hex,
	    &at) != 3 || at == 0 || !digest_unhex(hex, &noted.digest))
		return err_set(err, ERR_DAMAGED, "%s is damaged",
		    DUMP_SUMS_NAME);
	noted.count = count;
	noted.bytes = bytes;
	if ((seen = find_escaped(scan, line + at)) == NULL)
		return err_set(err, ERR_DAMAGED, "%s is missing: the dump held "
		    "%llu documents of it", line + at, count);
	return tally_equal(&seen->tally, &noted) || differs(seen->ns, &noted,
	    &seen->tally, err);
}

bool
dump_sums_check(const char *folder, const struct archive_scan *scan,
    bool *found, struct err *err)
{
	char path[PATH_MAX], *line, *end;
	struct buf b;
	bool ok;

	if (!path_of(folder, path, err))
		return false;
	*found = access(path, F_OK) == 0;
	if (!*found)
		return true;
	buf_init(&b, SUMS_MAX);
	ok = file_read(path, &b, err);
	if (ok && ((line = (char *)(uintptr_t)buf_str(&b)) == NULL ||
	    strncmp(line, HEAD, strlen(HEAD)) != 0))
		ok = err_set(err, ERR_DAMAGED, "%s is damaged", path);
	if (ok) {
		for (line += strlen(HEAD); ok && *line != '\0'; line = end + 1) {
			if ((end = strchr(line, '\n')) == NULL) {
				ok = err_set(err, ERR_DAMAGED, "%s is cut",
				    path);
				break;
			}
			*end = '\0';
			ok = check_line(line, scan, err);
		}
	}
	if (!ok)
		err_hint(err, "make the dump anew; without %s its .bson files "
		    "are taken as they are", path);
	buf_free(&b);
	return ok;
}
