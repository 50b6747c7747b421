#include <stdlib.h>
#include <string.h>

#include "backup/group.h"
#include "base/hash.h"

#define IDENTITY_MAX ((size_t)1024 * 1024)

static bool
add_all(struct buf *out, const char *word, const struct spaceferry_strings *s)
{
	struct strings sorted = { NULL, 0 };
	bool ok = true;
	size_t i;

	for (i = 0; ok && i < s->n; i++)
		ok = strings_add(&sorted, s->v[i]);
	strings_sort(&sorted);
	for (i = 0; ok && i < s->n; i++)
		ok = buf_printf(out, "%s %s\n", word, sorted.v[i]);
	strings_free(&sorted);
	return ok;
}

bool
group_name(const struct job *job, const struct backup_data *data,
    const struct backup_files *files, struct repo *repo, char out[GROUP_SIZE],
    struct err *err)
{
	const struct spaceferry_options *o = job->options;
	uint8_t sum[HASH_SHA256_SIZE];
	struct buf identity;
	bool ok = true;

	buf_init(&identity, IDENTITY_MAX);
	if (data != NULL)
		ok = backup_data_identity(data, &identity) &&
		    add_all(&identity, "include", &o->include) &&
		    add_all(&identity, "exclude", &o->exclude);
	if (files != NULL)
		ok = ok && backup_files_identity(files, &identity) &&
		    add_all(&identity, "files-include", &o->files_include) &&
		    add_all(&identity, "files-exclude", &o->files_exclude);
	ok = ok ? repo_derive(repo, "group", identity.data, identity.len, sum,
	    err) : err_nomem(err, "group");
	buf_free(&identity);
	if (ok)
		hash_hex(sum, (GROUP_SIZE - 1) / 2, out);
	return ok;
}
