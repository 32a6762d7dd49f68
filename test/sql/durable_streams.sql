-- Durable streams: a name, a query and a cursor; batches, acknowledgement, administration.
\set abs_srcdir `echo "$PG_ABS_SRCDIR"`
\set helpers :abs_srcdir /data/helpers.sql
\set ECHO none
\i :helpers
\set ECHO all
CREATE EXTENSION factstr;

-- The current deliveries of a stream: the numbers of each batch, and of its matching facts.
CREATE FUNCTION pg_temp.delivered(name text, max_batches int DEFAULT 100)
	RETURNS TABLE (first bigint, last bigint, facts text)
LANGUAGE sql AS $$
	SELECT first_sequence_number, last_sequence_number,
		(SELECT string_agg(r->>'sequence_number', ' ' ORDER BY n)
			FROM jsonb_array_elements(event_records) WITH ORDINALITY e(r, n))
	FROM factstr_stream_next(name, max_batches)
$$;

-- rule 24: a new stream begins with the first fact, or, if asked, now
SELECT factstr_append(
	'[{"event_type": "a", "payload": {"n": 1}}, {"event_type": "b", "payload": {"n": 2}},
		{"event_type": "a", "payload": {"n": 3}}]');
SELECT factstr_append('[{"event_type": "c", "payload": {"n": 4}}]');
SELECT factstr_append('[{"event_type": "b", "payload": {"n": 5}}]');
SELECT factstr_append('[{"event_type": "a", "payload": {"n": 6}}]');
SELECT factstr_stream_open('all');
SELECT factstr_stream_open('only a', '{"filters": [{"event_types": ["a"]}]}');
SELECT factstr_stream_open(
	'only six', '{"filters": [{"payload_predicates": [{"n": 6.0}]}]}', start => 'first');
-- rule 19: opened now, it sees no earlier fact
SELECT factstr_stream_open('from now', '{}', 'now');

-- rule 18: batches come whole, in order, a mixed one filtered; two appends are never merged
SELECT * FROM pg_temp.delivered('all');
SELECT * FROM pg_temp.delivered('only a');
SELECT * FROM pg_temp.delivered('only six');
SELECT * FROM pg_temp.delivered('all', 2);
SELECT event_records = (SELECT event_records
	FROM factstr_query('{"filters": [{"payload_predicates": [{"n": 5}]}]}')) AS as_queried
FROM factstr_stream_next('all', 3) OFFSET 2;

-- rule 27: unacknowledged batches are returned again; the cursor moves to the end of a batch and never
-- backwards
SELECT factstr_stream_ack('all', 3);
SELECT * FROM pg_temp.delivered('all', 2);
SELECT factstr_stream_ack('all', 3), factstr_stream_ack('all', 1), factstr_stream_ack('all', 0);
SELECT factstr_stream_ack('all', 5);
SELECT * FROM pg_temp.delivered('all');
SELECT f.* FROM pg_temp.failure($$SELECT factstr_stream_ack('all', 7)$$) f;
SELECT factstr_stream_seek('all', 0);
SELECT f.* FROM pg_temp.failure($$SELECT factstr_stream_ack('all', 2)$$) f;
-- Batches without a match need no acknowledgement.
SELECT factstr_stream_ack('only a', 3);
SELECT factstr_append('[{"event_type": "c", "payload": {"n": 7}}]');
SELECT factstr_stream_ack('only a', 6);
SELECT * FROM pg_temp.delivered('only a');
SELECT name, cursor_sequence_number, head_sequence_number, lag_facts
FROM factstr_stream_status ORDER BY name;
SELECT * FROM pg_temp.delivered('from now');
SELECT factstr_stream_ack('from now', 7);

-- rule 31: the consumer's own writes and the cursor commit together, or not at all
CREATE TABLE projection (n int PRIMARY KEY);
BEGIN;
INSERT INTO projection
SELECT (r->'payload'->>'n')::int
FROM factstr_stream_next('all', 2), jsonb_array_elements(event_records) r;
SELECT factstr_stream_ack('all', 4);
ROLLBACK;
SELECT count(*) FROM projection;
SELECT cursor_sequence_number FROM factstr_stream_status WHERE name = 'all';
BEGIN;
INSERT INTO projection
SELECT (r->'payload'->>'n')::int
FROM factstr_stream_next('all', 2), jsonb_array_elements(event_records) r;
SELECT factstr_stream_ack('all', 4);
COMMIT;
BEGIN;
SAVEPOINT s;
SELECT factstr_stream_ack('all', 5);
ROLLBACK TO s;
INSERT INTO projection
SELECT (r->'payload'->>'n')::int
FROM factstr_stream_next('all', 100), jsonb_array_elements(event_records) r;
SELECT factstr_stream_ack('all', 7);
COMMIT;
SELECT array_agg(n ORDER BY n) FROM projection;
DROP TABLE projection;

-- rule 18: delivery comes after commit; the transaction's own facts are neither delivered in it nor
-- skipped
BEGIN;
SELECT factstr_append('[{"event_type": "a", "payload": {"n": 8}}]');
SELECT * FROM pg_temp.delivered('all');
SELECT * FROM pg_temp.delivered('only a');
COMMIT;
SELECT name, cursor_sequence_number
FROM factstr_stream_status WHERE name IN ('all', 'only a') ORDER BY name;
SELECT * FROM pg_temp.delivered('all');
SELECT * FROM pg_temp.delivered('only a');
SELECT factstr_stream_ack('all', 8);

-- rule 25: reopened with the same query it resumes; compared as queries, not as text
SELECT query, f.state FROM (VALUES
	(1, '{"filters": [{"event_types": ["a"]}]}'),
	(2,
		'{"filters": [{"event_types": ["a", "a"], "payload_predicates": null}],'
			' "after": null}'),
	(3, '{"filters": [{"event_types": ["a"]}, {"event_types": ["a"]}]}'), (4, '{}'),
	(5, '{"filters": [{"event_types": ["b"]}]}'), (6, '{"filters": [{"event_types": ["a", "b"]}]}'),
	(7, '{"filters": [{"event_types": ["a"], "payload_predicates": []}]}'),
	(8, '{"filters": [{"event_types": ["a"]}, {}]}')) q(n, query),
	pg_temp.failure(format('SELECT factstr_stream_open(''only a'', %L)', query)) f ORDER BY n;
SELECT factstr_stream_open(
	'predicates',
	'{"filters": [{"event_types": ["x", "y"], "payload_predicates": [{"a": 1, "t": ["p", "q"]}, 7]},
		{"event_types": ["z"]}]}');
SELECT query, f.state FROM (VALUES
	(1,
		'{"filters": [{"event_types": ["z"]},'
			' {"payload_predicates": [7.0, {"t": ["q", "p", "q"], "a": 1e0}],'
			' "event_types": ["y", "x"]}]}'),
	(2,
		'{"filters": [{"event_types": ["z"]},'
			' {"payload_predicates": [7.0, {"t": ["q"], "a": 1e0}], "event_types": ["y", "x"]}]}'),
	(3,
		'{"filters": [{"event_types": ["z"]},'
			' {"payload_predicates": [7, {"t": ["p", "q"], "a": "1"}], "event_types": ["y", "x"]}]}'),
	(4, '{"filters": [{"event_types": ["x", "y"], "payload_predicates": [{"a": 1, "t": ["p", "q"]}, 7]}]}')
	) q(n, query),
	pg_temp.failure(format('SELECT factstr_stream_open(''predicates'', %L)', query)) f ORDER BY n;
SELECT query, f.state
FROM (VALUES
	(1, '{"filters": []}'), (2, '{"filters": null}'), (3, '{"filters": [{}]}'),
	(4, '{"filters": [{"event_types": []}]}')) q(n, query),
	pg_temp.failure(format('SELECT factstr_stream_open(''all'', %L)', query)) f ORDER BY n;
-- Comparing takes time in proportion to the queries' size, not exponential in their depth.
SELECT factstr_stream_open(
	'deep',
	format(
		'{"filters": [{"payload_predicates": [%s1%s]}]}', repeat('[1,', 200),
		repeat(']', 200))::jsonb);
SELECT factstr_stream_open(
	'deep',
	format(
		'{"filters": [{"payload_predicates": [%s1.0%s]}]}', repeat('[1,1,', 200),
		repeat(']', 200))::jsonb);
SELECT f.* FROM pg_temp.failure(
	$$SELECT factstr_stream_open('all', '{"filters": [{"event_types": ["b"]}]}', 'now')$$) f;
SELECT factstr_stream_open('all', '{}', 'now') AS where_it_was;

-- rule 30: the cursor stays; a stream is listed, reset and dropped
SELECT factstr_stream_seek('all', 6);
SELECT * FROM pg_temp.delivered('all');
-- A position inside a batch: the batch comes whole.
SELECT factstr_stream_seek('all', 2);
SELECT * FROM pg_temp.delivered('all', 1);
SELECT factstr_stream_drop('all');
SELECT f.* FROM pg_temp.failure($$SELECT * FROM factstr_stream_next('all')$$) f;
SELECT call, f.state, f.message
FROM (VALUES
	($$factstr_stream_ack('all', 1)$$), ($$factstr_stream_seek('all', 1)$$),
	($$factstr_stream_drop('all')$$)) c(call),
	pg_temp.failure('SELECT ' || call) f;
SELECT factstr_stream_open('all');
SELECT count(*) FROM pg_temp.delivered('all');

-- Malformed calls
SELECT call, f.*
FROM (VALUES
	(1, $$factstr_stream_open(NULL)$$), (2, $$factstr_stream_open('')$$),
	(3, $$factstr_stream_open(repeat('x', 2001))$$), (4, $$factstr_stream_open('x', NULL)$$),
	(5, $$factstr_stream_open('x', '{"after": 1}')$$),
	(6, $$factstr_stream_open('x', '{"filter": []}')$$),
	(7, $$factstr_stream_open('x', '{}', 'later')$$),
	(8, $$factstr_stream_open('x', '{}', NULL)$$),
	(9, $$factstr_stream_next(NULL)$$), (10, $$factstr_stream_next('all', 0)$$),
	(11, $$factstr_stream_next('all', NULL)$$), (12, $$factstr_stream_next('all', 1, NULL)$$),
	(13, $$factstr_stream_ack(NULL, 1)$$), (14, $$factstr_stream_ack('all', NULL)$$),
	(15, $$factstr_stream_ack('all', -1)$$),
	(16, $$factstr_stream_ack('all', 9223372036854775807)$$),
	(17, $$factstr_stream_seek('all', NULL)$$), (18, $$factstr_stream_seek('all', -1)$$),
	(19, $$factstr_stream_seek('all', 9)$$), (20, $$factstr_stream_drop(NULL)$$)) c(n, call),
	pg_temp.failure('SELECT ' || call) f ORDER BY n;
SELECT name FROM factstr_stream_status ORDER BY name;
BEGIN READ ONLY;
SELECT f.state, f.message FROM pg_temp.failure($$SELECT factstr_stream_next('all')$$) f;
SELECT factstr_stream_open('all') AS an_existing_one_is_found;
ROLLBACK;

-- A stream whose query matches one fact in many finds it by the index: the batches between are not
-- read.
SELECT committed_count FROM factstr_append(pg_temp.events('filler', 20000));
SELECT factstr_append('[{"event_type": "needle", "payload": {"needle": true}}]')
	IS NOT NULL AS appended;
SELECT committed_count FROM factstr_append(pg_temp.events('filler', 20000));
SELECT factstr_stream_open('needle', '{"filters": [{"payload_predicates": [{"needle": true}]}]}');
SELECT gin_clean_pending_list('factstr_events_payload_idx') >= 0 AS cleaned;
CREATE FUNCTION pg_temp.pages(query text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	plan jsonb;
BEGIN
	EXECUTE 'EXPLAIN (ANALYZE, BUFFERS, TIMING off, FORMAT json) ' || query INTO plan;
	RETURN (plan->0->'Plan'->>'Shared Hit Blocks')::bigint + (
		plan->0->'Plan'->>'Shared Read Blocks')::bigint;
END
$$;
SELECT pg_temp.pages($$SELECT * FROM factstr_stream_next('needle', 1)$$) < 100 AS few_pages;
SELECT * FROM pg_temp.delivered('needle');

-- The view names the consumer, which holds the stream until the transaction ends.
BEGIN;
SELECT count(*) FROM factstr_stream_next('needle');
SELECT name, consumer_pid = pg_backend_pid() AS consumed_here
FROM factstr_stream_status WHERE consumer_pid IS NOT NULL;
COMMIT;
SELECT count(*) FROM factstr_stream_status WHERE consumer_pid IS NOT NULL;
SELECT lag_facts > 0 AS behind, lag_time > interval '0' AS for_some_time
FROM factstr_stream_status WHERE name = 'needle';


-- An index and a constraint of the user's own on the table of streams are kept.
CREATE INDEX upper_names ON factstr_streams (upper(name)) WHERE name <> 'left out';
ALTER TABLE factstr_streams ADD CONSTRAINT no_spaces CHECK (name !~ ' $');
SELECT factstr_stream_open('left out'), factstr_stream_open('indexed');
SELECT f.state FROM pg_temp.failure($$SELECT factstr_stream_open('bad ')$$) f;
SELECT factstr_stream_seek('indexed', 3), factstr_stream_drop('left out');
SET enable_seqscan = off;
SELECT name, cursor_sequence_number
FROM factstr_streams WHERE upper(name) = 'INDEXED' AND name <> 'left out';
RESET enable_seqscan;

DROP EXTENSION factstr CASCADE;
