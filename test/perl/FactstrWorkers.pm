# Shared by the tests of subscriptions: the launcher and the workers as pg_stat_activity shows them,
# the state of streams, and a table in which handlers keep their batches.

package FactstrWorkers;

use strict;
use warnings;

use Exporter qw(import);

use FactstrTest;

our @EXPORT = qw(create_kept create_handler subscribe kept expected_batches status cursor head wait_for_status wait_until_at
	launchers workers worker_of wait_for_worker kill_worker);

# Batches are kept by keep(stream, event_records), in the handler's transaction.
sub create_kept
{
	my ($session) = @_;

	$session->run(q(
		CREATE TABLE kept (
			id bigint GENERATED ALWAYS AS IDENTITY,
			stream text,
			facts text,
			role name DEFAULT current_user,
			worker int DEFAULT pg_backend_pid())));
	$session->run(q(
		CREATE FUNCTION keep(stream text, event_records jsonb) RETURNS void LANGUAGE sql AS $$
			INSERT INTO kept (stream, facts)
			SELECT stream, string_agg(r->>'sequence_number', ' ' ORDER BY n) FROM jsonb_array_elements(event_records) WITH ORDINALITY e(r, n)
		$$));
	return;
}

# The handler of a stream: function STREAM(event_records jsonb), which keeps the batch after statements
# in PL/pgSQL.  A function of that name is replaced.
sub create_handler
{
	my ($session, $stream, $statements) = @_;

	$session->run(sprintf(q(
		CREATE OR REPLACE FUNCTION %s(event_records jsonb) RETURNS void LANGUAGE plpgsql AS $$
		DECLARE
			first bigint := event_records->0->'sequence_number';
			what text := event_records->0->>'payload';
		BEGIN
			%s
			PERFORM keep('%1$s', event_records);
		END $$), $stream, $statements // ''));
	return;
}

# Subscribes the handler of that name; returns the cursor.
sub subscribe
{
	my ($session, $stream, $query, $start) = @_;

	return $session->value('SELECT factstr_subscribe($1, $2, $3, $4)', $stream, $query // '{}', "$stream(jsonb)", $start // 'now');
}

# The batches that the handler of a stream has kept, a line each, in the order of the deliveries.
sub kept
{
	my ($session, $stream) = @_;

	return $session->text('SELECT facts FROM kept WHERE stream = $1 ORDER BY id', $stream);
}

# The same as it should be, by the table of facts: those after a number that meet a condition.
sub expected_batches
{
	my ($session, $condition, $after) = @_;

	return $session->text(qq(
		SELECT string_agg(sequence_number::text, ' ' ORDER BY sequence_number)
		FROM factstr_events WHERE sequence_number > \$1 AND ($condition)
		GROUP BY batch_first_sequence_number ORDER BY batch_first_sequence_number), $after // 0);
}

sub status
{
	my ($session, $stream, $columns) = @_;

	return $session->text("SELECT $columns FROM factstr_stream_status WHERE name = \$1", $stream);
}

sub cursor
{
	my ($session, $stream) = @_;

	return status($session, $stream, 'cursor_sequence_number');
}

sub head
{
	my ($session) = @_;

	return $session->value('SELECT coalesce(max(sequence_number), 0) FROM factstr_events');
}

# Waits until a condition on the view's columns holds for a stream.
sub wait_for_status
{
	my ($session, $stream, $condition) = @_;

	wait_until("$stream: $condition", sub { status($session, $stream, $condition) eq 't' });
	return;
}

# Waits until a stream's cursor has got to a fact, or to the newest one.
sub wait_until_at
{
	my ($session, $stream, $sequence_number) = @_;

	wait_for_status($session, $stream, 'cursor_sequence_number >= ' . ($sequence_number // head($session)));
	return;
}

# The ids of all launchers, there should be one at most.
sub launchers
{
	my ($session) = @_;

	return $session->text(q(SELECT pid FROM pg_stat_activity WHERE backend_type = 'factstr launcher'));
}

# The ids of the workers of this database or another.
sub workers
{
	my ($session, $database) = @_;

	return $session->text(q(
		SELECT pid FROM pg_stat_activity
		WHERE backend_type = 'factstr delivery' AND datname = coalesce($1, current_database()) ORDER BY 1), $database);
}

# The id of the worker that delivers a stream now, or undef.
sub worker_of
{
	my ($session, $stream) = @_;

	return status($session, $stream, 'consumer_pid') || undef;
}

# Waits until this database has a worker, and returns the id of one.
sub wait_for_worker
{
	my ($session) = @_;

	wait_until('there is a worker', sub { workers($session) ne '' });
	return (split(/\n/, workers($session)))[0];
}

# Kills a worker, which takes the server through recovery. False if the worker ends by itself: then the server does not
# notice. It is stopped first, since a process that has ended, and is not yet waited for, can be killed without effect.
sub kill_worker
{
	my ($pid) = @_;
	my $state = '';

	kill('STOP', $pid) or return 0;
	wait_until('the worker is stopped', sub {
		my $file;

		$state = open($file, '<', "/proc/$pid/stat") && <$file> =~ /^.*\) (\S)/s ? $1 : 'Z';
		return $state =~ /^[TXZ]$/;
	});
	return $state eq 'T' && kill('KILL', $pid);
}

1;
