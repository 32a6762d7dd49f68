# LISTEN factstr: one notification for each committed batch, with its range as JSON, in commit order.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use FactstrOtherLog qw(channel);
use FactstrTest;
use JSON::PP ();
use Test::More;

my $node = new_node('notify');
my ($observer, $listener, $appender) = map { new_session($node) } 1 .. 3;

$listener->run('LISTEN factstr');
$listener->run('LISTEN done');

# All notifications up to one that is sent now, as texts "first-last"; and who sent them.
sub received
{
	my (@ranges, @senders, $done);

	$observer->run('NOTIFY done');
	until ($done)
	{
		wait_until('a notification arrives', sub { $done = $listener->notification });
		last if $done->[0] eq 'done';
		my ($channel, $sender, $payload) = @$done;
		my $range = JSON::PP::decode_json($payload);

		die "unexpected notification $payload" if $channel ne channel() || keys %$range != 2;
		push @ranges, "$range->{first_sequence_number}-$range->{last_sequence_number}";
		push @senders, $sender;
		undef $done;
	}
	return (join(' ', @ranges), \@senders);
}

$appender->run(append_sql(events(a => 1)));
my ($ranges, $senders) = received();
is($ranges, '1-1', 'one fact');
is_deeply($senders, [ $appender->pid ], 'from the session that appended');

$appender->run(append_sql(events(a => 1, b => 2, c => 3)));
$appender->run(append_if_sql(events(a => 1, b => 2), '{}', 4));
$appender->run(append_if_sql(events(a => 1), '{}', 6, 'factstr_try_append_if'));
is((received())[0], '2-4 5-6 7-7', 'one for each batch, from each function');

$appender->run('BEGIN');
$appender->run(append_sql(events(a => 1)));
$appender->run(append_sql(events(a => 1)));
is((received())[0], '', 'none before the commit');
$appender->run('SAVEPOINT a');
$appender->run(append_sql(events(a => 1)));
$appender->run('ROLLBACK TO a');
$appender->run('COMMIT');
is((received())[0], '8-8 9-9', 'at the commit one for each batch, but none for the one rolled back');

$appender->run('BEGIN');
$appender->run(append_sql(events(a => 1)));
$appender->run('ROLLBACK');
$appender->state_of(append_if_sql(events(a => 1), '{}', 1));
$appender->run(append_if_sql(events(a => 1), '{}', 1, 'factstr_try_append_if'));
$appender->state_of(append_sql('[]'));
is((received())[0], '', 'none for appends that are not stored');

$appender->run(append_sql(events(a => 1), 'key'));
$appender->run(append_sql(events(a => 1), 'key'));
is((received())[0], '10-10', 'none for a repeated call');

$appender->run('SET factstr.notify = off');
$appender->run(append_sql(events(a => 1)));
is((received())[0], '', 'none while factstr.notify is off');
$appender->run('BEGIN');
$appender->run('SET LOCAL factstr.notify = on');
$appender->run(append_sql(events(a => 1)));
$appender->run('COMMIT');
$appender->run(append_sql(events(a => 1)));
is((received())[0], '12-12', 'on for one transaction');

# Many at a time, every second one without the early lock release.
my $head = 13;
my @sessions = map { new_session($node) } 1 .. 8;
foreach my $i (0 .. $#sessions)
{
	$sessions[$i]->run('SET factstr.early_lock_release = ' . ($i % 2 ? 'off' : 'facts_only'));
}
foreach my $round (1 .. 40)
{
	$_->start(append_sql(events(map { (many => $_) } 1 .. 1 + $round % 3))) foreach @sessions;
	$_->finish foreach @sessions;
}
my $expected = $observer->value(qq(
	SELECT string_agg(first_sequence_number || '-' || last_sequence_number, ' ' ORDER BY first_sequence_number)
	FROM factstr_batches(after_sequence_number => $head, max_batches => 100000)));
is((received())[0], $expected, 'of many concurrent batches one each, in commit order');
is(scalar(split(/ /, $expected)), 320, 'all of them');

$listener->run('UNLISTEN factstr');
$appender->run('RESET ALL');
$appender->run(append_sql(events(a => 1)));
is((received())[0], '', 'none after UNLISTEN');

$node->stop;
done_testing();
