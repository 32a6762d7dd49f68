/*
 * stores/sqlite/location.c
 *		Where a SQLite store is, and how to open it: PATH?busy_timeout_ms=MS&mode=ro.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/percent.h"
#include "results/error.h"
#include "stores/sqlite/backend.h"

#define FS_DEFAULT_BUSY_TIMEOUT 10000

static int
fs_decode_path(char *path, factstr_error *error)
{
	if (fs_percent_decode(path))
		return FACTSTR_OK;
	(void) fs_error(error, FACTSTR_CANNOT_OPEN, "malformed percent-encoding in the path of the store");
	fs_error_hint(error, "Write %%25 for a percent sign and %%3F for a question mark.");
	return FACTSTR_CANNOT_OPEN;
}

static bool
fs_parse_number(const char *value, size_t length, int *number)
{
	int64_t		parsed = 0;
	size_t		i;

	for (i = 0; i < length && value[i] >= '0' && value[i] <= '9' && parsed <= INT_MAX; i++)
		parsed = parsed * 10 + (value[i] - '0');
	if (length == 0 || i < length || parsed > INT_MAX)
		return false;
	*number = (int) parsed;
	return true;
}

static int
fs_parse_busy_timeout(const char *value, size_t length, fs_location *location,
					  factstr_error *error)
{
	if (fs_parse_number(value, length, &location->busy_timeout))
		return FACTSTR_OK;
	return fs_error(error, FACTSTR_CANNOT_OPEN,
					"busy_timeout_ms must be a number of milliseconds from 0 to %d", INT_MAX);
}

static int
fs_parse_cache_size(const char *value, size_t length, fs_location *location,
					factstr_error *error)
{
	if (fs_parse_number(value, length, &location->cache_size))
		return FACTSTR_OK;
	return fs_error(error, FACTSTR_CANNOT_OPEN,
					"cache_size_kb must be a number of kilobytes from 0 to %d", INT_MAX);
}

static bool
fs_is_word(const char *text, size_t length, const char *word)
{
	return length == strlen(word) && memcmp(text, word, length) == 0;
}

/* In the words that SQLite has for it: "c" stands for "create". */
static int
fs_parse_mode(const char *value, size_t length, fs_location *location, factstr_error *error)
{
	location->only_reads = fs_is_word(value, length, "ro");
	location->must_exist = location->only_reads || fs_is_word(value, length, "rw");
	if (location->must_exist || fs_is_word(value, length, "rwc"))
		return FACTSTR_OK;
	(void) fs_error(error, FACTSTR_CANNOT_OPEN, "mode must be \"ro\", \"rw\" or \"rwc\"");
	fs_error_detail(error, "With \"ro\" the store is read-only, with \"rw\" it must exist, with \"rwc\" it is "
					"created if it does not.");
	return FACTSTR_CANNOT_OPEN;
}

static const struct
{
	const char *name;
	int			(*parse) (const char *value, size_t length, fs_location *location,
						  factstr_error *error);
}			fs_options[] =
{
	{"busy_timeout_ms", fs_parse_busy_timeout},
	{"mode", fs_parse_mode},
	{"cache_size_kb", fs_parse_cache_size},
};

static int
fs_refuse_log(factstr_error *error)
{
	(void) fs_error(error, FACTSTR_CANNOT_OPEN, "a SQLite file is one log, so it has no option \"factstr_log\"");
	fs_error_hint(error, "For several logs, use several files.");
	return FACTSTR_CANNOT_OPEN;
}

/* One NAME=VALUE. */
static int
fs_parse_option(const char *option, size_t length, fs_location *location, factstr_error *error)
{
	const char *equals = memchr(option, '=', length);
	size_t		name_length = equals == NULL ? length : (size_t) (equals - option);

	for (size_t i = 0; equals != NULL && i < sizeof(fs_options) / sizeof(fs_options[0]); i++)
	{
		if (fs_is_word(option, name_length, fs_options[i].name))
			return fs_options[i].parse(equals + 1, length - name_length - 1, location, error);
	}
	if (fs_is_word(option, name_length, "factstr_log"))
		return fs_refuse_log(error);
	(void) fs_error(error, FACTSTR_CANNOT_OPEN, "unknown option \"%.*s\" in the URL of the store",
					name_length > 64 ? 64 : (int) name_length, option);
	fs_error_hint(error, "The options are \"busy_timeout_ms=MS\", \"cache_size_kb=KB\" and \"mode=ro\" or \"mode=rw\".  Write %%3F for a "
				  "question mark in a path.");
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

	*location = (fs_location) {
		.busy_timeout = FS_DEFAULT_BUSY_TIMEOUT, .cache_size = FS_DEFAULT_CACHE_SIZE
	};
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
