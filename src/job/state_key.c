#include <string.h>

#include "job/state_key.h"

#define PART_RENAME "--rename"
#define PART_REWRITING "rewriting (--rewrite, --rewrite-skip, --files-url)"
#define VALUE_MAX ((size_t)4 * 1024 * 1024)

static bool
add_strings(struct buf *b, const char *name,
    const struct spaceferry_strings *list)
{
	size_t i;

	for (i = 0; i < list->n; i++) {
		if (!buf_printf(b, "%s %s\n", name, list->v[i]))
			return false;
	}
	return true;
}

static bool
add_pairs(struct buf *b, const char *name, const struct spaceferry_pair *v,
    size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (!buf_printf(b, "%s %s=%s\n", name, v[i].from, v[i].to))
			return false;
	}
	return true;
}

/* A named part of the fingerprint. */
static struct buf *
part(struct state_key *k, const char *name)
{
	struct buf *b = &k->values[k->n];

	buf_init(b, VALUE_MAX);
	k->fingerprint[k->n++][0] = name;
	return b;
}

static bool
make_fingerprint(struct state_key *k, const struct spaceferry_options *o,
    const struct data *d)
{
	struct buf *b;
	size_t i;

	b = part(k, "selection (--db, --include, --exclude, --query)");
	if (!add_strings(b, "db", &o->db) ||
	    !add_strings(b, "include", &o->include) ||
	    !add_strings(b, "exclude", &o->exclude) ||
	    !buf_printf(b, "query %s\n", o->query != NULL ? o->query : ""))
		return false;
	b = part(k, PART_RENAME);
	if (!add_pairs(b, "rename", o->rename, o->n_rename))
		return false;
	b = part(k, PART_REWRITING);
	if (!add_pairs(b, "rewrite", o->rewrite, o->n_rewrite) ||
	    !add_strings(b, "skip", &o->rewrite_skip))
		return false;
	for (i = 0; i < o->n_files; i++) {
		if (o->files[i].url.from != NULL &&
		    !add_pairs(b, "url", &o->files[i].url, 1))
			return false;
	}
	b = part(k, "conflict mode (--on-conflict, --drop)");
	if (!buf_printf(b, "%d %d\n", (int)o->on_conflict, (int)o->drop))
		return false;
	if (o->delta && !buf_append_str(part(k, "way of moving (--delta)"),
	    "delta"))
		return false;
	if (d != NULL && d->source.kind != END_MONGO) {
		b = part(k, "contents of the archive");
		if (!buf_append_str(b, end_contents(&d->source)))
			return false;
	}
	for (i = 0; i < k->n; i++) {
		if ((k->fingerprint[i][1] = buf_str(&k->values[i])) == NULL)
			return false;
	}
	return true;
}

static bool
make_key(struct state_key *k, const struct job *job, const struct data *d,
    const struct files *f)
{
	const char *from_db, *to_db;

	/* What a real restore left to be gone on with is not its business. */
	if (job->options->drill && !buf_append_str(&k->key, "drill\n"))
		return false;
	if (d != NULL) {
		from_db = end_default_db(&d->source);
		to_db = end_default_db(&d->target);
		if (!buf_printf(&k->key, "data %s/%s -> %s/%s\n",
		    end_identity(&d->source), from_db != NULL ? from_db : "",
		    end_identity(&d->target), to_db != NULL ? to_db : "") ||
		    !add_strings(&k->key, "db", &job->options->db))
			return false;
	}
	if (f != NULL && !files_identity(f, &k->key))
		return false;
	return buf_str(&k->key) != NULL;
}

bool
state_key_make(struct state_key *k, const struct job *job,
    const struct data *d, const struct files *f, struct err *err)
{

	memset(k, 0, sizeof(*k));
	buf_init(&k->key, VALUE_MAX);
	if (!make_key(k, job, d, f) || !make_fingerprint(k, job->options, d))
		return err_nomem(err, "state");
	return true;
}

void
state_key_free(struct state_key *k)
{
	size_t i;

	buf_free(&k->key);
	for (i = 0; i < k->n; i++)
		buf_free(&k->values[i]);
	k->n = 0;
}

/* Without the rules of the migration --delta would find every document that was
 * rewritten different, and put the old URLs back. */
static bool
check_last(struct journal *j, struct err *err)
{
	static const char *const parts[] = { PART_RENAME, PART_REWRITING };
	struct buf names;
	bool same;

	buf_init(&names, 512);
	journal_last_differs(j, parts, sizeof(parts) / sizeof(parts[0]),
	    &names);
	same = names.len == 0;
	if (!same) {
		err_set(err, ERR_CONFLICT, "the last migration between these "
		    "ends had another %s: --delta would undo what it made",
		    buf_str(&names));
		err_hint(err, "give --delta the options that the migration had, "
		    "or the same config file; --restart if they are meant to "
		    "change");
	}
	buf_free(&names);
	return same;
}

struct journal *
state_key_open_journal(struct state_key *k, const struct job *job,
    struct err *err)
{
	struct journal_options options = {
		.folder = job->options->state,
		.key = (const char *)k->key.data,
		.fingerprint = (const char *const (*)[2])k->fingerprint,
		.n_fingerprint = k->n,
		.restart = job->options->restart,
		.look_only = job->options->dry_run,
		.patience_ms = job->patience_ms,
	};
	struct journal *j;

	if ((j = journal_open(&options, err)) == NULL ||
	    !job->options->delta || job->options->restart ||
	    check_last(j, err))
		return j;
	journal_free(j);
	return NULL;
}
