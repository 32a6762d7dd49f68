# The end of the log is kept in shared memory: rolled-back rows after the newest fact cost no session
# anything, and all events that could make it wrong are noticed.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use FactstrTest;
use JSON::PP ();
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('log_head', conf => 'max_prepared_transactions = 5', init => { allows_streaming => 'logical' });
my ($a, $b, $observer);

sub connect_all
{
	my ($server) = @_;

	($a, $b, $observer) = map { new_session($server // $node) } 1 .. 3;
	return;
}

sub many
{
	my ($count) = @_;

	return <<~"SQL";
		SELECT last_sequence_number FROM factstr_append((
			SELECT jsonb_agg(jsonb_build_object('event_type', 'many', 'payload', n)) FROM generate_series(1, $count) n))
		SQL
}

sub head
{
	my ($session) = @_;

	return $session->value(q(SELECT coalesce(factstr_context_version('{}'), 0)));
}

# Every session that there is and a new one see the same end of the log, and append behind it.
sub goes_on
{
	my ($name, $head) = @_;
	my %sessions = (a => $a, b => $b, new => new_session($node));

	is(head($sessions{$_}), $head, "$name: session $_ sees the newest fact") foreach sort keys %sessions;
	foreach my $session (sort keys %sessions)
	{
		is($sessions{$session}->value(append_sql(events(x => $session))), ++$head, "$name: session $session appends behind it");
		is(head($_), $head, "$name: and all see it") foreach values %sessions;
	}
	is(numbers($observer), "1-$head", "$name: without a gap");
	return $head;
}

connect_all();
my $head = goes_on('an empty log', 0);

#
# Rolled back
#
sub buffers
{
	my ($session, $statement) = @_;
	my $plan = JSON::PP::decode_json($session->value("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) $statement"))->[0]{Plan};

	return $plan->{'Shared Hit Blocks'} + $plan->{'Shared Read Blocks'};
}

sub clean_pending_list
{
	$observer->run(q(SELECT gin_clean_pending_list('factstr_events_payload_idx')));
	return;
}

$observer->run(append_sql(events(x => $_))) foreach 1 .. 50;
$observer->run(append_sql(events(keyed => 1), 'key'));
$observer->run("SELECT factstr_stream_open('stream', '{}', 'now')");
$head = head($observer);

my %calls = (
	'an append' => append_sql(events(x => 1)),
	'an append with a condition' => "SELECT factstr_append_if('" . events(x => 1) . "', '" . of_type('keyed') . "', $head)",
	'an append to a known context' => "SELECT factstr_append_if('" . events(x => 1) . "', '{}', $head)",
	'an append that conflicts' => "SELECT factstr_try_append_if('" . events(x => 1) . "', '{}', 1)",
	'a repeated append' => append_sql(events(keyed => 1), 'key'),
	'a version' => q(SELECT factstr_context_version('{}')),
	'a version of a type' => "SELECT factstr_context_version('" . of_type('keyed') . "')",
	'a query' => qq(SELECT factstr_query('{"after": $head}')),
	'a read of the newest fact' => q(SELECT * FROM factstr_read('{}', 1, true)),
	'the newest batch' => "SELECT * FROM factstr_batches('{}', $head - 1)",
	'no batch' => "SELECT * FROM factstr_batches('{}', $head)",
	'a position in time' => 'SELECT factstr_position_at(now())',
	'an acknowledgement' => "SELECT factstr_stream_ack('stream', $head)",
	'a seek' => "SELECT factstr_stream_seek('stream', $head)",
	'nothing to deliver' => q(SELECT * FROM factstr_stream_next('stream')),
);

# Each call in a transaction that is rolled back, so that it finds the log as the others did.
sub cost
{
	my ($session, $call) = @_;

	$session->run('BEGIN');
	my $buffers = buffers($session, $call);
	$session->run('ROLLBACK');
	return $buffers;
}

clean_pending_list();
$observer->run('SELECT factstr_stream_seek($1, $2)', 'stream', $head - 1);
cost($a, $calls{$_}) foreach sort keys %calls;
clean_pending_list();
my %before = map { $_ => cost($a, $calls{$_}) } sort keys %calls;

$b->run('BEGIN');
is($b->value(many(20000)), $head + 20000, 'a large append');
$b->run('ROLLBACK');
clean_pending_list();
foreach my $call (sort keys %calls)
{
	my $buffers = cost($a, $calls{$call});

	cmp_ok($buffers, '<=', 2 * $before{$call} + 20, "$call after it: $buffers buffers, $before{$call} before");
}
$head = goes_on('after it', $head);

# In one transaction, to a savepoint, and by an error.
$a->run('BEGIN');
is($a->value(append_sql(events(x => 1))), ++$head, 'an append before a savepoint');
$a->run('SAVEPOINT s');
is($a->value(many(20000)), $head + 20000, 'a large append in it');
$a->run('ROLLBACK TO s');
is(head($a), $head, 'is taken back');
is($a->value(append_sql(events(x => 2))), ++$head, 'the next number');
clean_pending_list();
cmp_ok(buffers($a, append_sql(events(x => 3))), '<=', 2 * $before{'an append'} + 20, 'costs as much as before');
$head++;
$a->run('COMMIT');
$head = goes_on('after a rollback to a savepoint', $head);

$a->run('BEGIN');
$a->run('SAVEPOINT s');
is($a->value(append_sql(events(x => 1))), $head + 1, 'an append in a savepoint');
$a->run('ROLLBACK TO s');
is($b->value(append_sql(events(x => 'b'))), ++$head, 'is taken back: another session has its number');
is($a->value(append_sql(events(x => 2))), ++$head, 'and this one the next');
$a->run('COMMIT');
$head = goes_on('after two sessions have taken turns', $head);

$observer->run(<<~'SQL');
	CREATE FUNCTION append_and_fail() RETURNS void LANGUAGE plpgsql AS $$
	BEGIN
		PERFORM factstr_append('[{"event_type": "x", "payload": 1}]');
		BEGIN
			PERFORM factstr_append('[{"event_type": "x", "payload": 2}, {"event_type": "x", "payload": 3}]');
			RAISE EXCEPTION 'no';
		EXCEPTION WHEN raise_exception THEN NULL;
		END;
	END $$
	SQL
$a->run('SELECT append_and_fail()');
$head = goes_on('after an append that failed in a block', $head + 1);

# One that sees an old snapshot: it reads on as the log was, and does not append.
$a->run('BEGIN ISOLATION LEVEL REPEATABLE READ');
is(head($a), $head, 'a snapshot');
$b->run(append_sql(events(x => $_))) foreach 1 .. 40;
is(head($a), $head, 'reads no further');
is($a->state_of(append_sql(events(x => 1))), '40001', 'and appends nothing');
$a->run('ROLLBACK');
$head = goes_on('after that', $head + 40);

#
# Prepared
#
$_->run('SET factstr.notify = off') foreach $a, $b;
foreach my $end ('COMMIT', 'ROLLBACK')
{
	$a->run('BEGIN');
	is($a->value(many(100)), $head + 100, 'an append');
	$a->run("PREPARE TRANSACTION 'p'");
	is(head($b), $head, 'prepared, it is not seen');
	$b->run("$end PREPARED 'p'");
	$head += 100 if $end eq 'COMMIT';
	$head = goes_on("after $end PREPARED", $head);
}

#
# Changes of the table
#
$observer->run('ALTER TABLE factstr_events DISABLE TRIGGER factstr_events_stay');
$observer->run('DELETE FROM factstr_events WHERE sequence_number > $1', $head - 5);
$head = goes_on('after the newest facts were deleted', $head - 5);
$observer->run('DELETE FROM factstr_events WHERE sequence_number > $1', $head - 2);
$head = goes_on('as long as the trigger is disabled', $head - 2);
$observer->run('ALTER TABLE factstr_events ENABLE ALWAYS TRIGGER factstr_events_stay');
$head = goes_on('and afterwards', $head);

# A transaction that empties the log, appends, and takes both back; or only the one.
foreach my $end ('ROLLBACK', 'COMMIT')
{
	$a->run('BEGIN');
	$a->run('ALTER TABLE factstr_events DISABLE TRIGGER factstr_events_stay');
	$a->run('TRUNCATE factstr_events');
	$a->run('ALTER TABLE factstr_events ENABLE ALWAYS TRIGGER factstr_events_stay');
	is($a->value(append_sql(events(x => 1))), 1, 'the first fact of an emptied log');
	is($a->value(append_sql(events(x => 2))), 2, 'the second');
	$a->run($end);
	$head = goes_on("after $end", $end eq 'COMMIT' ? 2 : $head);
}
$a->run('BEGIN');
is($a->value(append_sql(events(x => 1))), $head + 1, 'an append');
$a->run('ALTER TABLE factstr_events DISABLE TRIGGER factstr_events_stay');
$a->run('TRUNCATE factstr_events');
$a->run('ALTER TABLE factstr_events ENABLE ALWAYS TRIGGER factstr_events_stay');
$a->run('COMMIT');
$head = goes_on('after a log was emptied behind an append', 0);

#
# Rows beside the appends: readers see them, one append fails, and there is no gap.
#
my $columns = 'sequence_number, batch_first_sequence_number, occurred_at, event_type, payload';
$observer->run("INSERT INTO factstr_events ($columns) SELECT n, n, now(), 'stranger', '1' FROM generate_series(\$1::bigint, \$2) n", $head + 1, $head + 300);
is(head($_), $head + 300, 'rows that were inserted are seen') foreach $a, $b;
is($a->state_of(append_sql(events(x => 1))), '40001', 'an append does not know of them');
like($a->message, qr/could not append: the log has rows that no append wrote/, 'says so');
$head = goes_on('after inserted rows', $head + 300);
$observer->run("INSERT INTO factstr_events ($columns) VALUES (\$1, \$1, now(), 'stranger', '1')", $head + 1);
$head = goes_on('after one more: from now on the appends look', $head + 1);

#
# Other logs
#
# The table of another extension, in the same sessions and in one transaction.
sub recreate
{
	my ($session) = @_;

	$session->run($_) foreach 'DROP EXTENSION factstr CASCADE', 'CREATE EXTENSION factstr';
	return;
}

recreate($observer);
$head = goes_on('after DROP and CREATE EXTENSION', 0);
$a->run('BEGIN');
$a->run(append_sql(events(x => 1)));
recreate($a);
is($a->value(append_sql(events(x => 1))), 1, 'an append to a log that the same transaction has created');
$a->run('COMMIT');
$head = goes_on('after its commit', 1);

# More logs than there are places for.
my $other = do { $observer->run('CREATE DATABASE other'); new_session($node, dbname => 'other') };
$other->run('CREATE EXTENSION factstr');
foreach my $round (1 .. 70)
{
	$other->run($_) foreach 'DROP EXTENSION factstr CASCADE', 'CREATE EXTENSION factstr', append_sql(events(x => 1));
	is($a->value(append_sql(events(x => 1))), ++$head, "an append beside log $round") if $round % 35 == 0;
}
is($other->value(append_sql(events(x => 2))), 2, 'logs of two databases');
$head = goes_on('after 70 other logs', $head);
is($other->value(append_sql(events(x => 3))), 3, 'each has its own numbers');
disconnect_and_wait($other, $observer);
$observer->run('CREATE DATABASE twin TEMPLATE other');
my ($one, $twin) = map { new_session($node, dbname => $_) } qw(other twin);
is($one->value(append_sql(events(x => $_))), $_, 'a log') foreach 4 .. 6;
is($twin->value(append_sql(events(x => $_))), $_, 'and its twin in another database') foreach 4 .. 5;
is($one->value(append_sql(events(x => 7))), 7, 'do not know of each other');
$_->disconnect foreach $one, $twin;

#
# A dump that is restored behind the facts that are there.
#
my $file = PostgreSQL::Test::Utils::tempdir() . '/facts';
$node->command_ok([ 'pg_dump', '-Fc', '-a', '-t', 'factstr_events', '-f', "$file.dump", $node->connstr('postgres') ], 'a dump of the log');
$node->safe_psql('postgres', 'CREATE DATABASE restored');
my $restored = new_session($node, dbname => 'restored');
$restored->run('CREATE EXTENSION factstr');
$restored->run('BEGIN');
$restored->run(many(10));
$restored->run('ROLLBACK');
foreach my $option ('--disable-triggers', '--no-owner')
{
	$node->command_ok([ 'pg_restore', '-a', $option, '-d', $node->connstr('restored'), "$file.dump" ], "restored with $option");
	is(head($restored), $head, "$option: the facts are seen");
	$restored->run(append_sql(events(x => 1)));
	is(head($restored), $head + 1, "$option: an append is behind them");
	$restored->run($_) foreach 'DROP EXTENSION factstr CASCADE', 'CREATE EXTENSION factstr';
}
$restored->disconnect;

#
# A log that has been appended to, and is then filled by logical replication.
#
$observer->run($_) foreach 'CREATE PUBLICATION p FOR TABLE factstr_events', q(SELECT pg_create_logical_replication_slot('s', 'pgoutput')), 'CREATE DATABASE copy';
my $copy = new_session($node, dbname => 'copy');
$copy->run('CREATE EXTENSION factstr');
is($copy->value(many($head)), $head, 'the copy is a separate log');
is($copy->value(append_sql(events(x => 1))), $head + 1, 'that is appended to');
$observer->run(append_sql(events(x => 1)));
$observer->run(q(SELECT pg_replication_slot_advance('s', pg_current_wal_insert_lsn())));
$head++;
$copy->run("CREATE SUBSCRIPTION s CONNECTION '" . $node->connstr('postgres') =~ s/'//gr . "' PUBLICATION p WITH (copy_data = false, create_slot = false)");
$observer->run(append_sql(events(map { (x => $_) } 1 .. 30)));
$observer->run(append_sql(events(x => $_))) foreach 1 .. 3;
$head += 33;
wait_until('the replica sees the facts of the subscription', sub { head($copy) == $head });
is($copy->state_of(append_sql(events(x => 1))), '55000', 'appends to it are refused');
$observer->run(append_sql(events(x => 1)));
$head++;
wait_until('the replica sees more', sub { head($copy) == $head });
$copy->run("ALTER SUBSCRIPTION s DISABLE");
$copy->run('ALTER SUBSCRIPTION s SET (slot_name = NONE)');
$copy->run('DROP SUBSCRIPTION s');
is($copy->value(append_sql(events(x => 1))), $head + 1, 'without the subscription they continue after its facts');
$copy->disconnect;
wait_until('the slot is free', sub { !$observer->value('SELECT count(*) FROM pg_replication_slots WHERE active') });
$observer->run($_) foreach q(SELECT pg_drop_replication_slot('s')), 'DROP PUBLICATION p';

#
# A restart, a crash, and a standby that is promoted, each with a large append that was not committed.
#
sub leave_uncommitted
{
	$a->run('BEGIN');
	$a->run(many(5000));
	$observer->run('SELECT pg_switch_wal()');
	return;
}

leave_uncommitted();
$node->stop('fast');
start_node($node);
connect_all();
$head = goes_on('after a restart', $head);

leave_uncommitted();
crash($node);
start_node($node);
connect_all();
$head = goes_on('after a crash', $head);

my $standby = new_synchronous_standby($node, $observer);
$observer->run('SET synchronous_commit = remote_apply');
$observer->run(append_sql(events(x => 1)));
$head++;
my $reader = new_session($standby);
is(head($reader), $head, 'a standby sees the newest fact');
leave_uncommitted();
is(head($reader), $head, 'and no other');
$a->run('ROLLBACK');
$observer->run(append_sql(events(x => 1)));
is(head($reader), ++$head, 'and the next');
$node->stop('immediate');
$standby->promote;
$node = $standby;
connect_all();
$_->run('SET synchronous_commit = local') foreach $a, $b, $observer;
is($reader->value(append_sql(events(x => 1))), ++$head, 'promoted, it appends behind it, in a session that read before')
	if $reader->run('SET synchronous_commit = local');
is(head($_), $head, 'for all') foreach $a, $b;
is($a->value(append_sql(events(x => 1))), ++$head, 'and so on');
is(numbers($observer), "1-$head", 'without a gap');

$node->stop;

#
# When one of its processes is killed, a server goes on with new memory.
#
my $surviving = new_node('surviving', conf => "shared_preload_libraries = 'factstr'\nrestart_after_crash = on");

sub structures
{
	my ($session) = @_;

	return $session->value(q(SELECT string_agg(name, ', ' ORDER BY name) FROM pg_shmem_allocations
		WHERE name ~ '^factstr (commits in flight|group flush|listeners|log heads|writers of logs)'));
}

my ($killed, $witness) = map { new_session($surviving) } 1 .. 2;
$killed->run(append_sql(events(x => 1)));
my $structures = structures($killed);
is(scalar(split(/, /, $structures)), 5, "there are structures in the server's memory ($structures)");
kill('KILL', $killed->pid);
wait_until('the server has ended its processes', sub { $witness->state_of('SELECT 1') ne '00000' });
wait_until('it accepts connections', sub { $surviving->psql('postgres', 'SELECT 1') == 0 });
my $session = new_session($surviving);
is($session->value(append_sql(events(x => 2))), 2, 'appends go on');
is(structures($session), $structures, 'with the same structures in the new memory');
$surviving->stop;
done_testing();
