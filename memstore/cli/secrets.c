/*
 * secrets.c
 *		Passwords in the user's input.
 *
 * A URL that is misspelt, or given in place of a name or a number, must not be repeated in a
 * message, because messages end up in logs.
 */
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "secrets.h"

#define CLI_PASSWORD "password="
#define CLI_AUTHORITY "://"

/* "joe:secret@host", with any characters in between; but not "done: joe@host". */
static bool
cli_is_before_password(const char *colon)
{
	return colon[0] == ':' && colon[1] != ' ' && strchr(colon, '@') != NULL;
}

const char *
cli_find_secret(const char *text)
{
	for (; *text != '\0'; text++)
	{
		if (strncasecmp(text, CLI_PASSWORD, strlen(CLI_PASSWORD)) == 0)
			return text + strlen(CLI_PASSWORD);
		if (strncmp(text, CLI_AUTHORITY, strlen(CLI_AUTHORITY)) == 0)
			return text + strlen(CLI_AUTHORITY);
		if (cli_is_before_password(text))
			return text + 1;
	}
	return NULL;
}
