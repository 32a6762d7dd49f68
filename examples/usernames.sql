-- A username must be unique, without a table of names that has a unique index.
--
--     psql -f examples/usernames.sql        (a database with the extension)

\set ON_ERROR_STOP on
\set QUIET on
\pset footer off

\echo -- Version null: the context must be empty, so the name is free.
\set ECHO queries
SELECT * FROM factstr_append_if(
  '[{"event_type": "name-taken", "payload": {"name": "ada"}}]',
  '{"filters": [{"event_types": ["name-taken"],
                 "payload_predicates": [{"name": "ada"}]}]}',
  null,
  idempotency_key => 'form 4711');
\set ECHO none

-- The conflict is expected, so psql continues after it.
\set ON_ERROR_STOP off
\echo -- Another user wants the same name, with form 4712:
SELECT * FROM factstr_append_if(
  '[{"event_type": "name-taken", "payload": {"name": "ada"}}]',
  '{"filters": [{"event_types": ["name-taken"],
                 "payload_predicates": [{"name": "ada"}]}]}',
  null,
  idempotency_key => 'form 4712');
\set state :SQLSTATE
\set ON_ERROR_STOP on
SELECT :'state' = 'FS001' AS refused \gset
\if :refused \else
	DO $$ BEGIN RAISE 'the name should have been refused'; END $$;
\endif
\echo -- SQLSTATE :state, and nothing was stored: choose another name.
\echo
\echo -- The first one never got the answer and sends form 4711 again. As key and
\echo -- events are the same, so is the answer, and nothing is stored twice:
SELECT * FROM factstr_append_if(
  '[{"event_type": "name-taken", "payload": {"name": "ada"}}]',
  '{"filters": [{"event_types": ["name-taken"],
                 "payload_predicates": [{"name": "ada"}]}]}',
  null,
  idempotency_key => 'form 4711');
