# factstr_wait: until a stream has got to a fact; factstr_wait_for_facts: until the log has one.  Both are woken by the
# session that commits it, without holding back vacuum; and how waiting ends otherwise.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use FactstrTest;
use FactstrWorkers;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('wait', init => { allows_streaming => 1 });
my ($observer, $waiter, $consumer) = map { new_session($node) } 1 .. 3;

create_kept($observer);

sub append
{
	return $observer->value(append_sql(events(@_)));
}

sub wait_sql
{
	my ($sequence_number, $stream, $timeout) = @_;

	return "CALL factstr_wait('$stream', $sequence_number" . (defined $timeout ? ", '$timeout')" : ')');
}

# Waits until a session waits in factstr_wait, and returns the snapshot that it holds back.
sub held_back
{
	my ($session) = @_;

	wait_for_event($observer, $session, 'Extension');
	return $observer->text('SELECT backend_xmin, backend_xid FROM pg_stat_activity WHERE pid = $1', $session->pid);
}

#
# Woken by the commit of the cursor's move, by a worker or by a consumer's session.
#
create_handler($observer, 'worked', 'PERFORM pg_advisory_xact_lock(1);');
subscribe($observer, 'worked');
$observer->run(q(SELECT factstr_stream_open('consumed')));
my $first = append(a => 1);
is($waiter->state_of(wait_sql($first, 'worked')), '00000', 'reading one\'s own writes: append, wait, read');
is(kept($waiter, 'worked'), $first, 'the handler has been there');
is($waiter->state_of(wait_sql($_, 'worked', '0')), '00000', "a reached fact is not waited for: $_") foreach 0, $first;

my $gate = new_session($node);
$gate->run('SELECT pg_advisory_lock(1)');
my $second = append(a => 2);
my $in_block = new_session($node);
$in_block->run('BEGIN');
$in_block->start(wait_sql($second, 'worked'));
$waiter->start(wait_sql($second, 'worked', '1 h'));
is(held_back($waiter), '|', 'a call that waits holds back no vacuum');
is(held_back($in_block), '|', 'nor does it in a transaction block');
$gate->run('SELECT pg_advisory_unlock(1)');
is($waiter->finish->state, '00000', 'woken by a worker');
is($in_block->finish->state, '00000', 'in a transaction block too');
is(kept($in_block, 'worked'), "$first\n$second", 'which then sees the writes of the handler');
$in_block->run('COMMIT');

$waiter->start(wait_sql($second, 'consumed'));
is(held_back($waiter), '|', 'waiting for a consumer');
$consumer->run('BEGIN');
$consumer->run('SELECT factstr_stream_ack($1, $2)', 'consumed', $first);
is($waiter->is_done, 0, 'it waits for the commit');
$consumer->run('SELECT factstr_stream_ack($1, $2)', 'consumed', $second);
$consumer->run('COMMIT');
is($waiter->finish->state, '00000', 'woken by an acknowledgement');
$observer->run(q(SELECT factstr_stream_seek('consumed', 0)));
$waiter->start(wait_sql($second, 'consumed'));
held_back($waiter);
$observer->run(q(SELECT factstr_stream_seek('consumed', max(sequence_number)) FROM factstr_events));
is($waiter->finish->state, '00000', 'woken by a seek');
# A position that has no fact yet may be waited for as well.
$waiter->start(wait_sql($second + 1, 'worked'));
held_back($waiter);
append(a => 3);
is($waiter->finish->state, '00000', 'for a fact that is yet to be appended');

# Many at a time.
my @waiters = map { new_session($node) } 1 .. 10;
$waiters[$_]->start(wait_sql($second + 2 + $_, 'worked')) foreach 0 .. $#waiters;
append(many => $_) foreach 0 .. $#waiters;
is(join(' ', map { $_->finish->state } @waiters), join(' ', ('00000') x @waiters), 'many wait for many facts');

# Waiting holds no snapshot, so vacuum removes rows that are deleted meanwhile.
my $beyond = head($observer) + 100;
$observer->run('CREATE TABLE vacuumed AS SELECT generate_series(1, 100) AS n');
$waiter->start(wait_sql($beyond, 'worked'));
$in_block->run('BEGIN');
$in_block->start(wait_sql($beyond, 'worked'));
held_back($_) foreach $waiter, $in_block;
$observer->run('DELETE FROM vacuumed');
$observer->run('VACUUM vacuumed');
is($observer->value(q(SELECT pg_relation_size('vacuumed'))), 0, 'vacuum removes rows that were deleted while somebody waits');

#
# Cancelled, timed out by the server, terminated.
#
$observer->run('SELECT pg_cancel_backend($1)', $waiter->pid);
is($waiter->finish->state, '57014', 'a wait is cancelled');
is($waiter->text('SELECT 1'), 1, 'the session continues');
$observer->run('SELECT pg_cancel_backend($1)', $in_block->pid);
is($in_block->finish->state, '57014', 'in a transaction block too');
is($in_block->state_of('SELECT 1'), '25P02', 'which has failed');
$in_block->run('ROLLBACK');
$waiter->run(q(SET statement_timeout = '50ms'));
is($waiter->state_of(wait_sql($beyond, 'worked')), '57014', 'statement_timeout ends it');
$waiter->run('RESET statement_timeout');
$waiter->start(wait_sql($beyond, 'worked'));
held_back($waiter);
$observer->run('SELECT pg_terminate_backend($1)', $waiter->pid);
like($waiter->finish->state, qr/^(?:57P01|08...)$/, 'it is terminated');
$waiter = new_session($node);
$waiter->start(wait_sql($beyond, 'worked'));
held_back($waiter);
$observer->run(q(SELECT factstr_stream_drop('consumed')));
$observer->run(q(SELECT factstr_stream_drop('worked')));
is($waiter->finish->state, 'FS005', 'a stream that is dropped is not waited for any longer');

#
# Facts and streams that cannot be waited for.
#
subscribe($observer, 'worked');
$observer->run(q(SELECT factstr_stream_open('consumed')));
my $head = head($observer);
is($waiter->state_of(wait_sql($head, 'none')), 'FS005', 'no such stream');
foreach my $timeout ('0', '-1 h', '30 ms')
{
	is($waiter->state_of(wait_sql($head, 'consumed', $timeout)), 'FS007', "not in time: $timeout");
}
like($waiter->message, qr/did not reach fact $head before the timeout.*cursor is at 0/s, 'the message tells how far it is');
$waiter->run('BEGIN');
is($waiter->state_of(wait_sql($head, 'consumed', '10 ms')), 'FS007', 'not in time in a transaction block');
$waiter->run('ROLLBACK');
foreach my $level ('REPEATABLE READ', 'SERIALIZABLE')
{
	$waiter->run("BEGIN ISOLATION LEVEL $level");
	$waiter->run('SELECT 1');
	is($waiter->state_of(wait_sql($head, 'consumed')), '55000', "not at $level");
	$waiter->run('ROLLBACK');
}
$waiter->run('BEGIN');
$waiter->run('DECLARE c CURSOR FOR SELECT 1');
is($waiter->state_of(wait_sql($head, 'consumed')), '55000', 'not with an open cursor');
$waiter->run('ROLLBACK');
$waiter->run('BEGIN');
my $own = $waiter->value(append_sql(events(own => 1)));
is($waiter->state_of(wait_sql($own, 'consumed')), '55000', 'not for one\'s own facts before they are committed');
$waiter->run('ROLLBACK');
$observer->run(q(
	CREATE FUNCTION wait_in_function(n bigint) RETURNS void LANGUAGE plpgsql AS $$
	BEGIN
		CALL factstr_wait('consumed', n);
	END $$));
is($waiter->state_of("SELECT wait_in_function($head)"), '55000', 'not in a function');
$observer->run(q(
	CREATE PROCEDURE wait_in_procedure(n bigint) LANGUAGE plpgsql AS $$
	BEGIN
		CALL factstr_wait('worked', n);
		INSERT INTO kept (stream, facts) VALUES ('procedure', n);
		COMMIT;
		CALL factstr_wait('worked', n);
	END $$));
is($waiter->state_of("CALL wait_in_procedure($head)"), '00000', 'but in a procedure');
is($waiter->state_of("DO \$\$ BEGIN CALL factstr_wait('worked', $head); PERFORM 1; END \$\$"), '00000', 'and in a block');
$waiter->start("DO \$\$ BEGIN CALL factstr_wait('worked', $head + 1); INSERT INTO kept (stream) VALUES ('block'); END \$\$");
is(held_back($waiter), '|', 'which holds back no vacuum either');
append(a => 4);
is($waiter->finish->state, '00000', 'and continues');
is($observer->value(q(SELECT count(*) FROM kept WHERE stream IN ('procedure', 'block'))), 2, 'with later facts');
# A block with handlers of exceptions is a subtransaction, where a CALL may not end the transaction. Older minor releases
# (13.16, 14.9 and 16.4 are among them) nevertheless take no snapshot for such a CALL: functions in its arguments do not
# see the writes of the block. There the wait finds nothing but the snapshot of the whole statement, which it gives back.
# Newer ones take one, and the other remains.
$observer->run(q(CREATE TABLE written (n int)));
$observer->run(q(CREATE FUNCTION count_written() RETURNS bigint STABLE LANGUAGE plpgsql AS $$ BEGIN RETURN count(*) FROM written; END $$));
$observer->run(q(CREATE PROCEDURE note(n bigint) LANGUAGE plpgsql AS $$ BEGIN INSERT INTO written SELECT i FROM generate_series(1, n) i; END $$));
$observer->run(q(DO $$ BEGIN INSERT INTO written VALUES (1); CALL note(count_written()); EXCEPTION WHEN OTHERS THEN RAISE; END $$));
my $has_snapshot = $observer->value('SELECT count(*) FROM written') == 2;
is($waiter->state_of("DO \$\$ BEGIN CALL factstr_wait('consumed', $head, '1 ms'); EXCEPTION WHEN SQLSTATE 'FS007' THEN NULL; END \$\$"),
	$has_snapshot ? '55000' : '00000',
	'a block with handlers of exceptions: ' . ($has_snapshot ? 'it cannot wait with the snapshot of the statement' : 'the handler catches that the time is over'));
$waiter->run('BEGIN');
$waiter->run('SAVEPOINT s');
is($waiter->state_of(wait_sql($head, 'consumed', '1 ms')), 'FS007', 'after a savepoint');
$waiter->run('ROLLBACK TO s');
is($waiter->state_of(wait_sql($head, 'worked')), '00000', 'continuing behind it');
$waiter->run('COMMIT');

#
# However long it waits and however often it looks, its memory does not grow.
#
my $memory = sub
{
	my ($session) = @_;

	return (slurp_file('/proc/' . $session->pid . '/status') =~ /^VmData:\s+(\d+)/m)[0];
};
$beyond = head($observer) + 100_000;
$waiter->start(wait_sql($beyond, 'consumed'));
held_back($waiter);
$observer->run(q(
	CREATE PROCEDURE move_to_and_fro(times int) LANGUAGE plpgsql AS $$
	BEGIN
		FOR i IN 1 .. times LOOP
			PERFORM factstr_stream_seek('consumed', i % 2);
			COMMIT;
		END LOOP;
	END $$));
$observer->run('SET synchronous_commit = off');
$observer->run('CALL move_to_and_fro(1000)');
my $before = $memory->($waiter);
$observer->run('CALL move_to_and_fro(20000)');
cmp_ok($memory->($waiter) - $before, '<', 300, 'woken twenty thousand times in vain, it takes no more memory');
$observer->run('RESET synchronous_commit');
$observer->run('SELECT pg_cancel_backend($1)', $waiter->pid);
$waiter->finish;

#
# For facts, whether they are notified of or not.
#
sub facts_sql
{
	my ($after, $timeout) = @_;

	return "CALL factstr_wait_for_facts($after" . (defined $timeout ? ", '$timeout')" : ')');
}

$head = head($observer);
is($waiter->state_of(facts_sql($_)), '00000', "facts that are there are not waited for: $_") foreach 0, $head - 1;
is($waiter->state_of(facts_sql($head, $_)), '00000', "the time is over: $_") foreach '0', '-1 h', '30 ms';
$observer->run('SET factstr.notify = off');
$waiter->start(facts_sql($head));
is(held_back($waiter), '|', 'waiting for facts holds back no vacuum');
$consumer->run('BEGIN');
$consumer->run(append_sql(events(waited => 1, for => 2)));
is($waiter->is_done, 0, 'it waits for the commit');
$consumer->run('COMMIT');
is($waiter->finish->state, '00000', 'woken by an append');
$waiter->start(facts_sql($head + 3));
held_back($waiter);
append(a => 1);
is($waiter->is_done, 0, 'it waits for the one that is far enough');
append(a => 2);
is($waiter->finish->state, '00000', 'and is woken by it');
$observer->run('RESET factstr.notify');
is($waiter->state_of(facts_sql(-1)), '22023', 'a position is not negative');
is($waiter->state_of(facts_sql('NULL')), '22023', 'nor null');
$waiter->run('BEGIN');
$waiter->run(append_sql(events(own => 1)));
is($waiter->state_of(facts_sql($head)), '55000', 'not behind facts of one\'s own that keep others from appending');
$waiter->run('ROLLBACK');
$waiter->run('BEGIN ISOLATION LEVEL REPEATABLE READ');
$waiter->run('SELECT 1');
is($waiter->state_of(facts_sql($head)), '55000', 'not with a snapshot');
$waiter->run('ROLLBACK');
$waiter->start(facts_sql($head + 100));
held_back($waiter);
$observer->run('SELECT pg_cancel_backend($1)', $waiter->pid);
is($waiter->finish->state, '57014', 'it is cancelled');

#
# On a hot standby, for the replay of a fact.
#
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
my ($reader, $watcher) = map { new_session($standby) } 1 .. 2;
my $replayed = append(a => 5);
is($reader->state_of(wait_sql($replayed, 'worked')), '00000', 'on a standby, it waits for appends on the primary');
like(kept($reader, 'worked'), qr/\n$replayed$/, 'and seen');
is($reader->state_of(wait_sql($replayed + 1, 'worked', '30 ms')), 'FS007', 'not in time on a standby');
is($reader->state_of(wait_sql($replayed, 'none')), 'FS005', 'no such stream on a standby');
$reader->start(wait_sql($replayed + 1, 'worked'));
wait_for_event($watcher, $reader, 'Extension');
is($watcher->text('SELECT backend_xmin FROM pg_stat_activity WHERE pid = $1', $reader->pid), '', 'nothing is held back on the standby');
$watcher->run('SELECT pg_wal_replay_pause()');
$replayed = append(a => 6);
is($waiter->state_of(wait_sql($replayed, 'worked')), '00000', 'on the primary it is done');
is($reader->is_done, 0, 'not on the standby before it is replayed');
$watcher->run('SELECT pg_wal_replay_resume()');
is($reader->finish->state, '00000', 'then it is');
$reader->start(facts_sql($replayed));
wait_for_event($watcher, $reader, 'Extension');
append(a => 7);
is($reader->finish->state, '00000', 'facts are waited for on a standby');
$reader->start(wait_sql($replayed + 2, 'worked'));
wait_for_event($watcher, $reader, 'Extension');
$watcher->run('SELECT pg_cancel_backend($1)', $reader->pid);
is($reader->finish->state, '57014', 'a wait on the standby is cancelled');

$standby->stop;

# Waiting sessions do not delay the server's shutdown.
$waiter->start(wait_sql($beyond, 'worked'));
held_back($waiter);
$node->stop('fast');
like($waiter->finish->state, qr/^(?:57P01|08...)$/, 'a server that stops ends a wait');
done_testing();
