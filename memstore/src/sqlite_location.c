/*
 * sqlite_location.c
 *		Where a SQLite store is, and how to wait for it: PATH?busy_timeout=MS.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "sqlite_store.h"

#define FS_DEFAULT_BUSY_TIMEOUT 10000

static int
fs_hexadecimal_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Decodes %XX in place. */
static int
fs_decode_path(char *path, factstr_error *error)
{
	char	   *to = path;

	for (const char *from = path; *from != '\0'; from++)
	{
		if (*from == '%')
		{
			int			high = fs_hexadecimal_digit(from[1]);
			int			low = high < 0 ? -1 : fs_hexadecimal_digit(from[2]);

			if (low < 0 || (high == 0 && low == 0))
			{
				(void) fs_error(error, FACTSTR_CANNOT_OPEN,
								"malformed percent-encoding in the path of the store");
				fs_error_hint(error, "Write %%25 for a percent sign and %%3F for a question mark.");
				return FACTSTR_CANNOT_OPEN;
			}
			*to++ = (char) (high * 16 + low);
			from += 2;
		}
		else
			*to++ = *from;
	}
	*to = '\0';
	return FACTSTR_OK;
}

static int
fs_parse_busy_timeout(const char *value, size_t length, int *busy_timeout, factstr_error *error)
{
	int64_t		timeout = 0;
	size_t		i;

	for (i = 0; i < length && value[i] >= '0' && value[i] <= '9' && timeout <= INT_MAX; i++)
		timeout = timeout * 10 + (value[i] - '0');
	if (length == 0 || i < length || timeout > INT_MAX)
		return fs_error(error, FACTSTR_CANNOT_OPEN,
						"busy_timeout must be a number of milliseconds from 0 to %d", INT_MAX);
	*busy_timeout = (int) timeout;
	return FACTSTR_OK;
}

/* One NAME=VALUE. */
static int
fs_parse_option(const char *option, size_t length, fs_location *location, factstr_error *error)
{
	const char *equals = memchr(option, '=', length);
	size_t		name_length = equals == NULL ? length : (size_t) (equals - option);

	if (equals != NULL && name_length == strlen("busy_timeout") &&
		memcmp(option, "busy_timeout", name_length) == 0)
		return fs_parse_busy_timeout(equals + 1, length - name_length - 1,
									 &location->busy_timeout, error);
	(void) fs_error(error, FACTSTR_CANNOT_OPEN, "unknown option \"%.*s\" in the URL of the store",
					name_length > 64 ? 64 : (int) name_length, option);
	fs_error_hint(error,
				  "The option is \"busy_timeout=MS\".  Write %%3F for a question mark in a path.");
	return FACTSTR_CANNOT_OPEN;
}

static int
fs_parse_options(const char *options, fs_location *location, factstr_error *error)
{
	int			code = FACTSTR_OK;

	while (code == FACTSTR_OK)
	{
		size_t		length = strcspn(options, "&");

		code = fs_parse_option(options, length, location, error);
		if (options[length] == '\0')
			break;
		options += length + 1;
	}
	return code;
}

/*
 * SQLite takes some names for something else than a file, such as ":memory:"; none of them begins
 * with a dot or a slash.
 */
static char *
fs_copy_path(const char *text, size_t length)
{
	const char *prefix = text[0] == '/' ? "" : "./";
	char	   *path = malloc(strlen(prefix) + length + 1);

	if (path == NULL)
		return NULL;
	(void) strcpy(path, prefix);
	(void) strncat(path, text, length);
	return path;
}

int
fs_location_parse(const char *text, fs_location *location, factstr_error *error)
{
	size_t		length = strcspn(text, "?");
	int			code = FACTSTR_OK;

	location->busy_timeout = FS_DEFAULT_BUSY_TIMEOUT;
	location->path = NULL;
	if (length == 0)
		return fs_error(error, FACTSTR_CANNOT_OPEN, "the URL of the store has no path");
	if (text[length] == '?')
		code = fs_parse_options(text + length + 1, location, error);
	if (code != FACTSTR_OK)
		return code;

	location->path = fs_copy_path(text, length);
	if (location->path == NULL)
		return fs_error_no_memory(error);
	code = fs_decode_path(location->path, error);
	if (code != FACTSTR_OK)
	{
		free(location->path);
		location->path = NULL;
	}
	return code;
}
