# Ends of a delivery from outside: calls that change the stream, the shutdown of the server, a cancel for another one, the
# end of the process in the midst of many batches.  No session waits for a hanging handler, and nothing is recorded as a
# failure of a batch that did not fail.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use FactstrTest;
use FactstrWorkers;
use Test::More;

my $node = new_node('stopped', conf => <<~'CONF');
	shared_preload_libraries = 'factstr'
	max_worker_processes = 20
	max_prepared_transactions = 2
	CONF
my ($observer, $other, $gate) = map { new_session($node) } 1 .. 3;

sub append { return $observer->value(append_sql(events(@_))) }

# Waits until a handler waits for the gate, or sleeps; returns its process.
sub wait_in_handler
{
	my ($stream) = @_;
	my $pid;

	wait_until("the handler of $stream waits", sub {
		$pid = $observer->value(
			q(SELECT s.consumer_pid FROM factstr_stream_status s JOIN pg_stat_activity a ON a.pid = s.consumer_pid
				WHERE s.name = $1 AND a.wait_event IN ('PgSleep', 'advisory')), $stream) });
	return $pid;
}

create_kept($observer);

#
# Calls that change a stream interrupt its handler, which is no failure.
#
create_handler($observer, 'hanging', q(IF what = 'hang' THEN PERFORM pg_sleep(3600); END IF;));
create_handler($observer, 'quick');
my $first = append(first => 'hang');
my %calls = (
	factstr_stream_seek => q('hanging', 0),
	factstr_stream_set_query => q('hanging', '{"filters": [{"event_types": ["first", "second"]}]}'),
	factstr_park_after => q('hanging', 3),
	factstr_redeliver_parked => q('hanging', 42),
	factstr_discard_parked => q('hanging', 42),
	factstr_unsubscribe => q('hanging'),
	factstr_subscribe => q('hanging', '{"filters": [{"event_types": ["first"]}]}', 'quick(jsonb)'),
	factstr_stream_drop => q('hanging'),
	factstr_stream_repartition => q('hanging', 2, '$.none'));
foreach my $call (sort keys %calls)
{
	subscribe($observer, 'hanging', of_type('first'), 'first');
	wait_in_handler('hanging');
	is($other->state_of("SELECT $call($calls{$call})"), '00000', "$call interrupts a handler that hangs");
	is($observer->text('SELECT DISTINCT failure_count, last_error FROM factstr_stream_status'), $call eq 'factstr_stream_drop' ? '' : '0|',
		'which is no failure');
	$observer->run(q(SELECT factstr_stream_drop(CASE WHEN name LIKE '%#0' THEN 'hanging' ELSE name END) FROM factstr_streams WHERE name NOT LIKE '%#1'));
}
subscribe($observer, 'hanging', of_type('first'), 'first');
my $pid = wait_in_handler('hanging');
is($other->state_of("SELECT $_->[0]($_->[1], nowait => true)"), 'FS004', "$_->[0] with nowait interrupts no session")
	foreach map { [ $_, $calls{$_} ] } qw(factstr_stream_seek factstr_stream_set_query factstr_stream_drop);
is(status($observer, 'hanging', 'consumer_pid'), $pid, 'the handler continues');
$observer->run(q(SELECT factstr_stream_drop('hanging')));

# So does the drop of a whole log.
$observer->run(q(SELECT factstr_create_log('dropped')));
$observer->run(q(SELECT factstr_append($1, log => 'dropped')), events(first => 'hang'));
$observer->run(q(SELECT factstr_subscribe('hanging', '{}', 'hanging(jsonb)', log => 'dropped')));
wait_in_handler('hanging');
is($other->value(q(SELECT factstr_drop_log('dropped', 'dropped'))), 1, 'factstr_drop_log interrupts a handler of the log that hangs');
is($observer->value(q(SELECT count(*) FROM factstr_streams)), 0, 'and drops its stream');

# One that continues is ended with its process, which is no failure either.
create_handler($observer, 'catching', q(
	LOOP
		BEGIN
			PERFORM pg_sleep(3600);
		EXCEPTION WHEN query_canceled THEN
			NULL;
		END;
	END LOOP;));
subscribe($observer, 'catching', of_type('first'), 'first');
wait_in_handler('catching');
is($other->value(q(SELECT factstr_unsubscribe('catching'))), 't', 'one that catches the cancel is stopped with its process');
is(status($observer, 'catching', 'failure_count, last_error'), '0|', 'which is no failure');
$observer->run(q(SELECT factstr_stream_drop('catching')));

# The process may wait, at its end, for a lock of the session that waits for the stream.
subscribe($observer, 'hanging', of_type('first'), 'first');
$pid = wait_in_handler('hanging');
$other->run('BEGIN');
$other->start('LOCK TABLE factstr_events');
wait_until('the session waits for the table', sub { $observer->value('SELECT count(*) FROM pg_locks WHERE pid = $1 AND NOT granted', $other->pid) });
$observer->run('SELECT pg_terminate_backend($1)', $pid);
$other->finish;
like($other->state_of(q(SELECT factstr_stream_seek('hanging', 0))), qr/^(00000|40P01)$/, 'a deadlock with its end is found');
$other->run('ROLLBACK');
$observer->run(q(SELECT factstr_stream_drop('hanging')));

#
# A cancel that comes when a worker looks was for another handler.
#
subscribe($observer, 'quick', of_type('second'));
wait_until_at($observer, 'quick', append(second => 1));
$other->run('BEGIN');
$other->run('LOCK TABLE factstr_streams');
my $second = append(second => 2);
wait_until('a worker looks', sub {
	$pid = $observer->value(q(SELECT pid FROM pg_locks l JOIN pg_stat_activity a USING (pid)
		WHERE l.relation = 'factstr_streams'::regclass AND NOT l.granted AND a.backend_type = 'factstr delivery')) });
$observer->run('SELECT pg_cancel_backend($1)', $pid);
$other->run('COMMIT');
wait_until_at($observer, 'quick', $second);
is(status($observer, 'quick', 'last_error'), '', 'a cancel that comes when the worker looks at a stream is no failure of its handler');
is($observer->value(q(SELECT worker FROM kept WHERE stream = 'quick' ORDER BY id DESC LIMIT 1)), $pid, 'and ends nothing');
$observer->run(q(SELECT factstr_stream_drop('quick')));

#
# The process ends in the midst of many batches: it is the failure of the one with which it does, and of no other one.
#
$observer->run(q(DELETE FROM kept));
my $from = head($observer);
$observer->run(q(DO $$ BEGIN FOR i IN 1 .. 600 LOOP PERFORM factstr_append('[{"event_type": "old", "payload": 1}]'); END LOOP; END $$));
my $bad = $from + 431;
create_handler($observer, 'ending', qq(IF first = $bad THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF;));
$observer->run('BEGIN');
subscribe($observer, 'ending', of_type('old'), 'first');
$observer->run(q(SELECT factstr_park_after('ending', 1)));
$observer->run('COMMIT');
wait_until_at($observer, 'ending');
is($observer->text('SELECT first_sequence_number, error FROM factstr_parked_batches'), "$bad|57P01: the worker was terminated during the delivery",
	'the batch with which the process ends is parked, and no other one');
is($observer->text('SELECT count(*), count(DISTINCT facts) FROM kept'), '599|599', 'which are delivered once');
$observer->run(q(SELECT factstr_stream_drop('ending')));

#
# A dump that is taken while a handler runs.
#
create_handler($observer, 'waiting', 'PERFORM pg_advisory_xact_lock(1);');
$gate->run('SELECT pg_advisory_lock(1)');
subscribe($observer, 'waiting', of_type('third'));
append(third => 1);
wait_in_handler('waiting');
my $dump = $node->basedir . '/dump.sql';
$node->command_ok([ 'pg_dump', '-f', $dump, $node->connstr('postgres') ], 'a dump while a handler runs');
$observer->run('CREATE DATABASE restored');
$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', $dump, $node->connstr('restored') ], 'restored');
my $restored = new_session($node, dbname => 'restored');
$restored->mean_log_of_tests;
is($restored->value('SELECT count(*) FROM factstr_streams WHERE announced_at IS NOT NULL'), 1, 'it has the announcement of the worker');
$restored->run(q(SELECT factstr_subscribe('waiting', $1, 'waiting(jsonb)')), of_type('third'));
wait_until_at($restored, 'waiting');
is(status($restored, 'waiting', 'failure_count, last_error'), '0|', 'which no worker of this database has failed to do');
$restored->disconnect;

#
# The server is stopped while a handler runs.
#
$observer->run(q(SELECT factstr_park_after('waiting', 1)));
wait_in_handler('waiting');
$_->disconnect foreach $observer, $other, $gate;
$node->restart;
($observer, $other, $gate) = map { new_session($node) } 1 .. 3;
wait_until_at($observer, 'waiting');
is(status($observer, 'waiting', 'failure_count, last_error, parked_batches'), '0||0', 'a handler that the end of the server has interrupted has not failed');
is((split(/\n/, kept($observer, 'waiting')))[-1], head($observer), 'and its batch is delivered after the start');

#
# The same if its process cannot write the result of the delivery.
#
$observer->run(q(SELECT factstr_park_after('waiting', NULL)));
$gate->run('SELECT pg_advisory_lock(1)');
append(third => 2);
wait_in_handler('waiting');
$other->run($_) foreach 'BEGIN', 'LOCK TABLE factstr_streams', q(PREPARE TRANSACTION 'lock');
$_->disconnect foreach $observer, $other, $gate;
$node->restart;
$observer = new_session($node);
$observer->run(q(COMMIT PREPARED 'lock'));
wait_until_at($observer, 'waiting');
pass('a table that is locked does not keep the server from stopping');

$node->stop;
done_testing();
