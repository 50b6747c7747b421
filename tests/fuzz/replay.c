/*
 * Runs a fuzz target over stored inputs, without libFuzzer: every file named,
 * and every file in each folder named.  A folder without files is an error: a
 * lost corpus must not look like a passed test.
 */
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
replay_file(const char *path, size_t size)
{
	uint8_t *data;
	FILE *f;
	bool ok = false;

	/* Exactly as large as the input: reading past it is noticed. */
	data = malloc(size > 0 ? size : 1);
	f = fopen(path, "rb");
	if (data == NULL || f == NULL || fread(data, 1, size, f) != size) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
	} else {
		LLVMFuzzerTestOneInput(data, size);
		ok = true;
	}
	if (f != NULL)
		fclose(f);
	free(data);
	return ok;
}

/* Returns how many files were run, -1 when one could not be. */
static long
replay_folder(const char *path)
{
	struct dirent *entry;
	struct stat st;
	char *name;
	DIR *dir;
	long n = 0;

	if ((dir = opendir(path)) == NULL) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return -1;
	}
	while (n >= 0 && (entry = readdir(dir)) != NULL) {
		if (asprintf(&name, "%s/%s", path, entry->d_name) < 0) {
			n = -1;
			break;
		}
		if (stat(name, &st) == 0 && S_ISREG(st.st_mode))
			n = replay_file(name, (size_t)st.st_size) ? n + 1 : -1;
		free(name);
	}
	closedir(dir);
	if (n == 0)
		fprintf(stderr, "%s: no files\n", path);
	return n;
}

int
main(int argc, char **argv)
{
	struct stat st;
	long n, total = 0;
	int i;

	for (i = 1; i < argc; i++) {
		if (stat(argv[i], &st) != 0) {
			fprintf(stderr, "%s: %s\n", argv[i], strerror(errno));
			return 1;
		}
		n = S_ISDIR(st.st_mode) ? replay_folder(argv[i]) :
		    replay_file(argv[i], (size_t)st.st_size);
		if (n <= 0)
			return 1;
		total += n;
	}
	printf("%ld inputs\n", total);
	return total > 0 ? 0 : 1;
}
