/*
 * replay.c
 *		Runs a fuzz target over the files in a directory, one TAP test in all.
 */
#include <dirent.h>

#include "fuzz.h"

#include "../test/lib/tap.h"

static void
run_file(const char *directory, const char *name)
{
	char		path[4096];
	FILE	   *file;
	uint8_t    *data;
	long		size;

	(void) snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "rb");
	if (file == NULL || fseek(file, 0, SEEK_END) != 0 || (size = ftell(file)) < 0)
	{
		perror(path);
		exit(1);
	}
	rewind(file);
	/* The target gets exactly these bytes, so that a sanitizer sees a read beyond them. */
	data = malloc(size > 0 ? (size_t) size : 1);
	if (data == NULL || fread(data, 1, (size_t) size, file) != (size_t) size)
	{
		perror(path);
		exit(1);
	}
	fclose(file);
	(void) LLVMFuzzerTestOneInput(data, (size_t) size);
	free(data);
}

int
main(int argc, char **argv)
{
	DIR		   *directory = argc > 1 ? opendir(argv[1]) : NULL;
	struct dirent *entry;
	int			count = 0;

	if (directory == NULL)
	{
		fprintf(stderr, "usage: %s CORPUS-DIRECTORY\n", argv[0]);
		return 1;
	}
	while ((entry = readdir(directory)) != NULL)
	{
		if (entry->d_name[0] == '.')
			continue;
		run_file(argv[1], entry->d_name);
		count++;
	}
	closedir(directory);
	ok_cmp(count, ">", 0, "%s: %d inputs, no finding", argv[1], count);
	return tap_finish();
}
