# Backups and moves with PostgreSQL's tools, of a store with everything in it: facts, batches, keys,
# redactions, cursors, subscriptions and rights come back, and everything continues.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use FactstrFullStore;
use FactstrTest;
use FactstrUpgrade;
use FactstrWorkers;
use POSIX ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $CONF = "shared_preload_libraries = 'factstr'\nmax_worker_processes = 30";

my $node = new_node('backups', init => { allows_streaming => 1 }, conf => $CONF);
my $source = new_session($node);
my $directory = PostgreSQL::Test::Utils::tempdir();

#
# The store.
#
$source->run('CREATE ROLE regress_factstr_app');
fill_store($source);

my $state = store_state($source);

# A database in the same server; workers start there with the next reload.
sub new_database
{
	my ($name) = @_;

	$source->run("CREATE DATABASE $name");
	return;
}

sub open_database
{
	my ($name) = @_;

	$node->reload;
	return new_session($node, dbname => $name);
}

new_database('piped');
$node->command_ok([ 'bash', '-o', 'pipefail', '-c', 'pg_dump postgres | psql -qX -v ON_ERROR_STOP=1 piped' ], 'pg_dump | psql');
goes_on('pg_dump | psql', open_database('piped'), $state);

new_database('parallel');
$node->command_ok([ 'pg_dump', '-Fc', '-f', "$directory/custom", 'postgres' ], 'pg_dump -Fc');
$node->command_ok([ 'pg_restore', '--exit-on-error', '-j', 2, '-d', 'parallel', "$directory/custom" ], 'pg_restore -j 2');
goes_on('pg_restore -j 2', open_database('parallel'), $state);

#
# All of the server, into a new one, whose superuser is there already.
#
$source->run("DROP DATABASE $_ WITH (FORCE)") foreach qw(piped parallel);
$node->command_ok([ 'pg_dumpall', '--no-role-passwords', '-f', "$directory/all" ], 'pg_dumpall');
my $all = PostgreSQL::Test::Cluster->new('all');
$all->init(extra => [ '-E', 'UTF8', '--locale=C' ]);
$all->append_conf('postgresql.conf', $CONF);
$all->start;
my ($status, undef, $errors) = $all->psql('postgres', slurp_file("$directory/all"), on_error_stop => 0);
is($status, 0, 'its script');
is(join("\n", grep { !/ERROR:  role "\S+" already exists/ } split(/\n/, $errors)), '', 'has no other errors');
$all->reload;
goes_on('pg_dumpall', new_session($all), $state);

#
# The upgrade of PostgreSQL itself.
#
$source->disconnect;
my $upgraded = pg_upgrade_ok($node, $CONF);
goes_on('pg_upgrade', new_session($upgraded), $state);
$_->stop foreach $all, $upgraded;

#
# While others append: a backup is a beginning of the log, of whole batches.
#
$node->start;
$source = new_session($node);
my @appenders = map { new_session($node) } 1 .. 4;
my $n = 0;

# Appends until a command has ended.
sub run_while_appending
{
	my ($name, @command) = @_;
	my $pid = fork() // die $!;

	if (!$pid)
	{
		$ENV{PGHOST} = $node->host;
		$ENV{PGPORT} = $node->port;
		exec(@command) or POSIX::_exit(1);
	}
	my $ended;
	until (defined $ended)
	{
		$_->start(append_sql(events(map { (during => ++$n) } 1 .. 3))) foreach @appenders;
		foreach my $appender (@appenders)
		{
			die $appender->message if $appender->finish->state ne '00000';
		}
		$ended = $? if waitpid($pid, POSIX::WNOHANG()) == $pid;
	}
	is($ended, 0, "$name while others append");
	return;
}

# At this moment, which is some moment of the source.
sub is_beginning
{
	my ($name, $session) = @_;
	my $count = head($session);
	my $facts = q(SELECT md5(string_agg(e::text, E'\n' ORDER BY sequence_number)) FROM factstr_events e WHERE sequence_number <= $1);

	is(numbers($session), "1-$count", "$name: no gap");
	cmp_ok($count, '>=', $state->{head}, "$name: no fact is missing that was there before");
	is($session->value(q(SELECT count(*) % 3 FROM factstr_events WHERE event_type = 'during')), 0, "$name: whole batches");
	is($session->value($facts, $count), $source->value($facts, $count), "$name: of the same facts");
	is_sound($name, $session);
	is($session->value(append_sql(events(next => 1))), $count + 1, "$name: the next append takes the next number");
	wait_until_at($session, 'handled', $count + 1);
	is(kept($session, 'handled'),
		expected_batches($session, q(event_type IN ('a', 'during', 'next'))),
		"$name: the handler continues, no batch comes twice");
	$session->disconnect;
	return;
}

run_while_appending('pg_dump -Fd -j 2', 'pg_dump', '-Fd', '-j', 2, '-f', "$directory/busy", 'postgres');
new_database('busy');
$node->command_ok([ 'pg_restore', '--exit-on-error', '-j', 2, '-d', 'busy', "$directory/busy" ], 'restored');
is_beginning('pg_dump -Fd -j 2', open_database('busy'));

run_while_appending('pg_basebackup', 'pg_basebackup', '--no-sync', '-c', 'fast', '-D', $node->backup_dir . '/base');
my $copy = PostgreSQL::Test::Cluster->new('copy');
$copy->init_from_backup($node, 'base');
$copy->start;
is_beginning('pg_basebackup', new_session($copy));

$_->disconnect foreach @appenders, $source;
$_->stop foreach $copy, $node;
done_testing();
