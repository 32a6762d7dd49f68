# A full notification queue fails no append: a WARNING takes the place of the hint, until there is
# room again.  FACTSTR_LONG=1 fills the queue by sending all of its 8 GB, where it is so large.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use FactstrNotifyQueue;
use FactstrTest;
use JSON::PP ();
use Test::More;

my $node = new_node('notification_queue', conf => FactstrNotifyQueue::settings());
my $obstacle = FactstrNotifyQueue::obstacle($node);
if ($obstacle)
{
	$node->stop;
	plan skip_all => $obstacle;
}

# The queue is one for all databases.  Each of two has its log.
$node->safe_psql('postgres', 'CREATE DATABASE other');
$node->safe_psql('other', 'CREATE EXTENSION factstr');
my ($idle, $consumer, $appender, $filler) = map { new_session($node) } 1 .. 4;
my $other = new_session($node, dbname => 'other');

# The ranges of the notifications that a session has received, up to and with one, as "1-1 2-4".
sub received_upto
{
	my ($session, $last) = @_;
	my @ranges;

	wait_until("a notification of $last arrives", sub {
		while (my $notification = $session->notification)
		{
			my $range = JSON::PP::decode_json($notification->[2]);

			push @ranges, "$range->{first_sequence_number}-$range->{last_sequence_number}";
		}
		return @ranges && $ranges[-1] eq $last;
	});
	return @ranges > 10 ? @ranges . ' ranges' : "@ranges";
}

# The warnings of a session's last statement.
sub skipped
{
	my ($session) = @_;

	return join(' ', map { /^WARNING:  notification of facts (\d+ to \d+) skipped$/m ? $1 : () } $session->warnings);
}

$_->run('LISTEN factstr') foreach $idle, $consumer;
$idle->run('BEGIN');
$idle->run('SELECT');
my $queue = FactstrNotifyQueue->new($node, $idle, $filler);

# Half full.
$queue->fill_to(0.5);
is($appender->value(append_sql(events(a => 1))), 1, 'half full: an append');
is(skipped($appender), '', 'without a warning');
is(received_upto($consumer, '1-1'), '1-1', 'and with its notification');

# A transaction that appends now and commits when the queue is full.
$other->run('BEGIN');
is($other->value(append_sql(events(a => 1))), 1, 'an append in a transaction');
is(skipped($other), '', 'without a warning');
$other->run('SAVEPOINT a');
$other->run(append_sql(events(a => 2)));
$other->run('ROLLBACK TO a');

# The notifications that a transaction is about to add count.
$queue->fill_to(0.9 - 5 / $FactstrNotifyQueue::PAGES);
my $many = q(
	SELECT count(*) FROM generate_series(1, 1000) i,
		factstr_append(jsonb_build_array(jsonb_build_object('event_type', 'many', 'payload', i))));
is($appender->value($many), 1_000, 'room for five pages: a transaction of a thousand appends');
is(skipped($appender), '2 to 1001', 'with one warning');
is($appender->value(append_sql(events(a => 1))), 1_002, 'one append');
is(skipped($appender), '', 'without a warning');
is(received_upto($consumer, '1002-1002'), '1002-1002', 'only the latter with its notification');

# The answer and the warnings of each.  The last numbers are these.
my $last = 1_002;
sub test_appends
{
	my ($state) = @_;
	my ($next, $later) = ($last + 1, $last + 3);

	is($appender->value(append_sql(events(a => 1), "key-$state")), $next, "$state: an append");
	is(skipped($appender), "$next to $next", 'with a warning');
	is($appender->value(append_sql(events(a => 1), "key-$state")), $next, 'the same again');
	is(skipped($appender), '', 'without one');
	is($appender->text(append_if_sql(events(a => 1, a => 2), '{}', $next)), join('|', $next + 1, $next + 2, 2), 'a conditional append');
	is(skipped($appender), join(' to ', $next + 1, $next + 2), 'with a warning');
	is($appender->state_of(append_if_sql(events(a => 1), '{}', $next)), 'FS001', 'one that conflicts');
	is(skipped($appender), '', 'without one');

	$appender->run('BEGIN');
	$appender->run(append_sql(events(a => $_))) foreach 1 .. 3;
	is(skipped($appender), '', 'appends in a transaction, no warning yet');
	$appender->run('SAVEPOINT a');
	$appender->run(append_sql(events(a => 4)));
	$appender->run('ROLLBACK TO a');
	$appender->run('COMMIT');
	is(skipped($appender), join(' to ', $later + 1, $later + 3), 'but at the commit, for stored facts');

	$appender->run('BEGIN');
	$appender->run('SAVEPOINT a');
	$appender->run(append_sql(events(a => 1)));
	$appender->run('ROLLBACK TO a');
	$appender->run('COMMIT');
	is(skipped($appender), '', 'without one when everything is rolled back');

	$appender->run('SET factstr.notify = off');
	is($appender->value(append_sql(events(a => 1))), $later + 4, 'an append without a notification');
	is(skipped($appender), '', 'without one');
	$appender->run('RESET factstr.notify');
	$last = $later + 4;
	return;
}

$queue->fill_to(0.95);
test_appends('nearly full');

$queue->fill;
is($filler->state_of('NOTIFY filler'), '54000', 'full: a notification is an error');
test_appends('full');
$other->run('COMMIT');
is(skipped($other), '1 to 1', 'the transaction that has appended before commits, with a warning');
is(numbers($other), '1-1', 'and its fact is there');

# Nothing is missing.
is(numbers($appender), "1-$last", 'all facts are there');
is($consumer->text(q(
	SELECT count(*), min(first_sequence_number), max(last_sequence_number), sum(last_sequence_number - first_sequence_number + 1)
	FROM factstr_batches(after_sequence_number => 1, max_batches => 100000))),
	join('|', $last - 3, 2, $last, $last - 1), 'a consumer that reads by position finds each batch');

# The idle one continues.
$idle->run('COMMIT');
wait_until('the queue is empty', sub { $queue->used < 2 });
is($appender->value(append_sql(events(a => 1))), $last + 1, 'empty again: an append');
is(skipped($appender), '', 'without a warning');
my $hint = join('-', $last + 1, $last + 1);
is(received_upto($consumer, $hint), $hint, 'and with its notification');
is(received_upto($idle, $hint), "1-1 1002-1002 $hint", 'the idle one received the notifications');
cmp_ok(scalar(my @files = glob($node->data_dir . '/pg_notify/*')), '<', 10, 'the files are gone');

# A small queue fills soon after it was found empty.
if (FactstrNotifyQueue::is_sent())
{
	$idle->run('BEGIN');
	$idle->run('SELECT');
	$queue->fill_to(0.1);
	is($appender->value(append_sql(events(a => 1))), $last + 2, 'hardly used: an append');
	is(skipped($appender), '', 'without a warning');
	$queue->fill;
	is($appender->value(append_sql(events(a => 1))), $last + 3, 'full at once: an append');
	is(skipped($appender), join(' to ', ($last + 3) x 2), 'with a warning');
	$idle->run('COMMIT');
}

note('tried: 1 notification queues filled');
$node->stop;
done_testing();
