/*
 * stores/postgres/connecting.c
 *		Connecting to the server, and why that has failed.
 *
 * Until a connection is made there are no codes, only messages: libpq's own, the system's or
 * the server's.  They may quote any part of the URL, so they are passed on only where that does no
 * harm; see url.c.
 */
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include "results/error.h"
#include "stores/postgres/backend.h"
#include "stores/postgres/connection.h"

/* The characters of messages that quote nothing: "Connection refused", "timeout expired". */
#define FS_UNQUOTED "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ ,"

#define FS_MAX_REASON 300

/*
 * The URL overrides the parameters before it, and those after it override the URL.
 *
 * A call has no time limit, because it may wait for a lock.  But if the network drops all packets, a connection is
 * given up after a minute, whether it is idle or not; by default, systems wait for a quarter of an hour, or two hours.
 */
PGconn *
fs_connect(const char *url)
{
	const char *keywords[] = {
		"connect_timeout", "fallback_application_name", "keepalives_idle", "keepalives_interval",
		"keepalives_count", "tcp_user_timeout", "dbname", "client_encoding", NULL
	};
	const char *values[] = {"10", "factstr", "30", "10", "3", "60000", url, "UTF8", NULL};

	/* NULL leaves it to the environment. */
	if (getenv("PGCONNECT_TIMEOUT") != NULL)
		values[0] = NULL;
	return PQconnectdbParams(keywords, values, 1);
}

/* Words of libpq, or of the system's resolver. */
static bool
fs_is_out_of_memory(const char *words)
{
	return strstr(words, "out of memory") != NULL || strstr(words, gai_strerror(EAI_MEMORY)) != NULL;
}

/* The option whose value libpq does not know: 'invalid sslmode value: "no"'. */
static const char *
fs_find_invalid_option(const char *words)
{
	static const char *const keywords[] = {
		"channel_binding", "gssencmode", "load_balance_hosts", "replication", "require_auth",
		"ssl_max_protocol_version", "ssl_min_protocol_version", "sslcertmode", "sslmode",
		"sslnegotiation", "target_session_attrs", NULL
	};
	const char *invalid = "invalid ";

	if (strncmp(words, invalid, strlen(invalid)) != 0)
		return NULL;
	words += strlen(invalid);
	for (const char *const *keyword = keywords; *keyword != NULL; keyword++)
	{
		if (strncmp(words, *keyword, strlen(*keyword)) == 0 && words[strlen(*keyword)] == ' ')
			return *keyword;
	}
	return NULL;
}

/* The line that libpq adds after the address of the last server that it has tried. */
static void
fs_find_reason(const char *words, char *reason)
{
	const char *last = NULL;

	for (const char *at = words; (at = strstr(at, " failed: ")) != NULL; at += strlen(" failed: "))
		last = at + strlen(" failed: ");
	if (last == NULL && strncmp(words, "could not translate host name", 29) == 0)
		last = "the name of its host cannot be looked up";
	if (last == NULL)
		last = "libpq cannot use its URL, or the variables of the environment";
	if (strncmp(last, "FATAL:  ", 8) == 0)
		last += 8;
	(void) snprintf(reason, FS_MAX_REASON, "%.*s", (int) strcspn(last, "\n"), last);
}

int
fs_connect_error(const fs_backend *backend, PGconn *libpq, factstr_error *error)
{
	const char *words = PQerrorMessage(libpq);
	const char *invalid = fs_find_invalid_option(words);
	char		reason[FS_MAX_REASON];

	if (libpq == NULL || fs_is_out_of_memory(words))
		return fs_error_no_memory(error);
	if (invalid != NULL)
		return fs_refuse_url_option(invalid, "It must have one of the values that libpq documents.", error);
	fs_find_reason(words, reason);
	if (!backend->url_is_plain && reason[strspn(reason, FS_UNQUOTED)] != '\0')
		(void) snprintf(reason, sizeof(reason), "it refuses the connection");
	(void) fs_error(error, FACTSTR_NOT_CONNECTED, "cannot connect to the server: %s", reason);
	if (strstr(words, "FATAL:") == NULL)
		fs_error_hint(error, "Is the server running, and does the URL say where?");
	return FACTSTR_NOT_CONNECTED;
}
