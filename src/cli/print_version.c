#include <stdio.h>

#include "cli/print.h"

/* SF_LIBRARIES comes from the build: "name version\n" of each library. */
void
print_version(FILE *out)
{

	fprintf(out, "spaceferry %s\n%s", SF_VERSION, SF_LIBRARIES);
}
