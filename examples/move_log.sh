#!/usr/bin/env bash
# Moves a log to a database of another server. Appends continue until the last part is copied.
#
#     examples/move_log.sh postgresql://old/bank postgresql://new/bank orders     (source, target, log)
#
# The source keeps the log, sealed. Repeat the command after an interruption: it continues where it stopped. Nothing else may
# append to the target before it has ended, so give writers their right there afterwards. docs/replication.md says more.

set -euo pipefail

from=$1
to=$2
log=$3

# Runs SQL from standard input in a database.
run_sql() {
  psql --no-psqlrc --quiet --no-align --tuples-only --set=ON_ERROR_STOP=1 --set="log=$log" --dbname="$1"
}

# The store that the log of a database is.
store() {
  case $1 in
    *\?*) echo "$1&factstr_log=$log" ;;
    *) echo "$1?factstr_log=$log" ;;
  esac
}

copy() {
  "${FACTSTR:-factstr}" copy "$@" "$(store "$from")" "$(store "$to")"
}

run_sql "$to" <<'SQL'
SELECT factstr_create_log(:'log') WHERE NOT EXISTS (SELECT FROM factstr_logs WHERE log = :'log');
SQL

# Copy until little is missing, or no less than before, because facts come as fast as they are copied.
before=0
while :; do
  result=$(copy)
  copied=${result##*\"imported_facts\": }
  copied=${copied%%,*}
  [ "$copied" -gt 100 ] || break
  [ "$before" -eq 0 ] || [ "$copied" -lt $((before / 2)) ] || break
  before=$copied
done

# Compare everything: that takes long, so it is done while appends continue.
copy --verify

# From here until writers have their right on the target, nothing can be appended. The seal waits for appends in progress.
run_sql "$from" <<'SQL'
SELECT factstr_seal_log(:'log');
SQL
copy

# Durable streams, with their cursors. The partitions of a stream are created together, and moved one by one.
run_sql "$from" <<'SQL' | run_sql "$to"
WITH streams AS (
  SELECT name, event_query, cursor_sequence_number AS position, event_query->'partition' AS part,
    left(name, -length('#' || (event_query#>>'{partition,number}'))) AS shared_name
  FROM factstr_stream_status WHERE log = :'log')
SELECT CASE WHEN name = shared_name || '#' || (part->>'number')
    THEN format('SELECT factstr_stream_open(%L, %L, %L, %L, %L, log => %L)', shared_name, event_query - 'partition', 'first',
      part->>'count', part->>'key', :'log')
    ELSE format('SELECT factstr_stream_open(%L, %L, log => %L)', name, event_query, :'log') END
  || format(', factstr_stream_seek(%L, %s, log => %L);', name, position, :'log')
FROM streams ORDER BY name;
SQL
