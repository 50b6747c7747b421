#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backup/check.h"

/* Named with each blob; more are counted. */
#define NAMED_MAX 4
#define WHAT_MAX 200

struct loss {
	uint32_t snapshots;	/* that need the blob */
	uint32_t first, last;	/* of them, by number */
	uint32_t named;
	uint32_t unnamed;
	char *what[NAMED_MAX];
};

struct check_losses {
	struct loss *v;
	size_t n, cap;
};

struct check_losses *
check_losses_new(struct err *err)
{
	struct check_losses *l = calloc(1, sizeof(*l));

	if (l == NULL)
		err_nomem(err, "list of losses");
	return l;
}

void
check_losses_free(struct check_losses *l)
{
	size_t i, k;

	if (l == NULL)
		return;
	for (i = 0; i < l->n; i++) {
		for (k = 0; k < l->v[i].named; k++)
			free(l->v[i].what[k]);
	}
	free(l->v);
	free(l);
}

static struct loss *
loss_of(struct check_losses *l, struct check_entry *e)
{
	size_t cap = l->cap == 0 ? 16 : 2 * l->cap;
	struct loss *v;

	if (e->losses != 0)
		return &l->v[e->losses - 1];
	if (l->n == l->cap) {
		if ((v = realloc(l->v, cap * sizeof(*v))) == NULL)
			return NULL;
		l->v = v;
		l->cap = cap;
	}
	memset(&l->v[l->n], 0, sizeof(l->v[0]));
	e->losses = (uint32_t)++l->n;
	return &l->v[l->n - 1];
}

/* The same name once, whichever snapshots it is in. */
static bool
name_it(struct loss *l, const char *what)
{
	char cut[WHAT_MAX];
	size_t i;

	snprintf(cut, sizeof(cut), "%s", what);
	for (i = 0; i < l->named; i++) {
		if (strcmp(l->what[i], cut) == 0)
			return true;
	}
	if (l->named == NAMED_MAX) {
		l->unnamed++;
		return true;
	}
	if ((l->what[l->named] = strdup(cut)) == NULL)
		return false;
	l->named++;
	return true;
}

bool
check_losses_add(struct check *c, size_t n, struct check_entry *e,
    const char *what, struct err *err)
{
	struct loss *l = loss_of(c->losses, e);

	if (l == NULL)
		return err_nomem(err, "list of losses");
	if (what != NULL)
		return name_it(l, what) || err_nomem(err, "list of losses");
	if (l->snapshots++ == 0)
		l->first = (uint32_t)n;
	l->last = (uint32_t)n;
	return true;
}

static void
append(char *out, size_t size, const char *text)
{
	size_t len = strlen(out);

	snprintf(out + len, size - len, "%s", text);
}

/* "db.users, file a.jpg and 3 more in snapshot 1a2b3c4d of … and 5 others up to
 * …" */
static void
loss_text(const struct check *c, const struct check_entry *e, char *out,
    size_t size)
{
	char name[CHECK_SNAPSHOT_TEXT], number[64];
	const struct loss *l;
	size_t i;

	out[0] = '\0';
	if (e->losses == 0)
		return;
	l = &c->losses->v[e->losses - 1];
	append(out, size, "; lost with it: ");
	for (i = 0; i < l->named; i++) {
		append(out, size, i > 0 ? ", " : "");
		append(out, size, l->what[i]);
	}
	if (l->unnamed > 0) {
		snprintf(number, sizeof(number), " and %" PRIu32 " more",
		    l->unnamed);
		append(out, size, number);
	}
	append(out, size, l->named > 0 ? " in snapshot " :
	    "part of snapshot ");
	append(out, size, check_snapshot_text(&c->list.v[l->first], name));
	if (l->snapshots > 1) {
		snprintf(number, sizeof(number), " and %" PRIu32 " newer, up "
		    "to ", l->snapshots - 1);
		append(out, size, number);
		append(out, size, check_snapshot_text(&c->list.v[l->last],
		    name));
	}
}

static const char *
seen_of(const struct check_entry *e, char *out, size_t size)
{

	switch ((enum check_damage)e->damage) {
	case CHECK_MISSING:
		return "is not there";
	case CHECK_SIZE:
		snprintf(out, size, "has %" PRIu64 " bytes, not %" PRIu64,
		    e->size, e->stored);
		return out;
	case CHECK_UNREADABLE:
		return "is not handed out by the store";
	case CHECK_FLIPPED:
		return "holds other bytes than were stored (SHA-256)";
	case CHECK_UNDECRYPTABLE:
		return "cannot be decrypted";
	case CHECK_UNDECODABLE:
		return "cannot be decompressed";
	case CHECK_CONTENT:
		return "is whole but holds what another blob is to hold";
	case CHECK_WHOLE:
		break;
	}
	return "";
}

static void
tell_blob(struct check *c, const struct check_entry *e)
{
	char object[REPO_OBJECT_MAX], what[96], loss[800];

	repo_object_name(c->repository.repo, e->name, object);
	loss_text(c, e, loss, sizeof(loss));
	check_fail(c, "blob", check_damage_word((enum check_damage)e->damage),
	    e->damage == CHECK_MISSING ? "run backup: where the source still "
	    "has these contents, the blob is stored anew" :
	    "check --repair puts it aside; where the source still has these "
	    "contents, the next backup stores it anew",
	    "%s %s%s", object, seen_of(e, what, sizeof(what)), loss);
}

bool
check_tell_damage(struct check *c, struct err *err)
{
	char text[CHECK_SNAPSHOT_TEXT];
	size_t i;

	(void)err;
	for (i = 0; i < c->index.n; i++) {
		if (c->index.v[i].damage != CHECK_WHOLE)
			tell_blob(c, &c->index.v[i]);
	}
	for (i = 0; i < c->list.n; i++) {
		if (c->snapshots[i].damaged == 0)
			continue;
		check_fail(c, "snapshot", "incomplete", "restore what it still "
		    "has with --include and --files-include, or from another "
		    "snapshot", "snapshot %s cannot be restored whole: %" PRIu64
		    " of its blobs damaged or missing",
		    check_snapshot_text(&c->list.v[i], text),
		    c->snapshots[i].damaged);
	}
	return true;
}
