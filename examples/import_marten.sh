#!/usr/bin/env bash
# Moves the events of Marten into a factstr store: one fact per event, with its time.
#
#     examples/import_marten.sh postgresql:///shop postgresql:///facts           (source database, store)
#     examples/import_marten.sh postgresql:///shop postgresql:///facts events    (and the schema of mt_events)
#
# The payload is the data of the event and the member stream_id, so that a query finds the facts of a stream, as
# {"filters": [{"payload_predicates": [{"stream_id": "…"}]}]}; a member of that name in the data is kept instead.
# The metadata has the other columns. The id of the event is the idempotency key, so events that were imported earlier
# are skipped. Run it while the old application still writes, and once more after it has stopped.

set -euo pipefail

source_database=$1
store=$2
schema=${3:-public}

# One JSON object per line. FETCH_COUNT reads a large table in parts.
psql --no-psqlrc --quiet --no-align --tuples-only --set=ON_ERROR_STOP=1 --set=FETCH_COUNT=10000 --set="schema=$schema" \
  --dbname="$source_database" <<'SQL' |
SELECT jsonb_build_object(
  'event_type', type,
  'payload', jsonb_build_object('stream_id', stream_id)
    || CASE jsonb_typeof(data) WHEN 'object' THEN data ELSE jsonb_build_object('data', data) END,
  'metadata', jsonb_build_object('marten',
    jsonb_strip_nulls(to_jsonb(event) - '{id,stream_id,data,type,timestamp}'::text[])),
  'occurred_at', to_char(timestamp AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
  'idempotency_key', 'marten ' || id)
FROM :"schema".mt_events AS event
ORDER BY seq_id;
SQL
  "${FACTSTR:-factstr}" --store "$store" import
