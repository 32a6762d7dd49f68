# Partitions of durable streams: consumers that take any free one, and handlers, lose nothing, do nothing twice and keep
# the order within a key, while they are killed, the server crashes, others append, and the stream is repartitioned.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use FactstrProcesses;
use FactstrStreams;
use FactstrTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes ();

my $CONSUMERS = 4;
my $APPENDERS = 2;
my $DISTURBANCES = 24;
my $seed = $ENV{FACTSTR_SEED} || int(rand(2**31));

note("FACTSTR_SEED=$seed");
srand($seed);

# Nothing reaches the disk before it has to, and a crash takes the rest.
my $node = new_node('partitions', conf => <<~'CONF');
	shared_preload_libraries = 'factstr'
	restart_after_crash = on
	wal_writer_delay = 10s
	max_worker_processes = 16
	CONF
my $processes = FactstrProcesses->new($node);
my $observer = new_session($node);

$observer->run($_) foreach 'CREATE TABLE appending AS SELECT true AS yes', map {
	(	"CREATE TABLE $_ (id bigint GENERATED ALWAYS AS IDENTITY, number bigint, account jsonb, consumer int DEFAULT pg_backend_pid())",
		qq(CREATE FUNCTION keep_$_(event_records jsonb) RETURNS void LANGUAGE sql AS \$\$
			INSERT INTO $_ (number, account)
			SELECT (r->>'sequence_number')::bigint, r->'payload'->'account' FROM jsonb_array_elements(event_records) r \$\$))
} qw(taken handled);
$observer->run(q(SELECT factstr_stream_open('taken', partitions => 3, partition_key => '$.account')));
$observer->run(q(SELECT factstr_subscribe('handled', '{}', 'keep_handled(jsonb)', partitions => 4, partition_key => '$.account')));

# One batch or a few of a free partition, in one transaction; it ends with the appends, when there is nothing left.
sub consume
{
	my ($session) = @_;

	while (1)
	{
		my $goes_on = $session->value('SELECT yes FROM appending');

		$session->run('BEGIN');
		my $partition = $session->value(q(SELECT factstr_stream_take_partition('taken')));
		my $batches = defined $partition ? $session->run('SELECT * FROM factstr_stream_next($1, $2)', $partition, 1 + int(rand(5))) : [];
		foreach my $batch (@$batches)
		{
			$session->run('SELECT keep_taken($1)', $batch->[2]);
		}
		$session->run('SELECT factstr_stream_ack($1, $2)', $partition, $batches->[-1][1]) if @$batches;
		$session->run(rand(20) < 1 ? 'ROLLBACK' : 'COMMIT');
		return 1 if $goes_on eq 'f' && $session->value(q(SELECT factstr_stream_open('taken', partitions => 3, partition_key => '$.account')
			>= (SELECT head_sequence_number FROM factstr_status))) eq 't';
	}
	return;
}

# Batches of several accounts; some facts have none.
sub append
{
	my ($session) = @_;

	while ($session->value('SELECT yes FROM appending') eq 't')
	{
		$session->run(append_sql(events(map { (moved => rand(15) < 1 ? {} : { account => int(rand(12)) }) } 1 .. 1 + int(rand(3)))));
	}
	return 1;
}

# The errors in the kept facts up to a number: none.
sub wrong_with
{
	my ($table) = @_;

	return $observer->text(qq(
		SELECT 'missing', number FROM (SELECT sequence_number AS number FROM factstr_events EXCEPT SELECT number FROM $table) m
		UNION ALL SELECT 'twice', number FROM $table GROUP BY number HAVING count(*) > 1
		UNION ALL SELECT 'out of order', number FROM (
			SELECT number, lag(number) OVER (PARTITION BY account ORDER BY id) > number AS is_late FROM $table) o WHERE is_late
		ORDER BY 2));
}

my @consumers = map { $processes->start("consumer $_", \&consume) } 1 .. $CONSUMERS;
my @appenders = map { $processes->start("appender $_", \&append) } 1 .. $APPENDERS;
wait_until('consumers and handlers are at work',
	sub { $observer->value('SELECT least((SELECT count(*) FROM taken), (SELECT count(*) FROM handled)) > 100') eq 't' });
foreach my $n (1 .. $DISTURBANCES)
{
	my $before = head($observer);

	if ($n == $DISTURBANCES / 2)
	{
		crash($node);
		start_node($node);
		$observer = new_session($node);
	}
	elsif ($n % 3 == 0)
	{
		$observer->run(q(SELECT pg_terminate_backend(consumer_pid) FROM factstr_stream_status
			WHERE name LIKE 'handled%' AND consumer_pid IS NOT NULL ORDER BY random() LIMIT 1));
	}
	elsif ($n % 3 == 1)
	{
		$observer->run(q(SELECT pg_terminate_backend(pid) FROM pg_stat_activity
			WHERE application_name LIKE 'consumer%' ORDER BY random() LIMIT 1));
	}
	else
	{
		my $victim = int(rand(@consumers));

		$processes->kill($consumers[$victim]);
		$consumers[$victim] = $processes->start("consumer after $n", \&consume);
	}
	wait_until('appends continue', sub { head($observer) > $before + 20 });
}
$observer->run('UPDATE appending SET yes = false');
$processes->wait_for('appenders end', @appenders);
$processes->wait_for('consumers end', @consumers);
my $head = head($observer);
is($observer->state_of("CALL factstr_wait('handled', $head, '120 s')"), '00000', 'all partitions of handlers get to the end');
is($observer->value(q(SELECT count(*) FROM factstr_stream_status WHERE cursor_sequence_number <> head_sequence_number)), 0,
	'and those of clients');
is(join("\n", $processes->notes('errors')), '', 'nothing has failed');
is(wrong_with('taken'), '', "clients: of $head facts none is missing, twice, or out of order within its account");
is(wrong_with('handled'), '', 'handlers: the same');
cmp_ok($observer->value('SELECT count(DISTINCT consumer) FROM taken'), '>', 3, 'more consumers than partitions had a share');

# Divided in another way at the end of the log, and from there on while others append.
is($observer->value(q(SELECT factstr_stream_repartition('handled', 2))), $head, 'a stream with handlers is divided in another way');
$observer->run(append_sql(events(moved => { account => $_ % 5 }, moved => { account => $_ % 7 }))) foreach 1 .. 50;
$head = head($observer);
is($observer->state_of("CALL factstr_wait('handled', $head, '120 s')"), '00000', 'the new partitions get to the end');
is(wrong_with('handled'), '', 'with nothing missing, twice, or out of order');

# A dump has the partitions, with their cursors and handlers.
is($observer->text(q(SELECT name, cursor_sequence_number, handler FROM factstr_stream_status WHERE name LIKE 'handled%' ORDER BY name)),
	"handled#0|$head|public.keep_handled\nhandled#1|$head|public.keep_handled", 'handlers continue with the new partitions');
$node->safe_psql('postgres', 'CREATE DATABASE restored');
my $dump = PostgreSQL::Test::Utils::tempdir() . '/dump.sql';
$node->command_ok([ 'pg_dump', '-d', $node->connstr('postgres'), '-f', $dump ], 'the database is dumped');
$observer->run(q(SELECT factstr_unsubscribe('handled')));
$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('restored'), '-f', $dump ], 'and restored');
my $restored = new_session($node, dbname => 'restored');
$restored->mean_log_of_tests;
is($restored->value(q(SELECT factstr_stream_open('handled', partitions => 2, partition_key => '$.account'))), $head,
	'the partitions of the dump are found again');

done_testing();
