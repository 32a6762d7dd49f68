/*
 * match_pairs.c
 *		Matches payloads by predicates, a pair a line, for the differential test.
 *
 * Reads lines of two JSON texts, payload and predicate, with a tab between them.  Prints 1 where
 * the payload matches, 0 where it does not, and an error where a text is refused.
 */
#define _POSIX_C_SOURCE 200809L

#include "json/document.h"

#include "lib/matching.h"

static fs_json
load(const char *text, size_t length)
{
	fs_input_error error;
	fs_json		document = fs_json_document_load(text, length, &error);

	if (document == NULL)
		printf("error: %s: %s\n", error.path, error.message);
	return document;
}

static void
match_line(const char *line, size_t length)
{
	const char *tab = memchr(line, '\t', length);
	fs_json		payload;
	fs_json		predicate = NULL;

	if (tab == NULL)
	{
		printf("error: no tab in this line\n");
		return;
	}
	payload = load(line, (size_t) (tab - line));
	if (payload != NULL)
		predicate = load(tab + 1, length - (size_t) (tab - line) - 1);
	if (predicate != NULL)
		printf("%d\n", payload_matches(payload, predicate));
	fs_json_document_release(predicate);
	fs_json_document_release(payload);
}

int
main(void)
{
	char	   *line = NULL;
	size_t		capacity = 0;
	ssize_t		length;

	while ((length = getline(&line, &capacity, stdin)) >= 0)
	{
		if (length > 0 && line[length - 1] == '\n')
			length--;
		match_line(line, (size_t) length);
	}
	free(line);
	return ferror(stdin) || fflush(stdout) != 0 ? 1 : 0;
}
