# factstr.log_lock_times: how long a session's appends have waited for the append lock and held it, by steps.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use FactstrTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $TIMES = join(', ', map { "\\d+\\.\\d\\d $_" } 'waiting', 'checking', 'writing rows', 'until the commit', 'committing', 'releasing');

my $node = new_node('lock_times', conf => "shared_preload_libraries = 'factstr'");
my $observer = new_session($node);

# The line in the server's log at the end of a session that has run statements.
sub logged
{
	my ($setting, @statements) = @_;
	my $session = new_session($node);
	my $position = -s $node->logfile;

	$session->run("SET factstr.log_lock_times = $setting");
	$session->run($_) foreach @statements;
	disconnect_and_wait($session, $observer);
	return slurp_file($node->logfile, $position);
}

my $append = append_sql(events(a => 1));
my $conflict = q(SELECT factstr_try_append_if('[{"event_type": "a", "payload": 1}]', '{}', 0));

my @in_every_way = (
	$append,
	'BEGIN', $append, 'CREATE TEMPORARY TABLE rows ()', $append, 'COMMIT',
	'BEGIN', q(SELECT factstr_append('[{"event_type": "a", "payload": 1}]', at_commit => true)), 'COMMIT');

my $log = logged('on', @in_every_way);
like($log, qr/LOG:  append lock of 3 transactions\n.*DETAIL:  Microseconds each: $TIMES\.\n/, 'the steps, of each transaction that has appended');

$log = logged('on', 'SELECT 1', 'BEGIN', 'SELECT 1', 'COMMIT', 'BEGIN', $append, 'ROLLBACK',
	'BEGIN', 'SAVEPOINT s', $append, 'ROLLBACK TO s', 'COMMIT', $conflict);
unlike($log, qr/append lock of/, 'nothing of transactions that have not');

# A session that waits for the lock.
my $holder = new_session($node);
my $waiter = new_session($node);
$holder->run($_) foreach 'BEGIN', $append;
my $position = -s $node->logfile;
$waiter->run('SET factstr.log_lock_times = on');
$waiter->start($append);
wait_for_event($observer, $waiter, 'object');
$holder->run('COMMIT');
is($waiter->finish->state, '00000', 'one waits for the lock');
disconnect_and_wait($waiter, $observer);
my ($waited) = slurp_file($node->logfile, $position) =~ /each: (\d+\.\d\d) waiting/;
cmp_ok($waited, '>', 0, "and has waited ($waited)");

unlike(logged('off', @in_every_way), qr/append lock of/, 'nothing without the setting');

$observer->run('CREATE ROLE regress_factstr_user');
$observer->run('SET ROLE regress_factstr_user');
is($observer->start('SET factstr.log_lock_times = on')->finish->state, '42501', 'only a superuser may set it');

$node->stop;
done_testing();
