/*
 * Lists a folder as app/tree does: a line for each file, "I path" when
 * .gitignore leaves it out, "- path" when not.
 */
#include <stdio.h>

#include "app/tree.h"

int
main(int argc, char **argv)
{
	struct tree t;
	struct err err;
	size_t i;

	if (argc != 2) {
		fputs("usage: app_tool FOLDER\n", stderr);
		return 2;
	}
	if (!tree_open(&t, argv[1], &err)) {
		fprintf(stderr, "%s\n", err.message);
		tree_free(&t);
		return 1;
	}
	for (i = 0; i < t.n; i++)
		printf("%c %s\n", t.file[i].ignored ? 'I' : '-',
		    t.file[i].path);
	tree_free(&t);
	return 0;
}
