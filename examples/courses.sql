-- A course has three seats, two are taken, and more than one student wants the last one.
--
--     psql -v student=Ben -f examples/courses.sql        (a database with the extension)
--
-- For a race run it in two terminals, each with another student and with -v pause=yes: both read
-- the same context, then wait for Enter.

\set ON_ERROR_STOP on
\set QUIET on
\pset footer off
\if :{?student} \else \set student Ben \endif

-- The context of the decision: all facts about this course, of any type.
\set context '{"filters": [{"payload_predicates": [{"course": "Fishing"}]}]}'

-- The idempotency key makes the set-up safe to repeat: the first call appends, later ones do nothing.
SELECT * FROM factstr_append('[
	{"event_type": "course-planned",   "payload": {"course": "Fishing", "seats": 3}},
	{"event_type": "student-enrolled", "payload": {"course": "Fishing", "student": "Ada"}},
	{"event_type": "student-enrolled", "payload": {"course": "Fishing", "student": "Eve"}}
]', 'plan the course on fishing') \gset

-- The state of the course according to the facts of the context, and the version of the context.
CREATE TEMP VIEW course AS
SELECT seats - enrolled AS seats_left, version
FROM factstr_query(:'context') AS context (facts, last_returned, version)
CROSS JOIN LATERAL (
	SELECT sum((fact -> 'payload' -> 'seats')::integer) AS seats,
		count(*) FILTER (WHERE fact ->> 'event_type' = 'student-enrolled') AS enrolled
	FROM jsonb_array_elements(facts) AS fact
) AS counted;

SELECT seats_left, version, seats_left > 0 AS has_seat FROM course \gset
\echo -- Free seats: :seats_left, in version :version of the context.
\if :has_seat \else
	\echo -- It is full: :student does not try.
	\quit
\endif

\if :{?pause}
	\prompt '-- Press Enter to enrol. ' enter
\endif

-- psql continues after the error, to show the next step.
\set ON_ERROR_STOP off
\set ECHO queries
SELECT * FROM factstr_append_if(
  jsonb_build_array(jsonb_build_object(
    'event_type', 'student-enrolled',
    'payload', jsonb_build_object('course', 'Fishing', 'student', :'student')
  )),
  :'context',
  :version);
\set ECHO none
\set failed :ERROR
\set state :SQLSTATE
\set ON_ERROR_STOP on

\if :failed
	\echo -- SQLSTATE :state: someone was faster, nothing was stored. Look again:
\else
	\echo -- :student is enrolled. Look again:
\endif
SELECT seats_left, version FROM course \gset
\echo -- free seats: :seats_left, in version :version of the context.
