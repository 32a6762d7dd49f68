/*
 * stores/postgres/log.c
 *		The log of a store: one of the logs of its database.
 *
 * Everything that the store sends names its log, main too.  The name consists of letters, digits, "_" and "-" (see
 * url_log.c), so it needs no escapes in a literal, or in an identifier with quotes.
 */
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/json_text.h"
#include "results/error.h"
#include "stores/postgres/backend.h"

bool
fs_log_is_main(const fs_backend *backend)
{
	return strcmp(backend->log, FS_MAIN_LOG) == 0;
}

static void
fs_append_redactions(fs_buffer *out, const fs_backend *backend)
{
	fs_buffer_append_text(out, "\"factstr_");
	if (!fs_log_is_main(backend))
	{
		fs_buffer_append_text(out, backend->log);
		fs_buffer_append_text(out, "_");
	}
	fs_buffer_append_text(out, "redactions\"");
}

static void
fs_append_sign(fs_buffer *out, char sign, const fs_backend *backend, const char *schema)
{
	switch (sign)
	{
		case '@':
			fs_buffer_append_text(out, schema);
			fs_buffer_append_text(out, ".");
			break;
		case '%':
			fs_buffer_append_text(out, "'");
			fs_buffer_append_text(out, backend->log);
			fs_buffer_append_text(out, "'::pg_catalog.text");
			break;
		case '&':
			fs_append_redactions(out, backend);
			break;
		default:
			fs_buffer_append(out, &sign, 1);
			break;
	}
}

char *
fs_statement_in_log(const fs_backend *backend, const char *template, const char *schema)
{
	fs_buffer	out = {0};

	/* Enough for most, and one allocation instead of several. */
	(void) fs_buffer_reserve(&out, strlen(template) + 4 * strlen(schema) + 128);
	for (const char *c = template; *c != '\0'; c++)
		fs_append_sign(&out, *c, backend, schema);
	return fs_finish_text(&out);
}

const char *
fs_listen_command(const fs_backend *backend, const char *verb, char *command)
{
	bool		is_main = fs_log_is_main(backend);

	(void) snprintf(command, FS_LISTEN_SIZE, "%s \"factstr%s%s\"", verb, is_main ? "" : ".",
					is_main ? "" : backend->log);
	return command;
}

static int
fs_take_exists(const PGresult *rows, int row, void *target, factstr_error *error)
{
	(void) error;
	*(bool *) target = fs_value_bool(rows, row, 0);
	return FACTSTR_OK;
}

/* In the server's words.  main exists as long as the extension. */
int
fs_log_check(fs_backend *backend, factstr_error *error)
{
	fs_call		call = {.statement = FS_STATEMENT_LOG_EXISTS};
	bool		exists = true;
	fs_answer	answer = {.take = fs_take_exists, .target = &exists};
	int			code = fs_log_is_main(backend) ? FACTSTR_OK :
		fs_call_server(backend, &call, &answer, FS_REPEAT_ONCE, error);

	if (code != FACTSTR_OK || exists)
		return code;
	(void) fs_error(error, FACTSTR_NO_SUCH_LOG, "log \"%s\" does not exist", backend->log);
	fs_error_hint(error, "The view factstr_logs shows which there are; factstr_create_log makes one.");
	return FACTSTR_NO_SUCH_LOG;
}
