-- Asking the log: a query and its context's version, values, batches, a notification.
--
--     psql -f examples/queries.sql        (a database into which examples/load.sql was run)

\set ON_ERROR_STOP on
\set QUIET on
\pset footer off

-- From the loaded facts: the director with the most movies, and a title that is a number.
SELECT payload -> 'Director' AS director
FROM factstr_read('{"filters": [{"event_types": ["movie-listed"]}]}')
WHERE payload ->> 'Director' <> ''
GROUP BY payload -> 'Director'
ORDER BY count(*) DESC, payload -> 'Director'
LIMIT 1 \gset
SELECT payload -> 'Title' AS number
FROM factstr_read('{"filters": [{"event_types": ["movie-listed"]}]}')
WHERE jsonb_typeof(payload -> 'Title') = 'number' AND payload ->> 'Title' NOT LIKE '%.%'
LIMIT 1 \gset
SELECT format('{"event_types": ["movie-listed"],
   "payload_predicates": [{"Director": %s}]}', :'director') AS filter \gset
SELECT format(E'{"filters": [\n  %s]}', :'filter') AS context \gset

-- Sequence numbers have no gaps, so the version of the context "all facts" is also their count.
SELECT to_char(factstr_context_version('{}'), 'FM999,999,999') AS facts \gset
\echo -- The log has :facts facts. The movies of one director among them:
\set ECHO queries
\timing on
SELECT jsonb_array_length(event_records) AS movies, current_context_version
FROM factstr_query(:'context');
\timing off
\set ECHO none
SELECT factstr_context_version(:'context') AS version \gset

\echo
\echo -- A flight and another movie of that director are appended. Only the movie
\echo -- moves the version of this context. What is new in it:
SELECT * FROM factstr_append('[{"event_type": "flight-flown", "payload": {"delay": 0}}]') \gset
SELECT * FROM factstr_append(jsonb_build_array(jsonb_build_object('event_type', 'movie-listed',
	'payload', jsonb_build_object('Title', 'The Next One', 'Director', :'director'::jsonb)))) \gset
SELECT format(E'{"filters": [\n  %s],\n "after": %s}', :'filter', :version) AS news \gset
\set ECHO queries
\timing on
SELECT jsonb_path_query_array(event_records, '$[*].payload.Title') AS titles,
  current_context_version
FROM factstr_query(:'news');
\timing off
\set ECHO none

\echo
\echo -- Numbers match by value, and a number is not a text:
SELECT format('[%s, %1$s.0, "%1$s"]', :number) AS titles \gset
\set ECHO queries
SELECT title, jsonb_array_length(event_records) AS movies
FROM jsonb_array_elements(:'titles') AS title, factstr_query(
  jsonb_build_object('filters', jsonb_build_array(
    jsonb_build_object('payload_predicates', jsonb_build_array(
      jsonb_build_object('Title', title))))));
\set ECHO none

\echo
\echo -- Every append is remembered as a batch. The first two batches that have
\echo -- earthquakes with a tsunami warning, and how many:
\set ECHO queries
\timing on
SELECT first_sequence_number, last_sequence_number,
  jsonb_array_length(event_records) AS matching
FROM factstr_batches('{"filters": [
  {"event_types": ["earthquake-recorded"],
   "payload_predicates": [{"properties": {"tsunami": 1}}]}]}', 0, 2);
\timing off
\set ECHO none

\echo
\echo -- A session that listens learns of every batch, including its own:
\set ECHO queries
LISTEN factstr;
\set ECHO none
\setenv PGHOST :HOST
\setenv PGPORT :PORT
\setenv PGUSER :USER
\setenv PGDATABASE :DBNAME
\! psql -X -q -t -A -c "SELECT '-- another session appended fact ' || last_sequence_number FROM factstr_append('[{\"event_type\": \"flight-flown\", \"payload\": {\"delay\": 5}}]')"
-- psql looks for notifications after each command.
SELECT factstr_context_version('{}') > :last_sequence_number AS appended \gset
\if :appended \else
	DO $$ BEGIN RAISE 'the other session could not append'; END $$;
\endif
