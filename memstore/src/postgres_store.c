/*
 * postgres_store.c
 *		The store in a PostgreSQL database, through the extension.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "json_text.h"
#include "postgres_connection.h"

/*
 * Opening
 */

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
	" 'factstr_stream_drop']::pg_catalog.name[]))" \
	" FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n" \
	" ON n.oid OPERATOR(pg_catalog.=) e.extnamespace" \
	" WHERE e.extname OPERATOR(pg_catalog.=) 'factstr'"

#define FS_NEEDED_FUNCTIONS "14"

/* A statement with the schema in place of each @; NULL if there is no memory. */
static char *
fs_statement_of(const char *template, const char *schema)
{
	fs_buffer	out = {0};

	/* Enough for most, and one allocation instead of several. */
	(void) fs_buffer_reserve(&out, strlen(template) + 4 * strlen(schema) + 8);
	for (const char *c = template; *c != '\0'; c++)
	{
		if (*c != '@')
		{
			fs_buffer_append(&out, c, 1);
			continue;
		}
		fs_buffer_append_text(&out, schema);
		fs_buffer_append(&out, ".", 1);
	}
	return fs_finish_text(&out);
}

static int
fs_make_statements(fs_backend *backend, PGconn *libpq, const char *schema, factstr_error *error)
{
	char	   *identifier = PQescapeIdentifier(libpq, schema, strlen(schema));
	int			code = FACTSTR_OK;

	if (identifier == NULL)
		return fs_error_no_memory(error);
	for (int i = 0; code == FACTSTR_OK && i < FS_STATEMENT_COUNT; i++)
	{
		backend->statements[i] = fs_statement_of(fs_statement_templates[i], identifier);
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
	fs_error_hint(error, "A superuser makes it with CREATE EXTENSION factstr.");
	return FACTSTR_INCOMPATIBLE;
}

static int
fs_refuse_version(const char *version, factstr_error *error)
{
	(void) fs_error(error, FACTSTR_INCOMPATIBLE,
					"version %s of the extension factstr does not fit the library", version);
	fs_error_detail(error, "The library is version %s.", factstr_version());
	fs_error_hint(error, "Install both of one version, and bring the database up to date with "
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
	fs_connection *connection = fs_connection_open(backend, FACTSTR_CANNOT_OPEN, error);
	PGresult   *found;
	int			code;

	if (connection == NULL)
		return error->code;
	found = PQexec(connection->libpq, FS_FIND_EXTENSION);
	code = fs_use_extension(backend, connection->libpq, found, error);
	PQclear(found);
	fs_connection_give_back(backend, connection);
	return code;
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

/* libpq's own words may repeat the URL, and with it a password. */
static int
fs_check_url(const char *url, factstr_error *error)
{
	char	   *words = NULL;
	PQconninfoOption *options = PQconninfoParse(url, &words);
	bool		no_memory = options == NULL &&
		(words == NULL || strstr(words, "out of memory") != NULL);

	PQfreemem(words);
	if (no_memory)
		return fs_error_no_memory(error);
	if (options == NULL)
	{
		(void) fs_error(error, FACTSTR_CANNOT_OPEN, "the URL of the server is not understood");
		fs_error_detail(error, "It is \"postgresql://user@host:port/database?option=value\", each "
						"part of which may be left out, with percent signs as in any URI.");
		return FACTSTR_CANNOT_OPEN;
	}
	PQconninfoFree(options);
	return FACTSTR_OK;
}

static int
fs_postgres_open(const char *location, fs_hub *hub, fs_backend **backend, factstr_error *error)
{
	fs_backend *opened;
	int			code = fs_check_url(location, error);

	if (code != FACTSTR_OK)
		return code;
	opened = calloc(1, sizeof(fs_backend));
	if (opened == NULL)
		return fs_error_no_memory(error);
	opened->hub = hub;
	opened->url = strdup(location);
	if (opened->url == NULL || pthread_mutex_init(&opened->mutex, NULL) != 0)
	{
		free(opened->url);
		free(opened);
		return fs_error_no_memory(error);
	}
	code = fs_find_extension(opened, error);
	if (code == FACTSTR_OK)
		*backend = opened;
	else
		fs_postgres_close(opened);
	return code;
}

/*
 * Appending
 */

static int
fs_take_append(const PGresult *rows, int row, void *target, factstr_error *error)
{
	factstr_append_result *result = target;

	(void) error;
	result->first_sequence_number = (uint64_t) fs_value_int8(rows, row, 0);
	result->last_sequence_number = (uint64_t) fs_value_int8(rows, row, 1);
	result->committed_count = (uint64_t) fs_value_int8(rows, row, 2);
	return FACTSTR_OK;
}

/* A conflict is a row too. */
typedef struct fs_append_if_answer
{
	factstr_append_result result;
	bool		conflict;
	uint64_t	actual_context_version;
} fs_append_if_answer;

static int
fs_take_append_if(const PGresult *rows, int row, void *target, factstr_error *error)
{
	fs_append_if_answer *answer = target;

	answer->conflict = fs_value_bool(rows, row, 3);
	answer->actual_context_version = (uint64_t) fs_value_int8(rows, row, 4);
	return fs_take_append(rows, row, &answer->result, error);
}

static int
fs_call_append(fs_backend *backend, const fs_append *append, fs_repetition repetition,
			   factstr_append_result *result, factstr_error *error)
{
	fs_call		call = {
		FS_STATEMENT_APPEND, 2, {append->events_text, append->idempotency_key}
	};
	fs_answer	answer = {.take = fs_take_append, .target = result};

	return fs_call_server(backend, &call, &answer, repetition, error);
}

static int
fs_call_append_if(fs_backend *backend, const fs_append *append, fs_repetition repetition,
				  factstr_append_result *result, factstr_error *error)
{
	char		expected[FS_INTEGER_SIZE];
	fs_call		call = {
		FS_STATEMENT_APPEND_IF, 4,
		{
			append->events_text, append->context->text,
			append->expects_empty ? NULL :
			fs_integer_parameter(append->expected_context_version, expected),
			append->idempotency_key
		}
	};
	fs_append_if_answer outcome = {0};
	fs_answer	answer = {.take = fs_take_append_if, .target = &outcome};
	int			code = fs_call_server(backend, &call, &answer, repetition, error);

	if (code != FACTSTR_OK)
		return code;
	if (outcome.conflict)
		return fs_error_conflict(error, append->expected_context_version,
								 outcome.actual_context_version);
	*result = outcome.result;
	return FACTSTR_OK;
}

/* With a key it does no harm to append twice, and tells what became of the first time. */
static int
fs_postgres_append(fs_backend *backend, const fs_append *append, factstr_append_result *result,
				   factstr_error *error)
{
	fs_repetition repetition = append->idempotency_key != NULL ? FS_REPEAT_FOR_SECONDS :
		FS_NEVER_REPEAT;
	int			code;

	if (append->context == NULL)
		code = fs_call_append(backend, append, repetition, result, error);
	else
		code = fs_call_append_if(backend, append, repetition, result, error);
	if (code == FACTSTR_OK)
		fs_hub_wake(backend->hub);
	else if (code == FACTSTR_IDEMPOTENCY_KEY_REUSED)
		(void) fs_error_idempotency_key_reused(error);
	return code;
}

/*
 * Reading
 */

/* Rows of facts, and one with the version of the context, if that was asked for. */
typedef struct fs_facts_answer
{
	fs_fact_list *facts;
	uint64_t	version;
} fs_facts_answer;

static void
fs_begin_facts(void *target)
{
	fs_facts_answer *answer = target;

	fs_fact_list_release(answer->facts);
	answer->version = 0;
}

static int
fs_take_fact(const PGresult *rows, int row, void *target, factstr_error *error)
{
	fs_facts_answer *answer = target;
	factstr_fact fact = {
		.sequence_number = (uint64_t) fs_value_int8(rows, row, 1),
		.occurred_at = fs_value_time(rows, row, 2),
		.event_type = fs_value_text(rows, row, 3),
		.payload = fs_value_jsonb(rows, row, 4),
		.metadata = fs_value_jsonb(rows, row, 5)
	};

	if (fact.sequence_number == 0)
		answer->version = (uint64_t) fs_value_int8(rows, row, 0);
	else if (!fs_fact_list_add(answer->facts, &fact))
		return fs_error_no_memory(error);
	return FACTSTR_OK;
}

static int
fs_postgres_query(fs_backend *backend, const fs_query *query, fs_fact_list *facts,
				  uint64_t *version, factstr_error *error)
{
	fs_call		call = {FS_STATEMENT_QUERY, 1, {query->text}};
	fs_facts_answer found = {.facts = facts};
	fs_answer	answer = {fs_take_fact, fs_begin_facts, &found, .one_by_one = true};
	int			code = fs_call_server(backend, &call, &answer, FS_REPEAT_ONCE, error);

	*version = found.version;
	return code;
}

static int
fs_postgres_read(fs_backend *backend, const fs_query *query, const fs_range *range,
				 fs_fact_list *facts, factstr_error *error)
{
	char		after[FS_INTEGER_SIZE];
	char		max_count[FS_INTEGER_SIZE];
	char		up_to[FS_INTEGER_SIZE];
	fs_call		call = {
		FS_STATEMENT_READ, 5,
		{
			query->text, fs_integer_parameter(range->after, after),
			fs_integer_parameter(range->max_count < INT64_MAX ? range->max_count : INT64_MAX,
								 max_count),
			range->backwards ? "true" : "false",
			fs_integer_parameter(range->up_to < INT64_MAX ? range->up_to : INT64_MAX, up_to)
		}
	};
	fs_facts_answer found = {.facts = facts};
	fs_answer	answer = {fs_take_fact, fs_begin_facts, &found, .one_by_one = false};

	return fs_call_server(backend, &call, &answer, FS_REPEAT_ONCE, error);
}

static int
fs_take_number(const PGresult *rows, int row, void *target, factstr_error *error)
{
	(void) error;
	*(uint64_t *) target = (uint64_t) fs_value_int8(rows, row, 0);
	return FACTSTR_OK;
}

static int
fs_call_context_version(fs_backend *backend, const char *event_query, uint64_t *version,
						factstr_error *error)
{
	fs_call		call = {FS_STATEMENT_CONTEXT_VERSION, 1, {event_query}};
	fs_answer	answer = {.take = fs_take_number, .target = version};

	return fs_call_server(backend, &call, &answer, FS_REPEAT_ONCE, error);
}

static int
fs_postgres_context_version(fs_backend *backend, const fs_query *query, uint64_t *version,
							factstr_error *error)
{
	return fs_call_context_version(backend, query->text, version, error);
}

static int
fs_postgres_head(fs_backend *backend, uint64_t *head, factstr_error *error)
{
	return fs_call_context_version(backend, "{}", head, error);
}

/*
 * Batches
 */

/* Rows of batches, and one with the newest fact, if that was asked for. */
typedef struct fs_batches_answer
{
	fs_batch_list *batches;
	uint64_t	head;
} fs_batches_answer;

static void
fs_begin_batches(void *target)
{
	fs_batches_answer *answer = target;

	fs_batch_list_release(answer->batches);
	answer->head = 0;
}

static int
fs_take_batch(const PGresult *rows, int row, void *target, factstr_error *error)
{
	fs_batches_answer *answer = target;
	char	   *event_records = fs_value_jsonb(rows, row, 3);

	if (event_records == NULL)
	{
		answer->head = (uint64_t) fs_value_int8(rows, row, 0);
		return FACTSTR_OK;
	}
	if (!fs_batch_list_begin(answer->batches, (uint64_t) fs_value_int8(rows, row, 1),
							 (uint64_t) fs_value_int8(rows, row, 2),
							 fs_value_text(rows, row, 4)))
		return fs_error_no_memory(error);
	return fs_add_event_records(event_records, answer->batches, error);
}

static const char *
fs_batch_count_parameter(size_t max_batches, char *text)
{
	return fs_integer_parameter(max_batches < INT_MAX ? max_batches : INT_MAX, text);
}

static int
fs_postgres_batches(fs_backend *backend, const fs_query *query, uint64_t after,
					size_t max_batches, fs_batch_list *batches, uint64_t *searched,
					factstr_error *error)
{
	char		position[FS_INTEGER_SIZE];
	char		count[FS_INTEGER_SIZE];
	fs_call		call = {
		FS_STATEMENT_BATCHES, 3,
		{
			query->text, fs_integer_parameter(after, position),
			fs_batch_count_parameter(max_batches, count)
		}
	};
	fs_batches_answer found = {.batches = batches};
	fs_answer	answer = {fs_take_batch, fs_begin_batches, &found, .one_by_one = false};
	int			code = fs_call_server(backend, &call, &answer, FS_REPEAT_ONCE, error);

	*searched = batches->count < max_batches ? found.head :
		batches->batches[batches->count - 1].last_sequence_number;
	return code;
}

static int
fs_postgres_export(fs_backend *backend, uint64_t after, size_t max_batches,
				   fs_batch_list *batches, factstr_error *error)
{
	char		position[FS_INTEGER_SIZE];
	char		count[FS_INTEGER_SIZE];
	fs_call		call = {
		FS_STATEMENT_EXPORT, 2,
		{
			fs_integer_parameter(after, position), fs_batch_count_parameter(max_batches, count)
		}
	};
	fs_batches_answer found = {.batches = batches};
	fs_answer	answer = {fs_take_batch, fs_begin_batches, &found, .one_by_one = false};

	return fs_call_server(backend, &call, &answer, FS_REPEAT_ONCE, error);
}

static void
fs_write_batch(fs_buffer *out, const factstr_batch *batch)
{
	fs_buffer_append_text(out, "{\"first_sequence_number\":");
	fs_write_integer(out, batch->first_sequence_number);
	fs_buffer_append_text(out, ",\"last_sequence_number\":");
	fs_write_integer(out, batch->last_sequence_number);
	if (batch->idempotency_key != NULL)
	{
		fs_buffer_append_text(out, ",\"idempotency_key\":");
		fs_write_string(out, batch->idempotency_key);
	}
	fs_buffer_append_text(out, ",\"event_records\":");
	fs_write_event_records(out, batch->facts, batch->fact_count);
	fs_buffer_append(out, "}", 1);
}

static char *
fs_write_batches(const factstr_batch *batches, size_t count)
{
	fs_buffer	out = {0};

	for (size_t i = 0; i < count; i++)
	{
		fs_buffer_append(&out, i == 0 ? "[" : ",", 1);
		fs_write_batch(&out, &batches[i]);
	}
	fs_buffer_append(&out, "]", 1);
	return fs_finish_text(&out);
}

/* The server takes everything apart anyway, so it gets the texts. */
static int
fs_postgres_import(fs_backend *backend, const factstr_batch *batches,
				   fs_append_event *const *events, size_t count, factstr_error *error)
{
	char	   *text = fs_write_batches(batches, count);
	fs_call		call = {FS_STATEMENT_IMPORT, 1, {text}};
	int			code;

	(void) events;
	if (text == NULL)
		return fs_error_no_memory(error);
	code = fs_call_server(backend, &call, NULL, FS_NEVER_REPEAT, error);
	free(text);
	if (code == FACTSTR_OK)
		fs_hub_wake(backend->hub);
	return code;
}

const fs_methods fs_postgres_store = {
	.open = fs_postgres_open,
	.close = fs_postgres_close,
	.append = fs_postgres_append,
	.query = fs_postgres_query,
	.context_version = fs_postgres_context_version,
	.head = fs_postgres_head,
	.read = fs_postgres_read,
	.batches = fs_postgres_batches,
	.export_batches = fs_postgres_export,
	.import_batches = fs_postgres_import,
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
	.stream_drop = fs_postgres_stream_drop
};
