#include <bson/bson.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "archive/name.h"
#include "base/hash.h"

#define KEPT 208	/* bytes of a long name that a cut one begins with */

static bool
starts_with(const char *s, const char *head)
{

	return strncmp(s, head, strlen(head)) == 0;
}

/* A name in a message: what is not fit for one becomes '?'. */
static const char *
shown(const char *name, size_t len, char out[80])
{
	size_t i, n = len < 76 ? len : 76;

	if (bson_utf8_validate(name, len, false)) {
		while (n < len && n > 0 && ((uint8_t)name[n] & 0xc0) == 0x80)
			n--;
		memcpy(out, name, n);
	} else {
		for (i = 0; i < n; i++)
			out[i] = isprint((unsigned char)name[i]) ? name[i] : '?';
	}
	memcpy(out + n, "...", 4);
	if (n == len)
		out[n] = '\0';
	return out;
}

bool
name_check_db(const char *db, size_t len, struct err *err)
{
	char word[80];
	size_t i;

	if (len == 0)
		return err_set(err, ERR_DAMAGED, "an empty database name");
	if (memchr(db, 0, len) != NULL)
		return err_set(err, ERR_DAMAGED, "a NUL in the database name "
		    "\"%s\"", shown(db, len, word));
	for (i = 0; i < len; i++)
		if (strchr("/\\. \"$", db[i]) != NULL)
			return err_set(err, ERR_DAMAGED, "'%c' in the database "
			    "name \"%s\"", db[i], shown(db, len, word));
	if (len > NAME_DB_MAX)
		return err_set(err, ERR_DAMAGED, "the database name \"%s\" is "
		    "longer than %d bytes", shown(db, len, word), NAME_DB_MAX);
	if (!bson_utf8_validate(db, len, false))
		return err_set(err, ERR_DAMAGED, "the database name \"%s\" is "
		    "not UTF-8", shown(db, len, word));
	return true;
}

/* Names of the server's own that mongodump writes. */
static bool
known_system(const char *db, const char *name)
{
	static const char *const known[] = { "system.js", "system.profile",
	    "system.users", "system.roles", "system.version", "system.indexes",
	    "system.namespaces", "$admin.system.users", "$admin.system.roles",
	    "$admin.system.version" };
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (strcmp(name, known[i]) == 0)
			return true;
	return starts_with(name, "system.") && (strcmp(db, "admin") == 0 ||
	    strcmp(db, "config") == 0 || strcmp(db, "local") == 0);
}

bool
name_check_collection(const char *db, const char *name, size_t len,
    struct err *err)
{
	char word[80];

	if (len == 0)
		return err_set(err, ERR_DAMAGED, "an empty collection name in "
		    "the database \"%s\"", db);
	shown(name, len, word);
	if (memchr(name, 0, len) != NULL)
		return err_set(err, ERR_DAMAGED, "a NUL in the collection name "
		    "\"%s\"", word);
	if (!bson_utf8_validate(name, len, false))
		return err_set(err, ERR_DAMAGED, "the collection name \"%s\" is "
		    "not UTF-8", word);
	if (*name == '.')
		return err_set(err, ERR_DAMAGED, "the collection name \"%s\" "
		    "begins with a dot", word);
	if (strlen(db) + 1 + len > NAME_NAMESPACE_MAX)
		return err_set(err, ERR_DAMAGED, "the name %s.%s is longer than "
		    "%d bytes", db, word, NAME_NAMESPACE_MAX);
	if (known_system(db, name))
		return true;
	if (strchr(name, '$') != NULL && strcmp(name, "oplog.$main") != 0)
		return err_set(err, ERR_DAMAGED, "'$' in the collection name "
		    "\"%s\"", word);
	if (starts_with(name, "system."))
		return err_set(err, ERR_DAMAGED, "the collection name \"%s\" is "
		    "the server's own", word);
	return true;
}

bool
name_special(const char *db, const char *collection)
{

	if (strcmp(db, "admin") == 0 || strcmp(db, "config") == 0 ||
	    strcmp(db, "local") == 0)
		return true;
	return strcmp(collection, "system.js") != 0 &&
	    known_system(db, collection);
}

bool
name_beside(const char *collection)
{

	return starts_with(collection, "$admin.system.");
}

static bool
plain(char c)
{

	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' ||
	    c == '~';
}

bool
name_escape(const char *collection, char out[NAME_FILE_MAX + 1])
{
	static const char hex[] = "0123456789ABCDEF";
	uint8_t sha1[HASH_SHA1_SIZE];
	char base64[4 * ((HASH_SHA1_SIZE + 2) / 3) + 1], *p;
	const char *c;
	size_t n = 0;

	if (name_beside(collection) && strlen(collection) <= NAME_FILE_MAX) {
		memcpy(out, collection, strlen(collection) + 1);
		return true;
	}
	/* One that fits fits in place; one that does not is cut at KEPT. */
	for (c = collection; *c != '\0' && n <= NAME_FILE_MAX; c++) {
		if (plain(*c) || *c == ' ') {
			if (n < NAME_FILE_MAX)
				out[n] = *c == ' ' ? '+' : *c;
			n++;
			continue;
		}
		if (n + 3 <= NAME_FILE_MAX) {
			out[n] = '%';
			out[n + 1] = hex[(uint8_t)*c >> 4];
			out[n + 2] = hex[*c & 15];
		}
		n += 3;
	}
	if (n <= NAME_FILE_MAX) {
		out[n] = '\0';
		return true;
	}
	if (!hash_sha1(collection, strlen(collection), sha1))
		return false;
	hash_base64(sha1, sizeof(sha1), base64);
	for (p = base64; *p != '\0'; p++)
		*p = *p == '+' ? '-' : *p == '/' ? '_' : *p;
	memcpy(out + KEPT, "%24", 3);
	memcpy(out + KEPT + 3, base64, NAME_FILE_MAX - KEPT - 3);
	out[NAME_FILE_MAX] = '\0';
	return true;
}

bool
name_is_cut(const char *file, size_t len)
{

	return len == NAME_FILE_MAX && memmem(file, len, "%24", 3) != NULL;
}

bool
name_unescape(const char *file, size_t len, char **out, size_t *out_len,
    struct err *err)
{
	char *name, word[80], hex[3] = "";
	uint8_t byte;
	size_t i, n = 0;

	if ((name = malloc(len + 1)) == NULL)
		return err_nomem(err, "a file's name");
	for (i = 0; i < len; i++) {
		if (file[i] != '%') {
			name[n++] = file[i] == '+' ? ' ' : file[i];
			continue;
		}
		if (len - i > 2)
			memcpy(hex, file + i + 1, 2);
		if (len - i <= 2 || !hash_unhex(hex, &byte, 1)) {
			free(name);
			return err_set(err, ERR_DAMAGED, "the file's name "
			    "\"%s\" has a '%%' that is no escape",
			    shown(file, len, word));
		}
		name[n++] = (char)byte;
		i += 2;
	}
	name[n] = '\0';
	*out = name;
	*out_len = n;
	return true;
}
