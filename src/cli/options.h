/*
 * The one option table.  The command line, the environment, the config file,
 * --help, the man page and the shell completions all read it: a new option is
 * a new row in options_table.c, and a field that it fills.
 *
 * Order of calls: options_init(); then, strongest first, options_read_argv(),
 * options_read_environment(), config_read() (config.h): a
 * value that is already set by a stronger place is left alone, so that a flag
 * beats the environment, which beats the file.  options_free() at the end.
 *
 * A struct options owns all strings and arrays that its fields point to; they
 * live until options_free(), which overwrites them, since URIs hold passwords.
 * One thread at a time.
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "spaceferry.h"

#define OPTIONS_MAX 128		/* rows of the table, at most */

struct command;
struct options_block;

enum options_log_format { OPTIONS_TEXT, OPTIONS_JSON };

/* Where a value came from; a greater one is not replaced by a smaller one. */
enum options_origin {
	OPTIONS_UNSET,
	OPTIONS_FROM_FILE,
	OPTIONS_FROM_ENVIRONMENT,
	OPTIONS_FROM_FLAG
};

struct options {
	struct spaceferry_options job;
	const char *archive;		/* export, import: one of these becomes */
	const char *dir;		/* job.to or job.from */
	const char *documents;
	struct spaceferry_strings operands; /* what is no option, in order */
	const char *config;
	const char *report;		/* --report FILE.html */
	uint64_t every_ms;		/* backup: again and again; 0: once */
	int log_format;			/* enum options_log_format */
	bool json;
	bool stat;			/* diff: counts only */
	bool write;			/* rewrite: change the files */
	bool quiet;
	bool verbose;
	bool help;
	bool version;
	const char *exposed;	/* name of an option whose password stood in argv */
	size_t url_of;		/* index of the --files that the next --files-url
				 * belongs to: the one set last */
	/* Private to options*.c: */
	unsigned char origin[OPTIONS_MAX]; /* by row of the table */
	struct options_block *blocks;
};

enum options_group {
	OPTIONS_ENDS,
	OPTIONS_DATA,
	OPTIONS_FILES,
	OPTIONS_REWRITING,
	OPTIONS_REPO,
	OPTIONS_RUN,
	OPTIONS_APP,
	OPTIONS_OUTPUT,
	OPTIONS_GROUPS
};

struct options_row;

/* Stores a value given as text; a pair has its second half in to, all others
 * (and a place that is not split yet) have NULL there.  Lists append.  False
 * with *err, whose message does not name the option. */
typedef bool options_set_fn(struct options *o, const struct options_row *row,
    const char *text, const char *to, struct err *err);

/* What kind of value an option takes. */
struct options_type {
	const char *what;	/* "a size", for messages */
	options_set_fn *set;
	bool list;		/* may be given again */
	bool pair;		/* FROM=TO, {from:, to:} in the config */
	bool flag;		/* takes no argument */
};

extern const struct options_type options_flag, options_text, options_word,
    options_choice, options_list, options_pairs, options_places, options_urls,
    options_size, options_rate, options_duration, options_jobs, options_limit,
    options_removals, options_retained, options_percent;

struct options_row {
	const char *name;	/* --name, and the key in the config */
	char letter;		/* 'v' for -v; 0: none */
	enum options_group group;
	const char *argument;	/* placeholder; of choices "a|b|c"; NULL: a flag */
	const char *help;	/* one line of at most 48 columns */
	const char *more;	/* what the man page adds; NULL: nothing */
	const struct options_type *type;
	size_t field;		/* offset in struct options */
	size_t count;		/* of the list's length */
	unsigned commands;	/* which commands use it (command.h) */
	const char *environment; /* variable that stands in for it, or NULL */
	bool secret;		/* may hold a password: hidden in argv */
	bool line_only;		/* not a key of the config file */
	bool empty;		/* of a pair: TO may be empty */
	const char *completes;	/* "file", "folder" or NULL */
};

extern const struct options_row options_table[];
extern const size_t options_count;

/* The title of a group of options in help and man page. */
const char *options_group_title(enum options_group group);

/* The row of that name (len bytes) or letter, NULL when there is none. */
const struct options_row *options_find(const char *name, size_t len);
const struct options_row *options_find_letter(char letter);

/* Every option at its default. */
void options_init(struct options *o);
void options_free(struct options *o);

/* True when this origin may set row: nothing stronger has. */
bool options_open(const struct options *o, const struct options_row *row,
    enum options_origin origin);

/* True when the option of that name stands on the command line. */
bool options_is_flag(const struct options *o, const char *name);

/* Sets row from text, splitting a pair first, and notes the origin.  The
 * caller has asked options_open(). */
bool options_set(struct options *o, const struct options_row *row,
    enum options_origin origin, const char *text, struct err *err);

/* The same for a pair in two halves. */
bool options_set_pair(struct options *o, const struct options_row *row,
    enum options_origin origin, const char *from, const char *to,
    struct err *err);

/* --files as the command (a bit; none that uses it: whatever is written) takes
 * it: FROM=TO; of backup END; of restore END or OLD=END.  What was written as
 * one text is split here, since the command may be named behind it.  Again does
 * no harm.  False with ERR_USAGE, whose message does not name the option. */
bool options_settle_places(struct options *o, unsigned command,
    struct err *err);

/* The length of FROM in FROM=TO: up to the first '=' that is followed by '/'
 * or by a scheme and ':', else up to the first '='.  -1 without a '='. */
ptrdiff_t options_split(const char *text);

/* Reads the command line.  *command is NULL when none is named, which is no
 * error under --help and --version.  A password in a value is overwritten in
 * argv itself, where other users of the machine could read it, and o->exposed
 * set; one in an operand is nowhere kept.  False with ERR_USAGE. */
bool options_read_argv(struct options *o, int argc, char **argv,
    const struct command **command, struct err *err);

/* True when --json stands on the command line, even one that cannot be read. */
bool options_asks_json(int argc, char *const *argv);

/* Overwrites the passwords of the URLs in text, those in their options too,
 * with x.  True when there was one. */
bool options_hide(char *text);

/* Reads the variables that rows name (set and not empty) which command uses;
 * their errors name the variable. */
bool options_read_environment(struct options *o, const struct command *command,
    struct err *err);

/* A copy of len bytes of text that lives as long as o; NULL when memory is
 * out. */
const char *options_keep(struct options *o, const char *text, size_t len);

/* The name nearest to one that was mistyped, out of n names; NULL when none is
 * near. */
const char *options_nearest(const char *name, const char *const *names,
    size_t n);

#endif
