/*
 * slice_text.c
 *		Texts in their place in a line that was read.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_string.h"
#include "slice_text.h"

/* Lines belong to the reader, which may write where a slice points. */
static char *
cli_writable(fs_text slice)
{
	return (char *) (uintptr_t) slice.data;
}

/* Replaces the escapes of a string; the result is never longer. */
static char *
cli_unescape(fs_text slice)
{
	char	   *decoded = fs_decode_string(slice);
	char	   *text = NULL;

	if (decoded != NULL)
		text = strcpy(cli_writable(slice), decoded);
	free(decoded);
	return text;
}

/* The text of a string, NUL-terminated in its place; NULL if it is not a JSON string. */
char *
cli_string(fs_text slice)
{
	char	   *text = cli_writable(slice) + 1;

	if (slice.length < 2 || slice.data[0] != '"')
		return NULL;
	for (size_t i = 1; i < slice.length - 1; i++)
	{
		if (slice.data[i] == '\\')
			return cli_unescape(slice);
		if ((unsigned char) slice.data[i] < ' ')
			return NULL;
	}
	text[slice.length - 2] = '\0';
	return text;
}

void
cli_terminate(const char *text, size_t length)
{
	((char *) (uintptr_t) text)[length] = '\0';
}
