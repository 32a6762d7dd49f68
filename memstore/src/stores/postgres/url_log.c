/*
 * stores/postgres/url_log.c
 *		The log that the URL of a server names, with an option that libpq does not know.
 *
 * It is found as libpq finds its own options: behind the first "?" after the host, with percent signs in
 * keyword and value.  Nothing that is said of it quotes the URL; see url.c.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/json_text.h"
#include "base/percent.h"
#include "results/error.h"
#include "stores/postgres/backend.h"

#define FS_LOG_OPTION "factstr_log"

static int
fs_refuse_option(const char *problem, factstr_error *error)
{
	(void) fs_error(error, FACTSTR_CANNOT_OPEN,
					"option \"" FS_LOG_OPTION "\" in the URL of the server %s", problem);
	fs_error_detail(error, "It names a log, with 1 to %d of the characters a to z, 0 to 9, \"_\" and \"-\".",
					FS_LOG_NAME_LENGTH);
	fs_error_hint(error, "Without it, the store is log \"main\".");
	return FACTSTR_CANNOT_OPEN;
}

static bool
fs_is_log_name(const char *name)
{
	size_t		length = strlen(name);

	return length >= 1 && length <= FS_LOG_NAME_LENGTH &&
		strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") == length;
}

/* value: as it is in the URL, or NULL. */
static int
fs_take_log_name(char *value, char *log, factstr_error *error)
{
	if (value == NULL)
		return fs_refuse_option("has no value", error);
	if (*log != '\0')
		return fs_refuse_option("is given twice", error);
	if (!fs_percent_decode(value) || !fs_is_log_name(value))
		return fs_refuse_option("is not the name of a log", error);
	(void) strcpy(log, value);
	return FACTSTR_OK;
}

/* One KEYWORD=VALUE.  *is_taken: it names the log. */
static int
fs_take_option(const char *option, size_t length, char *log, bool *is_taken, factstr_error *error)
{
	char	   *keyword = malloc(length + 1);
	char	   *equals;
	int			code = FACTSTR_OK;

	if (keyword == NULL)
		return fs_error_no_memory(error);
	memcpy(keyword, option, length);
	keyword[length] = '\0';
	equals = strchr(keyword, '=');
	if (equals != NULL)
		*equals = '\0';
	*is_taken = fs_percent_decode(keyword) && strcmp(keyword, FS_LOG_OPTION) == 0;
	if (*is_taken)
		code = fs_take_log_name(equals == NULL ? NULL : equals + 1, log, error);
	free(keyword);
	return code;
}

int
fs_take_log(const char *url, char **server_url, char *log, factstr_error *error)
{
	const char *options = fs_url_host(url);
	const char *separator = "?";
	fs_buffer	out = {0};
	int			code = FACTSTR_OK;

	*log = '\0';
	options += strcspn(options, "?");
	fs_buffer_append(&out, url, (size_t) (options - url));
	while (*options != '\0' && code == FACTSTR_OK)
	{
		const char *option = options + 1;
		size_t		length = strcspn(option, "&");
		bool		is_taken = false;

		code = fs_take_option(option, length, log, &is_taken, error);
		if (!is_taken)
		{
			fs_buffer_append_text(&out, separator);
			fs_buffer_append(&out, option, length);
			separator = "&";
		}
		options = option + length;
	}
	if (*log == '\0')
		(void) strcpy(log, FS_MAIN_LOG);
	*server_url = fs_finish_text(&out);
	if (code == FACTSTR_OK && *server_url == NULL)
		code = fs_error_no_memory(error);
	return code;
}
