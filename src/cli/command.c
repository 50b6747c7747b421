#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/options.h"

/* What migrate and verify need alike: two ends, of documents or files. */
static bool
is_documents(const char *end)
{

	return end != NULL && strncmp(end, "documents:", 10) == 0;
}

static bool
check_namespace(const struct options *o, struct err *err)
{

	if (o->job.ns == NULL || is_documents(o->job.from) ||
	    is_documents(o->job.to))
		return true;
	return err_set(err, ERR_USAGE, "--namespace goes with documents, in a "
	    "file of their own: archives and servers name their collections");
}

static bool
check_ends(const struct options *o, const char *verb, struct err *err)
{
	const struct spaceferry_options *job = &o->job;

	if (!command_check_snapshot(o, strcmp(verb, "migrate") == 0 ?
	    COMMAND_MIGRATE : COMMAND_VERIFY, err))
		return false;

	if (job->from == NULL && job->to == NULL) {
		if (job->n_files > 0)
			return true;
		err_set(err, ERR_USAGE, "nothing to %s: neither --from and --to "
		    "nor --files is given", verb);
		return err_hint(err, "spaceferry %s --help", verb);
	}
	if (command_for_files(o))
		return true;
	if (job->from == NULL || job->to == NULL) {
		err_set(err, ERR_USAGE, "--%s is missing",
		    job->from == NULL ? "from" : "to");
		return err_hint(err, "give it, or set %s", job->from == NULL ?
		    "SPACEFERRY_FROM" : "SPACEFERRY_TO");
	}
	return check_namespace(o, err);
}

bool
command_check_modes(const struct options *o, struct err *err)
{
	const struct spaceferry_options *job = &o->job;

	if (job->drop && job->on_conflict != SPACEFERRY_ABORT) {
		err_set(err, ERR_USAGE, "--drop leaves nothing that could be in "
		    "conflict: --on-conflict contradicts it");
		return err_hint(err, "leave one of them out");
	}
	if (!job->delta && job->delete_extra)
		return err_set(err, ERR_USAGE, "--delete goes with --delta");
	if (!job->delete_extra && job->max_delete > 0)
		return err_set(err, ERR_USAGE, "--max-delete goes with "
		    "--delta --delete");
	if (job->delete_extra && job->query != NULL) {
		err_set(err, ERR_USAGE, "--delete would remove every document "
		    "that --query does not choose");
		return err_hint(err, "leave one of them out");
	}
	if (job->delta && job->drop)
		return err_set(err, ERR_USAGE, "--delta keeps what is on the "
		    "target, --drop removes it: leave one of them out");
	if (job->delta && job->on_conflict == SPACEFERRY_SKIP)
		return err_set(err, ERR_USAGE, "--delta replaces what differs, "
		    "--on-conflict skip keeps it: leave one of them out");
	return true;
}

static bool
check_migrate(const struct options *o, struct err *err)
{

	if (!check_ends(o, "migrate", err))
		return false;
	return command_check_modes(o, err);
}

/* The other end of export and import. */
static bool
check_archive(const struct options *o, struct err *err)
{
	const struct spaceferry_options *job = &o->job;

	if (job->from != NULL && job->to != NULL)
		return true;
	err_set(err, ERR_USAGE, "--%s is missing",
	    job->from == NULL ? "from" : "to");
	return err_hint(err, "give it, or set %s", job->from == NULL ?
	    "SPACEFERRY_FROM" : "SPACEFERRY_TO");
}

static bool
check_import(const struct options *o, struct err *err)
{

	if (o->documents != NULL && o->job.ns == NULL) {
		err_set(err, ERR_USAGE, "--namespace is missing: of which "
		    "collection are the documents?");
		return err_hint(err, "--namespace database.collection");
	}
	return command_check_snapshot(o, COMMAND_IMPORT, err) &&
	    check_namespace(o, err) && check_archive(o, err);
}

static bool
check_export(const struct options *o, struct err *err)
{

	return command_check_snapshot(o, COMMAND_EXPORT, err) &&
	    check_archive(o, err);
}

/* From the environment or a config file --from may be that of other runs. */
static bool
refuse_two(struct err *err)
{

	err_set(err, ERR_USAGE, "import reads one thing: --from contradicts the "
	    "file or folder that is named");
	return err_hint(err, "leave one of them out");
}

bool
command_set_ends(const struct command *c, struct options *o, struct err *err)
{
	const struct {
		const char *prefix;
		const char *path;
	} named[] = {
		{ "archive:", o->archive },
		{ "dump:", o->dir },
		{ "documents:", o->documents },
	};
	bool exporting = c->bit == COMMAND_EXPORT;
	bool from = options_is_flag(o, "from");
	char *text;
	size_t i, n = 0;

	if (c->bit == COMMAND_RESTORE || c->bit == COMMAND_PRUNE)
		return command_set_snapshot(o, c->bit, err);
	if (c->bit != COMMAND_EXPORT && c->bit != COMMAND_IMPORT)
		return true;
	for (i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
		if (named[i].path == NULL)
			continue;
		n++;
		if (!exporting && from)
			return refuse_two(err);
		if (asprintf(&text, "%s%s", named[i].prefix,
		    named[i].path) < 0)
			return err_nomem(err, "options");
		*(exporting ? &o->job.to : &o->job.from) =
		    options_keep(o, text, strlen(text));
		free(text);
	}
	if (n == 1 || (n == 0 && !exporting && command_is_snapshot(o->job.from)))
		return true;
	err_set(err, ERR_USAGE, n == 0 ? "%s what? no file is given" :
	    "%s takes one file or folder", c->name);
	return err_hint(err, exporting ? "--archive FILE or --dir FOLDER" :
	    "--archive FILE, --dir FOLDER, --documents FILE or --from "
	    "snapshot:ID");
}

static bool
check_verify(const struct options *o, struct err *err)
{

	return check_ends(o, "verify", err);
}

static bool
check_diff(const struct options *o, struct err *err)
{

	return check_ends(o, "diff", err);
}

static bool
check_doctor(const struct options *o, struct err *err)
{
	const struct spaceferry_options *job = &o->job;

	if (job->from != NULL || job->to != NULL || job->n_files > 0 ||
	    job->app != NULL || job->env_file != NULL || job->app_url != NULL)
		return check_namespace(o, err) && command_check_modes(o, err);
	err_set(err, ERR_USAGE, "nothing to look at");
	return err_hint(err, "give what there is of the migration: --from, --to, "
	    "--files, --app, --env-file, --app-url");
}

static bool
check_rewrite(const struct options *o, struct err *err)
{
	size_t i, n_rules = o->job.n_rewrite;

	for (i = 0; i < o->job.n_files; i++)
		n_rules += o->job.files[i].url.from != NULL;
	if (o->operands.n == 0) {
		err_set(err, ERR_USAGE, "rewrite which files? none is named");
		return err_hint(err, "spaceferry rewrite FILE... --rewrite "
		    "FROM=TO");
	}
	if (n_rules == 0) {
		err_set(err, ERR_USAGE, "there is no rule to rewrite by");
		return err_hint(err, "give --rewrite FROM=TO, or the --files and "
		    "--files-url of the migration, or its config file");
	}
	return true;
}

const struct command command_table[] = {
	{ .name = "migrate", .bit = COMMAND_MIGRATE,
	    .help = "move data and files, rewrite URLs, verify",
	    .usage = "--from URI --to URI [OPTION]...",
	    .more = "Moves the chosen collections with their options, indexes "
	    "and views, and the files, from the source to the target; rewrites "
	    "URLs inside the documents on the way; then reads the target back "
	    "and compares counts and digests.  Nothing counts as moved before "
	    "that.\n\n"
	    "A run that was interrupted is resumed by the same command.  After "
	    "a success the same command begins anew.",
	    .example =
	    "export SPACEFERRY_FROM='mongodb://localhost:27017/app'\n"
	    "export SPACEFERRY_TO='mongodb+srv://user:password@cluster.example.net/app'\n"
	    "spaceferry migrate --files ./uploads=s3://bucket/uploads \\\n"
	    "    --files-url /uploads=https://cdn.example.net/uploads --dry-run\n",
	    .check = check_migrate },
	{ .name = "verify", .bit = COMMAND_VERIFY,
	    .help = "compare both sides: counts, digests, metadata, files",
	    .usage = "--from URI --to URI [OPTION]...",
	    .more = "Compares the source, after rewriting, with the target, and "
	    "writes to neither.  What differs is named.  Give it the options "
	    "that the migration had, or the same config file.",
	    .example =
	    "spaceferry verify --config spaceferry.yaml --json\n",
	    .check = check_verify },
	{ .name = "diff", .bit = COMMAND_DIFF,
	    .help = "show what differs, document by document",
	    .usage = "--from URI --to URI [OPTION]...",
	    .more = "Compares the source, after rewriting, with the target: "
	    "documents with the fields that differ, options, indexes, views, "
	    "files.  Writes to neither.  Lines that begin with - are the "
	    "source's, with + the target's.  With --json each difference is a "
	    "line, the summary the last one.",
	    .example =
	    "spaceferry diff --config spaceferry.yaml --ignore 'app.users:lastSeen'\n",
	    .check = check_diff },
	{ .name = "doctor", .bit = COMMAND_DOCTOR,
	    .help = "look for what would stop a migration, and its remedy",
	    .usage = "[--from URI] [--to URI] [--app FOLDER] [OPTION]...",
	    .more = "Checks each end layer by layer, what the target allows and "
	    "whether the data fits, the stores, and, if it is given, the app's "
	    "source, environment and answers.  What it writes to try rights "
	    "out it removes again.  Exit status 1: a check failed.",
	    .example =
	    "spaceferry doctor --config spaceferry.yaml --app . --env-file .env\n",
	    .check = check_doctor },
	{ .name = "export", .bit = COMMAND_EXPORT,
	    .help = "write an archive or dump that mongorestore reads",
	    .usage = "--from URI --archive FILE|- [OPTION]...",
	    .more = "Writes the chosen collections, with their options and "
	    "indexes, into one file or a folder in mongodump's format, "
	    "rewriting URLs on the way.  The file takes its name once it is "
	    "whole; then it is read back and compared with what was sent.  To "
	    "stdout (-) nothing can be read back, and the summary goes to "
	    "stderr.\n\n"
	    "A file named .gz or .zst is compressed.  Time-series travel as "
	    "their buckets: URLs inside are not rewritten.  The same as "
	    "migrate --to archive:FILE or dump:FOLDER.",
	    .example =
	    "spaceferry export --from mongodb://localhost/app --archive app.archive.gz\n"
	    "spaceferry export --archive - | mongorestore --archive --drop\n",
	    .check = check_export },
	{ .name = "import", .bit = COMMAND_IMPORT,
	    .help = "move an archive or dump of mongodump into a MongoDB",
	    .usage = "--archive FILE|- --to URI [OPTION]...",
	    .more = "Reads what mongodump or export wrote.  A file is read to "
	    "its end, and checked, before anything is written; then its "
	    "collections are moved as migrate moves them, rewritten, read back "
	    "and compared; the only database of an archive becomes the one "
	    "named in --to.  An interrupted import is resumed by the same "
	    "command.\n\n"
	    "From stdin (-) damage is found only on the way (exit status 3, the "
	    "target is then incomplete), and every document is read again after "
	    "an interruption.  --documents takes the bare documents of one "
	    "collection: a .bson file, or one of the quarantine.",
	    .example =
	    "spaceferry import --archive app.archive.gz --to mongodb://localhost/app\n"
	    "mongodump --archive | spaceferry import --archive - --rename 'app.*=new.*'\n",
	    .check = check_import },
	{ .name = "rewrite", .bit = COMMAND_REWRITE,
	    .help = "show or make the same rewriting in text files",
	    .usage = "FILE... --rewrite FROM=TO [OPTION]...", .operands = "file",
	    .more = "Applies the rules to configuration files (.env, "
	    "next.config.js, docker-compose.yml, nginx.conf) and shows what "
	    "would change as a unified diff, which patch -p1 and git apply "
	    "take.  Names are relative to the current folder, those of files "
	    "elsewhere to /.  The diff is the text as it is: lines beside a "
	    "change may hold secrets.  No file is changed without --write.\n\n"
	    "With --write each file is replaced at one moment, keeping owner, "
	    "mode and line endings, and what it was is kept beside it as "
	    "FILE.bak, or FILE.bak.1 and so on where that name is taken.  A "
	    "link is followed, and its target replaced.  Every file is looked "
	    "at before the first one is changed.  Rules that would change their "
	    "own result again are refused.\n\n"
	    "Files where nothing matches are not touched.  Binary files (a NUL "
	    "byte, UTF-16) are left as they are and named; a line of more than "
	    "16 MiB is an error.  Exit status 0: shown or written, whether "
	    "anything matches or not.",
	    .example =
	    "spaceferry rewrite .env next.config.js --config spaceferry.yaml\n"
	    "spaceferry rewrite .env --rewrite https://old.example=https://new.example --write\n",
	    .check = check_rewrite },
	{ .name = "backup", .bit = COMMAND_BACKUP,
	    .help = "store a snapshot: deduplicated, encrypted",
	    .usage = "--from URI --repo STORE --recipient AGE1... [OPTION]...",
	    .more = "Stores what the repository does not have yet of the chosen "
	    "collections and of the files, then a snapshot that names all of it.  "
	    "A replica set is read at one cluster time.  With --recipient it is "
	    "encrypted as the age program does it; whoever backs up needs no "
	    "secret key, and no right to delete.\n\n"
	    "A run that was interrupted is no loss: the next one finds what it "
	    "stored.  SPACEFERRY_NAMING_KEY holds the naming key, 64 hex digits, "
	    "where the machine keeps no state.",
	    .example =
	    "age-keygen -o key.txt        # keep it elsewhere, twice\n"
	    "spaceferry backup --from mongodb://localhost/app --files ./uploads \\\n"
	    "    --repo s3://bucket/backup --recipient age1...\n",
	    .check = command_check_backup },
	{ .name = "restore", .bit = COMMAND_RESTORE,
	    .help = "bring a snapshot back, or prove that it would come",
	    .usage = "--repo STORE --identity FILE --to URI [OPTION]...",
	    .more = "A migration whose source is a snapshot: --from snapshot:ID, "
	    "or the latest one.  Collections, documents, files can be chosen, "
	    "renamed and rewritten as migrate does it; the target is read back "
	    "and compared.  An interrupted restore is resumed by the same "
	    "command.\n\n"
	    "With --drill everything goes to a scratch place, is compared with "
	    "the counts and digests that the snapshot holds, and removed: the "
	    "proof that a backup is one.",
	    .example =
	    "spaceferry restore --repo s3://bucket/backup --identity key.txt \\\n"
	    "    --to mongodb://localhost/app --files ./uploads\n"
	    "spaceferry restore --drill --repo s3://bucket/backup --identity key.txt \\\n"
	    "    --to mongodb://localhost\n",
	    .check = command_check_restore },
	{ .name = "snapshots", .bit = COMMAND_SNAPSHOTS,
	    .help = "list what is in a repository",
	    .usage = "--repo STORE [OPTION]...",
	    .more = "One line for each snapshot, the oldest first: what it needs "
	    "(stored), and what it was the first to need (added).  What an "
	    "encrypted one holds takes --identity.  With --json each is a line "
	    "before the summary.",
	    .example = "spaceferry snapshots --repo s3://bucket/backup\n",
	    .check = command_check_snapshots },
	{ .name = "check", .bit = COMMAND_CHECK,
	    .help = "look for damage in a repository",
	    .usage = "--repo STORE [OPTION]...",
	    .more = "Looks whether every object that a snapshot needs is there "
	    "and of its size; with --read-data whether it is what was stored, "
	    "too.  That takes no secret.  With --identity contents are held "
	    "against their names, and what is lost is named by collection and "
	    "file.  Exit status 1: there is damage, or the newest snapshot is "
	    "older than --max-age.",
	    .example =
	    "spaceferry check --repo s3://bucket/backup --max-age 24h\n"
	    "spaceferry check --repo s3://bucket/backup --read-data-subset 5%\n",
	    .check = command_check_check },
	{ .name = "prune", .bit = COMMAND_PRUNE,
	    .help = "remove snapshots that a policy does not keep",
	    .usage = "--repo STORE --keep-daily N [OPTION]...",
	    .more = "Removes the snapshots that none of the --keep options keeps, "
	    "then what no snapshot needs any more.  Without a --keep option only "
	    "the latter.  With --from snapshot:ID that one is removed, whatever "
	    "it is of.  Waits for backups that run.  Needs no secret but the "
	    "right to delete.",
	    .example =
	    "spaceferry prune --repo s3://bucket/backup --keep-daily 7 --keep-weekly 5 --dry-run\n",
	    .check = command_check_prune },
};

const size_t command_count = sizeof(command_table) / sizeof(command_table[0]);

const struct command *
command_find(const char *name)
{
	size_t i;

	for (i = 0; i < command_count; i++) {
		if (strcmp(command_table[i].name, name) == 0)
			return &command_table[i];
	}
	return NULL;
}

const char *
command_names(unsigned set, char *out, size_t size)
{
	size_t i, used = 0;

	out[0] = '\0';
	for (i = 0; i < command_count; i++) {
		if (!(set & (unsigned)command_table[i].bit))
			continue;
		if (used < size)
			used += (size_t)snprintf(out + used, size - used,
			    "%s%s", used > 0 ? ", " : "",
			    command_table[i].name);
	}
	return out;
}

bool
command_unknown(const char *name, struct err *err)
{
	const char *names[32], *near;
	char all[200];
	size_t i;

	for (i = 0; i < command_count && i < 32; i++)
		names[i] = command_table[i].name;
	err_set(err, ERR_USAGE, "unknown command '%.60s'", name);
	if ((near = options_nearest(name, names, i)) != NULL)
		return err_hint(err, "did you mean %s?", near);
	return err_hint(err, "commands: %s",
	    command_names((unsigned)COMMAND_ALL, all, sizeof(all)));
}
