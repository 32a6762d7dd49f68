# Workers that do not come, that end before they have looked, or leave at the moment of a commit: the database is
# served all the same.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use FactstrTest;
use FactstrWorkers;
use PostgreSQL::Test::Utils;
use Test::More;

# Not preloaded, so that each worker loads the library; the place of one worker, beside both launchers.
my $node = new_node('coming', conf => 'max_worker_processes = 3');
my ($observer, $session) = map { new_session($node) } 1 .. 2;

sub append
{
	my ($where) = @_;

	return $where->value(append_sql(events(appended => 1)));
}

# Ends a process by SQL, and waits until it is gone.
sub end_process
{
	my ($pid) = @_;

	$observer->run('SELECT pg_terminate_backend($1)', $pid);
	wait_until("process $pid is gone", sub { !kill(0, $pid) });
	return;
}

# The processes that wait to read the settings of roles and databases, which a new one does first.
sub those_who_begin
{
	return split(/\n/, $observer->text(q(SELECT pid FROM pg_locks WHERE relation = 'pg_db_role_setting'::regclass AND NOT granted ORDER BY pid)));
}

create_kept($observer);
create_handler($observer, 'one');
subscribe($observer, 'one');
wait_until_at($observer, 'one', append($observer));

#
# A worker that was started and never comes: it cannot load the library.
#
$observer->run(q(ALTER SYSTEM SET dynamic_library_path = '/nowhere'));
$observer->run('SELECT pg_reload_conf()');
wait_until('new processes have the setting', sub { new_session($node)->value('SHOW dynamic_library_path') eq '/nowhere' });
end_process(wait_for_worker($observer));
wait_until('a worker has not come', sub { slurp_file($node->logfile) =~ /could not access file "factstr"/ });
$observer->run('ALTER SYSTEM RESET dynamic_library_path');
$observer->run('SELECT pg_reload_conf()');
wait_until_at($observer, 'one', append($observer));
pass('a worker that has not come is not waited for for ever');

#
# One place for two databases, in which facts are appended at the same time: a worker leaves for the other database
# when facts come to its own.
#
$observer->run('CREATE DATABASE other');
my $other = new_session($node, dbname => 'other');
$other->run('CREATE EXTENSION factstr');
create_kept($other);
create_handler($other, 'one');
subscribe($other, 'one');
wait_until_at($other, 'one', append($other));
foreach my $round (1 .. 100)
{
	$_->start(append_sql(events(round => $round))) foreach $session, $other;
	$_->finish foreach $session, $other;
	wait_until_at($observer, 'one');
	wait_until_at($other, 'one');
}
is(kept($_, 'one'), expected_batches($_, 'true'), 'facts that come when a worker leaves are delivered') foreach $observer, $other;

#
# A database that allows no connections.
#
$observer->run('ALTER DATABASE other ALLOW_CONNECTIONS false');
end_process($_) foreach split(/\n/, $observer->text(q(SELECT pid FROM pg_stat_activity WHERE backend_type = 'factstr delivery')));
my $closed = append($other);
# The launcher has seen the other one first.
wait_until_at($observer, 'one', append($observer));
unlike(slurp_file($node->logfile), qr/not currently accepting connections/, 'no worker tries to connect to it');
$observer->run('ALTER DATABASE other ALLOW_CONNECTIONS true');
$node->reload;
wait_until_at($other, 'one', $closed);
pass('when connections are allowed again, a reload has it looked at');
$other->disconnect;

#
# The last subscription of a database ends, and comes back, while a worker is being started.
#
$node->append_conf('postgresql.conf', "max_worker_processes = 20\nfactstr.delivery_workers = 3\nshared_preload_libraries = 'factstr'");
$_->disconnect foreach $observer, $session;
$node->restart;
($observer, $session) = map { new_session($node) } 1 .. 2;
create_handler($observer, 'one', q(IF what = 'hang' THEN PERFORM pg_sleep(3600); END IF;));
wait_until_at($observer, 'one', append($observer));
my $launcher = launchers($observer);
my $hanging = wait_for_worker($observer);
kill('STOP', $launcher);
$observer->run(append_sql(events(appended => 'hang')));
wait_for_status($observer, 'one', 'consumer_pid IS NOT NULL');
wait_until('the handler hangs', sub { $observer->value(q(SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep')) });
my $holder = new_session($node);
$holder->run('BEGIN');
$holder->run('LOCK TABLE pg_db_role_setting IN ACCESS EXCLUSIVE MODE');
kill('CONT', $launcher);
wait_until('another one is being started', sub { those_who_begin() == 1 });
my ($starting) = those_who_begin();
$session->run(q(SELECT factstr_unsubscribe('one')));
wait_until('the one that looked after all has gone', sub { !kill(0, $hanging) });
create_handler($observer, 'one');
subscribe($observer, 'one');
wait_until('a third one is being started', sub { those_who_begin() == 2 });
end_process($starting);
$holder->run('COMMIT');
wait_until_at($observer, 'one');
end_process($_) foreach split(/\n/, workers($observer));
my $last = append($observer);
wait_until_at($observer, 'one', $last);
is((split(/\n/, kept($observer, 'one')))[-1], $last, 'a worker of subscriptions that are no more is not taken for one of others');

$node->stop;
done_testing();
