#include "cli/command.h"
#include "cli/options.h"

#define AT(member) offsetof(struct options, member)
#define JOB(member) offsetof(struct options, job.member)

enum {
	MIGRATE = COMMAND_MIGRATE,
	VERIFY = COMMAND_VERIFY,
	EXPORT = COMMAND_EXPORT,
	IMPORT = COMMAND_IMPORT,
	DIFF = COMMAND_DIFF,
	DOCTOR = COMMAND_DOCTOR,
	REWRITE = COMMAND_REWRITE,
	BACKUP = COMMAND_BACKUP,
	RESTORE = COMMAND_RESTORE,
	SNAPSHOTS = COMMAND_SNAPSHOTS,
	CHECK = COMMAND_CHECK,
	PRUNE = COMMAND_PRUNE,
	REPO = BACKUP | RESTORE | SNAPSHOTS | CHECK | PRUNE,
	COMPARE = VERIFY | DIFF,
	BOTH = MIGRATE | COMPARE | DOCTOR,	/* those with two ends */
	WRITES = MIGRATE | EXPORT | IMPORT,
	DATA = WRITES | COMPARE | DOCTOR | RESTORE
};

/* Help, man page and completions list the rows of a group in this order. */
const struct options_row options_table[] = {
	/* The two ends */
	{ .name = "from", .group = OPTIONS_ENDS, .argument = "URI",
	    .help = "mongodb(+srv)://, archive:, dump:, snapshot:",
	    .more = "Also archive:FILE (archive:- is stdin) and dump:FOLDER: "
	    "what mongodump or export wrote; with --repo snapshot:ID or "
	    "snapshot:latest: what backup stored.  import takes that one only.  "
	    "A database named in the path of the URI is the default of "
	    "--db.  A password does better in the environment: on the command "
	    "line other users can see it until it is overwritten, which is "
	    "done at the start, with a warning.",
	    .type = &options_text, .field = JOB(from),
	    .commands = BOTH | EXPORT | IMPORT | BACKUP | RESTORE | PRUNE,
	    .environment = "SPACEFERRY_FROM", .secret = true },
	{ .name = "to", .group = OPTIONS_ENDS, .argument = "URI",
	    .help = "the target, likewise",
	    .more = "When the paths of both URIs name a database and the names "
	    "differ, the source's is renamed to the target's.",
	    .type = &options_text, .field = JOB(to),
	    .commands = BOTH | IMPORT | RESTORE,
	    .environment = "SPACEFERRY_TO", .secret = true },
	{ .name = "archive", .group = OPTIONS_ENDS, .argument = "FILE",
	    .help = "one file in mongodump's format; - is a pipe",
	    .type = &options_text, .field = AT(archive),
	    .commands = EXPORT | IMPORT, .completes = "file" },
	{ .name = "dir", .group = OPTIONS_ENDS, .argument = "FOLDER",
	    .help = "a folder as mongodump --out makes it",
	    .type = &options_text, .field = AT(dir),
	    .commands = EXPORT | IMPORT, .completes = "folder" },
	{ .name = "documents", .group = OPTIONS_ENDS, .argument = "FILE",
	    .help = "bare documents, as in a .bson file",
	    .type = &options_text, .field = AT(documents),
	    .commands = IMPORT, .completes = "file" },
	{ .name = "namespace", .group = OPTIONS_ENDS, .argument = "NS",
	    .help = "the collection of bare documents: app.users",
	    .more = "For --documents FILE, which migrate and verify know as "
	    "the end documents:FILE.",
	    .type = &options_text, .field = JOB(ns), .commands = BOTH | IMPORT },
	{ .name = "compress", .group = OPTIONS_ENDS,
	    .argument = "gzip|zstd|none",
	    .help = "of the archive (default: by its name)",
	    .more = "A file named .gz or .zst is compressed, any other and a "
	    "pipe are not.  In a dump folder gzip makes every file a .gz; "
	    "both are read without being told.",
	    .type = &options_word, .field = JOB(compress),
	    .commands = DATA },

	/* Documents */
	{ .name = "db", .group = OPTIONS_DATA, .argument = "NAME",
	    .help = "this database only (may be repeated)",
	    .more = "Without it, and without a database in the URI of the "
	    "source, every database but admin, config and local is taken.",
	    .type = &options_list, .field = JOB(db.v), .count = JOB(db.n),
	    .commands = DATA | BACKUP },
	{ .name = "include", .group = OPTIONS_DATA, .argument = "NS",
	    .help = "only these namespaces: 'app.u*' (repeatable)",
	    .more = "A glob over DATABASE.COLLECTION as the source names it: "
	    "* stands for any run of characters, ? for one byte.",
	    .type = &options_list, .field = JOB(include.v),
	    .count = JOB(include.n), .commands = DATA | BACKUP },
	{ .name = "exclude", .group = OPTIONS_DATA, .argument = "NS",
	    .help = "not these namespaces (repeatable)",
	    .more = "A glob as for --include; it wins over --include.",
	    .type = &options_list, .field = JOB(exclude.v),
	    .count = JOB(exclude.n), .commands = DATA | BACKUP },
	{ .name = "query", .group = OPTIONS_DATA, .argument = "JSON",
	    .help = "only documents that match this filter",
	    .more = "A filter in Extended JSON, applied to every chosen "
	    "collection of the source.",
	    .type = &options_text, .field = JOB(query), .commands = BOTH | EXPORT | RESTORE },
	{ .name = "rename", .group = OPTIONS_DATA, .argument = "FROM=TO",
	    .help = "namespaces on the target: 'old.*=new.*'",
	    .more = "Each side is a namespace with at most one *.",
	    .type = &options_pairs, .field = JOB(rename),
	    .count = JOB(n_rename), .commands = DATA },
	{ .name = "on-conflict", .group = OPTIONS_DATA,
	    .argument = "abort|skip|replace",
	    .help = "documents that the target has already",
	    .more = "abort, the default: any document in a chosen namespace of "
	    "the target stops the run before it changes anything.  skip keeps "
	    "the target's document, and counts it as kept.  replace puts the "
	    "source's in its place.  restore holds to it with files, too: other "
	    "contents under the same name stop it, are kept, or replaced.",
	    .type = &options_choice, .field = JOB(on_conflict),
	    .commands = MIGRATE | IMPORT | DOCTOR | RESTORE },
	{ .name = "drop", .group = OPTIONS_DATA,
	    .help = "remove the target's namespaces first",
	    .more = "Only the chosen namespaces, as they are named there.",
	    .type = &options_flag, .field = JOB(drop),
	    .commands = WRITES | DOCTOR | RESTORE },
	{ .name = "delta", .group = OPTIONS_DATA,
	    .help = "move only what differs on the target",
	    .more = "Brings a target up to date: compares both sides by "
	    "digests first, then inserts what is missing and replaces what "
	    "differs (--on-conflict replace is implied).  Collections and "
	    "indexes that are missing are made; whole collections that only "
	    "the target has stay.  A capped or time-series collection that "
	    "differs is replaced whole, with --delete only, unless it is empty.",
	    .type = &options_flag, .field = JOB(delta),
	    .commands = MIGRATE | DOCTOR },
	{ .name = "delete", .group = OPTIONS_DATA,
	    .help = "with --delta: remove what only the target has",
	    .more = "Documents in the chosen collections, and files as "
	    "--files-include and --files-exclude choose them.  Without it "
	    "they are counted as extra and left alone.  Where a collection or "
	    "place of the source is empty, and the target's is not, it takes "
	    "--max-delete, too: the source may be the wrong one.",
	    .type = &options_flag, .field = JOB(delete_extra),
	    .commands = MIGRATE | DOCTOR },
	{ .name = "max-delete", .group = OPTIONS_DATA, .argument = "N",
	    .help = "remove nothing if it were more than N",
	    .more = "Documents and files are counted together before anything "
	    "is changed, which takes a comparison more; if they are more than "
	    "N, the run ends (exit status 2).  With 0 nothing at all is removed.",
	    .type = &options_removals, .field = JOB(max_delete),
	    .commands = MIGRATE },
	{ .name = "users-and-roles", .group = OPTIONS_DATA,
	    .help = "also the users and roles of these databases",
	    .more = "With their passwords as they are.  --on-conflict says what "
	    "becomes of those that the target has already; those that belong "
	    "to admin are named, not moved.  Atlas does not allow it.",
	    .type = &options_flag, .field = JOB(users_and_roles),
	    .commands = DATA },

	/* Files */
	{ .name = "files", .group = OPTIONS_FILES, .argument = "FROM=TO",
	    .help = "uploads: folder or store to store (repeatable)",
	    .more = "FROM is a folder or a store, TO a store: a PATH, "
	    "file:///path or s3://bucket/prefix.  The text splits at the first "
	    "= that a / or a scheme follows, else at the first =.  Folders to "
	    "write to are made, buckets never.  backup takes one END, the folder or "
	    "store to be backed up; restore END, where files go, or OLD=END, where "
	    "OLD is the END that was backed up (=END for one whose name holds =).",
	    .type = &options_places, .field = JOB(files),
	    .count = JOB(n_files), .commands = BOTH | REWRITE | BACKUP | RESTORE,
	    .completes = "folder" },
	{ .name = "files-url", .group = OPTIONS_FILES, .argument = "FROM=TO",
	    .help = "public URLs of the --files before it: a rule",
	    .more = "What the documents call the files now, and what they shall "
	    "call them.  It rewrites as --rewrite does, and links are looked "
	    "up by it: those that name no file are counted as dangling.  Given "
	    "again for the same --files, with the same TO, it is one more "
	    "spelling of the old URLs.",
	    .type = &options_urls, .field = JOB(files), .count = JOB(n_files),
	    .commands = BOTH | REWRITE | RESTORE},
	{ .name = "files-include", .group = OPTIONS_FILES, .argument = "GLOB",
	    .help = "only files of these names (repeatable)",
	    .more = "A glob over the whole key, the path below FROM; * stands "
	    "for / too.",
	    .type = &options_list, .field = JOB(files_include.v),
	    .count = JOB(files_include.n), .commands = BOTH | BACKUP | RESTORE },
	{ .name = "files-exclude", .group = OPTIONS_FILES, .argument = "GLOB",
	    .help = "not files of these names (repeatable)",
	    .type = &options_list, .field = JOB(files_exclude.v),
	    .count = JOB(files_exclude.n), .commands = BOTH | BACKUP | RESTORE },
	{ .name = "download", .group = OPTIONS_FILES,
	    .help = "read every object back, whatever is recorded",
	    .more = "Otherwise an object whose size and ETag are still those "
	    "noted when it was written counts as proven.",
	    .type = &options_flag, .field = JOB(download), .commands = MIGRATE | COMPARE | RESTORE},
	{ .name = "cache-control", .group = OPTIONS_FILES, .argument = "TEXT",
	    .help = "Cache-Control of uploaded files",
	    .type = &options_text, .field = JOB(cache_control),
	    .commands = MIGRATE | RESTORE },
	{ .name = "content-disposition", .group = OPTIONS_FILES,
	    .argument = "auto|inline|attachment",
	    .help = "how browsers take uploaded files",
	    .more = "auto, the default, has browsers show images, sound, "
	    "film and the like, and download whatever could run as a script "
	    "in your site's name.",
	    .type = &options_word, .field = JOB(content_disposition),
	    .commands = MIGRATE | RESTORE },

	/* Rewriting */
	{ .name = "rewrite", .group = OPTIONS_REWRITING, .argument = "FROM=TO",
	    .help = "a URL prefix and its replacement (repeatable)",
	    .more = "FROM starts with http://, https:// or /; TO likewise or "
	    "with //, or is empty.  Both end in / or neither does.  A * may "
	    "stand for the leftmost label of FROM's host, $1 in TO repeats it.",
	    .type = &options_pairs, .field = JOB(rewrite),
	    .count = JOB(n_rewrite), .commands = DATA | REWRITE, .empty = true },
	{ .name = "rewrite-skip", .group = OPTIONS_REWRITING,
	    .argument = "NS:PATH",
	    .help = "leave these fields alone (repeatable)",
	    .more = "NS is a glob over the source's namespaces, PATH a dotted "
	    "path; arrays are passed through, * is any key.",
	    .type = &options_list, .field = JOB(rewrite_skip.v),
	    .count = JOB(rewrite_skip.n), .commands = DATA },
	{ .name = "rewrite-files", .group = OPTIONS_REWRITING,
	    .argument = "GLOB",
	    .help = "rewrite inside these text files too (repeatable)",
	    .type = &options_list, .field = JOB(rewrite_files.v),
	    .count = JOB(rewrite_files.n), .commands = BOTH | RESTORE },

	/* Repositories */
#include "cli/options_table_repo.inc"

	/* The run */
	{ .name = "dry-run", .group = OPTIONS_RUN,
	    .help = "read everything, write nothing, tell",
	    .more = "Shows what the run would do, with samples of rewritten "
	    "values, and exits as the run would, as far as reading can tell.",
	    .type = &options_flag, .field = JOB(dry_run),
	    .commands = WRITES | BACKUP | RESTORE | PRUNE },
	{ .name = "restart", .group = OPTIONS_RUN,
	    .help = "begin anew instead of resuming",
	    .more = "Drops what is recorded about an unfinished run between "
	    "the same two ends.",
	    .type = &options_flag, .field = JOB(restart),
	    .commands = MIGRATE | IMPORT | DOCTOR | RESTORE },
	{ .name = "consistent", .group = OPTIONS_RUN,
	    .help = "fail rather than read at several times",
	    .more = "A replica set is read at one cluster time as far as that "
	    "goes: capped collections are read as they are, and what is not "
	    "read when the server's history ends goes on at a later time.  "
	    "With this option each of these is an error, and so is a "
	    "standalone source.",
	    .type = &options_flag, .field = JOB(consistent),
	    .commands = BOTH | EXPORT | BACKUP },
	{ .name = "jobs", .group = OPTIONS_RUN, .argument = "N",
	    .help = "workers (default: by the processors)",
	    .type = &options_jobs, .field = JOB(jobs), .commands = DATA | REPO },
	{ .name = "memory", .group = OPTIONS_RUN, .argument = "SIZE",
	    .help = "for documents on their way (default 64MiB)",
	    .more = "kB, MB, GB are powers of 1000; KiB, MiB, GiB and k, m, g "
	    "powers of 1024.",
	    .type = &options_size, .field = JOB(memory), .commands = DATA | REPO },
	{ .name = "bwlimit", .group = OPTIONS_RUN, .argument = "RATE",
	    .help = "at most so much a second: 10MiB/s, 80mbit",
	    .more = "0 is no limit.",
	    .type = &options_rate, .field = JOB(bandwidth), .commands = DATA | REPO },
	{ .name = "patience", .group = OPTIONS_RUN, .argument = "DURATION",
	    .help = "how long to retry what fails (default 10m)",
	    .more = "As 90s, 10m or 1h30m.",
	    .type = &options_duration, .field = JOB(patience_ms),
	    .commands = DATA | REPO },
	{ .name = "state", .group = OPTIONS_RUN, .argument = "STORE",
	    .help = "where the journal lives: PATH, s3://bucket/prefix",
	    .more = "What is needed to resume, the manifest of moved files and "
	    "the quarantine.  Default: $XDG_STATE_HOME/spaceferry, or "
	    "~/.local/state/spaceferry.  In a bucket any machine can resume; "
	    "one run at a time, another waits for --patience, or until nothing "
	    "was heard of the first for 30 seconds.",
	    .type = &options_text, .field = JOB(state), .commands = BOTH | IMPORT | REPO,
	    .completes = "folder" },
	{ .name = "config", .group = OPTIONS_RUN, .argument = "FILE",
	    .help = "default: ./spaceferry.yaml, where it exists",
	    .type = &options_text, .field = AT(config),
	    .commands = COMMAND_ALL, .line_only = true, .completes = "file" },

	/* What doctor looks at beside the ends */
	{ .name = "app", .group = OPTIONS_APP, .argument = "FOLDER",
	    .help = "the app's source tree",
	    .more = "Read for variables, image hosts, ports and old URLs.",
	    .type = &options_text, .field = JOB(app), .commands = DOCTOR,
	    .completes = "folder" },
	{ .name = "env-file", .group = OPTIONS_APP, .argument = "FILE",
	    .help = "its environment, as in .env.production",
	    .more = "NAME=value lines, or the output of `env -0`.",
	    .type = &options_text, .field = JOB(env_file), .commands = DOCTOR,
	    .completes = "file" },
	{ .name = "app-url", .group = OPTIONS_APP, .argument = "URL",
	    .help = "where it runs now",
	    .more = "Asked for the same pages under its old and its new host "
	    "name, so that an app that takes the new name for something else "
	    "shows it before the move.",
	    .type = &options_text, .field = JOB(app_url),
	    .commands = DOCTOR, .secret = true },

	/* Output */
	{ .name = "report", .group = OPTIONS_OUTPUT, .argument = "FILE.html",
	    .help = "also write a page for people, in one file",
	    .more = "It needs no network and can be printed: what came out, "
	    "collections with their digests, sizes, speed, links by host, "
	    "differences, the command without its secrets.  An older page of "
	    "that name is replaced when the run has ended, however it ended.",
	    .type = &options_text, .field = AT(report),
	    .commands = MIGRATE | COMPARE | DOCTOR | RESTORE,
	    .completes = "file" },
	{ .name = "stat", .group = OPTIONS_OUTPUT,
	    .help = "diff: only how many differences there are",
	    .type = &options_flag, .field = AT(stat), .commands = DIFF },
	{ .name = "ignore", .group = OPTIONS_OUTPUT, .argument = "NS:PATH",
	    .help = "diff: leave these fields out (repeatable)",
	    .more = "As for --rewrite-skip: NS is a glob over the source's "
	    "namespaces, PATH a dotted path that passes through arrays, * "
	    "is any key.",
	    .type = &options_list, .field = JOB(ignore.v),
	    .count = JOB(ignore.n), .commands = DIFF },
	{ .name = "write", .group = OPTIONS_OUTPUT,
	    .help = "rewrite: change the files, keep a backup",
	    .more = "The backup is FILE.bak, or the first of FILE.bak.1, "
	    "FILE.bak.2 and so on that does not exist.",
	    .type = &options_flag, .field = AT(write), .commands = REWRITE },
	{ .name = "limit", .group = OPTIONS_OUTPUT, .argument = "N",
	    .help = "name N differences at most (20; diff: all)",
	    .more = "Of each kind, but for diff: of all together.  Samples of a "
	    "dry run likewise.  All are counted.",
	    .type = &options_limit, .field = JOB(limit),
	    .commands = DATA | REWRITE | CHECK },
	{ .name = "json", .group = OPTIONS_OUTPUT,
	    .help = "the summary as one line of JSON on stdout",
	    .type = &options_flag, .field = AT(json),
	    .commands = COMMAND_ALL },
	{ .name = "quiet", .letter = 'q', .group = OPTIONS_OUTPUT,
	    .help = "no progress, no log below warnings",
	    .type = &options_flag, .field = AT(quiet),
	    .commands = COMMAND_ALL },
	{ .name = "verbose", .letter = 'v', .group = OPTIONS_OUTPUT,
	    .help = "more log",
	    .type = &options_flag, .field = AT(verbose),
	    .commands = COMMAND_ALL },
	{ .name = "log-format", .group = OPTIONS_OUTPUT,
	    .argument = "text|json",
	    .help = "json: one object a line on stderr",
	    .type = &options_choice, .field = AT(log_format),
	    .commands = COMMAND_ALL },
	{ .name = "version", .group = OPTIONS_OUTPUT,
	    .help = "print the versions, of the libraries too",
	    .type = &options_flag, .field = AT(version),
	    .commands = COMMAND_ALL, .line_only = true },
	{ .name = "help", .letter = 'h', .group = OPTIONS_OUTPUT,
	    .help = "print this",
	    .type = &options_flag, .field = AT(help),
	    .commands = COMMAND_ALL, .line_only = true },
};

const size_t options_count = sizeof(options_table) / sizeof(options_table[0]);

_Static_assert(sizeof(options_table) / sizeof(options_table[0]) <= OPTIONS_MAX,
    "OPTIONS_MAX is too small");

const char *
options_group_title(enum options_group group)
{
	static const char *const titles[OPTIONS_GROUPS] = {
		[OPTIONS_ENDS] = "The two ends",
		[OPTIONS_DATA] = "Documents",
		[OPTIONS_FILES] = "Files",
		[OPTIONS_REWRITING] = "Rewriting",
		[OPTIONS_REPO] = "Repositories",
		[OPTIONS_RUN] = "The run",
		[OPTIONS_APP] = "The app",
		[OPTIONS_OUTPUT] = "Output",
	};

	return titles[group];
}
