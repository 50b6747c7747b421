#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "app/package.h"

struct package {
	json_t *root;
};

static const char *const kinds[] = { "dependencies", "devDependencies",
    "peerDependencies", "optionalDependencies" };

struct package *
package_parse(const char *text, size_t len, struct err *err)
{
	struct package *p;
	json_error_t why;

	if ((p = calloc(1, sizeof(*p))) == NULL) {
		err_nomem(err, "package.json");
		return NULL;
	}
	p->root = json_loadb(text, len, 0, &why);
	if (json_is_object(p->root))
		return p;
	if (p->root != NULL)
		err_set(err, ERR_DAMAGED, "is no JSON object");
	else
		err_set(err, ERR_DAMAGED, "line %d: %s", why.line, why.text);
	package_free(p);
	return NULL;
}

void
package_free(struct package *p)
{

	if (p == NULL)
		return;
	json_decref(p->root);
	free(p);
}

const char *
package_version(const struct package *p, const char *name)
{
	const char *version;
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		version = json_string_value(json_object_get(
		    json_object_get(p->root, kinds[i]), name));
		if (version != NULL)
			return version;
	}
	return NULL;
}

bool
package_has(const struct package *p, struct span name)
{
	char plain[256], types[300];

	span_copy(name, plain, sizeof(plain));
	snprintf(types, sizeof(types), "@types/%s", plain);
	return package_version(p, plain) != NULL ||
	    package_version(p, types) != NULL;
}

const char *
package_script(const struct package *p, const char *name)
{

	return json_string_value(json_object_get(
	    json_object_get(p->root, "scripts"), name));
}
