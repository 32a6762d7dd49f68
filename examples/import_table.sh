#!/usr/bin/env bash
# Moves the events of a table into a factstr store: one fact per row, with its time.
#
#     examples/import_table.sh postgresql:///shop postgresql:///shop     (source database, store)
#
# The table is shop_events (id, type, data, created_at); adapt the SELECT to yours. Repeat the command as often as you
# like: the id of the row is the idempotency key, so rows that were imported earlier are skipped. Run it while the old
# application still writes, and once more after it has stopped.

set -euo pipefail

source_database=$1
store=$2

# One JSON object per line. FETCH_COUNT reads a large table in parts. Order by the column that shows the order of events.
psql --no-psqlrc --quiet --no-align --tuples-only --set=ON_ERROR_STOP=1 --set=FETCH_COUNT=10000 --dbname="$source_database" <<'SQL' |
SELECT jsonb_build_object(
  'event_type', type,
  'payload', data,
  'metadata', jsonb_build_object('shop_event', id),
  'occurred_at', to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
  'idempotency_key', 'shop_events ' || id)
FROM shop_events
ORDER BY id;
SQL
  "${FACTSTR:-factstr}" --store "$store" import
