#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "base/log.h"
#include "repo/repo_internal.h"

#define CONFIG "config"
#define FORMAT "spaceferry repository"
#define VERSION 1

static bool
damaged(const struct repo *r, const char *why, struct err *err)
{

	err_set(err, ERR_DAMAGED, "the %s of %s is damaged: %s", CONFIG,
	    repo_name(r), why);
	return err_hint(err, "write it anew by hand (docs/FORMAT.md, "
	    "\"Repository\"): it holds no secret");
}

static bool
foreign(const struct repo *r, const char *key, struct err *err)
{

	err_set(err, ERR_CONFLICT, "%s holds no repository of spaceferry but "
	    "something else (%s)", repo_name(r), key);
	return err_hint(err, "name an empty folder, or a prefix of its own in "
	    "the bucket, with --repo");
}

/* --- reading --- */

static bool
take(struct repo *r, const json_t *config, struct err *err)
{
	json_int_t version;
	uint8_t id[16];
	const char *hex;
	int encrypted;

	if (json_unpack((json_t *)(uintptr_t)config, "{s:I}", "version",
	    &version) != 0 || version < 1)
		return damaged(r, "it has no version", err);
	if (version > VERSION) {
		err_set(err, ERR_UNSUPPORTED, "the repository %s has version %"
		    PRId64 " of its format, this program knows %d",
		    repo_name(r), (int64_t)version, VERSION);
		return err_hint(err, "a newer spaceferry made it: use that "
		    "one");
	}
	if (json_unpack((json_t *)(uintptr_t)config, "{s:s, s:b}", "id", &hex,
	    "encrypted", &encrypted) != 0 || !hash_unhex(hex, id, sizeof(id)))
		return damaged(r, "no id of 32 hex digits, or nothing about "
		    "encryption", err);
	hash_hex(id, sizeof(id), r->id);
	r->encrypted = encrypted != 0;
	return true;
}

static bool
parse(struct repo *r, const struct buf *text, struct err *err)
{
	const char *format;
	json_t *config;
	bool ok;

	config = json_loadb((const char *)text->data, text->len,
	    JSON_REJECT_DUPLICATES, NULL);
	format = json_string_value(json_object_get(config, "format"));
	if (format != NULL && strcmp(format, FORMAT) == 0)
		ok = take(r, config, err);
	else if (text->len == 0 ||
	    memmem(text->data, text->len, FORMAT, strlen(FORMAT)) != NULL)
		ok = damaged(r, "it is not what was written", err);
	else
		ok = foreign(r, CONFIG, err);
	json_decref(config);
	return ok;
}

/* --- making --- */

/* What stands where a repository shall be. */
struct looking {
	const struct repo *repo;
	bool made;		/* a config is there after all */
	bool some;		/* objects of ours */
	bool sealed, plain;	/* among them encrypted ones, others */
};

static bool
look(void *arg, const struct store_object *o, struct err *err)
{
	static const char *const ours[] = { "data/", "keys/", "snapshots/",
	    "locks/", "partial/", "damaged/" };
	struct looking *l = arg;
	size_t i, len = strlen(o->key);

	/* Somebody has made the repository just now: its config is read next. */
	if (strcmp(o->key, CONFIG) == 0) {
		l->made = true;
		return true;
	}
	for (i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
		if (strncmp(o->key, ours[i], strlen(ours[i])) == 0)
			break;
	}
	if (i == sizeof(ours) / sizeof(ours[0]))
		return foreign(l->repo, o->key, err);
	l->some = true;
	if (len > 4 && strcmp(o->key + len - 4, ".age") == 0)
		l->sealed = true;
	else if (len > 4 && strcmp(o->key + len - 4, ".zst") == 0)
		l->plain = true;
	return true;
}

static bool
look_odd(void *arg, enum store_oddity kind, const char *name, const char *why,
    struct err *err)
{
	struct looking *l = arg;

	(void)kind;
	(void)why;
	return foreign(l->repo, name, err);
}

/* Nothing that a config would be wrong for. */
static bool
check_place(struct repo *r, struct repo_session *s, struct err *err)
{
	static const struct store_list_ops ops = { look, look_odd };
	struct looking l = { .repo = r };

	if (!store_list(s->store, &ops, &l, err))
		return false;
	if (l.made)
		return true;
	if (l.some && (r->encrypted ? l.plain : l.sealed)) {
		err_set(err, ERR_CONFLICT, "the repository %s has lost its %s, "
		    "and what is in it is %sencrypted", repo_name(r), CONFIG,
		    l.sealed ? "" : "not ");
		return err_hint(err, "%s", l.sealed ? "give its recipients: a "
		    "new config is written then" : "leave out the recipients: "
		    "a new config is written then");
	}
	if (l.some)
		log_warning("the repository %s has lost its %s: it gets a new "
		    "one", repo_name(r), CONFIG);
	return true;
}

static bool
write_text(struct repo *r, struct buf *text, struct err *err)
{
	uint8_t id[16];

	if (!hash_random(id, sizeof(id)))
		return err_set(err, ERR_INTERNAL, "no random bytes");
	hash_hex(id, sizeof(id), r->id);
	return buf_printf(text, "{\"format\":\"%s\",\"version\":%d,"
	    "\"id\":\"%s\",\"encrypted\":%s}\n", FORMAT, VERSION, r->id,
	    r->encrypted ? "true" : "false") || err_nomem(err, CONFIG);
}

static bool
make(struct repo *r, struct repo_session *s, struct err *err)
{
	struct repo_object o = { .key = CONFIG };
	struct buf text;
	bool ok = false;

	r->encrypted = r->options.recipients != NULL &&
	    age_recipients_count(r->options.recipients) > 0;
	if (!check_place(r, s, err))
		return false;
	buf_init(&text, REPO_SMALL_MAX);
	if (!write_text(r, &text, err))
		goto out;
	o.data = text.data;
	o.len = text.len;
	switch (repo_write_new(s, &o, false, err)) {
	case REPO_FAILED:
		goto out;
	case REPO_WRITTEN:
		r->made = true;
		break;
	case REPO_TAKEN:
		break;
	}
	/* Another may have made it at the same time: what is there counts. */
	buf_reset(&text);
	ok = repo_read(s, CONFIG, &text, err) && parse(r, &text, err);
out:
	buf_free(&text);
	return ok;
}

bool
repo_config(struct repo *r, struct repo_session *s, struct err *err)
{
	struct buf text;
	bool ok;

	buf_init(&text, REPO_SMALL_MAX);
	if (repo_read(s, CONFIG, &text, err)) {
		ok = parse(r, &text, err);
	} else if (err->kind == ERR_DAMAGED) {
		ok = foreign(r, CONFIG, err);
	} else if (err->kind != ERR_NOT_FOUND ||
	    strcmp(store_reason(s->store), "NoSuchBucket") == 0) {
		ok = err_prefix(err, "cannot open the repository");
	} else if (r->options.create) {
		ok = make(r, s, err);
	} else {
		err_set(err, ERR_NOT_FOUND, "no repository at %s: it has no %s",
		    repo_name(r), CONFIG);
		ok = err_hint(err, "name the repository with --repo; "
		    "`spaceferry backup` makes one where there is none");
	}
	buf_free(&text);
	return ok;
}
