#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "backup/metrics.h"
#include "base/buf.h"
#include "base/file.h"

#define FILE_LARGEST ((size_t)256 * 1024)
#define PREFIX "spaceferry_backup_"

enum metric {
	LAST_RUN, STATUS, DURATION,	/* of every run */
	LAST_SUCCESS, READ, READ_WEEK, ADDED, DOCUMENTS, COLLECTIONS, FILES,
	REPOSITORY_BYTES, BLOBS, SNAPSHOTS, METRICS
};

static const struct {
	const char *name, *help;
} metrics[METRICS] = {
	[LAST_RUN] = { "last_run_timestamp_seconds",
	    "When the last run ended, since 1970." },
	[STATUS] = { "status", "Exit status of the last run; 0 is success." },
	[DURATION] = { "duration_seconds", "How long the last run took." },
	[LAST_SUCCESS] = { "last_success_timestamp_seconds",
	    "When the last run that succeeded ended, since 1970." },
	[READ] = { "bytes_read",
	    "Bytes of documents and files that the last success read." },
	[READ_WEEK] = { "bytes_read_week",
	    "Bytes read by it and all others of the seven days before." },
	[ADDED] = { "bytes_added",
	    "Bytes that the last success stored anew." },
	[DOCUMENTS] = { "documents",
	    "Documents in the snapshot of the last success." },
	[COLLECTIONS] = { "collections",
	    "Collections in the snapshot of the last success." },
	[FILES] = { "files", "Files in the snapshot of the last success." },
	[REPOSITORY_BYTES] = { "repository_bytes",
	    "Bytes of all blobs in the repository after the last success." },
	[BLOBS] = { "repository_blobs",
	    "Blobs in the repository after the last success." },
	[SNAPSHOTS] = { "snapshots",
	    "Snapshots in the repository after the last success." },
};

struct values {
	double v[METRICS];
	bool known[METRICS];
};

static void
set(struct values *v, enum metric m, double value)
{

	v->v[m] = value;
	v->known[m] = true;
}

/* The length of the character at s, 0 when it is no UTF-8 (RFC 3629). */
static size_t
character(const unsigned char *s)
{
	size_t i, n = s[0] < 0x80 ? 1 : s[0] >= 0xC2 && s[0] <= 0xDF ? 2 :
	    (s[0] & 0xF0) == 0xE0 ? 3 : s[0] >= 0xF0 && s[0] <= 0xF4 ? 4 : 0;

	for (i = 1; i < n; i++) {
		if ((s[i] & 0xC0) != 0x80)
			return 0;
	}
	if ((s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xED && s[1] > 0x9F) ||
	    (s[0] == 0xF0 && s[1] < 0x90) || (s[0] == 0xF4 && s[1] > 0x8F))
		return 0;
	return n;
}

/* The labels, as they stand behind each name. */
static bool
write_labels(struct buf *out, const char *repository)
{
	const unsigned char *s = (const unsigned char *)repository;
	size_t n;
	bool ok = buf_append_str(out, "{repository=\"");

	for (; ok && *s != '\0'; s += n > 0 ? n : 1) {
		n = character(s);
		if (*s == '\n')
			ok = buf_append_str(out, "\\n");
		else if (*s == '"' || *s == '\\')
			ok = buf_append_byte(out, '\\') &&
			    buf_append_byte(out, *s);
		else
			ok = n > 0 ? buf_append(out, s, n) :
			    buf_append_byte(out, '?');
	}
	return ok && buf_append_str(out, "\"}") && buf_str(out) != NULL;
}

/* A sample of the file as it was: "spaceferry_backup_NAME{labels} VALUE". */
static void
take_over(struct values *v, const char *line, const char *labels)
{
	size_t len, m, labels_len = strlen(labels);
	double value;
	char *end;

	if (strncmp(line, PREFIX, strlen(PREFIX)) != 0)
		return;
	line += strlen(PREFIX);
	for (m = LAST_SUCCESS; m < METRICS; m++) {
		len = strlen(metrics[m].name);
		if (strncmp(line, metrics[m].name, len) != 0 ||
		    strncmp(line + len, labels, labels_len) != 0)
			continue;
		value = strtod(line + len + labels_len, &end);
		if (end > line + len + labels_len && *end == '\0')
			set(v, m, value);
	}
}

static void
read_old(struct values *v, const char *path, const char *labels)
{
	struct buf old;
	struct err ignored;
	char *line, *rest = NULL;

	buf_init(&old, FILE_LARGEST);
	if (file_read(path, &old, &ignored) && buf_str(&old) != NULL) {
		line = strtok_r((char *)old.data, "\n", &rest);
		for (; line != NULL; line = strtok_r(NULL, "\n", &rest))
			take_over(v, line, labels);
	}
	buf_free(&old);
}

static void
take_new(struct values *v, const struct spaceferry_summary *s, int64_t ended_s)
{
	const struct spaceferry_repository *r = &s->repository;

	set(v, LAST_SUCCESS, (double)ended_s);
	set(v, READ, (double)r->bytes_read);
	set(v, READ_WEEK, (double)r->bytes_read_week);
	set(v, ADDED, (double)r->bytes_added);
	set(v, REPOSITORY_BYTES, (double)r->bytes);
	set(v, BLOBS, (double)r->blobs);
	set(v, SNAPSHOTS, (double)r->snapshots);
	if (s->n_snapshots == 0)
		return;
	set(v, DOCUMENTS, (double)s->snapshots[0].documents);
	set(v, COLLECTIONS, (double)s->snapshots[0].collections);
	set(v, FILES, (double)s->snapshots[0].files);
}

static bool
print(struct buf *out, const struct values *v, const char *labels)
{
	bool ok = true;
	size_t m;

	for (m = 0; ok && m < METRICS; m++) {
		if (v->known[m])
			ok = buf_printf(out, "# HELP " PREFIX "%s %s\n# TYPE "
			    PREFIX "%s gauge\n" PREFIX "%s%s %.15g\n",
			    metrics[m].name, metrics[m].help, metrics[m].name,
			    metrics[m].name, labels, v->v[m]);
	}
	return ok;
}

static bool
replace(const char *path, const struct buf *text, struct err *err)
{
	struct file_writer *w;
	bool ok;

	if ((w = file_writer_new(path, 0644, err)) == NULL)
		return false;
	ok = file_writer_write(w, text->data, text->len, err) &&
	    file_writer_finish(w, err);
	file_writer_free(w);
	return ok;
}

bool
metrics_write(const char *path, const struct spaceferry_summary *s,
    const char *repository, int status, int64_t ended_s, struct err *err)
{
	struct values v = { .known = { false } };
	struct buf labels, text;
	bool ok = false;

	buf_init(&labels, FILE_LARGEST);
	buf_init(&text, FILE_LARGEST);
	if (!write_labels(&labels, repository)) {
		err_nomem(err, "metrics");
		goto out;
	}
	set(&v, LAST_RUN, (double)ended_s);
	set(&v, STATUS, status);
	set(&v, DURATION, s->elapsed_seconds);
	if (status == 0)
		take_new(&v, s, ended_s);
	else
		read_old(&v, path, buf_str(&labels));
	ok = print(&text, &v, buf_str(&labels)) ? replace(path, &text, err) :
	    err_nomem(err, "metrics");
out:
	buf_free(&labels);
	buf_free(&text);
	return ok || err_prefix(err, "--metrics");
}
