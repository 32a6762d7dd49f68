-- Loads three JSON files into the log: each movie, earthquake and flight becomes one fact.
--
--     psql -v data=DIRECTORY -f examples/load.sql        (a database with the extension)
--
-- DIRECTORY holds movies.json and flights.json, arrays of objects, and earthquakes.json,
-- a GeoJSON document. Without -v data=... the sample files in examples/data are loaded.
-- More variables: batch_size (facts an append), report_every (seconds).

\set ON_ERROR_STOP on
\set QUIET on
\pset footer off
\encoding UTF8
\if :{?data} \else \set data examples/data \endif
\if :{?batch_size} \else \set batch_size 1000 \endif
\if :{?report_every} \else \set report_every 1 \endif

-- The files come in as text, line by line. JSON text contains no control characters: with these
-- two as quote and delimiter, COPY takes every other character as it is, backslashes too.
CREATE TEMP TABLE line (
	number bigint GENERATED ALWAYS AS IDENTITY,
	file text,
	text text
);

\cd :data
ALTER TABLE line ALTER file SET DEFAULT 'movies';
\copy line (text) FROM 'movies.json' (FORMAT csv, QUOTE E'\x01', DELIMITER E'\x02')
ALTER TABLE line ALTER file SET DEFAULT 'earthquakes';
\copy line (text) FROM 'earthquakes.json' (FORMAT csv, QUOTE E'\x01', DELIMITER E'\x02')
ALTER TABLE line ALTER file SET DEFAULT 'flights';
\copy line (text) FROM 'flights.json' (FORMAT csv, QUOTE E'\x01', DELIMITER E'\x02')

-- The content of a file: an event type, and an array of payloads.
CREATE TEMP TABLE source AS
SELECT file,
	CASE file
		WHEN 'movies' THEN 'movie-listed'
		WHEN 'earthquakes' THEN 'earthquake-recorded'
		WHEN 'flights' THEN 'flight-flown'
	END AS event_type,
	CASE file WHEN 'earthquakes' THEN document -> 'features' ELSE document END AS payloads
FROM (
	SELECT file, string_agg(text, E'\n' ORDER BY number)::jsonb AS document
	FROM line
	GROUP BY file
) AS files;

CREATE TEMP TABLE loaded (
	event_type text,
	facts bigint,
	appends bigint,
	seconds numeric
);

-- Appends the payloads of a file in batches, each in a separate transaction.
CREATE PROCEDURE pg_temp.append_file(name text, batch_size integer, report_every interval)
LANGUAGE plpgsql AS $$
DECLARE
	file constant source NOT NULL := (SELECT source FROM source WHERE source.file = name);
	facts constant bigint NOT NULL := jsonb_array_length(file.payloads);
	started constant timestamptz NOT NULL := clock_timestamp();
	reported timestamptz := started;
	appended bigint := 0;
	appends bigint := 0;
	events jsonb;
BEGIN
	FOR events IN
		SELECT jsonb_agg(jsonb_build_object('event_type', file.event_type, 'payload', payload) ORDER BY number)
		FROM jsonb_array_elements(file.payloads) WITH ORDINALITY AS element (payload, number)
		GROUP BY (number - 1) / batch_size
		ORDER BY (number - 1) / batch_size
	LOOP
		PERFORM factstr_append(events);
		COMMIT;

		appended := appended + jsonb_array_length(events);
		appends := appends + 1;
		IF clock_timestamp() >= reported + report_every THEN
			reported := clock_timestamp();
			RAISE NOTICE '%: % of % facts', file.event_type, appended, facts;
		END IF;
	END LOOP;

	INSERT INTO loaded
	VALUES (file.event_type, appended, appends, extract(epoch FROM clock_timestamp() - started));
END
$$;

SELECT coalesce(factstr_context_version('{}'), 0) AS before \gset

CALL pg_temp.append_file('movies', :batch_size, make_interval(secs => :report_every));
CALL pg_temp.append_file('earthquakes', :batch_size, make_interval(secs => :report_every));
CALL pg_temp.append_file('flights', :batch_size, make_interval(secs => :report_every));

SELECT coalesce(event_type, 'all') AS event_type,
	to_char(sum(facts), 'FM999,999,999') AS facts,
	sum(appends) AS appends,
	to_char(sum(seconds), 'FM990.00') AS seconds,
	to_char(sum(facts) / sum(seconds), 'FM999,999,999') AS "facts/s"
FROM loaded
GROUP BY ROLLUP (event_type)
ORDER BY sum(facts);

-- Are the stored payloads equal to the file? Compares the payloads of each event type as one array.
SELECT to_char(sum(jsonb_array_length(returned)), 'FM999,999,999') AS count,
	bool_and(returned = payloads) AS equal,
	left(md5(string_agg(payloads::text, '' ORDER BY file)), 12) AS md5_of_files,
	left(md5(string_agg(returned::text, '' ORDER BY file)), 12) AS md5_of_facts
FROM source
CROSS JOIN LATERAL (
	SELECT jsonb_agg(payload ORDER BY sequence_number) AS returned
	FROM factstr_read(jsonb_build_object(
		'filters', jsonb_build_array(jsonb_build_object('event_types', jsonb_build_array(event_type))),
		'after', :before))
) AS log \gset

\if :equal
	\echo -- Read back: :count payloads, in order, equal to those in the files
	\echo -- (md5 of the files :md5_of_files, of the facts :md5_of_facts).
\else
	DO $$ BEGIN RAISE 'the payloads read back differ from those in the files'; END $$;
\endif
