/*
 * export_file.c
 *		A file that an export wrote, and that the next one goes on with.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "batch_check.h"
#include "export_file.h"
#include "messages.h"
#include "record.h"

#define CLI_BLOCK 65536

/* Where the last newline before a position is; -1 if there is none, -2 after an error. */
static off_t
cli_find_newline(int file, off_t before)
{
	char		block[CLI_BLOCK];

	while (before > 0)
	{
		off_t		start = before > CLI_BLOCK ? before - CLI_BLOCK : 0;
		ssize_t		length = pread(file, block, (size_t) (before - start), start);
		char	   *newline;

		if (length != (ssize_t) (before - start))
			return -2;
		newline = memrchr(block, '\n', (size_t) length);
		if (newline != NULL)
			return start + (newline - block);
		before = start;
	}
	return -1;
}

/* The part of a file between two positions, as a new text for free; NULL after an error. */
static char *
cli_read_part(int file, off_t start, off_t end)
{
	size_t		length = (size_t) (end - start);
	char	   *text = malloc(length + 1);

	if (text == NULL)
		return NULL;
	if (pread(file, text, length, start) != (ssize_t) length)
	{
		free(text);
		return NULL;
	}
	text[length] = '\0';
	return text;
}

/* Compares a line with what the store has in its place. */
static bool
cli_check_last_line(const char *name, char *line, factstr_store *store, uint64_t *after)
{
	cli_parsed_batch parsed = {0};
	cli_batch_reader reader = {.store = store};
	factstr_error error;
	int			code = cli_parse_batch(line, &parsed, &error);

	if (code == FACTSTR_OK)
		code = cli_check_batch_is_there(&reader, &parsed.batch, &error);
	if (code == FACTSTR_OK)
		*after = parsed.batch.last_sequence_number;
	else
		(void) cli_fail_at(name, &error);
	cli_batch_reader_release(&reader);
	free(parsed.facts);
	return code == FACTSTR_OK;
}

static bool
cli_resume_open_file(const char *name, int file, off_t size, factstr_store *store,
					 uint64_t *after)
{
	off_t		end = cli_find_newline(file, size);
	off_t		before = end >= 0 ? cli_find_newline(file, end) : -1;
	char	   *line = end >= 0 && before >= -1 ? cli_read_part(file, before + 1, end) : NULL;
	bool		resumed;

	if (end == -1)
	{
		(void) cli_fail_with("\"%s\" has no line that an export finished", name);
		cli_hint("--force replaces it.");
		return false;
	}
	if (line == NULL)
	{
		(void) cli_fail_with("cannot read \"%s\": %s", name, strerror(errno));
		return false;
	}
	resumed = cli_check_last_line(name, line, store, after);
	free(line);
	if (!resumed || ftruncate(file, end + 1) == 0)
		return resumed;
	(void) cli_fail_with("cannot write \"%s\": %s", name, strerror(errno));
	return false;
}

bool
cli_resume_file(const char *name, factstr_store *store, uint64_t *after)
{
	struct stat status;
	int			file = open(name, O_RDWR | O_CLOEXEC);
	bool		resumed;

	*after = 0;
	if (file < 0 && errno == ENOENT)
		return true;
	if (file < 0 || fstat(file, &status) != 0)
	{
		(void) cli_fail_with("cannot open \"%s\": %s", name, strerror(errno));
		if (file >= 0)
			(void) close(file);
		return false;
	}
	resumed = status.st_size == 0 ||
		cli_resume_open_file(name, file, status.st_size, store, after);
	(void) close(file);
	return resumed;
}
