# The places of an erased payload, and when it disappears there, as docs/operations.md lists them: files of
# the tables and indexes, errors of streams, the write-ahead log, statistics, the server's log, sessions.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use FactstrTest;
use FactstrWorkers;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('traces', conf => "shared_preload_libraries = 'factstr'\nmax_worker_processes = 20\nwal_level = logical");
my $session = new_session($node);
my $observer = new_session($node);

# Random, so that it is nowhere else, and not made smaller.
my $secret = join('', map { ('a' .. 'z', 0 .. 9)[ rand 36 ] } 1 .. 40);

sub file_contents
{
	my ($path) = @_;

	return slurp_file($node->data_dir . "/$path");
}

# Is the secret in a file of a relation?  Written out first.
sub is_in_file
{
	my ($relation) = @_;

	$observer->run('CHECKPOINT');
	return index(file_contents($observer->value("SELECT pg_relation_filepath($relation)")), $secret) >= 0;
}

sub is_in_log
{
	return index(slurp_file($node->logfile), $secret) >= 0;
}

sub is_in_wal
{
	return scalar grep { index(file_contents("pg_wal/$_"), $secret) >= 0 } grep { /^[0-9A-F]{24}$/ } slurp_dir($node->data_dir . '/pg_wal');
}

my ($EVENTS, $STREAMS, $PAYLOADS) = map { "'$_'::regclass" } qw(factstr_events factstr_streams factstr_events_payload_idx);
my $TOAST = q((SELECT reltoastrelid FROM pg_class WHERE oid = 'factstr_events'::regclass));

#
# A handler fails with the payload in its message; the same payload is common enough to be in the statistics.
#
$session->run(q(CREATE FUNCTION fail(event_records jsonb) RETURNS void LANGUAGE plpgsql AS $$
	BEGIN RAISE 'cannot handle %', event_records->0->'payload'; END $$));
$session->run(append_sql(events(map { (a => { name => $secret }) } 1 .. 50)));
$session->run(q(SELECT * FROM factstr_append(jsonb_build_array(jsonb_build_object('event_type', 'large', 'payload',
	(SELECT jsonb_agg(md5(i::text)) || to_jsonb($1::text) FROM generate_series(1, 3000) i))))), $secret);
$session->run(q(SELECT factstr_subscribe('failing', '{}', 'fail(jsonb)')));
wait_for_status($observer, 'failing', 'failure_count > 0');
like($observer->value(q(SELECT last_error FROM factstr_streams)), qr/$secret/, 'the error quotes it');
$session->run('ANALYZE factstr_events');

is(is_in_file($EVENTS), 1, 'before: it is in the table');
is(is_in_file($STREAMS), 1, 'before: in an error');
is(is_in_file($PAYLOADS), '', 'the payload index never has it');
ok(is_in_wal(), 'before: in the write-ahead log');
ok(is_in_log(), 'before: in the log of the server, as the message of the handler');
is($observer->value(q(SELECT count(*) FROM pg_stats WHERE tablename = 'factstr_events' AND attname = 'payload' AND position($1 IN most_common_vals::text) > 0), $secret), 1,
	'before: in the statistics');

#
# Erased, and then vacuumed.
#
$session->run(q(SELECT factstr_unsubscribe('failing')));
$session->run(q(SELECT factstr_redact(sequence_number, '"erased"', 'a test') FROM factstr_read()));
is($observer->value(q(SELECT last_error FROM factstr_stream_status)), 'message erased by a redaction', 'no error quotes it any more');
is($observer->value(q(SELECT count(*) FROM factstr_read() WHERE position($1 IN payload::text) > 0), $secret), 0, 'nor does a fact');
is(is_in_file($EVENTS), 1, 'erased: the old versions are in the table');
is(is_in_file($STREAMS), 1, 'erased: and that of the error');
# A transaction that may see them keeps them.
$observer->run('BEGIN ISOLATION LEVEL REPEATABLE READ');
$observer->run('SELECT 1');
$session->run('VACUUM factstr_events, factstr_streams');
$observer->run('COMMIT');
is(is_in_file($EVENTS), 1, 'VACUUM beside an old snapshot leaves them');
is(is_in_file($STREAMS), 1, 'both');
$session->run('VACUUM (ANALYZE) factstr_events, factstr_streams');
is($observer->value(q(SELECT count(*) FROM pg_stats WHERE tablename = 'factstr_events' AND attname = 'payload' AND position($1 IN most_common_vals::text) > 0), $secret), 0,
	'ANALYZE takes it out of the statistics');
$session->run('VACUUM FULL factstr_events');
$session->run('VACUUM FULL factstr_streams');
is(is_in_file($_), '', "VACUUM FULL: it is not in $_") foreach $EVENTS, $STREAMS, $PAYLOADS, $TOAST;

#
# Sessions, and statements in the log.
#
is($session->state_of("SELECT '$secret' + 1"), '22P02', 'a statement that fails');
ok($observer->value(q(SELECT count(*) FROM pg_stat_activity WHERE pid = $1 AND position($2 IN query) > 0), $session->pid, $secret),
	'it is the last statement of a session');
$session->run('SELECT 1');
ok(!$observer->value(q(SELECT count(*) FROM pg_stat_activity WHERE pid = $1 AND position($2 IN query) > 0), $session->pid, $secret), 'until it runs another one');

# factstr's own messages contain no values, neither of facts nor of refused input.
my $before = -s $node->logfile;
$session->run("SET log_min_error_statement = 'panic'");
$session->run('SET log_parameter_max_length_on_error = 0');
isnt($session->state_of($_->[0], @$_[ 1 .. $#$_ ]), '00000', "refused: $_->[0]")
	foreach [ 'SELECT factstr_redact(1000, $1, $1)', qq("$secret") ],
	[ 'SELECT * FROM factstr_append($1)', qq([{"event_type": "a", "payload": {"name": "$secret"}, "name": "$secret"}]) ],
	[ 'SELECT * FROM factstr_append($1)', qq([{"event_type": {"name": "$secret"}, "payload": 1}]) ],
	[ 'SELECT * FROM factstr_append($1, $2)', qq([{"event_type": "$secret", "payload": 1}]), '' ];
is(index(substr(slurp_file($node->logfile), $before), $secret), -1, 'no message quotes it');

$_->disconnect foreach $session, $observer;
$node->stop;
done_testing();
