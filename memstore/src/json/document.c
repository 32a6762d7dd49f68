/*
 * json/document.c
 *		Documents are loaded, and released.
 */
#include <stdlib.h>

#include "json/document.h"
#include "json/reader.h"

/* A column counts characters, not bytes. */
static void
fs_describe_place(const char *text, const char *place, char *description, size_t size)
{
	size_t		line = 1;
	size_t		column = 1;

	for (const char *c = text; c < place; c++)
	{
		if (*c == '\n')
		{
			line++;
			column = 1;
		}
		else if (((unsigned char) *c & 0xC0) != 0x80)
			column++;
	}
	(void) snprintf(description, size, "line %zu, column %zu", line, column);
}

fs_json
fs_json_document_load(const char *text, size_t length, fs_input_error *error)
{
	fs_json_problem problem;
	fs_json		document = fs_json_read(text, length, &problem);
	char		place[64];

	error->code = FS_INPUT_OK;
	if (document != NULL)
		return document;
	if (problem.place == NULL)
	{
		(void) fs_out_of_memory(error);
		return NULL;
	}
	fs_describe_place(text, problem.place, place, sizeof(place));
	(void) fs_malformed(error, place, problem.expected, "%s", problem.message);
	return NULL;
}

void
fs_json_document_release(fs_json document)
{
	free((void *) document);
}
