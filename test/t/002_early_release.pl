# Early lock release, on a disk that can be stopped: an append lets go of the lock before its commit
# is on disk, but neither its client nor any reader is told of its facts before.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use FactstrSlowDisk;
use FactstrTest;
use Test::More;

my $disk = FactstrSlowDisk->new;
my $node = new_node('early_release', conf => "fsync = on\nwal_writer_delay = 10s", preload => $disk->library);
my $observer = new_session($node);

$observer->run('CREATE TABLE other (n int)');
$observer->run(<<~'SQL');
	CREATE FUNCTION append_with_setting(events jsonb) RETURNS bigint LANGUAGE sql SET synchronous_commit = off
	AS 'SELECT first_sequence_number FROM factstr_append(events)'
	SQL

sub append
{
	return append_sql(events(@_));
}

sub try_append_if
{
	return append_if_sql(@_, 'factstr_try_append_if');
}

# Commits are noted in groups of neighbouring transactions, and a reader waits for the group.
sub pass_transaction_ids
{
	$observer->value('SELECT txid_current()') foreach 1 .. 70;
	$observer->run('CHECKPOINT');
	return;
}

# Releases the disk, and expects all these statements to succeed.
sub release_and_finish
{
	my @sessions = @_;

	$disk->release;
	foreach my $session (@sessions)
	{
		$session->finish;
		die $session->message if $session->state ne '00000';
	}
	return;
}

$observer->run(append(old => 1));
$observer->run(append(old => 2));
pass_transaction_ids();

#
# The lock is free before the facts are on disk; the client is not answered.
#
my ($a, $b) = (new_session($node), new_session($node));

$disk->hold;
$a->start(append(new => 'a'));
wait_for_event($observer, $a, 'WALWrite');
is(append_lock_holders($observer), '', 'the lock is free while the first append waits for the disk');
$b->start(append(new => 'b'));
wait_for_event($observer, $b, 'WALWrite');
is($observer->value('SELECT count(*) FROM factstr_events'), 4, 'the second append has committed as well, behind the first');
is_deeply([ map { $_->is_done } $a, $b ], [ 0, 0 ], 'neither has been answered');

#
# Readers.
#
my $of_new = of_type('new');
my $of_old = of_type('old');
my $of_a = of_payload('a');
my $stranger = events(stranger => 1);
my %waiting = (
	'factstr_query of all facts' => ['SELECT last_returned_sequence_number FROM factstr_query()', '4'],
	'factstr_query of the new ones' => ["SELECT current_context_version FROM factstr_query('$of_new')", '4'],
	'factstr_query by predicate' => ["SELECT current_context_version FROM factstr_query('$of_a')", '3'],
	'factstr_query that returns no rows' => [q(SELECT current_context_version FROM factstr_query('{"after": 9}')), '4'],
	'factstr_read' => [q(SELECT sequence_number FROM factstr_read('{"after": 2}')), "3\n4"],
	'factstr_batches' => ['SELECT first_sequence_number FROM factstr_batches(after_sequence_number => 2)', "3\n4"],
	'factstr_newest' => ["SELECT current_context_version FROM factstr_newest('[$of_old, $of_new]')", '4'],
	'factstr_context_version' => ["SELECT factstr_context_version('$of_new')", '4'],
	'a conflict as a row' => [try_append_if($stranger, '{}', 2), '||0|t|4'],
	'a conflict as an error' => [append_if_sql($stranger, '{}', 2), 'FS001'],
);
my %readers;
foreach my $name (sort keys %waiting)
{
	$readers{$name} = new_session($node);
	$readers{$name}->start($waiting{$name}[0]);
}
foreach my $name (sort keys %waiting)
{
	wait_for_event($observer, $readers{$name}, 'WALWrite');
	ok(!$readers{$name}->is_done, "$name waits for the disk");
}

my $reader = new_session($node);
is($reader->text("SELECT last_returned_sequence_number, current_context_version FROM factstr_query('$of_old')"),
	'2|2', 'factstr_query of older facts does not wait');
is($reader->value("SELECT factstr_context_version('$of_old')"), 2,
	'nor does factstr_context_version');
is($reader->state_of(append_if_sql($stranger, $of_old, 1)), 'FS001',
	'nor a conflict with an older fact');
ok(!$_->is_done, 'still unanswered') foreach $a, $b, values %readers;

$disk->release;
is($_->finish->state, '00000', 'answered when the disk is back') foreach $a, $b;
is($a->text . $b->text, '34', 'with their numbers');
foreach my $name (sort keys %waiting)
{
	$readers{$name}->finish;
	is($readers{$name}->state eq '00000' ? $readers{$name}->text : $readers{$name}->state, $waiting{$name}[1], "$name, answered");
}
$_->disconnect foreach values %readers;

#
# Idempotency keys: an answer to a repeated call is an acknowledgement.
#
pass_transaction_ids();
my ($c, $d) = (new_session($node), new_session($node));
my $keyed = append_sql(events(keyed => 1), 'key');
my $reused = append_sql(events(keyed => 2), 'key');

$disk->hold;
$a->start($keyed);
wait_for_event($observer, $a, 'WALWrite');
$b->start($keyed);
wait_for_event($observer, $b, 'WALWrite');
ok(!$b->is_done, 'a repeated call waits for the disk');
$c->start($reused);
wait_until('the reused key is answered or waits for the disk', sub { $c->is_done || wait_event($observer, $c) eq 'WALWrite' });
ok(!$c->is_done, 'so does the error for a reused key, which names the earlier batch');
release_and_finish($a, $b);
is($b->text, $a->text, 'the repeated call gets the result of the first');
is($c->finish->state, 'FS006', 'key reused');

#
# Which transactions let go early.
#
sub is_held_through_flush
{
	my ($expected, $name, @statements) = @_;
	my $commit = pop @statements;

	$a->run('RESET ALL');
	$a->run($_) foreach @statements;
	$disk->hold;
	$a->start($commit);
	wait_for_event($observer, $a, 'WALWrite');
	is(append_lock_holders($observer), $expected ? $a->pid : '', $name);
	$b->start(append(b => 1));
	if ($expected)
	{
		wait_until('the next append queues', sub { append_lock_queue($observer) == 1 });
	}
	else
	{
		wait_for_event($observer, $b, 'WALWrite');
	}
	is_deeply([ map { $_->is_done } $a, $b ], [ 0, 0 ], "$name: no client has an answer");
	release_and_finish($a, $b);
	return;
}

my $set_off = 'SET factstr.early_lock_release = off';
my $set_always = 'SET factstr.early_lock_release = always';
my $other = 'INSERT INTO other VALUES (1)';

is_held_through_flush(0, 'facts_only: one statement', append(f => 1));
is_held_through_flush(0, 'facts_only: a transaction with two appends and a read', 'BEGIN', append(f => 2),
	'SELECT * FROM factstr_query()', append(f => 3), 'COMMIT');
is_held_through_flush(0, 'facts_only: other tables only read', 'BEGIN', 'SELECT * FROM other', append(f => 2), 'COMMIT');
is_held_through_flush(1, 'facts_only: other data written before', 'BEGIN', $other, append(f => 4), 'COMMIT');
is_held_through_flush(1, 'facts_only: other data written after', 'BEGIN', append(f => 5), $other, 'COMMIT');
is_held_through_flush(1, 'facts_only: other data written in between', 'BEGIN', append(f => 6), $other, append(f => 7), 'COMMIT');
is_held_through_flush(1, 'facts_only: other data written in a savepoint', 'BEGIN', append(f => 6), 'SAVEPOINT a', $other,
	'RELEASE a', append(f => 7), 'COMMIT');
is_held_through_flush(1, 'facts_only: other data and facts in one statement',
	"WITH i AS (INSERT INTO other VALUES (1) RETURNING 1) SELECT * FROM i, factstr_append('" . events(f => 8) . "')");
is_held_through_flush(0, 'always: other data written too', $set_always, 'BEGIN', $other, append(f => 9), 'COMMIT');
is_held_through_flush(1, 'off: one statement', $set_off, append(f => 10));
is_held_through_flush(1, 'off: a transaction', $set_off, 'BEGIN', append(f => 11), 'COMMIT');
is_held_through_flush(0, 'an append in a savepoint', 'BEGIN', 'SAVEPOINT a', append(f => 12), 'RELEASE a', 'COMMIT');
is_held_through_flush(0, 'synchronous_commit = off for a function call does not last until the commit',
	"SELECT append_with_setting('" . events(f => 13) . "')");

# Without synchronous_commit nothing is owed.
$disk->hold;
foreach my $mode (qw(facts_only always off))
{
	$a->run('RESET ALL');
	$a->run("SET factstr.early_lock_release = $mode");
	$a->run('SET synchronous_commit = off');
	is($a->state_of(append(lazy => 1)), '00000', "$mode: synchronous_commit = off is answered without the disk");
}
$a->run('RESET ALL');
$a->run('BEGIN');
$a->run('SET LOCAL synchronous_commit = off');
$a->run(append(lazy => 2));
is($a->state_of('COMMIT'), '00000', 'so is SET LOCAL synchronous_commit = off');
# But a reader of such facts takes care: they may be taken back as well.
$b->start("SELECT factstr_context_version('" . of_type('lazy') . "')");
wait_for_event($observer, $b, 'WALWrite');
ok(!$b->is_done, 'a reader of facts that are not flushed waits for the disk');
release_and_finish($b);

# Facts of a subtransaction, and facts that VACUUM has frozen before they were on disk.
foreach my $case ('subtransaction', 'frozen')
{
	my $query = "SELECT factstr_context_version('" . of_type($case) . "')";

	pass_transaction_ids();
	$disk->hold;
	if ($case eq 'subtransaction')
	{
		$a->run('BEGIN');
		$a->run('SAVEPOINT a');
		$a->run(append($case => 1));
		$a->run('RELEASE a');
		$a->start('COMMIT');
	}
	else
	{
		$a->start(append($case => 1));
	}
	wait_for_event($observer, $a, 'WALWrite');
	if ($case eq 'frozen')
	{
		$c->start('VACUUM (FREEZE) factstr_events');
		wait_until('VACUUM is done or waits', sub { $c->is_done || wait_event($observer, $c) eq 'WALWrite' });
	}
	$b->start($query);
	wait_until("$case: the reader is answered or waits for the disk", sub { $b->is_done || wait_event($observer, $b) eq 'WALWrite' });
	ok(!$b->is_done, "$case: a reader waits for the disk");
	release_and_finish($a, $b);
	$c->finish if $case eq 'frozen';
}

# The next transaction of the session is a new one.
$a->run(append(f => 14));
$disk->hold;
is($a->state_of(try_append_if($stranger, $of_old, 1)), '00000',
	'a conflict after an append owes nothing');
$disk->release;

#
# A crash while the disk is stopped: the fact is lost, no client was told, and its number is used again.
#
my $before = $observer->value('SELECT max(sequence_number) FROM factstr_events');
pass_transaction_ids();
$disk->hold;
$a->start(append(lost => 'a'));
wait_for_event($observer, $a, 'WALWrite');
$b->start('SELECT last_returned_sequence_number FROM factstr_query()');
$c->start('SELECT max(last_sequence_number) FROM factstr_batches(max_batches => 10000)');
$d->start('SELECT count(*) FROM factstr_read()');
wait_for_event($observer, $_, 'WALWrite') foreach $b, $c, $d;
is($observer->value('SELECT max(sequence_number) FROM factstr_events'), $before + 1, 'the fact is in the table');
crash($node);
isnt($_->finish->state, '00000', 'no answer about it to anybody') foreach $a, $b, $c, $d;
$disk->release;
start_node($node, $disk->library);
$observer = new_session($node);
is(numbers($observer), "1-$before", 'the fact is gone, the ones before are not');
is($observer->value(append(found => 'b')), $before + 1, 'its number is used again');

$node->stop;
done_testing();
