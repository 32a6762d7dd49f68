# Backups and moves with PostgreSQL's tools, of a store with everything in it: facts, batches, keys,
# redactions, cursors, subscriptions and rights come back, and all goes on.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

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
$source->run('GRANT EXECUTE ON FUNCTION factstr_append(jsonb, text), factstr_batches(jsonb, bigint, int) TO regress_factstr_app');
create_kept($source);
create_handler($source, 'handled');
subscribe($source, 'handled', of_type('a', 'during', 'next'), 'first');
$source->run(append_sql(events(
	null => undef, number => 1.5, array => [ 1, [], {}, undef ], object => { a => { b => [ 1, 2 ] } }, "\x{e9}v\x{e9}nement \\. \t" => "N\n")));
$source->run(q(SELECT * FROM factstr_append('[{"event_type": "m", "payload": [1.0, 1e3], "metadata": {"actor": "me"}}, {"event_type": "m", "payload": 2}]', 'key')));
$source->run(q(SELECT * FROM factstr_append(('[{"event_type": "large", "payload": "' || repeat('x', 300000) || '"}]')::jsonb)));
$source->run(append_sql(events(a => $_, a => { n => $_ }), "key-$_")) foreach 1 .. 100;
$source->run(append_sql(events(map { (b => { n => $_ }) } 1 .. 1500)));
$source->run('SELECT factstr_redact($1, $2, $3)', $_, '"redacted"', "request $_") foreach 1, 9, 10;
$source->run('SELECT factstr_stream_open($1, $2)', 'consumed', of_type('a'));
$source->run('SELECT factstr_stream_ack($1, 18)', 'consumed');
$source->run('SELECT factstr_stream_open($1)', 'failing');
$source->run('SELECT factstr_stream_hold($1)', 'failing');
$source->run('SELECT factstr_stream_fail($1, $2)', 'failing', 'no reason');
$source->run('SELECT factstr_stream_release($1)', 'failing');
wait_until_at($source, 'handled');

my $NEXT = q(SELECT * FROM factstr_stream_next('consumed', 3));
my $STATE = q(
	SELECT (SELECT count(*) FROM factstr_events),
		(SELECT md5(string_agg(e::text, E'\n' ORDER BY sequence_number)) FROM factstr_events e),
		(SELECT md5(string_agg(r::text, E'\n' ORDER BY redacted_at)) FROM factstr_redactions r),
		(SELECT md5(string_agg(s::text, E'\n' ORDER BY name)) FROM factstr_streams s),
		(SELECT md5(string_agg(facts, E'\n' ORDER BY id)) FROM kept),
		(SELECT md5(string_agg(proname || proacl::text, E'\n' ORDER BY oid::regprocedure::text)) FROM pg_proc WHERE proname LIKE 'factstr%'));
my $state = $source->text($STATE);
my $next = $source->text($NEXT);
my $head = head($source);

sub is_sound
{
	my ($name, $session) = @_;

	is($session->text('SELECT * FROM factstr_check(NULL) WHERE NOT ok'), '', "$name: sound");
	return;
}

# The same store, which goes on.
sub goes_on
{
	my ($name, $session) = @_;

	is($session->text($STATE), $state, "$name: facts, redactions, streams, what the handler wrote, rights");
	is_sound($name, $session);
	is($session->value(append_sql(events(a => 7, a => { n => 7 }), 'key-7')), 21, "$name: a key is known");
	is($session->state_of(append_sql(events(a => 8), 'key-7')), 'FS006', "$name: with its events");
	is($session->text($NEXT), $next, "$name: a stream resumes");
	is($session->state_of(append_if_sql(events(next => 1), of_payload({ n => 1500 }), $head - 1)), 'FS001', "$name: contexts are known");
	is($session->value(append_sql(events(next => 1))), $head + 1, "$name: the next append takes the next number");
	wait_until_at($session, 'handled', $head + 1);
	is(kept($session, 'handled'), expected_batches($session, q(event_type IN ('a', 'next'))), "$name: the handler goes on, no batch comes twice");
	$session->disconnect;
	return;
}

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
goes_on('pg_dump | psql', open_database('piped'));

new_database('parallel');
$node->command_ok([ 'pg_dump', '-Fc', '-f', "$directory/custom", 'postgres' ], 'pg_dump -Fc');
$node->command_ok([ 'pg_restore', '--exit-on-error', '-j', 2, '-d', 'parallel', "$directory/custom" ], 'pg_restore -j 2');
goes_on('pg_restore -j 2', open_database('parallel'));

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
goes_on('pg_dumpall', new_session($all));

#
# The upgrade of PostgreSQL itself.
#
$source->disconnect;
my $upgraded = pg_upgrade_ok($node, $CONF);
goes_on('pg_upgrade', new_session($upgraded));
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
	cmp_ok($count, '>=', $head, "$name: no fact is missing that was there before");
	is($session->value(q(SELECT count(*) % 3 FROM factstr_events WHERE event_type = 'during')), 0, "$name: whole batches");
	is($session->value($facts, $count), $source->value($facts, $count), "$name: of the same facts");
	is_sound($name, $session);
	is($session->value(append_sql(events(next => 1))), $count + 1, "$name: the next append takes the next number");
	wait_until_at($session, 'handled', $count + 1);
	is(kept($session, 'handled'), expected_batches($session, q(event_type IN ('a', 'during', 'next'))), "$name: the handler goes on, no batch comes twice");
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
