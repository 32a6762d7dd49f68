# Durable streams in tests: calls, and a comparison of the deliveries that consumers keep with the log.

package FactstrStreams;

use strict;
use warnings;

use Exporter qw(import);

our @EXPORT = qw(next_sql ack_sql cursor head create_table keep_sql difference);

sub next_sql
{
	my ($stream, $max_batches, $nowait) = @_;

	return sprintf(q(SELECT * FROM factstr_stream_next('%s', %d, %s)), $stream, $max_batches // 1, $nowait ? 'true' : 'false');
}

sub ack_sql
{
	my ($stream, $last) = @_;

	return "SELECT factstr_stream_ack('$stream', $last)";
}

sub cursor
{
	my ($session, $stream) = @_;

	return $session->value('SELECT cursor_sequence_number FROM factstr_stream_status WHERE name = $1', $stream);
}

sub head
{
	my ($session) = @_;

	return $session->value('SELECT coalesce(max(sequence_number), 0) FROM factstr_events');
}

# A table in which consumers of a stream keep its deliveries, a row for each record.  Rollbacks leave gaps in
# the identity column, but the order of the rows is that of the deliveries: there is one at a time.
sub create_table
{
	my ($session, $stream) = @_;

	$session->run($_) foreach qq(
		CREATE TABLE delivered_$stream (
			id bigint GENERATED ALWAYS AS IDENTITY,
			first bigint,
			last bigint,
			records int,
			record jsonb,
			number bigint GENERATED ALWAYS AS ((record->>'sequence_number')::bigint) STORED,
			consumer int DEFAULT pg_backend_pid(),
			transaction xid8 DEFAULT pg_current_xact_id())),
		"CREATE INDEX ON delivered_$stream (number)";
	return;
}

# Keeps a batch: its first number, last number, and records; a handler does not know the first two.
sub keep_sql
{
	my ($stream, $first, $last, $records) = @_;

	return qq(
		INSERT INTO delivered_$stream (first, last, records, record)
		SELECT $first, $last, jsonb_array_length($records), record
		FROM jsonb_array_elements($records) WITH ORDINALITY e(record, n) ORDER BY n);
}

# Compares the kept deliveries with those that a stream must deliver according to the table of facts, not the
# functions: the facts that meet a condition, with their batch and the number of its facts that do.  Returns the
# first differences, or the empty text.
sub difference
{
	my ($session, $stream, $condition, $after) = @_;

	return $session->text(qq(
		SELECT n, d, e
		FROM (SELECT row_number() OVER (ORDER BY id) AS n, first, last, records, number, record->>'event_type' AS event_type, record->'payload' AS payload
			FROM delivered_$stream) d
		FULL JOIN (SELECT row_number() OVER (ORDER BY sequence_number) AS n, batch_first_sequence_number AS first, batch_last AS last,
				count(*) OVER (PARTITION BY batch_first_sequence_number) AS records, sequence_number AS number, event_type, payload
			FROM (SELECT *, max(sequence_number) OVER (PARTITION BY batch_first_sequence_number) AS batch_last
				FROM factstr_events WHERE sequence_number > \$1) facts
			WHERE $condition) e USING (n)
		WHERE (d.first, d.last) <> (e.first, e.last)
			OR (d.records, d.number, d.event_type, d.payload) IS DISTINCT FROM (e.records, e.number, e.event_type, e.payload)
		ORDER BY n LIMIT 3), $after // 0);
}

1;
