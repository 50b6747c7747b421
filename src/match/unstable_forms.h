/*
 * Spells out the texts that the rules' FROMs stand for and those that may be
 * written for their TOs, each with plain slashes: what match_unstable.c lays
 * over each other.
 */
#ifndef MATCH_UNSTABLE_FORMS_H
#define MATCH_UNSTABLE_FORMS_H

#include <stdbool.h>
#include <stddef.h>

#include "match/rule.h"

/* In a form's text this byte is what '*' stands for.  Its reading has '_'
 * there: a label character which, unlike others, a scheme may follow. */
#define UNSTABLE_STAR '\1'

struct unstable_form {
	const struct rule *rule;
	char *text;
	char *reading;		/* as text, for looking at neighbours */
	size_t len;
	size_t fold;		/* of a FROM: so many bytes match in either case */
	bool relative;		/* of a TO: written for protocol-relative only */
};

struct unstable_forms {
	struct unstable_form *form;
	size_t n;
};

/* Adds the forms of r's FROM, or of its TO.  False when out of memory; f is to
 * be freed in any case.  It begins as all zero. */
bool unstable_forms_from(struct unstable_forms *f, const struct rule *r);
bool unstable_forms_to(struct unstable_forms *f, const struct rule *r);

void unstable_forms_free(struct unstable_forms *f);

#endif
