#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "job/accounts.h"
#include "doctor/ends.h"
#include "doctor/room.h"
#include "job/preflight.h"
#include "mongo/catalog.h"
#include "mongo/inspect.h"

/* Of M0 and Flex, as Atlas documents them. */
#define SMALL_COLLECTIONS 500
#define SMALL_DATABASES 100

#define FEATURES_MAX 8

static enum doctor_next
tell_result(struct doctor_ends *all, const char *name, bool ok,
    const char *pass, struct err *err)
{

	if (!ok)
		return doctor_failed(all->doctor, name, err);
	doctor_pass(all->doctor, name, "%s", pass);
	return DOCTOR_GO;
}

/* --- versions, and what needs one --- */

/* As mongo_facts has it: 6.0.5 is 60005; 0 when it is none. */
static int
number_of(const char *version)
{
	int part[3] = { 0, 0, 0 };

	if (sscanf(version, "%3d.%3d.%3d", &part[0], &part[1], &part[2]) < 2)
		return 0;
	return part[0] * 10000 + part[1] * 100 + part[2];
}

static const struct feature {
	const char *option;	/* of a collection, or of an index */
	bool of_index;
	int since;
	const char *name;
} features[FEATURES_MAX] = {
	{ "timeseries", false, 50000, "time-series (5.0)" },
	{ "clusteredIndex", false, 50300, "clustered collections (5.3)" },
	{ "changeStreamPreAndPostImages", false, 60000,
	    "pre-images (6.0)" },
	{ "encryptedFields", false, 60000, "encrypted fields (6.0)" },
	{ "columnstoreProjection", true, 60300, "columnstore indexes (6.3)" },
	{ "collation", false, 30400, "collations (3.4)" },
	{ "wildcardProjection", true, 40200, "wildcard indexes (4.2)" },
	{ "hidden", true, 40400, "hidden indexes (4.4)" },
};

static bool
uses(const struct collection_info *info, const struct feature *f)
{

	return f->of_index ? inspect_has_index_option(info, f->option) :
	    inspect_has_option(info, f->option);
}

static void
check_features(struct doctor_ends *all, int target, const char *as)
{
	struct doctor_names lacking = { .n = 0 }, used = { .n = 0 };
	char text[MONGO_NS_MAX + 64];
	size_t i, j;

	for (i = 0; i < FEATURES_MAX; i++) {
		for (j = 0; j < all->data.n_moves; j++) {
			const struct collection_info *info =
			    all->data.moves[j].info;

			if (!uses(info, &features[i]))
				continue;
			snprintf(text, sizeof(text), "%s: %s", info->ns,
			    features[i].name);
			doctor_names_add(target < features[i].since ?
			    &lacking : &used, text);
		}
	}
	if (lacking.n > 0)
		doctor_fail(all->doctor, "features", "choose a newer target "
		    "(or raise its featureCompatibilityVersion), or --exclude "
		    "the collections", "%s has not yet what is used: %s", as,
		    doctor_names_text(&lacking));
	else
		doctor_pass(all->doctor, "features", used.n > 0 ?
		    "the target knows %s" : "nothing is used that depends on "
		    "the version%s", used.n > 0 ? doctor_names_text(&used) :
		    "");
}

static enum doctor_next
check_versions(struct doctor_ends *all, struct err *err)
{
	const char *from = end_version(all->source.end);
	const char *to = end_version(all->target.end);
	int source = number_of(from), target = number_of(to), allowed;
	char compatibility[16] = "", as[160];

	if (!all->small && !inspect_compatibility(all->target.end->session,
	    compatibility, err))
		return doctor_failed(all->doctor, "version", err);
	allowed = number_of(compatibility);
	if (allowed == 0 || allowed / 100 > target / 100)
		allowed = target;
	snprintf(as, sizeof(as), "the target (%s%s%s)", to,
	    allowed / 100 < target / 100 ? ", featureCompatibilityVersion " :
	    "", allowed / 100 < target / 100 ? compatibility : "");
	if (source == 0)
		doctor_pass(all->doctor, "version", "target %s; the source's "
		    "is not known", to);
	else if (target / 100 < source / 100)
		doctor_warn(all->doctor, "version", "a target that is as new "
		    "as the source takes all that it has; else see features, "
		    "and try migrate --dry-run", "the target (%s) is older "
		    "than the source (%s)", to, from);
	else
		doctor_pass(all->doctor, "version", "source %s, target %s",
		    from, to);
	check_features(all, allowed, as);
	return DOCTOR_GO;
}

/* --- Atlas' small tiers --- */

static bool
is_planned(const struct data *d, const char *ns)
{
	size_t i;

	for (i = 0; i < d->n_moves; i++) {
		if (strcmp(d->moves[i].target_ns, ns) == 0)
			return true;
	}
	return false;
}

static bool
contains(const struct strings *list, const char *s)
{
	size_t i;

	for (i = 0; i < list->n; i++) {
		if (strcmp(list->v[i], s) == 0)
			return true;
	}
	return false;
}

/* What there will be, all databases together, as far as the user may see. */
static bool
count_all(struct doctor_ends *all, size_t *collections, size_t *databases,
    struct err *err)
{
	struct strings there = { NULL, 0 }, new = { NULL, 0 };
	struct mongo_session *s = all->target.end->session;
	struct catalog *c = NULL;
	bool ok;
	size_t i;

	ok = catalog_databases(s, &there, err) &&
	    data_target_databases(&all->data, &new, err);
	if (ok && there.n > 0)
		ok = (c = catalog_list(s, &there, err)) != NULL;
	*collections = all->data.n_moves;
	for (i = 0; ok && c != NULL && i < c->n; i++)
		*collections += !is_planned(&all->data, c->v[i].ns);
	*databases = there.n;
	for (i = 0; ok && i < new.n; i++)
		*databases += !contains(&there, new.v[i]);
	catalog_free(c);
	strings_free(&there);
	strings_free(&new);
	return ok;
}

static enum doctor_next
check_count(struct doctor_ends *all, struct err *err)
{
	size_t collections, databases;

	if (!count_all(all, &collections, &databases, err))
		return doctor_failed(all->doctor, "count", err);
	if (collections > SMALL_COLLECTIONS || databases > SMALL_DATABASES)
		doctor_fail(all->doctor, "count", "choose a larger tier, or "
		    "--exclude some", "there would be %zu collections in %zu "
		    "databases; this tier of Atlas holds %d and %d",
		    collections, databases, SMALL_COLLECTIONS,
		    SMALL_DATABASES);
	else
		doctor_pass(all->doctor, "count", "%zu of %d collections, %zu "
		    "of %d databases, with what is there", collections,
		    SMALL_COLLECTIONS, databases, SMALL_DATABASES);
	return DOCTOR_GO;
}

static bool
mentions(const struct rawdoc *doc, const char *word)
{

	return doc->data != NULL && memmem(doc->data, doc->len, word,
	    strlen(word) + 1) != NULL;
}

static void
check_options(struct doctor_ends *all)
{
	struct doctor_names storage = { .n = 0 }, code = { .n = 0 };
	size_t i;

	for (i = 0; i < all->data.n_moves; i++) {
		const struct collection_info *info = all->data.moves[i].info;

		if (inspect_has_option(info, "storageEngine") ||
		    inspect_has_index_option(info, "storageEngine"))
			doctor_names_add(&storage, info->ns);
		if (info->type == COLLECTION_VIEW &&
		    (mentions(&info->options, "$function") ||
		    mentions(&info->options, "$accumulator") ||
		    mentions(&info->options, "$where")))
			doctor_names_add(&code, info->ns);
	}
	if (storage.n > 0)
		doctor_warn(all->doctor, "options", "nothing is lost but the "
		    "tuning: choose a dedicated tier to keep it",
		    "storageEngine, which this tier of Atlas refuses, is left "
		    "out of %s", doctor_names_text(&storage));
	else if (code.n > 0)
		doctor_warn(all->doctor, "options", "write them without "
		    "JavaScript, or choose a dedicated tier", "views that run "
		    "JavaScript ($function, $accumulator, $where), which this "
		    "tier of Atlas refuses: %s", doctor_names_text(&code));
	else
		doctor_pass(all->doctor, "options", "none that this tier of "
		    "Atlas refuses");
}

/* --- in order --- */

/* The folder that an archive is written in, or that a dump is. */
static void
folder_of(const struct archive_place *place, char out[PATH_MAX])
{
	const char *slash = strrchr(place->path, '/');

	if (place->kind == ARCHIVE_DUMP)
		snprintf(out, PATH_MAX, "%s", place->path);
	else if (slash == NULL)
		snprintf(out, PATH_MAX, ".");
	else
		snprintf(out, PATH_MAX, "%.*s", slash == place->path ? 1 :
		    (int)(slash - place->path), place->path);
}

/* An archive or a dump on this machine's disk. */
static enum doctor_next
fit_archive(struct doctor_ends *all, struct err *err)
{
	const struct archive_place *place = &all->target.end->place;
	char folder[PATH_MAX];
	struct doctor_room room = {
		.path = folder, .what = "the archive (at most)",
		.remedy = "make room there, or choose another disk",
	};
	bool may;
	size_t i;

	if (place->stream)
		return DOCTOR_GO;
	folder_of(place, folder);
	for (i = 0; i < all->data.n_moves; i++)
		room.better += all->data.moves[i].info->bytes;
	room.need = room.better / 10;
	if (!doctor_room_writable(all->doctor, "folder", folder, &may, err))
		return DOCTOR_ABORT;
	return !may || doctor_room_enough(all->doctor, "room", &room, err) ?
	    DOCTOR_GO : DOCTOR_ABORT;
}

enum doctor_next
doctor_fit_tier(struct doctor_ends *all, struct err *err)
{

	if (all->target.end->kind != END_MONGO)
		return DOCTOR_GO;
	doctor_pass(all->doctor, "tier", all->small ?
	    "the target is M0 or Flex of Atlas" :
	    "the target is none of Atlas' small tiers");
	return tell_result(all, "names", preflight_names(&all->data, all->small,
	    err), all->small ? "none is longer than 95 bytes, no database's "
	    "than 38" : "none is too long", err);
}

enum doctor_next
doctor_fit(struct doctor_ends *all, struct err *err)
{
	struct doctor *d = all->doctor;

	if (all->target.end->kind != END_MONGO)
		return fit_archive(all, err);
	if (check_versions(all, err) == DOCTOR_ABORT ||
	    tell_result(all, "indexes", preflight_indexes(&all->data, err),
	    "no kind of index that the target does not know", err) ==
	    DOCTOR_ABORT ||
	    tell_result(all, "case", preflight_case(&all->data, err),
	    "no two databases differ in case only", err) == DOCTOR_ABORT)
		return DOCTOR_ABORT;
	if (all->small) {
		if (check_count(all, err) == DOCTOR_ABORT)
			return DOCTOR_ABORT;
		check_options(all);
	}
	if (d->job.options->users_and_roles && tell_result(all, "users",
	    accounts_check(&all->data, &d->job, NULL, err),
	    "users and roles can be moved", err) == DOCTOR_ABORT)
		return DOCTOR_ABORT;
	return doctor_fit_size(all, err);
}
