# A stream that is held has one consumer, and exactly as long as its holder lives: killed, disconnected,
# terminated, crashed with the server.  Unacknowledged batches go to the next one.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use FactstrProcesses;
use FactstrStreams;
use FactstrTest;
use Test::More;

my $node = new_node('stream_holds', conf => 'max_prepared_transactions = 5');
my $processes = FactstrProcesses->new($node);
my $observer = new_session($node);

sub hold_sql
{
	my ($nowait, $token) = @_;

	return sprintf(q(SELECT factstr_stream_hold('held', %s, %s)), $nowait ? 'true' : 'false', $token // 'NULL');
}

sub consumer_is
{
	my ($session, $name) = @_;

	return is($observer->value(q(SELECT consumer_pid FROM factstr_stream_status WHERE name = 'held')),
		$session ? $session->pid : undef, $name);
}

$observer->run(q(SELECT factstr_stream_open('held')));
$observer->run(append_sql(events(a => $_))) foreach 1 .. 20;

#
# However a holder ends, its stream is free.
#
my %endings = (
	'disconnected' => sub { $_[0]->disconnect },
	'terminated' => sub { $observer->run('SELECT pg_terminate_backend($1)', $_[0]->pid) },
	'terminated in a transaction' => sub {
		my ($holder) = @_;

		$holder->run('BEGIN');
		$holder->run(ack_sql('held', head($observer)));
		$observer->run('SELECT pg_terminate_backend($1)', $holder->pid);
	});

foreach my $ending (sort keys %endings)
{
	my ($holder, $next) = map { new_session($node) } 1 .. 2;
	my $token = $holder->value(hold_sql());
	my $before = cursor($observer, 'held');

	consumer_is($holder, "$ending: the view shows which session holds the stream");
	is($next->state_of(hold_sql(1)), 'FS004', "$ending: no other session does");
	$next->start(hold_sql());
	wait_for_event($observer, $next, 'object');
	$endings{$ending}->($holder);
	cmp_ok($next->finish->rows->[0][0], '>', $token, "$ending: the one that waits gets the stream, with a higher token");
	consumer_is($next, "$ending: the view shows it");
	is(cursor($observer, 'held'), $before, "$ending: the cursor is where it was");
	is($next->run(next_sql('held'))->[0][0], $before + 1, "$ending: and so is the next batch");
	$next->run(ack_sql('held', $before + 1));
	$next->run(q(SELECT factstr_stream_release('held')));
	consumer_is(undef, "$ending: released");
	$next->disconnect;
}

# Killed, it leaves its connection to the operating system.
my $client = $processes->start('client', sub {
	my ($session) = @_;

	$processes->note('client', $session->value(hold_sql()));
	sleep(1) while 1;
});
wait_until('the client holds the stream', sub { $processes->is_noted('client') });
my ($token) = $processes->notes('client');
my $next = new_session($node);
is($next->state_of(hold_sql(1)), 'FS004', 'killed: not before');
$next->start(hold_sql(0, $token));
wait_for_event($observer, $next, 'object');
$processes->kill($client);
is($next->finish->state, '00000', 'killed: the stream is free');
is($next->rows->[0][0], $token, 'killed: a hold is continued by another session with its token');

# A session that lost its hold by a reset finds that out.
$next->run('DISCARD ALL');
consumer_is(undef, 'a reset session holds nothing');
is($observer->value(hold_sql(0, $token)), $token, 'another one continues');
$observer->run(q(SELECT factstr_stream_release('held')));
$next->run(ack_sql('held', cursor($observer, 'held') + 1));
is($observer->state_of(hold_sql(0, $token)), 'FS004', 'unless somebody has consumed without a hold');

# A lock of a prepared transaction cannot stay with the session too.
$token = $next->value(hold_sql());
$next->run('SET factstr.notify = off');
$next->run('BEGIN');
$next->run(ack_sql('held', cursor($observer, 'held') + 1));
is($next->state_of("PREPARE TRANSACTION 'p'"), '0A000', 'a holder does not prepare');
consumer_is($next, 'and is the holder still');

#
# After a crash no session holds a stream; the record of the last consumer stays.
#
$next->run(q(SELECT factstr_stream_fail('held', 'broken', now() + '1 h')));
my $cursor = cursor($observer, 'held');
crash($node);
start_node($node);
$observer = new_session($node);
consumer_is(undef, 'no session holds the stream after a crash');
is($observer->text(q(SELECT failure_count, last_error, retry_at > now() FROM factstr_stream_status)), '1|broken|t', 'its failure is known');
is($observer->value(hold_sql(1, $token)), $token, 'its consumer continues');
is($observer->run(next_sql('held'))->[0][0], $cursor + 1, 'where it was');
$observer->run(ack_sql('held', $cursor + 1));
is($observer->text(q(SELECT failure_count, retry_at FROM factstr_stream_status)), '0|', 'and takes the failure back');

#
# Several consumers, killed at any time, pass the stream on, with no gap and no duplicate.
#
create_table($observer, 'held');
$observer->run(q(SELECT factstr_stream_seek('held', 0)));
$observer->run(q(SELECT factstr_stream_release('held')));
my $batches = 400;
$observer->run(append_sql(events(map { (b => $_) } 1 .. 1 + $_ % 3))) foreach 1 .. $batches;
my $head = head($observer);
my $consume = sub {
	my ($session) = @_;

	$session->run(hold_sql());
	while (cursor($session, 'held') < $head)
	{
		$session->run('BEGIN');
		my $batch = $session->run(next_sql('held'))->[0];
		$session->run(keep_sql('held', $batch->[0], $batch->[1], '$1::jsonb'), $batch->[2]);
		$session->run(ack_sql('held', $batch->[1]));
		$session->run('COMMIT');
	}
	return 1;
};
my @consumers = map { $processes->start("consumer $_", $consume) } 1 .. 3;
my $killed = 0;
foreach my $step (1 .. 4)
{
	my $goal = $head * $step / 5;

	wait_until("the cursor is beyond $goal", sub { cursor($observer, 'held') >= $goal });
	my $pid = $observer->value(q(SELECT consumer_pid FROM factstr_stream_status WHERE name = 'held'));
	$killed += $observer->value('SELECT pg_terminate_backend($1)::int', $pid) if $pid;
}
$processes->wait_for('all is consumed', @consumers);
cmp_ok($killed, '>', 0, 'consumers were terminated');
is(difference($observer, 'held', 'true'), '', 'every batch was delivered once, in order');
is(join("\n", $processes->notes('errors')), '', 'no consumer met an error');
is($observer->value('SELECT count(*) FROM factstr_stream_status WHERE consumer_pid IS NOT NULL'), 0,
	'and no session holds the stream in the end');

$node->stop;
done_testing();
