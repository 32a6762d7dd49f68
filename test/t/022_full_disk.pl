# The disk is full: appends fail with an error that says so and leave nothing behind, not even a number
# or a key; acknowledged facts can be read; and when there is space, everything continues, streams too.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use FactstrSlowDisk;
use FactstrTest;
use Test::More;

my $disk = FactstrSlowDisk->new;
my $node = new_node('full_disk', preload => $disk->library);
my $session = new_session($node);
my $other = new_session($node);

# A payload that fills pages, the more so since it cannot be compressed.
my $LARGE = q([{"event_type": "large", "payload": {"n": %d, "text": "%s"}}, {"event_type": "small", "payload": %d}]);
my $appended = 0;

sub append_large
{
	my $text = join('', map { chr(97 + int(rand(26))) } 1 .. 20000);
	my $state = $session->state_of('SELECT factstr_append($1::jsonb, $2)', sprintf($LARGE, $appended, $text, $appended), "key $appended");

	$appended++ if $state eq '00000';
	return $state;
}

is(append_large(), '00000', 'there is room') foreach 1 .. 3;
$session->run(q(SELECT factstr_stream_open('consumed')));
$session->run('CHECKPOINT');

foreach my $round (1 .. 3)
{
	my %states;

	$disk->fill;
	$states{ append_large() }++ foreach 1 .. 30;
	cmp_ok($states{'53100'} // 0, '>', 0, "round $round: the error of a full disk");
	is_deeply([ grep { !/^(00000|53100)$/ } keys %states ], [], "round $round: no other");
	is(numbers($session), '1-' . 2 * $appended, "round $round: all that was acknowledged, and no more");
	is($other->value('SELECT count(*) FROM factstr_read()'), 2 * $appended, "round $round: another session reads it");
	is($other->value('SELECT count(*) FROM factstr_batches($1, 0, 1000)', '{}'), $appended, "round $round: in whole batches");
	is($session->state_of(q(SELECT factstr_append_if('[{"event_type": "x", "payload": 1}]', '{}', 1))),
		'FS001', "round $round: a conflict is told");

	if ($round == 2)
	{
		$_->disconnect foreach $session, $other;
		crash($node);
		$disk->release;
		start_node($node, $disk->library);
		$_ = new_session($node) foreach $session, $other;
		is(numbers($session), '1-' . 2 * $appended, 'after a crash in this state the same');
	}
	$disk->release;
	is(append_large(), '00000', "round $round: with room the next call succeeds");
	is($session->value('SELECT max(last_sequence_number) FROM factstr_batches($1, 0, 1000)', '{}'),
		2 * $appended, "round $round: with the next numbers");
	is($session->text('SELECT * FROM factstr_check(NULL) WHERE NOT ok'), '', "round $round: the log is sound");
}
is($session->value(q(SELECT factstr_stream_ack('consumed', max(last_sequence_number)) FROM factstr_stream_next('consumed', 1000))),
	2 * $appended, 'a stream has got all of it');
note('tried: 3 disks filled');
$_->disconnect foreach $session, $other;
$node->stop;
done_testing();
