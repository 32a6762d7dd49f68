/*
 * match_pairs.c
 *		Matches payloads by predicates, a pair a line, for the differential test.
 *
 * Reads lines of two JSON texts, payload and predicate, with a tab between them.  Prints 1 where
 * the payload matches, 0 where it does not, and an error where a text is refused.
 */
#define _POSIX_C_SOURCE 200809L

#include "json_jansson.h"
#include "match/matcher.h"

static json_t *
load(const char *text, size_t length)
{
	fs_input_error error;
	json_t	   *document = fs_json_document_load(text, length, &error);

	if (document == NULL)
		printf("error: %s: %s\n", error.path, error.message);
	return document;
}

static void
match_line(const char *line, size_t length)
{
	const char *tab = memchr(line, '\t', length);
	json_t	   *payload;
	json_t	   *predicate = NULL;

	if (tab == NULL)
	{
		printf("error: no tab in this line\n");
		return;
	}
	payload = load(line, (size_t) (tab - line));
	if (payload != NULL)
		predicate = load(tab + 1, length - (size_t) (tab - line) - 1);
	if (predicate != NULL)
		printf("%d\n", fs_payload_matches(payload, predicate));
	json_decref(predicate);
	json_decref(payload);
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
