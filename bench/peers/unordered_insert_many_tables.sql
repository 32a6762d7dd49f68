-- As many tables as there are logs, each like that of unordered_insert_tables.sql: psql -v tables=16.
SELECT format('CREATE TABLE unordered_events_%s (sequence_number bigserial PRIMARY KEY, '
    'occurred_at timestamptz NOT NULL DEFAULT now(), event_type text NOT NULL, payload jsonb NOT NULL)', n),
  format('CREATE INDEX ON unordered_events_%s (event_type, sequence_number)', n),
  format('CREATE INDEX ON unordered_events_%s USING gin (payload jsonb_path_ops)', n)
FROM generate_series(1, :tables) n
\gexec
