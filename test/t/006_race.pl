# Of any number of racers with the same expected version exactly one wins (rule 17), in every round,
# for every kind of context, at every isolation level; and every acknowledged fact is in the log,
# which has no gap.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use FactstrTest;
use Test::More;

my $RACERS = 16;
my $node = new_node('race');
my $observer = new_session($node);
my $holder = new_session($node);
my @racers = map { new_session($node) } 1 .. $RACERS;
my @bystanders = map { new_session($node) } 1 .. 2;

# The contexts, by name: the query of a round, and the events that go with it.
my %contexts = (
	'payload predicate' => [ sub { of_payload({ room => 'A' }) }, sub { events(booked => { room => 'A', racer => $_[1] }) } ],
	'event types' => [ sub { of_type('hired', 'fired') }, sub { events(hired => { racer => $_[1] }, noted => { racer => $_[1] }) } ],
	'type and predicate' => [
		sub { json({ filters => [ { event_types => ['paid'], payload_predicates => [ { account => 1 }, { account => 2 } ] } ] }) },
		sub { events(paid => { account => 1 + $_[1] % 2, racer => $_[1] }) } ],
	'empty context' => [ sub { of_type("first-$_[0]") }, sub { events("first-$_[0]" => { racer => $_[1] }) } ],
	'every fact' => [ sub { '{}' }, sub { events(any => { racer => $_[1] }) } ],
);

my %acknowledged;

# The number of a batch's first fact, and the client that has it.
sub acknowledge
{
	my ($session, $payload) = @_;
	my $first = $session->rows->[0][0];

	die "fact $first is acknowledged twice" if $acknowledged{$first};
	$acknowledged{$first} = $payload;
	return;
}

# One round; returns the outcomes as text, winners first.
sub race
{
	my ($context, $round, $queued, $level) = @_;
	my ($query_of, $events_of) = @{ $contexts{$context} };
	my $query = $query_of->($round);
	my $expected = $observer->value('SELECT factstr_context_version($1)', $query);
	my $race = 'SELECT * FROM factstr_append_if($1, $2, $3)';

	if ($queued)
	{
		# All racers have seen the context as expected before the first of them may append.
		$holder->run('BEGIN');
		$holder->run(append_sql(events(held => 1)));
	}
	foreach my $number (0 .. $RACERS - 1)
	{
		$racers[$number]->start($race, $events_of->($round, $number), $query, $expected);
	}
	if ($queued)
	{
		wait_until('all racers are in the queue', sub { append_lock_queue($observer) == $RACERS });
		$holder->run('ROLLBACK');
	}
	elsif ($context ne 'every fact' && $level eq 'read committed')
	{
		# Appends to other contexts come and go in between.
		$_->start(append_sql(events(stranger => $round))) foreach @bystanders;
		acknowledge($_->finish, $round) foreach @bystanders;
	}

	my %outcomes;
	foreach my $number (0 .. $RACERS - 1)
	{
		my $racer = $racers[$number]->finish;

		acknowledge($racer, $number) if $racer->state eq '00000';
		# The contract allows both for the losers at the higher levels.
		my $outcome = $racer->state eq '40001' && $level ne 'read committed' ? 'FS001' : $racer->state;
		$outcomes{$outcome}++;
	}
	return join(', ', map { "$outcomes{$_} $_" } sort keys %outcomes);
}

foreach my $level ('read committed', 'repeatable read', 'serializable')
{
	$_->run("SET default_transaction_isolation = '$level'") foreach @racers;
	foreach my $context (sort keys %contexts)
	{
		my $rounds = $level eq 'read committed' ? 32 : 10;
		my %results;

		$results{ race($context, "$level-$_", $_ % 2, $level) }++ foreach 1 .. $rounds;
		is_deeply(\%results, { '1 00000, ' . ($RACERS - 1) . ' FS001' => $rounds },
			"$context, $level: exactly one of $RACERS wins in each of $rounds rounds");
	}
}

my $count = $observer->value('SELECT count(*) FROM factstr_events');
is(numbers($observer), "1-$count", 'the log has no gap');
is($observer->value('SELECT count(DISTINCT batch_first_sequence_number) FROM factstr_events'), scalar(keys %acknowledged),
	'as many batches as acknowledged appends');
is($observer->value(q(
	SELECT count(*) FROM factstr_events e
	WHERE sequence_number = batch_first_sequence_number
	AND coalesce(payload->>'racer', payload#>>'{}') = $1::jsonb->>sequence_number::text), json(\%acknowledged)),
	scalar(keys %acknowledged), 'with the facts of those who were told so');

$node->stop;
done_testing();
