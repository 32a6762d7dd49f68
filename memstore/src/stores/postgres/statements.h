/*
 * stores/postgres/statements.h
 *		The statements of the PostgreSQL store.
 */
#ifndef FACTSTR_STORES_POSTGRES_STATEMENTS_H
#define FACTSTR_STORES_POSTGRES_STATEMENTS_H

/*
 * The statements, with @ for the extension's schema, % for the name of the log and & for its table of
 * redactions.  Nothing in them is looked up through the search_path, which the owner of the database or
 * the role may have set to anything.
 */
#define FS_POSTGRES_STATEMENTS(STATEMENT) \
	STATEMENT(APPEND, \
			  "SELECT first_sequence_number, last_sequence_number, committed_count" \
			  " FROM @factstr_append($1::pg_catalog.jsonb, $2::pg_catalog.text, log => %)") \
	STATEMENT(APPEND_AT_COMMIT, \
			  "SELECT first_sequence_number, last_sequence_number, committed_count" \
			  " FROM @factstr_append($1::pg_catalog.jsonb, $2::pg_catalog.text, true, log => %)") \
	STATEMENT(APPEND_IF_AT_COMMIT, \
			  "SELECT first_sequence_number, last_sequence_number, committed_count" \
			  " FROM @factstr_append_if($1::pg_catalog.jsonb, $3::pg_catalog.jsonb," \
			  " $4::pg_catalog.int8, $2::pg_catalog.text, true, log => %)") \
	STATEMENT(APPEND_UNLESS_AT_COMMIT, \
			  "SELECT first_sequence_number, last_sequence_number, committed_count" \
			  " FROM @factstr_append_unless($1::pg_catalog.jsonb, $3::pg_catalog.jsonb," \
			  " $4::pg_catalog.int8, $2::pg_catalog.text, true, log => %)") \
	STATEMENT(LAST_APPEND, \
			  "SELECT first_sequence_number, last_sequence_number, committed_count" \
			  " FROM @factstr_last_append(log => %)") \
	STATEMENT(APPEND_IF, \
			  "SELECT first_sequence_number, last_sequence_number, committed_count, conflict," \
			  " actual_context_version" \
			  " FROM @factstr_try_append_if($1::pg_catalog.jsonb, $2::pg_catalog.jsonb," \
			  " $3::pg_catalog.int8, $4::pg_catalog.text, log => %)") \
	STATEMENT(APPEND_UNLESS, \
			  "SELECT first_sequence_number, last_sequence_number, committed_count, conflict," \
			  " actual_context_version" \
			  " FROM @factstr_try_append_unless($1::pg_catalog.jsonb, $2::pg_catalog.jsonb," \
			  " $3::pg_catalog.int8, $4::pg_catalog.text, log => %)") \
	STATEMENT(QUERY, \
			  "SELECT @factstr_context_version($1::pg_catalog.jsonb, log => %), NULL::pg_catalog.int8," \
			  " NULL::pg_catalog.timestamptz, NULL::pg_catalog.text, NULL::pg_catalog.jsonb," \
			  " NULL::pg_catalog.jsonb" \
			  " UNION ALL SELECT NULL, sequence_number, occurred_at, event_type, payload," \
			  " metadata FROM @factstr_read($1::pg_catalog.jsonb, log => %)") \
	STATEMENT(NEWEST, \
			  "SELECT event_records, current_context_version" \
			  " FROM @factstr_newest($1::pg_catalog.jsonb, log => %)") \
	STATEMENT(CONTEXT_VERSION, \
			  "SELECT @factstr_context_version($1::pg_catalog.jsonb, log => %)") \
	STATEMENT(READ, \
			  "SELECT NULL::pg_catalog.int8, sequence_number, occurred_at, event_type, payload," \
			  " metadata FROM @factstr_read(pg_catalog.jsonb_set($1::pg_catalog.jsonb" \
			  " OPERATOR(pg_catalog.-) 'after'::pg_catalog.text, '{min_sequence_number}', pg_catalog.to_jsonb($2::pg_catalog.int8))," \
			  " $3::pg_catalog.int8, $4::pg_catalog.bool, NULL, NULL, $5::pg_catalog.int8, log => %)") \
	STATEMENT(BATCHES, \
			  "SELECT NULL::pg_catalog.int8, first_sequence_number, last_sequence_number," \
			  " event_records, NULL::pg_catalog.text" \
			  " FROM @factstr_batches($1::pg_catalog.jsonb, $2::pg_catalog.int8," \
			  " $3::pg_catalog.int4, log => %)" \
			  " UNION ALL SELECT @factstr_context_version('{}', log => %), NULL, NULL, NULL, NULL") \
	STATEMENT(EXPORT, \
			  "SELECT NULL::pg_catalog.int8, first_sequence_number, last_sequence_number," \
			  " event_records, idempotency_key" \
			  " FROM @factstr_export($1::pg_catalog.int8, $2::pg_catalog.int4, log => %)") \
	STATEMENT(IMPORT, \
			  "SELECT first_sequence_number, last_sequence_number, committed_count" \
			  " FROM @factstr_import($1::pg_catalog.jsonb, log => %)") \
	STATEMENT(REDACT, \
			  "SELECT @factstr_redact($1::pg_catalog.int8, $2::pg_catalog.jsonb," \
			  " $3::pg_catalog.text, $4::pg_catalog.jsonb, log => %)") \
	STATEMENT(REDACTIONS, \
			  "SELECT sequence_number, redacted_at, redacted_by::pg_catalog.text, reason" \
			  " FROM (SELECT * FROM @&" \
			  " WHERE sequence_number OPERATOR(pg_catalog.>) $1::pg_catalog.int8" \
			  " ORDER BY sequence_number FETCH FIRST ($2::pg_catalog.int8) ROWS WITH TIES) r" \
			  " ORDER BY sequence_number, redacted_at") \
	STATEMENT(IMPORT_REDACTIONS, \
			  "SELECT @factstr_import_redactions($1::pg_catalog.jsonb, log => %)") \
	STATEMENT(STREAM_OPEN, \
			  "SELECT @factstr_stream_open($1::pg_catalog.text, $2::pg_catalog.jsonb," \
			  " $3::pg_catalog.text, log => %)") \
	STATEMENT(STREAM_OPEN_PARTITIONS, \
			  "SELECT @factstr_stream_open($1::pg_catalog.text, $2::pg_catalog.jsonb," \
			  " $3::pg_catalog.text, $4::pg_catalog.int4, $5::pg_catalog.text, log => %)") \
	STATEMENT(STREAM_HOLD, \
			  "SELECT h.token, CASE WHEN h.token IS NULL THEN NULL ELSE" \
			  " @factstr_stream_open($1::pg_catalog.text, $2::pg_catalog.jsonb, log => %) END" \
			  " FROM @factstr_stream_try_hold($1::pg_catalog.text, $3::pg_catalog.int8, log => %)" \
			  " AS h(token)") \
	STATEMENT(STREAM_END_GHOST, \
			  "SELECT pg_catalog.pg_terminate_backend(consumer_pid)" \
			  " FROM @factstr_stream_status WHERE log OPERATOR(pg_catalog.=) %" \
			  " AND name OPERATOR(pg_catalog.=) $1::pg_catalog.text" \
			  " AND consumer_pid OPERATOR(pg_catalog.=) ANY ($2::pg_catalog.int4[])") \
	STATEMENT(STREAM_MOVE, \
			  "SELECT @factstr_stream_ack($1::pg_catalog.text, $2::pg_catalog.int8, log => %)") \
	STATEMENT(STREAM_SKIP, \
			  "SELECT pg_catalog.set_config('synchronous_commit', 'off', true)," \
			  " @factstr_stream_ack($1::pg_catalog.text, $2::pg_catalog.int8, log => %)") \
	STATEMENT(STREAM_FAIL, \
			  "SELECT @factstr_stream_fail($1::pg_catalog.text, $2::pg_catalog.text," \
			  " $3::pg_catalog.timestamptz, log => %), @factstr_stream_release($1::pg_catalog.text, log => %)") \
	STATEMENT(STREAM_RELEASE, \
			  "SELECT @factstr_stream_release($1::pg_catalog.text, log => %)") \
	STATEMENT(STREAM_SEEK, \
			  "SELECT @factstr_stream_seek($1::pg_catalog.text, $2::pg_catalog.int8, true, log => %)") \
	STATEMENT(STREAM_DROP, \
			  "SELECT @factstr_stream_drop($1::pg_catalog.text, true, log => %)") \
	STATEMENT(STREAM_CURSOR, \
			  "SELECT pg_catalog.min(cursor_sequence_number) FROM @factstr_stream_status" \
			  " WHERE log OPERATOR(pg_catalog.=) % AND (name OPERATOR(pg_catalog.=) $1::pg_catalog.text" \
			  " OR name OPERATOR(pg_catalog.=) pg_catalog.concat($1::pg_catalog.text, '#'," \
			  " event_query OPERATOR(pg_catalog.#>>) '{partition,number}')) HAVING" \
			  " pg_catalog.count(*) OPERATOR(pg_catalog.>) 0") \
	STATEMENT(STREAMS, \
			  "SELECT name, event_query, cursor_sequence_number, head_sequence_number, lag_facts," \
			  " lag_time, last_success_at, failure_count, last_error, last_failed_at, retry_at," \
			  " consumer_pid FROM @factstr_stream_status" \
			  " WHERE log OPERATOR(pg_catalog.=) % ORDER BY name") \
	STATEMENT(LOG_EXISTS, \
			  "SELECT @factstr_has_right('read', %) IS NOT NULL") \
	STATEMENT(LOGS, \
			  "SELECT log, created_at, created_by::pg_catalog.text, sealed_at," \
			  " sealed_by::pg_catalog.text FROM @factstr_logs ORDER BY log") \
	STATEMENT(CREATE_LOG, \
			  "SELECT @factstr_create_log($1::pg_catalog.text)") \
	STATEMENT(SEAL_LOG, \
			  "SELECT @factstr_seal_log($1::pg_catalog.text)") \
	STATEMENT(DROP_LOG, \
			  "SELECT @factstr_drop_log($1::pg_catalog.text, $2::pg_catalog.text)")

typedef enum fs_statement
{
#define FS_STATEMENT_ENUM(NAME, sql) FS_STATEMENT_##NAME,
	FS_POSTGRES_STATEMENTS(FS_STATEMENT_ENUM)
#undef FS_STATEMENT_ENUM
	FS_STATEMENT_COUNT
} fs_statement;

#endif							/* FACTSTR_STORES_POSTGRES_STATEMENTS_H */
