/*
 * stores/postgres/streams.c
 *		Durable streams in the database, from outside: listed, moved and dropped.
 */
#include "results/error.h"
#include "results/lists.h"
#include "stores/hub.h"
#include "stores/postgres/backend.h"

int
fs_name_stream(int code, const char *name, factstr_error *error)
{
	switch (code)
	{
		case FACTSTR_STREAM_ACTIVE:
			return fs_error_stream_active(error, name);
		case FACTSTR_STREAM_QUERY_DIFFERS:
			return fs_error_stream_query_differs(error, name);
		case FACTSTR_NO_SUCH_STREAM:
			return fs_error_no_such_stream(error, name);
		default:
			return code;
	}
}

static int
fs_take_stream(const PGresult *rows, int row, void *target, factstr_error *error)
{
	factstr_stream_status status = {
		.name = fs_value_text(rows, row, 0),
		.event_query = fs_value_jsonb(rows, row, 1),
		.cursor_sequence_number = (uint64_t) fs_value_int8(rows, row, 2),
		.head_sequence_number = (uint64_t) fs_value_int8(rows, row, 3),
		.lag_facts = (uint64_t) fs_value_int8(rows, row, 4),
		.lag_us = fs_value_interval(rows, row, 5),
		.last_success_at = fs_value_time(rows, row, 6),
		.failure_count = (uint32_t) fs_value_int4(rows, row, 7),
		.last_error = fs_value_text(rows, row, 8),
		.last_failed_at = fs_value_time(rows, row, 9),
		.retry_at = fs_value_time(rows, row, 10),
		.active = !PQgetisnull(rows, row, 11)
	};

	return fs_stream_list_add(target, &status) ? FACTSTR_OK : fs_error_no_memory(error);
}

static void
fs_begin_streams(void *target)
{
	fs_stream_list_release(target);
}

int
fs_postgres_streams(fs_backend *backend, fs_stream_list *streams, factstr_error *error)
{
	fs_call		call = {.statement = FS_STATEMENT_STREAMS};
	fs_answer	answer = {fs_take_stream, fs_begin_streams, streams, .one_by_one = false};
	int			code = fs_call_server(backend, &call, &answer, FS_REPEAT_ONCE, error);

	return code == FACTSTR_OK && streams->count == 0 ? fs_log_check(backend, error) : code;
}

/* Found, and where it is. */
typedef struct fs_position
{
	bool		found;
	uint64_t	cursor;
} fs_position;

static int
fs_take_position(const PGresult *rows, int row, void *target, factstr_error *error)
{
	fs_position *position = target;

	(void) error;
	position->found = true;
	position->cursor = (uint64_t) fs_value_int8(rows, row, 0);
	return FACTSTR_OK;
}

int
fs_postgres_stream_cursor(fs_backend *backend, const char *name, uint64_t *cursor,
						  factstr_error *error)
{
	fs_call		call = {FS_STATEMENT_STREAM_CURSOR, 1, {name}};
	fs_position position = {0};
	fs_answer	answer = {.take = fs_take_position, .target = &position};
	int			code = fs_call_server(backend, &call, &answer, FS_REPEAT_ONCE, error);

	if (code == FACTSTR_OK && !position.found)
		code = fs_log_check(backend, error);
	if (code == FACTSTR_OK && !position.found)
		code = fs_error_no_such_stream(error, name);
	*cursor = position.cursor;
	return code;
}

static int
fs_change_stream(fs_backend *backend, fs_lease *within, const char *name, const fs_call *call,
				 fs_repetition repetition, factstr_error *error)
{
	int			code = within != NULL ? fs_call_within(within, call, error) :
		fs_call_server(backend, call, NULL, repetition, error);

	if (code == FACTSTR_OK)
		fs_hub_wake_cursors(backend->hub);
	return fs_name_stream(code, name, error);
}

int
fs_postgres_stream_seek(fs_backend *backend, fs_lease *within, const char *name,
						uint64_t sequence_number, factstr_error *error)
{
	char		position[FS_INTEGER_SIZE];
	fs_call		call = {
		FS_STATEMENT_STREAM_SEEK, 2, {name, fs_integer_parameter(sequence_number, position)}
	};

	return fs_change_stream(backend, within, name, &call, FS_REPEAT_ONCE, error);
}

/* A repeated drop would not find the stream that it has dropped. */
int
fs_postgres_stream_drop(fs_backend *backend, fs_lease *within, const char *name,
						factstr_error *error)
{
	fs_call		call = {FS_STATEMENT_STREAM_DROP, 1, {name}};

	return fs_change_stream(backend, within, name, &call, FS_NEVER_REPEAT, error);
}
