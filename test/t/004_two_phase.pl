# PREPARE TRANSACTION: prepared facts are not there yet, and the append lock is held until the
# transaction ends, through a restart and a crash as well, so that numbers stay in commit order.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use FactstrTest;
use Test::More;

my $node = new_node('two_phase', conf => "max_prepared_transactions = 5");
my ($a, $b, $observer);

sub connect_all
{
	($a, $b, $observer) = map { new_session($node) } 1 .. 3;
	$a->run('SET factstr.notify = off');
	return;
}

connect_all();
$observer->run(append_sql(events(a => 1)));

# A notification cannot be prepared, says PostgreSQL; nothing is left behind.
my $notifying = new_session($node);
$notifying->run('BEGIN');
$notifying->run(append_sql(events(a => 2)));
is($notifying->state_of("PREPARE TRANSACTION 'p'"), '0A000', 'PREPARE TRANSACTION with a notification is an error');
like($notifying->message, qr/cannot PREPARE a transaction that has executed LISTEN, UNLISTEN, or NOTIFY/, 'that says why');
is(append_lock_holders($observer), '', 'and frees the lock');
is(numbers($observer), '1-1', 'and stores nothing');

foreach my $mode (qw(facts_only always off))
{
	my $head = $observer->value('SELECT max(sequence_number) FROM factstr_events');

	$a->run("SET factstr.early_lock_release = $mode");
	$a->run('BEGIN');
	is($a->value(append_sql(events(prepared => $mode, prepared => 2), "key-$mode")), $head + 1, "$mode: facts are appended");
	$a->run("PREPARE TRANSACTION 'p'");
	is($observer->value('SELECT last_returned_sequence_number FROM factstr_query()'), $head, "$mode: prepared facts are not visible");
	is(append_lock_holders($observer), '', "$mode: no session holds the lock");
	$b->start(append_sql(events(next => $mode)));
	wait_until('the next append queues', sub { append_lock_queue($observer) == 1 });
	$observer->run("COMMIT PREPARED 'p'");
	is($b->finish->text, $head + 3, "$mode: the next append follows the prepared facts");

	$a->run('BEGIN');
	is($a->value(append_sql(events(prepared => 3))), $head + 4, "$mode: facts are appended");
	$a->run("PREPARE TRANSACTION 'p'");
	$b->start(append_sql(events(next => $mode)));
	wait_until('the next append queues', sub { append_lock_queue($observer) == 1 });
	$observer->run("ROLLBACK PREPARED 'p'");
	is($b->finish->text, $head + 4, "$mode: a rolled back transaction leaves no gap");
	is($observer->value(append_sql(events(prepared => $mode, prepared => 2), "key-$mode")), $head + 1, "$mode: the key is known");
}
$a->run('RESET factstr.early_lock_release');

# PREPARE TRANSACTION executes appends at commit.
my $head = $observer->value('SELECT max(sequence_number) FROM factstr_events');
$a->run('BEGIN');
is($a->text('SELECT * FROM factstr_append($1, at_commit => true)', events(put_off => 1)), '||', 'an append at commit');
is($observer->value(append_sql(events(meanwhile => 1))), $head + 1, 'others append meanwhile');
$a->run("PREPARE TRANSACTION 'p'");
is($observer->value('SELECT last_returned_sequence_number FROM factstr_query()'), $head + 1, 'prepared, it is not visible');
$b->start(append_sql(events(next => 1)));
wait_until('the next append queues', sub { append_lock_queue($observer) == 1 });
$observer->run("COMMIT PREPARED 'p'");
is($b->finish->text, $head + 3, 'the next append follows the prepared one');
$a->run('BEGIN');
$a->run('SELECT factstr_append_if($1, $2, $3, at_commit => true)', events(put_off => 2), of_type('put_off'), $head + 2);
$observer->run(append_sql(events(put_off => 3)));
is($a->state_of("PREPARE TRANSACTION 'p'"), 'FS001', 'a conflict fails PREPARE TRANSACTION');
is($observer->value('SELECT count(*) FROM pg_prepared_xacts'), 0, 'and nothing is prepared');


# Restart and crash.
foreach my $ending ('restart', 'crash')
{
	my $head = $observer->value('SELECT max(sequence_number) FROM factstr_events');

	$a->run('BEGIN');
	$a->run(append_sql(events(prepared => $ending)));
	$a->run("PREPARE TRANSACTION 'p'");
	$_->disconnect foreach $a, $b, $observer, $notifying;
	if ($ending eq 'restart')
	{
		$node->restart;
	}
	else
	{
		crash($node);
		$node->start;
	}
	connect_all();
	is($observer->value('SELECT count(*) FROM pg_prepared_xacts'), 1, "$ending: the transaction is still prepared");
	is(numbers($observer), "1-$head", "$ending: its facts are not visible");
	$b->run("SET lock_timeout = '50ms'");
	is($b->state_of(append_sql(events(next => 1))), '55P03', "$ending: the lock is held");
	$b->run('RESET lock_timeout');
	$b->start(append_sql(events(next => 1)));
	wait_until('the next append queues', sub { append_lock_queue($observer) == 1 });
	$observer->run("COMMIT PREPARED 'p'");
	is($b->finish->text, $head + 2, "$ending: the next append follows");
	is(numbers($observer), '1-' . ($head + 2), "$ending: no gap");
}

# The next append of the session that prepared has nothing of the old transaction.
$a->run('BEGIN');
$a->run(append_sql(events(prepared => 'x')));
$a->run("PREPARE TRANSACTION 'p'");
$a->run("COMMIT PREPARED 'p'");
$head = $observer->value('SELECT max(sequence_number) FROM factstr_events');
is($a->value(append_sql(events(a => 'y'))), $head + 1, 'the same session continues');
is($a->value('SHOW synchronous_commit'), 'on', 'with its settings');

$node->stop;
done_testing();
