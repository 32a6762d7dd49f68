/*
 * stores/postgres/url.c
 *		The URL of a server, checked before anything is done with it.
 *
 * If the special characters of a password are not percent-encoded, libpq takes parts of it for hosts, ports
 * and options, and its messages quote them.  So errors of a URL are detected here as far as possible, with
 * messages that quote nothing of it.
 */
#include <stdlib.h>
#include <string.h>

#include "results/error.h"
#include "stores/postgres/backend.h"

#define FS_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define FS_DIGITS "0123456789"

/* The characters of names, and those of other values that can safely be quoted. */
#define FS_PLAIN_NAME FS_LETTERS FS_DIGITS "_.-"
#define FS_PLAIN_VALUE FS_PLAIN_NAME "/:,=+ []"

static int
fs_refuse_url(const char *problem, factstr_error *error)
{
	(void) fs_error(error, FACTSTR_CANNOT_OPEN, "invalid URL of the server: %s", problem);
	fs_error_detail(error, "It is \"postgresql://user:password@host:port/database?option=value\", each "
					"part of which may be left out.");
	fs_error_hint(error, "Write special characters with percent signs: \"%%\" is %%25, \"/\" is %%2F, "
				  "\":\" is %%3A, \"?\" is %%3F, \"@\" is %%40. A password may stand in PGPASSWORD instead.");
	return FACTSTR_CANNOT_OPEN;
}

int
fs_refuse_url_option(const char *keyword, const char *detail, factstr_error *error)
{
	(void) fs_error(error, FACTSTR_CANNOT_OPEN,
					"unknown option \"%s\" in the URL of the server", keyword);
	fs_error_detail(error, "%s", detail);
	return FACTSTR_CANNOT_OPEN;
}

/* Returns the part after the user and the password, which end as in libpq. */
const char *
fs_url_host(const char *url)
{
	const char *authority = strstr(url, "://") + strlen("://");
	const char *end = authority + strcspn(authority, "@/");

	return *end == '@' ? end + 1 : authority;
}

/*
 * An "@" behind the host's beginning, a colon without a port, or a "/" or ":" in the name of the
 * database is part of a password or of a name, and would lead libpq astray.
 */
static int
fs_check_parts(const char *url, factstr_error *error)
{
	const char *host = fs_url_host(url);
	size_t		host_length = strcspn(host, "/?");
	const char *database = host + host_length + (host[host_length] == '/' ? 1 : 0);

	if (strcspn(host, "@") < host_length || database[strcspn(database, "@/:?")] == '@')
		return fs_refuse_url("it has one \"@\" too many", error);
	if (host_length > 0 && host[host_length - 1] == ':')
		return fs_refuse_url("a colon is not followed by a port", error);
	if (strcspn(database, "/:") < strcspn(database, "?"))
		return fs_refuse_url("the name of the database has a special character", error);
	return FACTSTR_OK;
}

/* The beginnings of libpq's messages, and our messages for the same errors. */
static const struct
{
	const char *beginning;
	const char *problem;
}			fs_url_problems[] =
{
	{"invalid percent-encoded token", "a percent sign is not followed by two hexadecimal digits"},
	{"forbidden value %00", "%00 is not allowed"},
	{"missing key/value separator", "an option has no value"},
	{"extra key/value separator", "an option has two values"},
	{"invalid URI query parameter", "there is no such option"},
	{"", "a part of it is malformed"}
};

static int
fs_refuse_unparsed(const char *words, factstr_error *error)
{
	size_t		i = 0;

	if (words == NULL || strstr(words, "out of memory") != NULL)
		return fs_error_no_memory(error);
	while (strncmp(words, fs_url_problems[i].beginning, strlen(fs_url_problems[i].beginning)) != 0)
		i++;
	return fs_refuse_url(fs_url_problems[i].problem, error);
}

/* A port for each host, of which some may be left out. */
static int
fs_check_ports(const char *ports, factstr_error *error)
{
	while (true)
	{
		size_t		length = strcspn(ports, ",");

		if (strspn(ports, FS_DIGITS) < length || length > 5 ||
			(length > 0 && (atoi(ports) < 1 || atoi(ports) > 65535)))
			return fs_refuse_url("the port is not a number from 1 to 65535", error);
		if (ports[length] == '\0')
			return FACTSTR_OK;
		ports += length + 1;
	}
}

static bool
fs_is_integer_option(const char *keyword)
{
	return strncmp(keyword, "keepalives", strlen("keepalives")) == 0 ||
		strcmp(keyword, "connect_timeout") == 0 || strcmp(keyword, "tcp_user_timeout") == 0;
}

static int
fs_check_option(const PQconninfoOption *option, factstr_error *error)
{
	const char *value = option->val;

	if (strcmp(option->keyword, "port") == 0)
		return fs_check_ports(value, error);
	if (fs_is_integer_option(option->keyword) &&
		strlen(value + (*value == '-' ? 1 : 0)) != strspn(value + (*value == '-' ? 1 : 0), FS_DIGITS))
		return fs_refuse_url_option(option->keyword, "It is a number.", error);
	return FACTSTR_OK;
}

/* Passwords are not quoted by anybody. */
static bool
fs_is_plain(const PQconninfoOption *option)
{
	bool		is_name = strcmp(option->keyword, "user") == 0 || strcmp(option->keyword, "dbname") == 0;

	return strcmp(option->keyword, "password") == 0 || strcmp(option->keyword, "sslpassword") == 0 ||
		option->val[strspn(option->val, is_name ? FS_PLAIN_NAME : FS_PLAIN_VALUE)] == '\0';
}

int
fs_check_url(const char *url, bool *is_plain, factstr_error *error)
{
	char	   *words = NULL;
	PQconninfoOption *options;
	int			code = fs_check_parts(url, error);

	*is_plain = true;
	if (code != FACTSTR_OK)
		return code;
	options = PQconninfoParse(url, &words);
	if (options == NULL)
		code = fs_refuse_unparsed(words, error);
	for (const PQconninfoOption *option = options;
		 option != NULL && option->keyword != NULL && code == FACTSTR_OK; option++)
	{
		if (option->val == NULL)
			continue;
		code = fs_check_option(option, error);
		*is_plain = *is_plain && fs_is_plain(option);
	}
	PQfreemem(words);
	PQconninfoFree(options);
	return code;
}
