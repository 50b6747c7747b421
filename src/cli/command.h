/*
 * The commands of the program, one row each: help, man page and completion
 * come from this table; which options a command uses is said in the option
 * table (cli/options.h); which library call it is, in main.c.
 */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <stddef.h>

#include "base/err.h"

struct options;

/* A set of commands is an OR of these. */
enum command_bit {
	COMMAND_MIGRATE = 1 << 0,
	COMMAND_VERIFY = 1 << 1,
	COMMAND_EXPORT = 1 << 2,
	COMMAND_IMPORT = 1 << 3,
	COMMAND_DIFF = 1 << 4,
	COMMAND_DOCTOR = 1 << 5,
	COMMAND_REWRITE = 1 << 6,
	COMMAND_BACKUP = 1 << 7,
	COMMAND_RESTORE = 1 << 8,
	COMMAND_SNAPSHOTS = 1 << 9,
	COMMAND_CHECK = 1 << 10,
	COMMAND_PRUNE = 1 << 11,
	COMMAND_ALL = ~0
};

struct command {
	const char *name;
	enum command_bit bit;
	const char *help;	/* one line for the overview, <= 65 columns */
	const char *usage;	/* what follows "spaceferry NAME" */
	const char *operands;	/* what it takes beside options: "file"; NULL:
				 * nothing */
	const char *more;	/* a paragraph or several, a blank line between */
	const char *example;	/* lines that a shell takes, each ends in \n */
	/* What must hold between the options, beyond each alone. */
	bool (*check)(const struct options *o, struct err *err);
};

/* What to do with what is there: options that contradict each other. */
bool command_check_modes(const struct options *o, struct err *err);

/* What must hold between the options of the commands that use a repository
 * (command_repo.c). */
bool command_check_backup(const struct options *o, struct err *err);
bool command_check_restore(const struct options *o, struct err *err);
bool command_check_snapshots(const struct options *o, struct err *err);
bool command_check_check(const struct options *o, struct err *err);
bool command_check_prune(const struct options *o, struct err *err);

/* Where --from and --to may be a snapshot, by the command's bit, and what it
 * takes. */
bool command_check_snapshot(const struct options *o, enum command_bit bit,
    struct err *err);

/* Whether a snapshot is the only end: it is wanted for its --files. */
bool command_for_files(const struct options *o);

/* True for "snapshot:…"; NULL is none. */
bool command_is_snapshot(const char *end);

/* restore, prune: --from is a snapshot, or nothing.  What a config file or the
 * environment says otherwise is meant for other commands. */
bool command_set_snapshot(struct options *o, enum command_bit bit,
    struct err *err);

extern const struct command command_table[];
extern const size_t command_count;

/* Puts the archive, folder or file that is named by an option of its own where
 * the library looks for its end.  False with ERR_USAGE when there are two, or
 * none where the command needs one. */
bool command_set_ends(const struct command *c, struct options *o,
    struct err *err);

/* NULL when there is none of that name. */
const struct command *command_find(const char *name);

/* Fills *err with ERR_USAGE: name is no command; the hint names those that
 * exist.  Returns false. */
bool command_unknown(const char *name, struct err *err);

/* The names of the commands in the set, "migrate, verify", for messages. */
const char *command_names(unsigned set, char *out, size_t size);

#endif
