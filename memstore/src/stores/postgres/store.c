/*
 * stores/postgres/store.c
 *		The store in a PostgreSQL database: opening, closing, and the table of its functions.
 */
#include <stdlib.h>
#include <string.h>

#include "results/error.h"
#include "stores/postgres/backend.h"
#include "stores/postgres/connection.h"
#include "stores/store.h"

static const char *const fs_statement_templates[FS_STATEMENT_COUNT] = {
#define FS_STATEMENT_TEMPLATE(NAME, sql) sql,
	FS_POSTGRES_STATEMENTS(FS_STATEMENT_TEMPLATE)
#undef FS_STATEMENT_TEMPLATE
};

/* The schema of the extension, its version, and how many of the needed functions it has. */
#define FS_FIND_EXTENSION \
	"SELECT n.nspname, e.extversion, (SELECT pg_catalog.count(DISTINCT p.proname)" \
	" FROM pg_catalog.pg_proc p WHERE p.pronamespace OPERATOR(pg_catalog.=) n.oid" \
	" AND p.proname OPERATOR(pg_catalog.=) ANY (ARRAY['factstr_append', 'factstr_try_append_if'," \
	" 'factstr_read', 'factstr_batches', 'factstr_context_version', 'factstr_export'," \
	" 'factstr_import', 'factstr_stream_open', 'factstr_stream_try_hold', 'factstr_stream_ack'," \
	" 'factstr_stream_fail', 'factstr_stream_release', 'factstr_stream_seek'," \
	" 'factstr_stream_drop', 'factstr_has_right']::pg_catalog.name[]))" \
	" FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n" \
	" ON n.oid OPERATOR(pg_catalog.=) e.extnamespace" \
	" WHERE e.extname OPERATOR(pg_catalog.=) 'factstr'"

#define FS_NEEDED_FUNCTIONS "15"

static int
fs_make_statements(fs_backend *backend, PGconn *libpq, const char *schema, factstr_error *error)
{
	char	   *identifier = PQescapeIdentifier(libpq, schema, strlen(schema));
	int			code = FACTSTR_OK;

	if (identifier == NULL)
		return fs_error_no_memory(error);
	for (int i = 0; code == FACTSTR_OK && i < FS_STATEMENT_COUNT; i++)
	{
		backend->statements[i] = fs_statement_in_log(backend, fs_statement_templates[i], identifier);
		if (backend->statements[i] == NULL)
			code = fs_error_no_memory(error);
	}
	PQfreemem(identifier);
	return code;
}

static int
fs_refuse_missing_extension(PGconn *libpq, factstr_error *error)
{
	(void) fs_error(error, FACTSTR_INCOMPATIBLE,
					"database \"%s\" does not have the extension factstr", PQdb(libpq));
	fs_error_hint(error, "A superuser creates it with CREATE EXTENSION factstr.");
	return FACTSTR_INCOMPATIBLE;
}

static int
fs_refuse_version(const char *version, factstr_error *error)
{
	(void) fs_error(error, FACTSTR_INCOMPATIBLE,
					"version %s of the extension factstr does not fit the library", version);
	fs_error_detail(error, "The library is version %s.", factstr_version());
	fs_error_hint(error, "Install the same version of both, and update the database with "
				  "ALTER EXTENSION factstr UPDATE.");
	return FACTSTR_INCOMPATIBLE;
}

static int
fs_use_extension(fs_backend *backend, PGconn *libpq, const PGresult *found, factstr_error *error)
{
	if (PQresultStatus(found) != PGRES_TUPLES_OK)
		return fs_postgres_error(libpq, found, error);
	if (PQntuples(found) == 0)
		return fs_refuse_missing_extension(libpq, error);
	if (strcmp(PQgetvalue(found, 0, 2), FS_NEEDED_FUNCTIONS) != 0)
		return fs_refuse_version(PQgetvalue(found, 0, 1), error);
	return fs_make_statements(backend, libpq, PQgetvalue(found, 0, 0), error);
}

static int
fs_find_extension(fs_backend *backend, factstr_error *error)
{
	fs_connection *connection = fs_connection_open(backend, error);
	PGresult   *found;
	int			code;

	if (connection == NULL)
		return error->code;
	found = PQexec(connection->libpq, FS_FIND_EXTENSION);
	code = fs_use_extension(backend, connection->libpq, found, error);
	PQclear(found);
	fs_connection_give_back(backend, connection);
	if (code == FACTSTR_OK)
		code = fs_log_check(backend, error);
	return code == FACTSTR_OK ? code : fs_nothing_was_done(error);
}

static void
fs_postgres_close(fs_backend *backend)
{
	fs_connections_close_all(backend);
	fs_ghosts_forget(backend, NULL);
	for (int i = 0; i < FS_STATEMENT_COUNT; i++)
		free(backend->statements[i]);
	(void) pthread_mutex_destroy(&backend->mutex);
	free(backend->url);
	free(backend);
}

/* A store without connections. */
static fs_backend *
fs_backend_new(const char *url, fs_hub *hub, factstr_error *error)
{
	fs_backend *backend = calloc(1, sizeof(fs_backend));

	if (backend == NULL || pthread_mutex_init(&backend->mutex, NULL) != 0)
	{
		free(backend);
		(void) fs_error_no_memory(error);
		return NULL;
	}
	backend->hub = hub;
	if (fs_take_log(url, &backend->url, backend->log, error) == FACTSTR_OK &&
		fs_check_url(backend->url, &backend->url_is_plain, error) == FACTSTR_OK)
		return backend;
	fs_postgres_close(backend);
	return NULL;
}

static int
fs_postgres_open(const char *location, fs_hub *hub, fs_backend **backend, factstr_error *error)
{
	fs_backend *opened;
	int			code = fs_libpq_load(error);

	if (code != FACTSTR_OK)
		return code;
	opened = fs_backend_new(location, hub, error);
	if (opened == NULL)
		return error->code;
	code = fs_find_extension(opened, error);
	if (code == FACTSTR_OK)
		*backend = opened;
	else
		fs_postgres_close(opened);
	return code;
}

const fs_methods fs_postgres_store = {
	.open = fs_postgres_open,
	.close = fs_postgres_close,
	.append = fs_postgres_append,
	.append_at_commit = fs_postgres_append_at_commit,
	.last_append = fs_postgres_last_append,
	.query = fs_postgres_query,
	.context_version = fs_postgres_context_version,
	.newest = fs_postgres_newest,
	.head = fs_postgres_head,
	.read = fs_postgres_read,
	.batches = fs_postgres_batches,
	.export_batches = fs_postgres_export,
	.import_batches = fs_postgres_import,
	.redact = fs_postgres_redact,
	.redactions = fs_postgres_redactions,
	.import_redactions = fs_postgres_import_redactions,
	.watch = fs_postgres_watch,
	.unwatch = fs_postgres_unwatch,
	.stream_claim = fs_postgres_stream_claim,
	.stream_begin = fs_postgres_stream_begin,
	.stream_move = fs_postgres_stream_move,
	.stream_fail = fs_postgres_stream_fail,
	.stream_resume = fs_postgres_stream_resume,
	.stream_release = fs_postgres_stream_release,
	.streams = fs_postgres_streams,
	.stream_cursor = fs_postgres_stream_cursor,
	.stream_seek = fs_postgres_stream_seek,
	.stream_drop = fs_postgres_stream_drop,
	.logs = fs_postgres_logs,
	.create_log = fs_postgres_create_log,
	.seal_log = fs_postgres_seal_log,
	.drop_log = fs_postgres_drop_log
};
