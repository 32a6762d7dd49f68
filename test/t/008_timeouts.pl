# An append that waits for the lock can be ended: by lock_timeout, statement_timeout, cancel and
# terminate.  It stores nothing and leaves nothing behind, and the others in the queue proceed without it.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use FactstrTest;
use Test::More;

my $node = new_node('timeouts');
my ($observer, $holder, $waiter, $next) = map { new_session($node) } 1 .. 4;

sub queue_is
{
	my ($length) = @_;

	wait_until("$length are in the queue", sub { append_lock_queue($observer) == $length });
	return;
}

my %calls = (
	'append' => append_sql(events(waiter => 1)),
	'append_if' => append_if_sql(events(waiter => 1), of_type('waiter'), undef),
	'try_append_if' => append_if_sql(events(waiter => 1), of_type('waiter'), undef, 'factstr_try_append_if'),
	'append with a key' => append_sql(events(waiter => 1), 'key'),
);
my %endings = (
	'lock_timeout' => '55P03',
	'statement_timeout' => '57014',
	'cancel' => '57014',
);
my $head = 0;

foreach my $call (sort keys %calls)
{
	foreach my $ending (sort keys %endings)
	{
		my $name = "$ending, $call";

		$holder->run('BEGIN');
		$holder->run(append_sql(events(holder => 1)));
		if ($ending eq 'cancel')
		{
			$waiter->start($calls{$call});
			queue_is(1);
			$next->start(append_sql(events(next => 1)));
			queue_is(2);
			$observer->run('SELECT pg_cancel_backend($1)', $waiter->pid);
		}
		else
		{
			$next->start('SELECT 1');
			$waiter->run("SET $ending = '100ms'");
			$waiter->start($calls{$call});
		}
		is($waiter->finish->state, $endings{$ending}, "$name: SQLSTATE");
		is($waiter->value('SELECT last_returned_sequence_number FROM factstr_query()') // 0, $head,
			"$name: the session is usable, nothing is stored");
		$waiter->run('RESET ALL');
		queue_is($ending eq 'cancel' ? 1 : 0);
		$holder->run('COMMIT');
		$head++;
		if ($ending eq 'cancel')
		{
			is($next->finish->text, ++$head, "$name: the next one in the queue proceeds");
		}
		else
		{
			$next->finish;
		}
		is(append_lock_holders($observer), '', "$name: the lock is free");
	}
}
is($waiter->value($calls{'append with a key'}), ++$head, 'the key was left free');
is(numbers($observer), "1-$head", 'no gap');

# In a transaction: facts from before the savepoint are kept.
$holder->run('BEGIN');
$holder->run(append_sql(events(holder => 1)));
$waiter->run('BEGIN');
$waiter->run('CREATE TABLE kept (n int)');
$waiter->run('SAVEPOINT a');
$waiter->run("SET LOCAL lock_timeout = '50ms'");
is($waiter->state_of($calls{append}), '55P03', 'lock_timeout in a savepoint');
is($waiter->state_of('SELECT 1'), '25P02', 'aborts it');
$waiter->run('ROLLBACK TO a');
$waiter->start($calls{append});
queue_is(1);
$holder->run('COMMIT');
is($waiter->finish->text, $head + 2, 'the second try waits, and follows');
$waiter->run('COMMIT');
$head += 2;
is($observer->value('SELECT count(*) FROM kept'), 0, 'with the rest of its transaction');

# A session that ends frees the lock or its place in the queue.
foreach my $who ('the holder', 'a waiter', 'an idle holder')
{
	my ($a, $b) = (new_session($node), new_session($node));

	$a->run('BEGIN');
	$a->run(append_sql(events(a => 1)));
	$b->start(append_sql(events(b => 1)));
	queue_is(1);
	$next->start(append_sql(events(next => 1)));
	queue_is(2);
	if ($who eq 'a waiter')
	{
		$observer->run('SELECT pg_terminate_backend($1)', $b->pid);
		isnt($b->finish->state, '00000', "$who is terminated");
		queue_is(1);
		$a->run('COMMIT');
		$head++;
		is($next->finish->text, ++$head, 'the next one continues');
	}
	else
	{
		if ($who eq 'the holder')
		{
			$observer->run('SELECT pg_terminate_backend($1)', $a->pid);
		}
		else
		{
			$a->disconnect;
		}
		is($b->finish->text, ++$head, "$who is gone, the waiter continues with its number");
		is($next->finish->text, ++$head, 'and the next one after it');
	}
}
$holder->run("SET idle_in_transaction_session_timeout = '100ms'");
$holder->run('BEGIN');
$holder->run(append_sql(events(holder => 1)));
is($waiter->value(append_sql(events(waiter => 1))), ++$head, 'idle_in_transaction_session_timeout frees the lock');

# Canceled while it has the lock.
$observer->run(q(
	CREATE TABLE large AS SELECT jsonb_agg(jsonb_build_object('event_type', 'large', 'payload', jsonb_build_object('n', i, 'hash', md5(i::text)))) AS events
	FROM generate_series(1, 200000) i));
$waiter->start('SELECT factstr_append(events) FROM large');
wait_until('the large append has the lock', sub { append_lock_holders($observer) eq $waiter->pid });
$next->start(append_sql(events(next => 1)));
queue_is(1);
$observer->run('SELECT pg_cancel_backend($1)', $waiter->pid);
is($waiter->finish->state, '57014', 'an append that is writing can be canceled');
is($next->finish->text, ++$head, 'the next one takes its number');
is(numbers($observer), "1-$head", 'no gap');
is($waiter->value(append_sql(events(waiter => 1))), ++$head, 'the session continues');

$node->stop;
done_testing();
