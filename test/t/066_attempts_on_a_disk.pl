# Each point of a delivery at which the server can be killed, on a disk that has not yet written its records; and
# a disk that is slow, or full.  Nothing is lost or delivered twice, and a failure is on record only if a process has
# ended during a delivery.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use FactstrSlowDisk;
use FactstrTest;
use FactstrWorkers;
use Test::More;

my $disk = FactstrSlowDisk->new;
my $node = new_node('attempts', preload => $disk->library, conf => <<~'CONF');
	shared_preload_libraries = 'factstr'
	max_worker_processes = 20
	CONF
my ($observer, $other, $gate, $appender);

sub connect_all
{
	($observer, $other, $gate, $appender) = map { new_session($node) } 1 .. 4;
	return;
}

sub append { return $appender->value(append_sql(events(@_))) }

# Kills the server, and starts it with a disk that writes.
sub crash_and_start
{
	$_->disconnect foreach $observer, $other, $gate, $appender;
	crash($node);
	$disk->release;
	start_node($node, $disk->library);
	connect_all();
	return;
}

sub wait_for_worker_at
{
	my ($event) = @_;

	wait_until("a worker waits: $event", sub {
		$observer->value(q(SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'factstr delivery' AND wait_event ILIKE $1), $event) });
	return;
}

sub end_workers
{
	wait_until('all workers are gone', sub {
		$observer->run('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = $1', 'factstr delivery');
		return workers($observer) eq ''; });
	return;
}

# All facts were delivered, and the state of the stream is this.
sub is_delivered
{
	my ($state, $name) = @_;

	wait_until_at($observer, 'gated');
	is(kept($observer, 'gated'), expected_batches($observer, q(event_type = 'gated')), "$name: all is delivered, once and in order");
	is(status($observer, 'gated', 'failure_count, last_error'), $state, "$name: the state of the stream");
	return;
}

connect_all();
create_kept($observer);
create_handler($observer, 'gated', 'PERFORM pg_advisory_xact_lock_shared(1);');
subscribe($observer, 'gated', of_type('gated'), 'first');
append(gated => 0);
is_delivered('0|', 'at first');

#
# A worker's announcement of a delivery, and its result, are not on disk yet.  Each time by a new process, which
# announces its attempt.
#
my $LOST = '57P02: the worker process ended during the delivery';
my %points = (
	'that it begins' => sub {
		# It may look, but not write.
		$other->run('BEGIN');
		$other->run('LOCK TABLE factstr_streams IN EXCLUSIVE MODE');
		append(gated => 1);
		wait_for_worker_at('relation');
		$disk->hold;
		$other->run('COMMIT');
		return ''; },
	'that it has succeeded' => sub {
		append(gated => 2);
		wait_for_worker_at('advisory');
		$disk->hold;
		$gate->run('SELECT pg_advisory_unlock(1)');
		return $LOST; },
	'that it was stopped' => sub {
		append(gated => 3);
		wait_for_worker_at('advisory');
		$disk->hold;
		$other->start(q(SELECT factstr_unsubscribe('gated')));
		return $LOST; });
foreach my $point (sort keys %points)
{
	$observer->run(q(SELECT factstr_stream_drop('gated')));
	end_workers();
	subscribe($observer, 'gated', of_type('gated'));
	$gate->run('SELECT pg_advisory_lock(1)');
	my $error = $points{$point}->();
	wait_for_worker_at('Wal%Write');
	crash_and_start();
	is_delivered("0|$error", "killed before it is on disk $point");
}

#
# A slow disk: a delivery that is stopped at any moment is no failure.
#
$observer->run(q(SELECT factstr_stream_drop('gated')));
subscribe($observer, 'gated', of_type('gated'));
$disk->slow;
my %states;
foreach my $round (1 .. 20)
{
	subscribe($observer, 'gated', of_type('gated'));
	$gate->run('SELECT pg_advisory_lock(1)') if $round % 2;
	append(gated => $round);
	wait_until('a worker has it', sub { status($observer, 'gated', 'consumer_pid IS NOT NULL OR lag_facts = 0') eq 't' });
	$other->run($round % 4 < 2 ? q(SELECT factstr_unsubscribe('gated')) : q(SELECT factstr_park_after('gated', NULL)));
	$states{ status($observer, 'gated', 'failure_count, last_error') }++;
	$gate->run('SELECT pg_advisory_unlock(1)') if $round % 2;
}
$disk->release;
is(join("\n", %states), "0|\n20", 'a delivery that is stopped on a slow disk has not failed');
subscribe($observer, 'gated', of_type('gated'));
is_delivered('0|', 'after that');

#
# A full disk: the handler's writes are refused, until there is space.
#
create_handler($observer, 'large', q(INSERT INTO large SELECT string_agg(gen_random_uuid()::text, '') FROM generate_series(1, 3000);));
$observer->run('CREATE TABLE large (text text)');
$observer->run('ALTER TABLE large ALTER text SET STORAGE external');
subscribe($observer, 'large', of_type('large'));
append(large => 0);
wait_until_at($observer, 'large');
$observer->run('CHECKPOINT');
$disk->fill;
append(large => $_) foreach 1 .. 5;
wait_for_status($observer, 'large', 'failure_count > 0');
like(status($observer, 'large', 'last_error'), qr/^53100: /, 'a full disk is a failure of the write');
$disk->release;
wait_until_at($observer, 'large');
is($observer->value('SELECT count(*) FROM large'), 6, 'with room it continues, each batch once');
is(kept($observer, 'large'), expected_batches($observer, q(event_type = 'large')), 'in order');

$_->disconnect foreach $observer, $other, $gate, $appender;
$node->stop;
done_testing();
