# Workers of subscriptions after faults around them: they leave nothing behind, and come back.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use FactstrStreams;
use FactstrTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes ();

my $node = new_node('worker_faults', conf => <<~'CONF');
	shared_preload_libraries = 'factstr'
	max_prepared_transactions = 2
	max_worker_processes = 20
	CONF
my $observer = new_session($node);

sub subscribe_sql
{
	my ($stream, $query, $handler) = @_;

	return sprintf(q(SELECT factstr_subscribe('%s', '%s', '%s'::regproc)), $stream, $query // '{}', $handler // "handle_$stream");
}

sub create_handler
{
	my ($stream, $more) = @_;

	create_table($observer, $stream);
	$observer->run(qq(
		CREATE FUNCTION handle_$stream(event_records jsonb) RETURNS void LANGUAGE plpgsql AS \$\$
		BEGIN
			@{[ keep_sql($stream, 'NULL::bigint', 'NULL::bigint', 'event_records') ]};
			@{[ $more // '' ]}
		END \$\$));
	return;
}

sub delivered
{
	my ($stream) = @_;

	return $observer->value("SELECT count(*) FROM delivered_$stream");
}

#
# A stream that is dropped and created again with another query: the worker's knowledge of the log is valid for the
# old one only.
#
create_handler('reborn');
foreach my $round (1 .. 20)
{
	$observer->run(subscribe_sql('reborn', of_type('never')));
	my $head = $observer->value(append_sql(events(now => $round)));
	# Now it has just moved the cursor, and will not do so for a while.
	wait_until('the worker has seen the fact', sub { cursor($observer, 'reborn') == $head });
	$observer->run(q(SELECT factstr_stream_seek('reborn', 0)));
	Time::HiRes::usleep(1_000 * ($round % 7));
	$observer->run($_) foreach 'BEGIN', q(SELECT factstr_stream_drop('reborn')), subscribe_sql('reborn', of_type('now')), 'COMMIT';
	wait_until('the worker is through', sub { cursor($observer, 'reborn') == $head });
	$observer->run(q(SELECT factstr_stream_drop('reborn')));
}
is(delivered('reborn'), 20 * 21 / 2, 'a new stream of an old name gets all of its facts');

#
# A cancel has nothing to cancel when a worker waits.
#
create_handler('cancelled');
$observer->run(subscribe_sql('cancelled', of_type('now')));
wait_until('the worker waits', sub { cursor($observer, 'cancelled') == head($observer) });
my @pids;
wait_until('all workers wait', sub {
	my $workers = $observer->run(q(SELECT pid, state FROM pg_stat_activity WHERE backend_type = 'factstr delivery'));

	@pids = map { $_->[0] } @$workers;
	return @pids && !grep { ($_->[1] // '') ne 'idle' } @$workers;
});
$observer->run('SELECT pg_cancel_backend($1)', $_) foreach @pids;
$observer->run(append_sql(events(now => 1)));
wait_until('the next fact is delivered', sub { cursor($observer, 'cancelled') == head($observer) });
my $deliverer = $observer->value('SELECT consumer FROM delivered_cancelled ORDER BY id DESC LIMIT 1');
ok(scalar(grep { $_ == $deliverer } @pids), 'by a worker that waited') or diag("$deliverer, not one of @pids");
$observer->run(q(SELECT factstr_stream_drop('cancelled')));

#
# The look for subscriptions fails, when the server starts.
#
$observer->run($_) foreach subscribe_sql('reborn', of_type('now')), 'BEGIN', 'LOCK TABLE factstr_streams', q(PREPARE TRANSACTION 'lock');
$node->restart;
$observer = new_session($node);
my $looking;
wait_until('a worker looks', sub {
	$looking = $observer->value(q(SELECT pid FROM pg_stat_activity WHERE backend_type = 'factstr delivery' AND wait_event = 'relation')) });
$observer->run('SELECT pg_terminate_backend($1)', $looking);
wait_until('it is gone', sub { !$observer->value('SELECT count(*) FROM pg_stat_activity WHERE pid = $1', $looking) });
$observer->run(q(COMMIT PREPARED 'lock'));
wait_until('subscriptions are found when it is tried again', sub { cursor($observer, 'reborn') == head($observer) });
pass('a look that failed is repeated');

#
# A database is dropped whose worker is woken all the time by the facts of another one: they share
# the place where they wait.
#
my $database = $observer->value(q(SELECT oid FROM pg_database WHERE datname = 'postgres'));
my $oid = 0;
# Each large object takes an OID; the database takes the next one. Only from 15 on can it be asked for.
$oid = $observer->value('SELECT lo_creat(-1)') until shared_place($oid + 1) == shared_place($database);
$observer->run('CREATE DATABASE other');
is(shared_place($observer->value(q(SELECT oid FROM pg_database WHERE datname = 'other'))), shared_place($database), 'another database with the same place to wait');
{
	my $there = new_session($node, dbname => 'other');

	$there->run($_) foreach 'CREATE EXTENSION factstr', 'CREATE FUNCTION handle(event_records jsonb) RETURNS void LANGUAGE sql AS $$ $$',
		subscribe_sql('s', undef, 'handle'), append_sql(events(a => 1));
	wait_until('it is delivered', sub { cursor($there, 's') == 1 });
	$there->disconnect;
}
my $appender = new_session($node);
$observer->run(q(
	CREATE PROCEDURE append_all_the_time() LANGUAGE plpgsql AS $$
	BEGIN
		LOOP
			PERFORM factstr_append('[{"event_type": "a", "payload": 1}]');
			COMMIT;
			PERFORM pg_sleep(0.01);
		END LOOP;
	END $$));
$appender->start('CALL append_all_the_time()');
is($observer->state_of('DROP DATABASE other'), '00000', 'a worker gives way after any wake-up');
$observer->run('SELECT pg_terminate_backend($1)', $appender->pid);
$appender->finish;

#
# The server's first process dies, while a worker has much to do.
#
$observer->run($_) foreach map { append_sql(events(much => $_)) } 1 .. 300;
create_handler('busy', 'PERFORM count(*) FROM generate_series(1, 200000);');
$observer->run(subscribe_sql('busy', of_type('much')));
wait_until('it begins', sub { delivered('busy') > 3 });
crash($node, postmaster_only => 1);
start_node($node);
$observer = new_session($node);
wait_until('it continues', sub { delivered('busy') == 300 });
cmp_ok($observer->value('SELECT count(DISTINCT consumer) FROM delivered_busy'), '>', 1, 'a worker ends with the server');
is(difference($observer, 'busy', q(event_type = 'much')), '', 'another one continues');

$node->stop;
done_testing();
