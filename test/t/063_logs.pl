# Several logs in one database, where it is dumped and restored, where the server crashes, is copied to a standby or replicated,
# where workers deliver, and where there are very many.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use FactstrTest;
use FactstrWorkers;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('logs', conf => "shared_preload_libraries = 'factstr'\nmax_worker_processes = 20\nfsync = on", init => { allows_streaming => 'logical' });
my $directory = PostgreSQL::Test::Utils::tempdir();
my $session = new_session($node);
my @LOGS = ('main', 'a', 'b-2', 'c' x 40);

# An append to a log, of so many events.
sub append_to
{
	my ($log, $count, $key) = @_;

	return sprintf(q(SELECT last_sequence_number FROM factstr_append('%s', %s, log => '%s')),
		events(map { (in => { log => $log, n => $_ }) } 1 .. $count), defined $key ? "'$key'" : 'NULL', $log);
}

# All that is told of each log.
sub contents
{
	my ($of) = @_;

	return join("\n", map { "$_: " . $of->text(q(
		SELECT jsonb_agg(to_jsonb(e) ORDER BY first_sequence_number) FROM factstr_export(0, 1000000, $1) e), $_) } @LOGS)
		. $of->text('SELECT name, log, cursor_sequence_number FROM factstr_streams ORDER BY 1, 2')
		. $of->text('SELECT log, sealed_at FROM factstr_logs ORDER BY 1');
}

sub is_sound
{
	my ($of, $name) = @_;

	is($of->text('SELECT l.log, c.* FROM factstr_logs l, factstr_check(NULL, l.log) c WHERE NOT c.ok'), '', "$name: all logs are sound");
	return;
}

$session->run('SELECT factstr_create_log($1)', $_) foreach @LOGS[1 .. $#LOGS], 'sealed', 'gone';
foreach my $n (1 .. $#LOGS + 1)
{
	$session->run(append_to($LOGS[$n - 1], $n, 'key')) foreach 1 .. 2;
	$session->run(append_to($LOGS[$n - 1], 10 * $n));
	$session->run(q(SELECT factstr_stream_open('s', log => $1), factstr_stream_seek('s', $2, log => $1)), $LOGS[$n - 1], $n);
}
$session->run(q(SELECT factstr_redact(2, '{"log": "b-2"}', 'why', log => 'b-2')));
$session->run(append_to('sealed', 1));
$session->run(q(SELECT factstr_seal_log('sealed'), factstr_drop_log('gone', 'gone')));
$session->run('CREATE ROLE tenant');
$session->run('CREATE ROLE of_main');
$session->run(q(SELECT factstr_grant('tenant', 'append', 'a'), factstr_grant('tenant', 'read', 'b-2'), factstr_grant('of_main', 'read')));
is_sound($session, 'the source');

#
# Dump and restore
#
foreach my $format (qw(plain custom directory))
{
	my $database = "restored_$format";

	$node->command_ok([ 'pg_dump', '-F', substr($format, 0, 1), '-f', "$directory/$format", '-d', $node->connstr('postgres') ], "$format dump");
	$session->run("CREATE DATABASE $database");
	$node->command_ok([ $format eq 'plain' ? ('psql', '-qX', '-v', 'ON_ERROR_STOP=1', '-f', "$directory/$format") :
		('pg_restore', '--exit-on-error', $format eq 'directory' ? ('-j', 2) : (), "$directory/$format"), '-d', $node->connstr($database) ],
		"$format: restored");
	my $restored = new_session($node, dbname => $database);

	is(contents($restored), contents($session), "$format: equal facts, streams and logs");
	is_sound($restored, $format);
	is($restored->value(append_to('a', 2, 'key')), $session->value(append_to('a', 2, 'key')), "$format: a key is known");
	is($restored->state_of(append_to('sealed', 1)), 'FS009', "$format: sealed is sealed");
	is($restored->state_of(q(DELETE FROM factstr_a_events)), '42809', "$format: the guard is there");
	is($restored->state_of(q(DROP TABLE factstr_a_events)), '2BP01', "$format: of the tables, too");
	is($restored->text(q(SELECT dropped_facts FROM factstr_log_records WHERE log = 'gone')), '0', "$format: the record of a dropped log");
	$restored->run('SET ROLE tenant');
	is($restored->state_of(append_to('a', 1)), '00000', "$format: a right is there");
	is($restored->state_of(append_to('b-2', 1)), '42501', "$format: and no other one");
	is($restored->value(q(SELECT count(*) > 0 FROM factstr_read(log => 'b-2'))), 't', "$format: each on its log");
	is($restored->state_of(append_to('main', 1)), '42501', "$format: none on main");
	$restored->run('SET SESSION AUTHORIZATION of_main');
	is($restored->value(q(SELECT count(*) > 0 FROM factstr_read())), 't', "$format: a right on main is there");
	is($restored->state_of(append_to('main', 1)), '42501', "$format: it alone");
	is($restored->state_of(q(SELECT factstr_read(log => 'b-2'))), '42501', "$format: on no other log");
	$restored->disconnect;
	$session->run("DROP DATABASE $database");
}

#
# Deliveries: of streams of one name in several logs
#
create_kept($session);
$session->run(<<~'SQL');
	CREATE FUNCTION keep_log(event_records jsonb) RETURNS void LANGUAGE sql AS $$
		INSERT INTO kept (stream, facts) SELECT r->'payload'->>'log', r->>'sequence_number' FROM jsonb_array_elements(event_records) r $$
	SQL
$session->run(q(SELECT factstr_subscribe('handled', '{}', 'keep_log(jsonb)', log => $1)), $_) foreach @LOGS;
$session->run(append_to($_, 3)) foreach @LOGS, @LOGS;
wait_until('all are delivered', sub {
	$session->value(q(SELECT count(*) FROM factstr_stream_status WHERE name = 'handled' AND lag_facts > 0)) == 0
});
is($session->text(q(
	SELECT l.log, (SELECT count(*) FROM factstr_read(log => l.log)) = (SELECT count(*) FROM kept WHERE stream = l.log AND facts IS NOT NULL)
	FROM factstr_logs l WHERE l.log <> 'sealed' ORDER BY 1)), join("\n", map { "$_|t" } sort @LOGS), 'each fact of each log is delivered once');
is($session->state_of(q(SELECT factstr_drop_log('b-2', 'b-2'))), '00000', 'a log with a handler is dropped');
$session->run(append_to('a', 1));
wait_until('the others continue', sub {
	$session->value(q(SELECT count(*) FROM factstr_stream_status WHERE name = 'handled' AND lag_facts > 0)) == 0
});
# Workers have known the stream of the log that is gone: in the next log of its name it begins at the first fact.
my $kept_before = $session->value(q(SELECT count(*) FROM kept WHERE stream = 'b-2'));
$session->run(q(SELECT factstr_create_log('b-2')));
$session->run(q(SELECT factstr_subscribe('handled', '{}', 'keep_log(jsonb)', log => 'b-2')));
is($session->value(append_to('b-2', 2)), 2, 'a log of that name is created again');
wait_until('its facts are delivered', sub { $session->value(q(SELECT count(*) FROM kept WHERE stream = 'b-2')) == $kept_before + 2 });
is($session->text(q(SELECT facts FROM kept WHERE stream = 'b-2' ORDER BY id DESC LIMIT 2)), "2\n1", 'from the first one on');
$session->run(q(SELECT factstr_drop_log('b-2', 'b-2')));
@LOGS = grep { $_ ne 'b-2' } @LOGS;

#
# A standby, promoted
#
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('logs_standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
$session->run(append_to($_, 2)) foreach @LOGS;
$session->run(q(SELECT factstr_create_log('late')));
$session->run(append_to('late', 4));
$node->wait_for_catchup($standby);
my $copy = new_session($standby);
is(contents($copy), contents($session), 'a standby has all logs');
is($copy->state_of(append_to('a', 1)), '25006', 'and appends to none');
is($copy->state_of(q(SELECT factstr_create_log('d'))), '25006', 'nor makes one');
is($copy->value(q(SELECT head_sequence_number FROM factstr_status WHERE log = 'late')), 4, 'its status shows a new one');
$standby->promote;
is($copy->value(append_to('late', 1)), 5, 'promoted, it continues with the next number of each');
is($copy->value(append_to('a', 1)), 1 + $session->value(q(SELECT count(*) FROM factstr_read(log => 'a'))), 'of another one');
is_sound($copy, 'promoted');
$copy->disconnect;
$standby->stop;

#
# Appends to several logs, by sessions that are killed with the server: no gap in any, nothing acknowledged is lost
#
my @appenders = map { new_session($node) } 0 .. 3;
my %acknowledged;
foreach my $round (1 .. 20)
{
	foreach my $n (0 .. 3)
	{
		$appenders[$n]->start($n == 3 ? "DO \$\$ BEGIN PERFORM factstr_append('[{\"event_type\": \"both\", \"payload\": $round}]', log => 'late');
			PERFORM factstr_append('[{\"event_type\": \"both\", \"payload\": $round}]', log => 'a'); END \$\$" : append_to($LOGS[$n % @LOGS], 2));
	}
	foreach my $n (0 .. 3)
	{
		my $rows = $appenders[$n]->finish->rows;
		$acknowledged{ $LOGS[$n % @LOGS] } = $rows->[0][0] if $n < 3;
	}
}
$appenders[$_]->start(append_to($LOGS[$_ % @LOGS], 1)) foreach 0 .. 2;
crash($node);
$node->start;
$session = new_session($node);
foreach my $log (sort keys %acknowledged)
{
	cmp_ok($session->value('SELECT head_sequence_number FROM factstr_status WHERE log = $1', $log), '>=', $acknowledged{$log},
		"after a crash: acknowledged facts in $log are there");
}
is($session->text(q(SELECT count(*) FROM factstr_read('{"filters": [{"event_types": ["both"]}]}', log => 'late')
	UNION SELECT count(*) FROM factstr_read('{"filters": [{"event_types": ["both"]}]}', log => 'a'))), '20', 'a transaction over two is in both');
is_sound($session, 'after a crash');

#
# Logical replication of one of them
#
$session->run('CREATE DATABASE replica');
my $replica = new_session($node, dbname => 'replica');
$replica->run('CREATE EXTENSION factstr');
$replica->run(q(SELECT factstr_create_log('a'), factstr_create_log('own')));
$session->run('CREATE PUBLICATION a FOR TABLE factstr_a_events, factstr_a_redactions');
$session->run(q(SELECT pg_create_logical_replication_slot('a', 'pgoutput')));
(my $connection = $node->connstr('postgres')) =~ s/'/''/g;
$replica->run("CREATE SUBSCRIPTION a CONNECTION '$connection' PUBLICATION a WITH (create_slot = false, slot_name = 'a')");
my $COPY = q(SELECT jsonb_agg(to_jsonb(e) ORDER BY first_sequence_number) FROM factstr_export(0, 1000000, 'a') e);
wait_until('it is copied', sub { $replica->text($COPY) eq $session->text($COPY) });
$session->run(append_to('a', 3));
$session->run(q(SELECT factstr_redact(1, '"erased"', 'why', log => 'a')));
wait_until('new facts arrive', sub { $replica->text($COPY) eq $session->text($COPY) });
is($replica->state_of(append_to('a', 1)), '55000', 'nothing is appended to the log that is replicated');
is($replica->value(append_to('own', 1)), 1, 'but to others is');
is($replica->value(append_to('main', 1)), 1, 'and to main');
is_sound($replica, 'the replica');
$replica->run('ALTER SUBSCRIPTION a DISABLE');
$replica->run('ALTER SUBSCRIPTION a SET (slot_name = NONE)');
$replica->run('DROP SUBSCRIPTION a');
is($replica->value(append_to('a', 1)), 1 + $session->value(q(SELECT count(*) FROM factstr_read(log => 'a'))), 'without the subscription it continues');
$replica->disconnect;

#
# Very many: one statement on all of them, and one transaction into all of them, need no lock for each log that they look at
#
$session->run('CREATE DATABASE many');
my $many = new_session($node, dbname => 'many');
my $COUNT = 400;
$many->run('CREATE EXTENSION factstr');
foreach my $hundred (1 .. $COUNT / 100)
{
	$many->run(q(SELECT factstr_create_log('log-' || n) FROM generate_series($1 - 99, $1) n), 100 * $hundred);
}
$many->run("SELECT factstr_append('[{\"event_type\": \"a\", \"payload\": 1}]', log => 'log-' || n) FROM generate_series(1, $COUNT) n WHERE n % 2 = 0");
is($many->text('SELECT count(*), sum(head_sequence_number) FROM factstr_status'), ($COUNT + 1) . '|' . $COUNT / 2, 'a status of each of many logs');
$many->run('BEGIN');
$many->run('SELECT count(*) FROM factstr_status');
cmp_ok($many->value('SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid()'), '<', $COUNT / 4, 'which keeps no lock on each');
$many->run('COMMIT');
is($many->value(append_to('log-7', 1)), 1, 'the first append to one of them');
is($many->value(append_to('log-8', 1)), 2, 'and the second');

# The session has read the catalogs for them, and learns of every change after that.
my $STATE = q(SELECT log, head_sequence_number, table_bytes, toast_bytes, index_bytes, pending_pages
	FROM factstr_status WHERE log ~ '^(new|log-9|log-1[0-3])$' ORDER BY log);
my $changing = new_session($node, dbname => 'many');
foreach my $change (
	q(SELECT factstr_create_log('new')),
	q(SELECT factstr_drop_log('log-9', 'log-9')),
	q(REINDEX INDEX "factstr_log-10_events_pkey"),
	q(REINDEX INDEX "factstr_log-11_payloads_idx"),
	q(CREATE INDEX of_times ON "factstr_log-12_events" (occurred_at)),
	q(ALTER INDEX of_times RENAME TO by_time),
	q(DROP INDEX by_time),
	q(REINDEX TABLE "factstr_log-13_events"))
{
	$changing->run($change);
	my $new = new_session($node, dbname => 'many');
	is($many->text($STATE), $new->text($STATE), "another session sees the same: $change");
	$new->disconnect;
}
$changing->disconnect;
my $before = $many->text($STATE);
$many->run('BEGIN');
$many->run(q(CREATE INDEX of_times ON "factstr_log-12_events" (occurred_at)));
is($many->value(q(SELECT index_bytes ? 'of_times' FROM factstr_status WHERE log = 'log-12')), 't', 'a change of its own');
$many->run('ROLLBACK');
is($many->text($STATE), $before, 'rolled back');
$many->disconnect;

$_->disconnect foreach $session;
$node->stop;
done_testing();
