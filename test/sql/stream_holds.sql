-- Durable streams held for longer than a transaction: tokens, failures, the ends of a hold.
\set abs_srcdir `echo "$PG_ABS_SRCDIR"`
\set helpers :abs_srcdir /data/helpers.sql
\set ECHO none
\i :helpers
\set ECHO all
CREATE EXTENSION factstr;
CREATE FUNCTION pg_temp.held_here(OUT stream text) RETURNS SETOF text LANGUAGE sql AS
	$$SELECT name FROM factstr_stream_status
		WHERE consumer_pid = pg_backend_pid() ORDER BY name$$;
-- Tokens differ from run to run, so they go by names here: hold keeps one, resume takes it.
CREATE TEMP TABLE tokens (name text PRIMARY KEY, token bigint UNIQUE);
CREATE FUNCTION pg_temp.hold(stream text, token_name text) RETURNS text LANGUAGE sql AS
	$$ INSERT INTO tokens VALUES (token_name, factstr_stream_hold(stream, true)) RETURNING name $$;
CREATE FUNCTION pg_temp.resume(stream text, token_name text) RETURNS text LANGUAGE sql AS
	$$SELECT name FROM tokens
		WHERE token = factstr_stream_hold(
			stream, token => (SELECT token FROM tokens WHERE name = token_name))$$;
SELECT committed_count
FROM generate_series(1, 9) n,
	LATERAL factstr_append(jsonb_build_array(jsonb_build_object('event_type', 'a', 'payload', n)))
OFFSET 8;
SELECT factstr_stream_open('s'), factstr_stream_open('other');

-- rule 29: held until it is released; again is the same hold, which ends at once
SELECT pg_temp.hold('s', 's 1');
SELECT * FROM pg_temp.held_here();
SELECT pg_temp.resume('s', 's 1'), factstr_stream_hold('s') = token AS same,
	factstr_stream_hold('s', true, token) = token AS same
FROM tokens WHERE name = 's 1';
SELECT factstr_stream_hold('other') > 0 AS held;
SELECT * FROM pg_temp.held_here();
SELECT factstr_stream_release('s');
SELECT * FROM pg_temp.held_here();
SELECT factstr_stream_release('s'), factstr_stream_release('other'),
	factstr_stream_release('other'), factstr_stream_release('none');
SELECT count(*) FROM pg_temp.held_here();

-- The holder consumes like any other session.
SELECT pg_temp.hold('s', 's 2');
SELECT first_sequence_number FROM factstr_stream_next('s', 2);
SELECT factstr_stream_ack('s', 2);
SELECT * FROM pg_temp.held_here();

-- Errors and rollbacks do not end a hold.
SELECT factstr_stream_ack('s', 100);
SELECT * FROM pg_temp.held_here();
BEGIN;
SELECT factstr_stream_ack('s', 3);
ROLLBACK;
SELECT * FROM pg_temp.held_here();
SELECT cursor_sequence_number FROM factstr_stream_status WHERE name = 's';

-- A hold that is itself rolled back never was.
BEGIN;
SELECT factstr_stream_hold('other') > 0 AS held;
SELECT * FROM pg_temp.held_here();
ROLLBACK;
SELECT * FROM pg_temp.held_here();
BEGIN;
SAVEPOINT a;
SELECT factstr_stream_hold('other') > 0 AS held;
ROLLBACK TO a;
SELECT * FROM pg_temp.held_here();
SAVEPOINT b;
SAVEPOINT c;
SELECT factstr_stream_hold('other') > 0 AS held;
RELEASE c;
ROLLBACK TO b;
SELECT * FROM pg_temp.held_here();
SAVEPOINT d;
SELECT pg_temp.hold('other', 'other 1');
RELEASE d;
COMMIT;
SELECT * FROM pg_temp.held_here();
SELECT f.* FROM pg_temp.failure($$SELECT factstr_stream_hold('other', true, 1)$$) f;
SELECT * FROM pg_temp.held_here();
SELECT factstr_stream_release('other');
BEGIN;
SELECT pg_temp.resume('other', 'other 1'), 1 / (SELECT 0);
ROLLBACK;
SELECT * FROM pg_temp.held_here();

-- A release is not taken back, but a transaction that has the stream keeps it until it ends.
BEGIN;
SELECT factstr_stream_ack('s', 3);
SELECT factstr_stream_release('s');
SELECT * FROM pg_temp.held_here();
ROLLBACK;
SELECT count(*) FROM pg_temp.held_here();

-- The token tells whether there was another consumer meanwhile: another hold, or a cursor that
-- moved without one.
SELECT pg_temp.resume('s', 's 2'), factstr_stream_release('s');
SELECT factstr_stream_ack('s', 3);
SELECT f.* FROM pg_temp.failure($$SELECT pg_temp.resume('s', 's 2')$$) f;
SELECT pg_temp.hold('s', 's 3'), factstr_stream_release('s'), pg_temp.resume('s', 's 3'),
	factstr_stream_release('s');
SELECT pg_temp.hold('s', 's 4'), factstr_stream_release('s');
SELECT f.state FROM pg_temp.failure($$SELECT pg_temp.resume('s', 's 3')$$) f;
SELECT factstr_stream_try_hold('s', token) AS not_resumed FROM tokens WHERE name = 's 3';
SELECT factstr_stream_try_hold('s', token) = token AS resumed,
	factstr_stream_try_hold('s') = token AS same, factstr_stream_release('s')
FROM tokens WHERE name = 's 4';
-- Looking is not consuming, and neither is a seek.
SELECT first_sequence_number FROM factstr_stream_next('s');
SELECT factstr_stream_seek('s', 5);
SELECT pg_temp.resume('s', 's 4'), factstr_stream_release('s');
SELECT string_agg(name, ', ' ORDER BY token) AS growing FROM tokens WHERE name ~ '^s ';
-- A consumer moves past facts that do not match.
SELECT factstr_stream_open('sparse', '{"filters": [{"event_types": ["none"]}]}');
SELECT pg_temp.hold('sparse', 'sparse'), factstr_stream_release('sparse');
SELECT count(*) FROM factstr_stream_next('sparse');
SELECT f.state FROM pg_temp.failure($$SELECT pg_temp.resume('sparse', 'sparse')$$) f;

-- rule 28: the holder's failures are kept until it makes progress
SELECT factstr_stream_hold('s') > 0 AS held;
SELECT factstr_stream_fail('s', 'first', 'infinity'), factstr_stream_fail('s', 'second');
SELECT failure_count, last_error, last_failed_at IS NOT NULL AS failed, retry_at
FROM factstr_stream_status WHERE name = 's';
SELECT factstr_stream_fail('s', repeat('ß', 1000), 'infinity');
SELECT failure_count, last_error = repeat('ß', 500) AS cut, retry_at
FROM factstr_stream_status WHERE name = 's';
SELECT factstr_stream_ack('s', 6);
SELECT failure_count, last_error IS NOT NULL AS kept, retry_at
FROM factstr_stream_status WHERE name = 's';
-- A consumer that takes over does not wait for the retry time that another one has set.
SELECT factstr_stream_fail('s', 'third', 'infinity'), factstr_stream_release('s'),
	factstr_stream_hold('s') > 0 AS held;
SELECT failure_count, last_error, retry_at FROM factstr_stream_status WHERE name = 's';
SELECT factstr_stream_release('s');
SELECT f.* FROM pg_temp.failure($$SELECT factstr_stream_fail('s', 'of somebody else')$$) f;

-- A command that releases all advisory locks of a session, such as its reset in a pool, ends its holds too.
SELECT factstr_stream_hold('s') > 0 AS held, factstr_stream_hold('other') > 0 AS held;
SELECT pg_advisory_unlock_all();
SELECT count(*) FROM pg_temp.held_here();
SELECT factstr_stream_release('s');
SELECT factstr_stream_hold('other') > 0 AS held;
SELECT * FROM pg_temp.held_here();
SELECT factstr_stream_release('other');

SELECT factstr_stream_hold('s') > 0 AS held;
-- A dropped stream's hold ends with a release, and does not pass on to a new one of the name.
SELECT factstr_stream_drop('s', nowait => true);
SELECT f.* FROM pg_temp.failure($$SELECT factstr_stream_hold('s')$$) f;
SELECT factstr_stream_release('s');
SELECT factstr_stream_open('s');
SELECT f.state FROM pg_temp.failure($$SELECT pg_temp.resume('s', 's 4')$$) f;
SELECT pg_temp.hold('s', 's of another s');
SELECT string_agg(name, ', ' ORDER BY token) AS growing FROM tokens WHERE name ~ '^s ';
DROP EXTENSION factstr CASCADE;
CREATE EXTENSION factstr;
SELECT factstr_stream_open('s');
SELECT factstr_stream_release('s');

-- Malformed calls
SELECT call, f.*
FROM (VALUES
	(1, $$factstr_stream_hold(NULL)$$), (2, $$factstr_stream_hold('')$$),
	(3, $$factstr_stream_hold('none')$$), (4, $$factstr_stream_hold('s', NULL)$$),
	(5, $$factstr_stream_hold('s', false, -1)$$), (6, $$factstr_stream_release(NULL)$$),
	(7, $$factstr_stream_release('')$$), (8, $$factstr_stream_fail(NULL, 'x')$$),
	(9, $$factstr_stream_fail('s', NULL)$$),
	(10, $$factstr_stream_fail('none', 'x')$$), (13, $$factstr_stream_try_hold('none')$$),
	(14, $$factstr_stream_try_hold(NULL)$$), (11, $$factstr_stream_seek('s', 0, NULL)$$),
	(12, $$factstr_stream_drop('s', NULL)$$)) c(n, call),
	pg_temp.failure('SELECT ' || call) f ORDER BY n;
BEGIN READ ONLY;
SELECT f.state, f.message FROM pg_temp.failure($$SELECT factstr_stream_hold('s')$$) f;
SELECT f.state, f.message FROM pg_temp.failure($$SELECT factstr_stream_fail('s', 'x')$$) f;
ROLLBACK;
SELECT count(*) FROM pg_temp.held_here();
DROP EXTENSION factstr CASCADE;
