#!/usr/bin/env bash
# Moves the messages of Message DB into a factstr store: one fact per message, with its time.
#
#     examples/import_message_db.sh postgresql:///message_store postgresql:///facts    (source database, store)
#
# The payload is the data of the message and the member stream_name, so that a query finds the facts of a stream, as
# {"filters": [{"payload_predicates": [{"stream_name": "account-123"}]}]}; a member of that name in the data is kept
# instead. The metadata has that of the message and its positions. The id of the message is the idempotency key, so
# messages that were imported earlier are skipped. Run it while the old application still writes, and once more after it
# has stopped.

set -euo pipefail

source_database=$1
store=$2

# One JSON object per line. FETCH_COUNT reads a large table in parts. Times are in UTC, without a time zone.
psql --no-psqlrc --quiet --no-align --tuples-only --set=ON_ERROR_STOP=1 --set=FETCH_COUNT=10000 \
  --dbname="$source_database" <<'SQL' |
SELECT jsonb_build_object(
  'event_type', type,
  'payload', jsonb_build_object('stream_name', stream_name)
    || CASE jsonb_typeof(data) WHEN 'object' THEN data ELSE jsonb_strip_nulls(jsonb_build_object('data', data)) END,
  'metadata', jsonb_build_object('message_db', jsonb_strip_nulls(jsonb_build_object(
    'position', position, 'global_position', global_position, 'metadata', metadata))),
  'occurred_at', to_char(time, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
  'idempotency_key', 'message_db ' || id)
FROM message_store.messages
ORDER BY global_position;
SQL
  "${FACTSTR:-factstr}" --store "$store" import
