#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "job/archive_scan.h"
#include "job/part.h"
#include "job/snapshot_source.h"

/* Partitions end where runs do: a resumed run fetches none that it has. */
static bool
cut(struct archive_seen *seen, const struct snapshot_collection *c)
{
	uint64_t docs = 0, bytes = 0, ordinal = 0;
	size_t i;

	seen->ends = malloc((c->n_runs + 1) * sizeof(*seen->ends));
	if (seen->ends == NULL)
		return false;
	for (i = 0; i < c->n_runs; i++) {
		const struct snapshot_run *run = &c->runs[i];

		if (docs > 0 && (docs + run->documents > PART_MAX_DOCS ||
		    bytes + run->bytes > PART_MAX_BYTES)) {
			seen->ends[seen->n_ends++] = ordinal;
			docs = 0;
			bytes = 0;
		}
		docs += run->documents;
		bytes += run->bytes;
		ordinal += run->documents;
	}
	seen->ends[seen->n_ends++] = ordinal;
	return true;
}

struct archive_scan *
archive_scan_snapshot(const struct snapshot_source *s, struct err *err)
{
	size_t i, n = snapshot_source_count(s);
	struct archive_scan *scan;

	if ((scan = calloc(1, sizeof(*scan))) == NULL ||
	    (scan->v = calloc(n + 1, sizeof(*scan->v))) == NULL) {
		err_nomem(err, "snapshot");
		goto fail;
	}
	snprintf(scan->contents, sizeof(scan->contents), "%s",
	    strchr(snapshot_source_identity(s), ':') + 1);
	for (i = 0; i < n; i++) {
		const struct snapshot_collection *c;
		struct archive_seen *seen = &scan->v[scan->n++];

		c = snapshot_source_collection(s, i);
		if (!archive_scan_ns(&c->about, seen->ns, err))
			goto fail;
		seen->tally = c->tally;
		if (!cut(seen, c)) {
			err_nomem(err, "partitions");
			goto fail;
		}
	}
	return scan;

fail:
	archive_scan_free(scan);
	return NULL;
}
