# Every answer with the number of a fact, or the position of the log or a stream, waits until that is on disk:
# after a crash another fact might have the number.  The disk is stopped in the middle of a commit, and
# everything that could tell its number is asked.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use FactstrSlowDisk;
use FactstrTest;
use Test::More;

my $disk = FactstrSlowDisk->new;
my $node = new_node('told_numbers', conf => "fsync = on\nwal_writer_delay = 10s", preload => $disk->library);
my $observer = new_session($node);
my $appender = new_session($node);

my $NEVER = of_type('never');

$observer->run($_) foreach (
	'SET factstr.background_delivery = off',
	append_sql(events(old => 1)),
	append_sql(events(old => 2), 'old key'),
	'CREATE FUNCTION handler(event_records jsonb) RETURNS void LANGUAGE sql AS $$ SELECT $$',
	map({ "SELECT factstr_stream_open('$_')" } qw(seek seek_beyond ack_beyond older)),
	map({ "SELECT factstr_stream_open('$_', '$NEVER')" } qw(next)),
	"SELECT factstr_subscribe('deliver', '$NEVER', 'handler(jsonb)')");

# Commits are noted in groups of neighbouring transactions, and a reader waits for the group.
$observer->value('SELECT txid_current()') foreach 1 .. 70;
$observer->run('CHECKPOINT');

$disk->hold;
$appender->start(append_sql(events(new => 3), 'new key'));
wait_for_event($observer, $appender, 'WALWrite');

sub batch_of
{
	my ($number, $key) = @_;
	my $record = { sequence_number => $number, occurred_at => '2026-01-31T08:15:30.123456Z', event_type => 'i', payload => 1 };

	return json([ { first_sequence_number => $number, last_sequence_number => $number, event_records => [$record],
		$key ? (idempotency_key => $key) : () } ]);
}

# Each call is made inside a transaction, after the statements before it: the answer waits, not a commit.
my @calls = (
	[ 'factstr_status: the head', 'SELECT head_sequence_number FROM factstr_status' ],
	[ 'factstr_status: facts of the last hour', 'SELECT facts_last_hour FROM factstr_status' ],
	[ 'factstr_status: the largest lag', 'SELECT largest_lag_facts FROM factstr_status' ],
	[ 'factstr_status: the time of the newest fact', 'SELECT last_appended_at FROM factstr_status' ],
	[ 'factstr_stream_status: the head', 'SELECT head_sequence_number FROM factstr_stream_status' ],
	[ 'factstr_stream_status: the lag', 'SELECT lag_facts FROM factstr_stream_status' ],
	[ 'factstr_stream_status: the lag in time', 'SELECT lag_time FROM factstr_stream_status' ],
	[ 'factstr_check', 'SELECT detail FROM factstr_check()' ],
	[ 'factstr_position_at', 'SELECT factstr_position_at(clock_timestamp())' ],
	[ 'factstr_export', 'SELECT last_sequence_number FROM factstr_export(2)' ],
	[ 'factstr_stream_open: now', "SELECT factstr_stream_open('open', '{}', 'now')" ],
	[ 'factstr_subscribe: now', "SELECT factstr_subscribe('subscribe', '{}', 'handler(jsonb)', 'now')" ],
	[ 'factstr_stream_seek: to the fact', "SELECT factstr_stream_seek('seek', 3)" ],
	[ 'factstr_stream_seek: beyond it', "SELECT factstr_stream_seek('seek_beyond', 9)" ],
	[ 'factstr_stream_ack: beyond it', "SELECT factstr_stream_ack('ack_beyond', 9)" ],
	[ 'factstr_stream_next: moves the cursor there', "SELECT * FROM factstr_stream_next('next')" ],
	[ 'factstr_deliver: moves the cursor there', "CALL factstr_deliver('deliver')" ],
	[ 'factstr_redact', q(SELECT factstr_redact(3, '"erased"', 'why')) ],
	[ 'factstr_import: the number that it expects', "SELECT * FROM factstr_import('" . batch_of(9) . "')" ],
	[ 'factstr_import: a key that is known', "SELECT * FROM factstr_import('" . batch_of(4, 'new key') . "')" ],
);
my %calls = map { $_->[0] => $_->[1] } @calls;
my %sessions;

foreach my $name (map { $_->[0] } @calls)
{
	my $session = $sessions{$name} = new_session($node);

	$session->run('SET factstr.background_delivery = off');
	$session->run('BEGIN');
	$session->start($calls{$name});
	wait_until("$name: answered, or waits for the disk",
		sub { $session->is_done || wait_event($observer, $session) =~ /^WAL/ });
	ok(!$session->is_done, "$name: not answered before the fact is on disk");
	next if !$session->is_done;
	# It may hold locks that others need.
	$session->disconnect;
	delete $sessions{$name};
}

# Answers about older facts do not wait.
my $reader = new_session($node);
is($reader->value("SELECT factstr_position_at('2026-01-01')"), 0, 'a time before the first fact is answered');
$reader->run('BEGIN');
is($reader->value("SELECT factstr_stream_ack('older', 2)"), 2, 'an older fact is acknowledged');
is($reader->value("SELECT factstr_stream_seek('older', 1)"), 1, 'a stream moves to an older fact');
$reader->run('ROLLBACK');

# All that was asked for is gone, and its number is given to another fact; no client was told of it.
crash($node);
$_->finish foreach $appender, values %sessions;
is(join(', ', grep { $sessions{$_}->state =~ /^(00000|22|FS)/ } sort keys %sessions), '', 'no client was told');
$disk->release;
start_node($node, $disk->library);
$observer = new_session($node);
is(numbers($observer), '1-2', 'the fact is gone');
is($observer->value(append_sql(events(other => 3))), 3, 'its number is given to another');

#
# The answers, when the disk is back.
#
my %answers = (
	'factstr_status: the head' => 4,
	'factstr_stream_status: the head' => 4,
	'factstr_position_at' => 4,
	'factstr_stream_open: now' => 4,
);
$disk->hold;
$appender = new_session($node);
$appender->start(append_sql(events(new => 4)));
wait_for_event($observer, $appender, 'WALWrite');
foreach my $name (sort keys %answers)
{
	$sessions{$name} = new_session($node);
	$sessions{$name}->start($calls{$name});
	wait_until("$name waits", sub { wait_event($observer, $sessions{$name}) =~ /^WAL/ });
}
$disk->release;
is($appender->finish->text, '4', 'the append is answered when the disk is back');
is($sessions{$_}->finish->text =~ s/\n.*//sr, $answers{$_}, "so is $_") foreach sort keys %answers;

# A commit that does not wait for the disk is told of, but its numbers are not.
$appender->run('SET synchronous_commit = off');
$disk->hold;
$appender->run('BEGIN');
$appender->run(q(SELECT factstr_append('[{"event_type": "a", "payload": 1}]', at_commit => true)));
$appender->run('COMMIT');
$appender->start('SELECT last_sequence_number FROM factstr_last_append()');
wait_until('factstr_last_append: answered, or waits for the disk',
	sub { $appender->is_done || wait_event($observer, $appender) =~ /^WAL/ });
ok(!$appender->is_done, 'factstr_last_append: not answered before the fact is on disk');
$disk->release;
is($appender->finish->text, '5', 'and answered then');

$node->stop;
done_testing();
