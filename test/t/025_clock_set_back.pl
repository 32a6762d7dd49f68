# The server's clock is set back, or even runs backwards: pauses and waits last as long as they were to last,
# not until it is so late again.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use FactstrClock;
use FactstrTest;
use FactstrWorkers;
use Test::More;

my $clock = FactstrClock->new;
my $node = new_node('clock_set_back', preload => $clock->library,
	conf => "shared_preload_libraries = 'factstr'\nmax_worker_processes = 20\nfsync = off");
my ($observer, $session, $other) = map { new_session($node) } 1 .. 3;
my $HOUR = 3600;

sub append
{
	return $session->value(append_sql(events(@_)));
}

sub time_of_day
{
	return $observer->value('SELECT extract(epoch FROM clock_timestamp())::bigint');
}

my $before = time_of_day();
$clock->set($HOUR);
cmp_ok(time_of_day(), '>=', $before + $HOUR, 'the clock can be set');
$clock->set(0);
cmp_ok(time_of_day(), '<', $before + $HOUR, 'and be set back');

create_kept($observer);

#
# The pause of a stream that has failed.
#
create_handler($observer, 'failing', q(RAISE 'not yet';));
subscribe($observer, 'failing');
$clock->set($HOUR);
my $first = append(a => 1);
wait_for_status($observer, 'failing', 'failure_count > 2');
$clock->set(0);
wait_for_status($observer, 'failing', 'failure_count > 3');
pass('a stream that pauses is tried again after its pause, though the clock was set back an hour');
create_handler($observer, 'failing');
wait_until_at($observer, 'failing', $first);
is(kept($observer, 'failing'), $first, 'and continues');

# When its worker has been another one, too.
create_handler($observer, 'failing', q(RAISE 'not yet';));
$clock->set($HOUR);
my $second = append(a => 2);
wait_for_status($observer, 'failing', 'failure_count > 0');
create_handler($observer, 'failing');
$clock->set(0);
my $worker = wait_for_worker($observer);
$observer->run('SELECT pg_terminate_backend($1)', $worker);
wait_until_at($observer, 'failing', $second);
is(kept($observer, 'failing'), "$first\n$second", 'by another worker');

#
# The pause before another worker is started.
#
$clock->set($HOUR);
$worker = wait_for_worker($observer);
$observer->run('SELECT pg_terminate_backend($1)', $worker);
wait_until('the worker is gone', sub { workers($observer) !~ /^$worker$/m });
$clock->set(0);
my $third = append(a => 3);
wait_until_at($observer, 'failing', $third);
pass('another worker is started after its pause');

#
# The cursor of a stream passes facts that do not match.
#
create_handler($observer, 'passing');
subscribe($observer, 'passing', of_type('b'));
$clock->set($HOUR);
append(a => 4);
wait_until_at($observer, 'passing');
$clock->set(0);
append(a => 5);
wait_until_at($observer, 'passing');
pass('a cursor passes facts that do not match');

#
# Waits, while the clock runs backwards.
#
$observer->run(q(SELECT factstr_stream_open('idle')));
$clock->run_backwards;
cmp_ok($session->value('SELECT extract(epoch FROM clock_timestamp())'), '>',
	$session->value('SELECT extract(epoch FROM clock_timestamp())'),
	'the clock runs backwards');
is($session->state_of("CALL factstr_wait('idle', $third, '300 ms')"), 'FS007', 'factstr_wait ends when its time is up');
$session->start("CALL factstr_wait('idle', $third, '1 h')");
wait_for_event($observer, $session, 'Extension');
$observer->run('SELECT factstr_stream_seek($1, $2)', 'idle', $third);
is($session->finish->state, '00000', 'and is woken');

# An append waits beside the lock's queue, and then in it.
$other->run('BEGIN');
$other->run(append_sql(events(c => 1)));
$session->start(append_sql(events(c => 2)));
wait_until('the append waits in the queue', sub { append_lock_queue($observer) == 1 });
pass('an append that waits goes into the queue');
$other->run('COMMIT');
is($session->finish->state, '00000', 'and has its turn');

# Deliveries continue.
my $last = append(b => 1);
wait_until_at($observer, 'passing', $last);
is(kept($observer, 'passing'), $last, 'streams are delivered while the clock runs backwards');
create_handler($observer, 'passing', q(RAISE 'not yet';));
append(b => 2);
wait_for_status($observer, 'passing', 'failure_count > 3');
pass('and tried again');

$clock->run_forwards;
$node->stop;
done_testing();
