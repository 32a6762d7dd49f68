# Synchronous replication: an append waits for the standby like any commit, and acknowledged facts are
# there.  A standby can be read through the same functions.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use FactstrSlowDisk;
use FactstrTest;
use Test::More;

my $primary = new_node('primary', init => { allows_streaming => 1 });
my $observer = new_session($primary);

$observer->run(append_sql(events(a => 1, b => { n => 2 })));

#
# The standby is down.
#
$observer->run("ALTER SYSTEM SET synchronous_standby_names = 'standby'");
$primary->reload;
wait_until('the setting is known', sub { $observer->value('SHOW synchronous_standby_names') eq 'standby' });

my ($a, $b) = (new_session($primary), new_session($primary));

foreach my $mode (qw(facts_only always off))
{
	$a->run("SET factstr.early_lock_release = $mode");
	$a->start(append_sql(events(a => $mode)));
	wait_for_event($observer, $a, 'SyncRep');
	ok(!$a->is_done, "$mode: not answered without the standby");
	is(append_lock_holders($observer), $a->pid, "$mode: the lock is held, as by any commit that waits");
	$observer->run('SELECT pg_cancel_backend($1)', $a->pid);
	is($a->finish->state, '00000', "$mode: cancel ends the wait, not the commit");
	$primary->wait_for_log(qr/canceling wait for synchronous replication due to user request/);
	is(append_lock_holders($observer), '', "$mode: the lock is free");
}
is(numbers($observer), '1-5', 'the facts are committed here');

# A session that does not ask for the standby does not wait for it.
$b->run('SET synchronous_commit = local');
is($b->value(append_sql(events(a => 'local'))), 6, 'synchronous_commit = local is answered');

# A transaction that appended nothing new owes nothing.
is($b->state_of(append_if_sql(events(a => 1), '{}', 1)), 'FS001', 'a conflict is answered');

#
# The standby is there.
#
$observer->run('ALTER SYSTEM RESET synchronous_standby_names');
$primary->reload;
wait_until('the setting is known', sub { $observer->value('SHOW synchronous_standby_names') eq '' });
my $standby = new_synchronous_standby($primary, $observer);

my $reader = new_session($standby);

$a->run('RESET ALL');
$a->run('SET synchronous_commit = remote_apply');
foreach my $n (7 .. 20)
{
	is($a->value(append_sql(events(a => $n), "key-$n")), $n, "fact $n is acknowledged");
	is($reader->value('SELECT last_returned_sequence_number FROM factstr_query()'), $n, 'the standby has it');
}

# All functions that read, with the answers of the primary.
foreach my $query (
	"SELECT * FROM factstr_query()",
	"SELECT * FROM factstr_query('" . of_payload({ n => 2 }) . "')",
	"SELECT * FROM factstr_read('{}', 5, true)",
	"SELECT * FROM factstr_batches(after_sequence_number => 5)",
	"SELECT factstr_context_version('" . of_type('b') . "')",
	"SELECT factstr_context_version('" . of_type('none') . "')")
{
	my $answer = $reader->text($query);

	is($answer, $observer->text($query), "$query on the standby");
}
$reader->run('BEGIN ISOLATION LEVEL REPEATABLE READ');
$reader->run('SELECT factstr_context_version($1)', '{}');
is($a->value(append_sql(events(a => 21))), 21, 'a fact in between');
is($reader->value('SELECT factstr_context_version($1)', '{}'), 20, 'a snapshot on the standby holds');
$reader->run('COMMIT');
is($reader->value('SELECT factstr_context_version($1)', '{}'), 21, 'and ends with the transaction');

my $again = new_session($standby);
is($again->state_of(append_sql(events(a => 1))), '25006', 'no factstr_append on a standby');
is($again->state_of(append_if_sql(events(a => 1), '{}', 21)), '25006', 'no factstr_append_if');
is($again->state_of(append_if_sql(events(a => 1), '{}', 1, 'factstr_try_append_if')), '25006', 'no factstr_try_append_if');

#
# With synchronous_commit = on, acknowledged facts survive the primary.
#
$a->run('SET synchronous_commit = on');
$a->run(append_sql(events(last => $_))) foreach 22 .. 60;
crash($primary);
$standby->promote;
$reader = new_session($standby);
is(numbers($reader), '1-60', 'the standby has every acknowledged fact');
$reader->run('SET synchronous_commit = local');
is($reader->value(append_sql(events(first => 1))), 61, 'and continues with the next number');
is($reader->value(append_sql(events(a => 7), 'key-7')), 7, 'and knows the keys');
is($reader->value(append_if_sql(events(a => 8), of_type('first'), 61)), 62, 'and the contexts');

#
# From now on commits must wait for standbys: every commit knows, even if its session has read older settings.
#
my $disk = FactstrSlowDisk->new;

start_node($primary, $disk->library);
$observer = new_session($primary);
$observer->run('SET synchronous_commit = local');
$observer->run('CREATE TABLE plain (n int)');
$_ = new_session($primary) foreach $a, $b;

sub set_standbys
{
	my ($names) = @_;

	$observer->run("ALTER SYSTEM SET synchronous_standby_names = '$names'");
	$primary->reload;
	wait_until('the setting is known', sub { $observer->value('SHOW synchronous_standby_names') eq $names });
	return;
}

sub wait_until_answered_or_waiting
{
	my ($session) = @_;

	wait_until('it is answered, or waits for the standby',
		sub { $session->is_done || wait_event($observer, $session) eq 'SyncRep' });
	return $session->is_done ? 'answered' : 'waits';
}

sub cancel
{
	my ($session) = @_;

	$observer->run('SELECT pg_cancel_backend($1)', $session->pid) if !$session->is_done;
	return $session->finish;
}

# Until plain commits wait for standbys, or until they do not.
sub wait_until_commits
{
	my ($expected) = @_;
	my $inserter = new_session($primary);

	wait_until("a plain commit is like this: $expected", sub {
		$inserter->start('INSERT INTO plain VALUES (1)');
		my $found = wait_until_answered_or_waiting($inserter);
		cancel($inserter);
		return $found eq $expected;
	});
	return;
}

sub head { return $observer->value('SELECT max(sequence_number) FROM factstr_events') }

# A session that waits for the append lock reads no setting.
set_standbys('');
wait_until_commits('answered');
my $head = head();
$a->run('BEGIN');
$a->run(append_sql(events(rolled => 'back')));
$b->start(append_sql(events(queued => 1)));
wait_until('the append waits for the lock', sub { append_lock_queue($observer) == 1 });
set_standbys('nobody');
wait_until_commits('waits');
$a->run('ROLLBACK');
is(wait_until_answered_or_waiting($b), 'waits', 'an append that waited for its turn meanwhile waits for the standby');
is(append_lock_holders($observer), $b->pid, 'and keeps the lock');
is(cancel($b)->text, $head + 1, 'and is committed');

# Nor does one in a procedure.
set_standbys('');
wait_until_commits('answered');
$observer->run(<<~'SQL');
	CREATE PROCEDURE append_until_told() LANGUAGE plpgsql AS $$
	BEGIN
		WHILE NOT EXISTS (SELECT FROM plain WHERE n = 2) LOOP
			PERFORM factstr_append('[{"event_type": "looped", "payload": 1}]');
			COMMIT;
		END LOOP;
	END $$
	SQL
$a->start('CALL append_until_told()');
wait_until('it appends', sub { head() > $head + 10 });
set_standbys('nobody');
wait_until_commits('waits');
$head = head();
wait_until('it waits for the standby, or continues', sub { wait_event($observer, $a) eq 'SyncRep' || head() > $head + 10 });
is(wait_event($observer, $a), 'SyncRep', 'a procedure that commits after each append waits for the standby');
$observer->run('INSERT INTO plain VALUES (2)');
set_standbys('');
is($a->finish->state, '00000', 'and continues when no standby must be waited for any more');

# A commit that has let go of the lock, and is on its way to the disk, waits as well.  When the process that knows of
# standbys hears of the setting is its own affair, so this may need several attempts.
my $found = 'answered';
foreach my $attempt (1 .. 100)
{
	wait_until_commits('answered');
	$disk->hold;
	$a->start(append_sql(events(under_way => $attempt)));
	wait_for_event($observer, $a, 'WALWrite');
	set_standbys('nobody');
	$disk->release;
	$found = wait_until_answered_or_waiting($a);
	$b->run('SET synchronous_commit = local');
	is($b->state_of(append_sql(events(behind => $attempt))), '00000', 'the lock is free meanwhile') if $found eq 'waits';
	cancel($a);
	set_standbys('');
	last if $found eq 'waits';
}
is($found, 'waits', 'a commit that is under way when standbys are set waits for them');

done_testing();
