-- A message store that numbers each stream, as Message DB does: an advisory lock for the stream's category, the stream's
-- last position, an insert.  The global position is a sequence's, so it has gaps and does not follow the commits; there
-- is no index on the content of messages, since a decision can only depend on one stream.
CREATE SCHEMA category;
CREATE TABLE category.messages (global_position bigserial PRIMARY KEY, position bigint NOT NULL, time timestamptz NOT NULL DEFAULT now(), stream_name text NOT NULL, type text NOT NULL, data jsonb NOT NULL, metadata jsonb, id uuid NOT NULL DEFAULT gen_random_uuid());
CREATE UNIQUE INDEX ON category.messages (id);
CREATE UNIQUE INDEX ON category.messages (stream_name, position);
CREATE INDEX ON category.messages (split_part(stream_name, '-', 1), global_position);

CREATE FUNCTION category.write_message(stream text, new_type text, new_data jsonb, expected bigint = NULL) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	last bigint;
BEGIN
	PERFORM pg_advisory_xact_lock(hashtextextended(split_part(stream, '-', 1), 0));
	SELECT coalesce(max(position), -1) INTO last FROM category.messages WHERE stream_name = stream;
	IF expected <> last THEN
		RAISE EXCEPTION 'wrong expected version: % (stream %, stream version %)', expected, stream, last;
	END IF;
	INSERT INTO category.messages (position, stream_name, type, data) VALUES (last + 1, stream, new_type, new_data);
	RETURN last + 1;
END $$;
