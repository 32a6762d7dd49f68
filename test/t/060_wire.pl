# No message to a client, at any moment, reveals commits that are not on disk yet: on a disk that can be
# stopped, and with a client that speaks the protocol itself.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use FactstrSlowDisk;
use FactstrTest;
use FactstrWire;
use Test::More;

my $disk = FactstrSlowDisk->new;
my $node = new_node('wire', preload => $disk->library,
	conf => "shared_preload_libraries = 'factstr'\nfsync = on\nwal_writer_delay = 10s\nfactstr.background_delivery = off\nwal_buffers = 16MB\n"
		. 'restart_after_crash = on');
my $observer = new_session($node);

$observer->run($_) foreach 'CREATE TABLE other (n int)', 'CREATE TABLE unique_keys (k int PRIMARY KEY)', 'CREATE TABLE mine (n int)',
	q(CREATE FUNCTION newest() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT max(n) FROM other); END'),
	q(CREATE FUNCTION tell_newest() RETURNS void LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE '%', (SELECT max(n) FROM other); END $$),
	q(CREATE FUNCTION append_one() RETURNS bigint LANGUAGE sql AS
		$$ SELECT first_sequence_number FROM factstr_append('[{"event_type": "a", "payload": 1}]') $$),
	'INSERT INTO other VALUES (1)';
my $newest_oid = $observer->value(q(SELECT 'newest'::regproc::oid));
my $writer = new_session($node);
my $count = 100;

# A transaction that appends and writes, up to its commit, which hangs.
sub commit_in_flight
{
	my (@statements) = @_;

	$count++;
	$writer->run('BEGIN');
	$writer->run($_) foreach append_sql(events(new => $count)), "INSERT INTO other VALUES ($count)", @statements;
	$disk->hold;
	$writer->start('COMMIT');
	wait_for_event($observer, $writer, 'WALWrite');
	return;
}

sub release
{
	$disk->release;
	$writer->finish;
	die $writer->message if $writer->state ne '00000';
	return;
}

# Waits until the server waits for the disk because of the sent messages, or an answer has arrived.
sub ok_waits
{
	my ($client, $name) = @_;

	wait_until('an answer, or a wait for the disk',
		sub { $client->told ne '' || (wait_event($observer, $client) // '') eq 'WALWrite' });
	is($client->told, '', "$name waits for the disk");
	return;
}

#
# Errors and notices, with any level of the server's log.
#
foreach my $log_min_messages ('warning', 'fatal')
{
	my $client = FactstrWire->new($node);

	$client->query("SET log_min_messages = $log_min_messages")->wait_for('Z');
	commit_in_flight("INSERT INTO unique_keys VALUES ($count)");
	$client->query("INSERT INTO unique_keys VALUES (" . ($count - 1) . ')');
	ok_waits($client, "a duplicate key, with log_min_messages = $log_min_messages,");
	release;
	is($client->wait_for('E')->told, 'E', 'and is an error then');
}
my $noticed = FactstrWire->new($node);
commit_in_flight;
$noticed->query('SELECT tell_newest()');
ok_waits($noticed, 'a notice');
release;
is($noticed->wait_for('Z')->told, 'ND', 'and comes then');

#
# The function-call interface.
#
my $caller = FactstrWire->new($node);
commit_in_flight;
$caller->call($newest_oid);
ok_waits($caller, 'the result of a function call');
release;
is($caller->wait_for('Z')->told, 'V', 'and comes then');

#
# A statement that appends, outside of a transaction block, is answered after its own commit.  But its rows may leave before.
#
my $pipelined = FactstrWire->new($node);
commit_in_flight;
$pipelined->execute('SELECT max(n), append_one() FROM other')->flush;
ok_waits($pipelined, 'a Flush before the Sync');
release;
is($pipelined->wait_for('D')->told, 'D', 'and gives the row then');
$pipelined->sync->wait_for('Z');

$observer->run(q(INSERT INTO other SELECT 1 FROM generate_series(1, 1000)));
my $long = FactstrWire->new($node);
commit_in_flight;
$long->query(q(SELECT repeat('x', 100), n, a FROM append_one() a, other));
ok_waits($long, 'an answer that is larger than the buffer');
release;
is(length($long->wait_for('Z')->told), $observer->value('SELECT count(*) FROM other'), 'and comes then');

my $ended = FactstrWire->new($node);
commit_in_flight;
$ended->query('SELECT a, n FROM append_one() a, (SELECT max(n) AS n FROM other) o UNION ALL SELECT 1, 1 FROM (SELECT pg_sleep(1000)) s');
wait_for_event($observer, $ended, 'PgSleep');
$observer->run('SELECT pg_terminate_backend(' . $ended->pid . ')');
ok_waits($ended, 'the rows of a session that is ended');
release;
is($ended->wait_for('E')->told, 'DE', 'and come then');

#
# Notifications: those of the log, and those of a transaction's own.  A session that listens is woken after the flush, but
# by others' notifications also before.
#
sub nudge
{
	my ($statement) = @_;
	my $session = new_session($node);

	$session->run('SET synchronous_commit = off');
	$session->run($statement);
	$session->disconnect;
	return;
}

my $listener = FactstrWire->new($node);
$listener->query('LISTEN factstr; LISTEN mine')->wait_for('Z');
commit_in_flight('NOTIFY mine');
is(append_lock_holders($observer), '', 'a transaction with its own notification releases the lock early');
nudge('NOTIFY mine');
ok_waits($listener, 'a notification');
release;
wait_until('all notifications', sub { $listener->told eq 'AAA' });
$listener->{messages} = [];
commit_in_flight;
nudge(q(DO $$ BEGIN PERFORM pg_notify('mine', (SELECT max(n)::text FROM other)); END $$));
ok_waits($listener, 'a notification of read values');
release;

#
# A process that is refused before it is one of the server's has no place among those that wait.
#
commit_in_flight;
my @sessions;
{
	local $SIG{__DIE__} = 'DEFAULT';
	1 while @sessions < 100 && eval { push @sessions, new_session($node); 1 };
}
like($@, qr/too many clients|remaining connection slots/, 'a client too many is refused');
is($observer->state_of('SELECT 1'), '00000', 'and the server continues');
$_->disconnect foreach @sessions;
release;

#
# Another server, whose disk works.
#
my $elsewhere = new_node('elsewhere', conf => 'fsync = off');
my $copies = new_session($elsewhere);
$copies->run('CREATE TABLE copies (n int)');
$observer->run($_) foreach 'CREATE EXTENSION postgres_fdw',
	sprintf(q(CREATE SERVER elsewhere FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '%s', port '%s', dbname 'postgres')),
		$elsewhere->host, $elsewhere->port),
	'CREATE USER MAPPING FOR CURRENT_USER SERVER elsewhere', 'CREATE FOREIGN TABLE copies (n int) SERVER elsewhere';
my $copier = new_session($node);
$copier->run('SELECT count(*) FROM copies');
foreach my $statement ('INSERT INTO copies SELECT max(n) FROM other', 'INSERT INTO copies VALUES (newest())')
{
	my $before = $copies->value('SELECT count(*) FROM copies');

	commit_in_flight;
	$copier->start($statement);
	wait_until('an answer, or a wait for the disk',
		sub { $copier->is_done || (wait_event($observer, $copier) // '') eq 'WALWrite' });
	is($copies->value('SELECT count(*) FROM copies'), $before, "$statement waits for the disk");
	release;
	is($copier->finish->state, '00000', 'and is done then');
	is($copies->value('SELECT count(*) FROM copies'), $before + 1, 'there, too');
}

#
# Answers that reveal nothing do not wait: the tags of writing statements, even if a function has read rows in flight.
#
my $tagged = FactstrWire->new($node);
$tagged->query('BEGIN')->wait_for('Z');
$tagged->{messages} = [];
commit_in_flight;
$tagged->query($_)->wait_for('Z')->{messages} = [] foreach 'DO $$ BEGIN PERFORM newest(); END $$', 'INSERT INTO mine SELECT newest()';
pass('the tag of a writing statement does not wait');
$tagged->query('SELECT 1');
ok_waits($tagged, 'the row that a function may have chosen');
release;

#
# A process that is told to leave at once, since another one has crashed, waits for nothing: memory may be damaged.
#
my $bystander = FactstrWire->new($node);
my $victim = new_session($node);
commit_in_flight;
kill 'KILL', $victim->pid;
like($bystander->wait_for('N')->{messages}[0][1], qr/crash of another server process/, 'a client is told of a crash while the disk stands still');
$disk->release;
$node->poll_query_until('postgres', 'SELECT true');

$elsewhere->stop;
$node->stop;
done_testing();
