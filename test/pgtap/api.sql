-- The SQL API as it is declared: signatures, volatility, strictness, parallel label.
BEGIN;
SELECT plan(238);

CREATE TEMP TABLE api (name text, arguments text, result text, volatility text, strict bool, parallel "char", returns_set bool, estimated_rows real, called_with text[]);
INSERT INTO api VALUES
	('factstr_append',
		'events jsonb, idempotency_key text DEFAULT NULL::text, OUT first_sequence_number bigint, OUT last_sequence_number bigint, OUT committed_count bigint',
		'record', 'volatile', false, 'u', false, 0, '{jsonb,text}'),
	('factstr_append_if',
		'events jsonb, context_query jsonb, expected_context_version bigint, idempotency_key text DEFAULT NULL::text, OUT first_sequence_number bigint, OUT last_sequence_number bigint, OUT committed_count bigint',
		'record', 'volatile', false, 'u', false, 0, '{jsonb,jsonb,bigint,text}'),
	('factstr_try_append_if',
		'events jsonb, context_query jsonb, expected_context_version bigint, idempotency_key text DEFAULT NULL::text, OUT first_sequence_number bigint, OUT last_sequence_number bigint, OUT committed_count bigint, OUT conflict boolean, OUT actual_context_version bigint',
		'record', 'volatile', false, 'u', false, 0, '{jsonb,jsonb,bigint,text}'),
	('factstr_import',
		'batches jsonb, OUT first_sequence_number bigint, OUT last_sequence_number bigint, OUT committed_count bigint',
		'record', 'volatile', false, 'u', false, 0, '{jsonb}'),
	('factstr_query',
		'event_query jsonb DEFAULT ''{}''::jsonb, OUT event_records jsonb, OUT last_returned_sequence_number bigint, OUT current_context_version bigint',
		'record', 'stable', false, 'r', false, 0, '{jsonb}'),
	('factstr_read',
		'event_query jsonb DEFAULT ''{}''::jsonb, max_count bigint DEFAULT NULL::bigint, backwards boolean DEFAULT false, OUT sequence_number bigint, OUT occurred_at timestamp with time zone, OUT event_type text, OUT payload jsonb, OUT metadata jsonb',
		'SETOF record', 'stable', false, 'r', true, 1000, '{jsonb,bigint,boolean}'),
	('factstr_read',
		'event_query jsonb, max_count bigint, backwards boolean, up_to_sequence_number bigint, OUT sequence_number bigint, OUT occurred_at timestamp with time zone, OUT event_type text, OUT payload jsonb, OUT metadata jsonb',
		'SETOF record', 'stable', false, 'r', true, 1000, '{jsonb,bigint,boolean,bigint}'),
	('factstr_context_version', 'event_query jsonb', 'bigint', 'stable', false, 'r', false, 0, '{jsonb}'),
	('factstr_batches',
		'event_query jsonb DEFAULT ''{}''::jsonb, after_sequence_number bigint DEFAULT 0, max_batches integer DEFAULT 100, OUT first_sequence_number bigint, OUT last_sequence_number bigint, OUT event_records jsonb',
		'SETOF record', 'stable', false, 'r', true, 100, '{jsonb,bigint,integer}'),
	('factstr_export',
		'after_sequence_number bigint DEFAULT 0, max_batches integer DEFAULT 100, OUT first_sequence_number bigint, OUT last_sequence_number bigint, OUT event_records jsonb, OUT idempotency_key text',
		'SETOF record', 'stable', false, 'r', true, 100, '{bigint,integer}'),
	('factstr_stream_open', 'name text, event_query jsonb DEFAULT ''{}''::jsonb, start text DEFAULT ''first''::text', 'bigint', 'volatile', false, 'u', false, 0, '{text,jsonb,text}'),
	('factstr_stream_next',
		'name text, max_batches integer DEFAULT 1, nowait boolean DEFAULT false, OUT first_sequence_number bigint, OUT last_sequence_number bigint, OUT event_records jsonb',
		'SETOF record', 'volatile', false, 'u', true, 10, '{text,integer,boolean}'),
	('factstr_stream_ack', 'name text, sequence_number bigint', 'bigint', 'volatile', false, 'u', false, 0, '{text,bigint}'),
	('factstr_stream_hold', 'name text, nowait boolean DEFAULT false, token bigint DEFAULT NULL::bigint', 'bigint', 'volatile', false, 'u', false, 0, '{text,boolean,bigint}'),
	('factstr_stream_try_hold', 'name text, token bigint DEFAULT NULL::bigint', 'bigint', 'volatile', false, 'u', false, 0, '{text,bigint}'),
	('factstr_stream_release', 'name text', 'boolean', 'volatile', false, 'u', false, 0, '{text}'),
	('factstr_stream_fail', 'name text, error text, retry_at timestamp with time zone DEFAULT NULL::timestamp with time zone', 'integer', 'volatile', false, 'u', false, 0, '{text,text,"timestamp with time zone"}'),
	('factstr_stream_seek', 'name text, sequence_number bigint', 'bigint', 'volatile', false, 'u', false, 0, '{text,bigint}'),
	('factstr_stream_seek', 'name text, sequence_number bigint, nowait boolean', 'bigint', 'volatile', false, 'u', false, 0, '{text,bigint,boolean}'),
	('factstr_stream_drop', 'name text', 'void', 'volatile', false, 'u', false, 0, '{text}'),
	('factstr_stream_drop', 'name text, nowait boolean', 'void', 'volatile', false, 'u', false, 0, '{text,boolean}'),
	('factstr_wait', 'IN sequence_number bigint, IN stream text, IN timeout interval DEFAULT NULL::interval', NULL, 'volatile', false, 'u', false, 0, '{bigint,text,interval}'),
	('factstr_subscribe', 'name text, event_query jsonb, handler regprocedure, start text DEFAULT ''first''::text', 'bigint', 'volatile', false, 'u', false, 0, '{text,jsonb,regprocedure,text}'),
	('factstr_unsubscribe', 'name text', 'boolean', 'volatile', false, 'u', false, 0, '{text}'),
	('factstr_deliver', 'IN name text', NULL, 'volatile', false, 'u', false, 0, '{text}'),
	('factstr_redact', 'sequence_number bigint, payload jsonb, reason text, metadata jsonb DEFAULT NULL::jsonb', 'void', 'volatile', false, 'u', false, 0, '{bigint,jsonb,text,jsonb}'),
	('factstr_position_at', 'occurred_at timestamp with time zone', 'bigint', 'stable', false, 'r', false, 0, '{timestamp with time zone}'),
	('factstr_pending_pages', '', 'bigint', 'volatile', false, 'r', false, 0, '{}'),
	('factstr_check', 'sample integer DEFAULT 1000, OUT check_name text, OUT ok boolean, OUT detail text', 'SETOF record', 'stable', false, 'r', true, 10, '{integer}'),
	('factstr_matches', 'event_query jsonb, event_type text, payload jsonb', 'boolean', 'immutable', true, 's', false, 0, '{jsonb,text,jsonb}');

-- The function of that name and with those arguments, null if there is none.
CREATE TEMP VIEW declared AS
SELECT a.*, p.oid, p.proisstrict, p.proparallel, p.proretset, p.prorows
FROM api a LEFT JOIN pg_proc p ON p.oid = to_regprocedure(format('%s(%s)', a.name, array_to_string(a.called_with, ',')));

SELECT bag_eq($$SELECT p.proname::text FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
		JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND e.extname = 'factstr' WHERE p.prorettype <> 'trigger'::regtype$$,
	'SELECT name FROM api', 'every function but those of triggers is listed here');
SELECT has_function(name, called_with, name || ' takes ' || array_to_string(called_with, ', ')) FROM api;
SELECT is((SELECT count(*) FROM pg_proc WHERE proname = name), count(*), name || ' has no other siblings') FROM api GROUP BY name;
SELECT is(pg_get_function_arguments(oid), arguments, name || ': names, types and defaults of its arguments') FROM declared;
SELECT is(pg_get_function_result(oid), result, name || ': its result') FROM declared;
SELECT volatility_is(name, called_with, volatility, name || ' is ' || volatility) FROM api;
SELECT is(proisstrict, strict, name || CASE WHEN strict THEN ' is strict' ELSE ' is called on null' END) FROM declared;
SELECT is(proparallel, parallel, name || ': its parallel label') FROM declared;
SELECT is((proretset, prorows), (returns_set, estimated_rows), name || ': rows it returns') FROM declared;

SELECT * FROM finish();
ROLLBACK;
