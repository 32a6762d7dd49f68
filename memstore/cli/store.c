/*
 * store.c
 *		Opening the store that a command works on.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/json_text.h"
#include "errors.h"
#include "messages.h"
#include "options.h"
#include "secrets.h"
#include "store.h"

#define CLI_URL_VARIABLE "FACTSTR_URL"
#define CLI_SQLITE_SCHEME "sqlite:"
#define CLI_LOG_IN_URL "factstr_log="

static bool
cli_begins_with(const char *text, const char *beginning)
{
	return strncmp(text, beginning, strlen(beginning)) == 0;
}

/* A connection string of libpq, which factstr_open refuses, and which must not become the name of a file. */
static bool
cli_has_keywords(const char *url)
{
	static const char *const keywords[] = {"host=", "hostaddr=", "port=", "dbname=", "user=", "service=", CLI_LOG_IN_URL};

	for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++)
	{
		if (cli_begins_with(url, keywords[i]))
			return true;
	}
	return false;
}

/*
 * Is it the path of a file, and no URL, which begins with a scheme?  A text that seems to contain a password
 * is meant for a server, unless it begins with a directory.
 */
static bool
cli_is_path(const char *url)
{
	size_t		scheme = strspn(url, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+.-");

	if (cli_find_secret(url) != NULL)
		return url[0] == '/' || url[0] == '.';
	return url[scheme] != ':' && !cli_has_keywords(url);
}

/* Writes a path as the path of a URL. */
static void
cli_write_path(fs_buffer *out, const char *path)
{
	for (; *path != '\0'; path++)
	{
		if (*path == '?')
			fs_buffer_append_text(out, "%3F");
		else if (*path == '%')
			fs_buffer_append_text(out, "%25");
		else
			fs_buffer_append(out, path, 1);
	}
}

/* The "?" before the options of a URL, or NULL.  A password may have one, too, which ends before "@". */
static const char *
cli_find_options(const char *url)
{
	const char *authority = strstr(url, "://");
	const char *user = authority == NULL ? NULL : authority + strcspn(authority + 3, "@/") + 3;

	return strchr(user != NULL && *user == '@' ? user : url, '?');
}

/* Adds an option after the "?" of the URL, which is added if there is none. */
static void
cli_add_option(fs_buffer *url, bool *has_options, const char *option, const char *value)
{
	fs_buffer_append_text(url, *has_options ? "&" : "?");
	fs_buffer_append_text(url, option);
	fs_buffer_append_text(url, value);
	*has_options = true;
}

/* A mode that the user has chosen stays. */
char *
cli_make_url(const char *url, const char *log, cli_store_mode mode)
{
	bool		is_path = cli_is_path(url);
	const char *options = is_path ? NULL : cli_find_options(url);
	bool		has_options = options != NULL;
	fs_buffer	complete = {0};

	if (is_path)
	{
		fs_buffer_append_text(&complete, CLI_SQLITE_SCHEME);
		cli_write_path(&complete, url);
	}
	else
		fs_buffer_append_text(&complete, url);
	if (mode == CLI_EXISTING_STORE && (is_path || cli_begins_with(url, CLI_SQLITE_SCHEME)) &&
		(options == NULL || strstr(options, "mode=") == NULL))
		cli_add_option(&complete, &has_options, "mode=", "rw");
	if (log != NULL)
		cli_add_option(&complete, &has_options, CLI_LOG_IN_URL, log);
	return fs_finish_text(&complete);
}

static factstr_store *
cli_open_log(const char *url, const char *log, cli_store_mode mode)
{
	char	   *complete = cli_make_url(url, log, mode);
	factstr_store *store = NULL;
	factstr_error error;
	int			code;

	if (complete == NULL)
		code = cli_error_no_memory(&error);
	else
		code = factstr_open(complete, &store, &error);
	if (complete != NULL && code == FACTSTR_CANNOT_OPEN && mode == CLI_EXISTING_STORE && error.hint[0] == '\0' &&
		cli_begins_with(complete, CLI_SQLITE_SCHEME))
		cli_error_hint(&error, "Check the path. Commands that append or import create a new store, this "
					   "one does not.");
	if (code != FACTSTR_OK)
		(void) cli_fail(&error);
	free(complete);
	return store;
}

factstr_store *
cli_open_url(const char *url, cli_store_mode mode)
{
	return cli_open_log(url, NULL, mode);
}

static const char *
cli_chosen_url(void)
{
	const char *url = cli_given_url() != NULL ? cli_given_url() : getenv(CLI_URL_VARIABLE);

	if (url != NULL && url[0] != '\0')
		return url;
	cli_usage_error("no store given: use --store URL, or set " CLI_URL_VARIABLE);
}

factstr_store *
cli_open_store(cli_store_mode mode)
{
	return cli_open_log(cli_chosen_url(), cli_given_log(), mode);
}

static void
cli_take_log_out(char *url)
{
	char	   *separator = cli_is_path(url) ? NULL : (char *) cli_find_options(url);

	while (separator != NULL && *separator != '\0')
	{
		char	   *option = separator + 1;
		char	   *end = option + strcspn(option, "&");

		if (!cli_begins_with(option, CLI_LOG_IN_URL))
			separator = end;
		else if (*end == '&')
			(void) memmove(option, end + 1, strlen(end + 1) + 1);
		else
			*separator = '\0';
	}
}

factstr_store *
cli_open_database(void)
{
	char	   *url;
	factstr_store *store;

	if (cli_given_log() != NULL)
		cli_usage_error("--log is not allowed here: the command works on all logs of a database");
	url = strdup(cli_chosen_url());
	if (url == NULL)
	{
		(void) cli_fail_no_memory();
		return NULL;
	}
	cli_take_log_out(url);
	store = cli_open_url(url, CLI_EXISTING_STORE);
	free(url);
	return store;
}
