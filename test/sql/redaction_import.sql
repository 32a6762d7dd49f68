-- Redactions of another log: those of facts that are imported, and those made since.
\set abs_srcdir `echo "$PG_ABS_SRCDIR"`
\set helpers :abs_srcdir /data/helpers.sql
\set ECHO none
\i :helpers
\set ECHO all
CREATE EXTENSION factstr;
SELECT * FROM factstr_append('[
	{"event_type": "opened", "payload": {"account": "A-1", "owner": "Ada"}, "metadata": {"by": "Ada"}},
	{"event_type": "paid", "payload": {"account": "A-1", "owner": "Ada"}}]', 'key');
SELECT * FROM factstr_append('[{"event_type": "opened", "payload": {"account": "A-2", "owner": "Ada"}}]');

-- An export without redactions is as ever; each redaction is with its fact.
SELECT count(*) FROM factstr_export() WHERE event_records::text ~ 'redact';
CREATE TEMP TABLE before AS SELECT * FROM factstr_export();
SELECT factstr_redact(1, '{"account": "A-1"}', 'request 17');
CREATE TEMP TABLE once AS SELECT * FROM factstr_export();
SELECT factstr_redact(1, '{}', 'again "é"', '{"m": 1}');
SELECT factstr_redact(2, 'null', 'both');
CREATE TEMP TABLE twice AS SELECT * FROM factstr_export();
SELECT first_sequence_number, record -> 'sequence_number' AS number, redaction ->> 'reason' AS reason,
	(redaction ->> 'redacted_at')::timestamptz = redacted_at AS same_time,
	redaction ->> 'redacted_by' = redacted_by AS same_role,
	redaction - '{redacted_at,redacted_by,reason}'::text[] AS rest
FROM twice, jsonb_array_elements(event_records) record, jsonb_array_elements(record -> 'redactions') redaction
JOIN factstr_redactions ON redaction ->> 'reason' = factstr_redactions.reason
ORDER BY 2, redacted_at;
SELECT count(*) FROM factstr_batches() WHERE event_records::text ~ 'redact';
SELECT event_records::text ~ 'redact' FROM factstr_query();

-- Imported with their facts
CREATE TEMP TABLE record AS SELECT * FROM factstr_redactions;
DROP EXTENSION factstr CASCADE;
CREATE EXTENSION factstr;
SELECT f.* FROM factstr_import((SELECT jsonb_agg(to_jsonb(once)) FROM once)) f;
SELECT sequence_number, reason FROM factstr_redactions;
SELECT sequence_number, payload, metadata FROM factstr_read();
SELECT * FROM factstr_append('[{"event_type": "opened", "payload": 1},
	{"event_type": "paid", "payload": {"account": "A-1", "owner": "Ada"}}]', 'key');
SELECT * FROM factstr_check() WHERE NOT ok;

-- Those made since, once
SELECT factstr_import_redactions((SELECT jsonb_agg(to_jsonb(twice)) FROM twice));
SELECT sequence_number, payload, metadata FROM factstr_read();
SELECT count(*) FROM (SELECT * FROM factstr_redactions EXCEPT SELECT * FROM record) other;
SELECT factstr_import_redactions((SELECT jsonb_agg(to_jsonb(twice)) FROM twice));
-- Older batches bring back nothing.
SELECT factstr_import_redactions((SELECT jsonb_agg(to_jsonb(once)) FROM once));
SELECT factstr_import_redactions((SELECT jsonb_agg(to_jsonb(before)) FROM before));
SELECT sequence_number, payload, metadata FROM factstr_read();
SELECT count(*) FROM factstr_redactions;

-- A record that is older than those that are there is added, and changes nothing that the fact says.
SELECT factstr_import_redactions((
	SELECT jsonb_agg(
		jsonb_set(to_jsonb(once), '{event_records,0,redactions,0,redacted_at}', '"2020-01-31T08:15:30Z"'))
	FROM once));
SELECT sequence_number, payload, metadata FROM factstr_read('{}', 1);
SELECT sequence_number, reason FROM factstr_redactions ORDER BY sequence_number, redacted_at;

-- It erases messages of streams, as factstr_redact does.
SELECT factstr_stream_open('s');
SELECT count(*) FROM factstr_stream_next('s');
SELECT factstr_stream_hold('s') > 0 AS held;
SELECT factstr_stream_fail('s', 'quotes Ada');
SELECT factstr_import_redactions((
	SELECT jsonb_agg(
		jsonb_set(to_jsonb(once), '{event_records,0,redactions,0,reason}', '"other"'))
	FROM once));
SELECT last_error FROM factstr_stream_status;

-- Batches that are malformed, or of another log, are refused.
CREATE FUNCTION pg_temp.changed(path text, value jsonb) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_array(jsonb_set(to_jsonb(once), path::text[], value))
	FROM once WHERE first_sequence_number = 1
$$;
SELECT message, detail
FROM (VALUES
	('{event_records,0,redactions}', '{}'::jsonb),
	('{event_records,0,redactions,0}', '[]'),
	('{event_records,0,redactions,0}', '{"redacted_at": "2026-01-31T08:15:30Z", "redacted_by": "x"}'),
	('{event_records,0,redactions,0,more}', '1'),
	('{event_records,0,redactions,0,reason}', '""'),
	('{event_records,0,redactions,0,reason}', '1'),
	('{event_records,0,redactions,0,redacted_by}', to_jsonb(repeat('x', 64))),
	('{event_records,0,redactions,0,redacted_at}', '"yesterday"'),
	('{event_records,0,redactions,1}', '{"redacted_at": "2000-01-31T08:15:30Z", "redacted_by": "x", "reason": "r"}'),
	('{event_records,0,event_type}', '"other"'),
	('{event_records,0,occurred_at}', '"2000-01-31T08:15:30Z"')) wrong(path, value),
	pg_temp.failure(format('SELECT factstr_import_redactions(%L)', pg_temp.changed(path, value)));
SELECT f.* FROM pg_temp.failure($$SELECT factstr_import_redactions('[
	{"first_sequence_number": 9, "last_sequence_number": 9, "event_records": [
		{"sequence_number": 9, "event_type": "a", "payload": 1, "occurred_at": "2020-01-31T08:15:30Z",
			"redactions": [{"redacted_at": "2026-01-31T08:15:30Z", "redacted_by": "x", "reason": "r"}]}]}]')$$) f;
SELECT f.* FROM pg_temp.failure($$SELECT factstr_import_redactions('[
	{"event_records": [
		{"event_type": "a", "payload": 1, "occurred_at": "2020-01-31T08:15:30Z",
			"redactions": [{"redacted_at": "2026-01-31T08:15:30Z", "redacted_by": "x", "reason": "r"}]}]}]')$$) f;
SELECT f.* FROM pg_temp.failure('SELECT factstr_import_redactions(NULL)') f;
SELECT count(*) FROM factstr_redactions;
BEGIN READ ONLY;
SELECT f.* FROM pg_temp.failure($$SELECT factstr_import_redactions('[]')$$) f;
ROLLBACK;
DROP EXTENSION factstr CASCADE;
