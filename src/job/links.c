#include <stdlib.h>
#include <string.h>

#include "bson/doc.h"
#include "job/hosts.h"
#include "job/links.h"
#include "job/links_files.h"

#define FORM_MAX 8192
#define ID_MAX 4096
#define FORMS_MAX 64

struct links {
	struct job *job;
	struct file_index *const *indexes;
	struct hosts *hosts;
	atomic_uint_least64_t rewritten;
	atomic_uint_least64_t dangling;
};

struct links *
links_new(struct job *job, struct file_index *const *indexes)
{
	struct links *l;

	if ((l = calloc(1, sizeof(*l))) == NULL)
		return NULL;
	l->job = job;
	l->indexes = indexes;
	if ((l->hosts = hosts_new(job)) == NULL) {
		free(l);
		return NULL;
	}
	return l;
}

void
links_free(struct links *l)
{

	if (l == NULL)
		return;
	hosts_free(l->hosts);
	free(l);
}

/* The key without the slashes in front of it: a rule need not end in one. */
static const char *
key_of(const struct buf *form, size_t *len)
{
	const char *key = (const char *)form->data;

	*len = form->len;
	while (*len > 0 && *key == '/') {
		key++;
		(*len)--;
	}
	return key;
}

/* Tries the forms of a link's tail, in order; the first that names a file
 * wins.  A link to the folder as a whole asks for none. */
static bool
names_a_file(const struct job_link_rule *rule, struct file_index *index,
    const struct match_link *link)
{
	struct file_entry *e;
	struct buf form;
	const char *key;
	bool found = false;
	size_t i, len;

	buf_init(&form, FORM_MAX);
	for (i = 0; i < FORMS_MAX && !found; i++) {
		buf_reset(&form);
		if (!buf_append_str(&form, rule->prefix) ||
		    !match_link_form(link, i, &form))
			break;
		key = key_of(&form, &len);
		if (i == 0 && len == 0) {
			found = true;
			break;
		}
		e = file_index_find(index, key, len);
		if (e != NULL) {
			atomic_store(&e->marked, true);
			found = true;
		}
	}
	buf_free(&form);
	return found;
}

static void
name_dangling(struct links *l, const struct links_place *place,
    const struct match_link *link)
{
	struct buf id;
	const char *id_text = NULL;

	if (report_skips_note(&l->job->report, "dangling_link"))
		return;
	buf_init(&id, ID_MAX);
	if (doc_id_json(place->doc, place->doc_len, &id))
		id_text = buf_str(&id);
	report_note(&l->job->report, "dangling_link",
	    "no such file among those that move",
	    "%s _id %s, %s: link to %.*s%.*s", place->ns,
	    id_text != NULL ? id_text : "?", place->path,
	    (int)(link->match_len < 512 ? link->match_len : 512), link->match,
	    (int)(link->tail_len < 512 ? link->tail_len : 512), link->tail);
	buf_free(&id);
}

void
links_found(struct links *l, const struct links_place *place,
    const struct match_link *link)
{
	const struct job_link_rule *rule = &l->job->link_rules[link->rule];

	atomic_fetch_add(&l->rewritten, 1);
	hosts_rewritten(l->hosts, link);
	if (!rule->lookup || l->indexes[rule->files] == NULL)
		return;
	if (names_a_file(rule, l->indexes[rule->files], link))
		return;
	atomic_fetch_add(&l->dangling, 1);
	name_dangling(l, place, link);
}

void
links_no_rule(struct links *l, const struct links_place *place,
    const struct match_host *host)
{

	hosts_no_rule(l->hosts, place, host);
}

void
links_summarise(struct links *l, struct files *files, bool whole)
{
	struct spaceferry_summary *s = l->job->report.summary;

	s->links_rewritten = atomic_load(&l->rewritten);
	s->links_dangling = atomic_load(&l->dangling);
	s->unreferenced_files = 0;
	hosts_summarise(l->hosts);
	if (files != NULL && whole)
		s->unreferenced_files = links_files_unreferenced(files);
}
