#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/command.h"
#include "cli/config.h"
#include "cli/config_values.h"
#include "cli/options.h"

#define FILE_LARGEST ((size_t)1024 * 1024)

/* More than any sensible file has; libyaml's time grows with their square. */
#define DEEPEST 16
#define MOST_ANCHORS 1000

/* The file while its keys are taken. */
struct reader {
	struct config_values values;
	const struct command *command;
	struct options *options;
	struct options scratch;		/* takes what is only checked */
	const yaml_node_t *files_url;	/* taken last: it needs the files */
	size_t lines[OPTIONS_MAX];	/* where a row's key stands; 0: nowhere */
};

/* Where the value of row goes: into the options when the command uses it and
 * nothing stronger has set it, else where it is only checked. */
static struct options *
taker(struct reader *r, const struct options_row *row)
{

	if ((row->commands & (unsigned)r->command->bit) &&
	    options_open(r->options, row, OPTIONS_FROM_FILE))
		return r->options;
	return &r->scratch;
}

static bool
unknown_key(struct reader *r, const yaml_node_t *key, struct err *err)
{
	const char *names[OPTIONS_MAX], *name, *near;
	struct err cause;
	size_t i, n = 0;

	if (key->type != YAML_SCALAR_NODE) {
		err_set(&cause, ERR_CONFIG, "a key is a single word");
		err_hint(&cause, "the keys are the names of options");
		return config_values_fail(&r->values, key, NULL, &cause, err);
	}
	name = (const char *)key->data.scalar.value;
	for (i = 0; i < options_count; i++) {
		if (!options_table[i].line_only)
			names[n++] = options_table[i].name;
	}
	err_set(&cause, ERR_CONFIG, "unknown key '%.60s'", name);
	if (strcmp(name, "<<") == 0)
		err_hint(&cause, "merge keys are not known here");
	else if ((near = options_nearest(name, names, n)) != NULL)
		err_hint(&cause, "did you mean %s?", near);
	else
		err_hint(&cause, "the keys are the options of spaceferry %s "
		    "--help, without the dashes", r->command->name);
	return config_values_fail(&r->values, key, NULL, &cause, err);
}

static bool
take_key(struct reader *r, const yaml_node_t *key, const yaml_node_t *value,
    struct err *err)
{
	const struct options_row *row = NULL;
	struct err cause;
	size_t *line;

	if (key->type == YAML_SCALAR_NODE)
		row = options_find((const char *)key->data.scalar.value,
		    key->data.scalar.length);
	if (row == NULL || row->line_only)
		return unknown_key(r, key, err);
	line = &r->lines[row - options_table];
	if (*line != 0) {
		err_set(&cause, ERR_CONFIG, "it is given twice, first in line "
		    "%zu", *line);
		err_hint(&cause, row->type->list ?
		    "put all values into one list" :
		    "leave one of the two lines out");
		return config_values_fail(&r->values, key, row->name, &cause,
		    err);
	}
	*line = key->start_mark.line + 1;
	if (row->type == &options_urls) {
		r->files_url = value;
		return true;
	}
	return config_values_take(&r->values, taker(r, row), row, value, err);
}

/*
 * files-url belongs to the files of the file, or, when it has none, to those
 * that the command line names.
 */
static bool
take_urls(struct reader *r, struct err *err)
{
	const struct options_row *files = options_find("files",
	    strlen("files"));
	const struct options_row *urls = options_find("files-url",
	    strlen("files-url"));
	struct options *o;

	o = taker(r, r->lines[files - options_table] != 0 ? files : urls);
	if (o == &r->scratch && o->job.n_files == 0)
		return true;
	return config_values_take_urls(&r->values, o, r->files_url, err);
}

static bool
take_document(struct reader *r, struct err *err)
{
	const yaml_node_t *root;
	const yaml_node_pair_t *pair;
	struct err cause;

	root = yaml_document_get_root_node(&r->values.document);
	if (root == NULL)
		return true;		/* an empty file */
	if (root->type != YAML_MAPPING_NODE) {
		err_set(&cause, ERR_CONFIG, "the file is not a mapping");
		err_hint(&cause, "write one option a line, as `from: URI`");
		return config_values_fail(&r->values, root, NULL, &cause, err);
	}
	for (pair = root->data.mapping.pairs.start;
	    pair < root->data.mapping.pairs.top; pair++) {
		if (!take_key(r,
		    yaml_document_get_node(&r->values.document, pair->key),
		    yaml_document_get_node(&r->values.document, pair->value),
		    err))
			return false;
	}
	return r->files_url == NULL || take_urls(r, err);
}

/* The line that holds the byte at offset. */
static size_t
line_of(const struct buf *file, size_t offset)
{
	size_t i, line = 1;

	for (i = 0; i < offset && i < file->len; i++)
		line += file->data[i] == '\n';
	return line;
}

/* What libyaml has to say about text that is not YAML. */
static bool
parse_err(const yaml_parser_t *parser, const char *path, const struct buf *file,
    struct err *err)
{
	const char *problem = parser->problem;
	size_t line = parser->problem_mark.line + 1;

	if (parser->error == YAML_MEMORY_ERROR)
		return err_nomem(err, path);
	if (parser->error == YAML_READER_ERROR)
		line = line_of(file, parser->problem_offset);
	err_set(err, ERR_CONFIG, "%s:%zu: %s%s%s", path, line,
	    parser->context != NULL ? parser->context : "",
	    parser->context != NULL ? ": " : "",
	    problem != NULL ? problem : "it cannot be read");
	if (problem != NULL && (strstr(problem, "tab character") != NULL ||
	    strstr(problem, "cannot start any token") != NULL))
		return err_hint(err, "indent with spaces, not tabs, and put "
		    "quotes around values that begin with @ ` %% * & or !");
	return err_hint(err, "it must be YAML: one `key: value` a line");
}

/* Levels and anchors that an event adds. */
static void
count_event(const yaml_event_t *event, int *depth, int *anchors)
{

	switch (event->type) {
	case YAML_SEQUENCE_START_EVENT:
		(*depth)++;
		*anchors += event->data.sequence_start.anchor != NULL;
		break;
	case YAML_MAPPING_START_EVENT:
		(*depth)++;
		*anchors += event->data.mapping_start.anchor != NULL;
		break;
	case YAML_SCALAR_EVENT:
		*anchors += event->data.scalar.anchor != NULL;
		break;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		(*depth)--;
		break;
	default:
		break;
	}
}

/* Refuses what would take libyaml minutes.  What is no YAML passes: whoever
 * reads it next says so. */
static bool
check_shape(const char *path, const struct buf *file, struct err *err)
{
	yaml_parser_t parser;
	yaml_event_t event;
	int depth = 0, anchors = 0;
	size_t line = 1;
	bool end = false;

	if (!yaml_parser_initialize(&parser))
		return err_nomem(err, "config");
	yaml_parser_set_input_string(&parser, file->data, file->len);
	while (!end && depth <= DEEPEST && anchors <= MOST_ANCHORS &&
	    yaml_parser_parse(&parser, &event)) {
		end = event.type == YAML_STREAM_END_EVENT;
		line = event.start_mark.line + 1;
		count_event(&event, &depth, &anchors);
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
	if (depth <= DEEPEST && anchors <= MOST_ANCHORS)
		return true;
	err_set(err, ERR_CONFIG, "%s:%zu: %s", path, line,
	    depth > DEEPEST ? "nested too deeply" : "too many anchors");
	return err_hint(err, "is this the right file?");
}

/* Takes the document of the file and makes sure that there is only one. */
static bool
take_file(struct reader *r, const struct buf *file, struct err *err)
{
	yaml_parser_t parser;
	yaml_document_t second;
	const yaml_node_t *root;
	struct err cause;
	bool ok = false;

	if (!yaml_parser_initialize(&parser))
		return err_nomem(err, "config");
	yaml_parser_set_input_string(&parser, file->data, file->len);
	if (!yaml_parser_load(&parser, &r->values.document)) {
		parse_err(&parser, r->values.path, file, err);
		goto out;
	}
	ok = take_document(r, err);
	yaml_document_delete(&r->values.document);
	if (!ok)
		goto out;
	if (!yaml_parser_load(&parser, &second)) {
		ok = parse_err(&parser, r->values.path, file, err);
		goto out;
	}
	if ((root = yaml_document_get_root_node(&second)) != NULL) {
		err_set(&cause, ERR_CONFIG, "a second document");
		err_hint(&cause, "one file holds one mapping");
		ok = config_values_fail(&r->values, root, NULL, &cause, err);
	}
	yaml_document_delete(&second);
out:
	yaml_parser_delete(&parser);
	return ok;
}

/* An empty file has no data; libyaml wants a pointer all the same. */
static bool
read_file(const char *path, struct buf *file, struct err *err)
{
	struct err cause;

	if (file_read(path, file, &cause) && buf_str(file) != NULL)
		return true;
	err_set(err, ERR_CONFIG, "config file: %s", cause.message);
	err_hint(err, "check the path given with --config");
	return false;
}

bool
config_read(struct options *o, const struct command *command, struct err *err)
{
	struct reader r = { .command = command, .options = o };
	struct buf file;
	bool ok;

	if (o->config == NULL) {
		if (access(CONFIG_DEFAULT, F_OK) != 0)
			return true;
		o->config = CONFIG_DEFAULT;
	}
	r.values.path = o->config;
	r.values.command = (unsigned)command->bit;
	buf_init(&file, FILE_LARGEST + 1);
	options_init(&r.scratch);
	ok = read_file(o->config, &file, err) &&
	    check_shape(o->config, &file, err) && take_file(&r, &file, err) &&
	    options_settle_places(o, (unsigned)command->bit, err);
	options_free(&r.scratch);
	buf_free_secret(&file);
	return ok;
}
