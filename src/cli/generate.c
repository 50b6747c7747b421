#include <string.h>

#include "cli/generate.h"

bool
generate(FILE *out, const char *what)
{
	static const struct {
		const char *name;
		void (*write)(FILE *out);
	} kinds[] = {
		{ "man", generate_man }, { "bash", generate_bash },
		{ "zsh", generate_zsh }, { "fish", generate_fish }
	};
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(kinds[i].name, what) == 0) {
			kinds[i].write(out);
			return fflush(out) == 0 && !ferror(out);
		}
	}
	return false;
}
