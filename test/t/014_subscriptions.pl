# Background workers deliver durable streams to their handlers: after the commit, in order, exactly once,
# whatever happens to the workers, the server and the database.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use FactstrTest;
use Test::More;

my $node = new_node('subscriptions');
my $session = new_session($node);

sub seen
{
	my ($stream) = @_;

	return $session->value('SELECT string_agg(fact::text, $$ $$ ORDER BY id) FROM seen WHERE stream = $1', $stream) // '';
}

sub workers
{
	return $session->value(q(SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'factstr subscription'));
}

sub wait_for_stream
{
	my ($stream) = @_;

	my $head = $session->value('SELECT max(sequence_number) FROM factstr_events');

	$session->run("CALL factstr_wait($head, '$stream')");
	return;
}

sub set_up
{
	$session->run($_) foreach q(CREATE TABLE seen (id bigint GENERATED ALWAYS AS IDENTITY, stream text, fact bigint)), q(
		CREATE FUNCTION keep(stream text, records jsonb) RETURNS void LANGUAGE sql AS
			$$ INSERT INTO seen (stream, fact) SELECT stream, (r->>'sequence_number')::bigint FROM jsonb_array_elements(records) r $$), q(
		CREATE FUNCTION every(records jsonb) RETURNS void LANGUAGE sql AS $$ SELECT keep('every', records) $$);
	return;
}

set_up();
$session->run(append_sql(events(a => 1, b => 2)));
$session->value(q(SELECT factstr_subscribe('every', '{}', 'every(jsonb)')));
wait_for_stream('every');
is(seen('every'), '1 2', 'rule 23: a worker, started on demand, delivers what is there');
$session->run(append_sql(events(a => 3)));
wait_for_stream('every');
is(seen('every'), '1 2 3', 'rule 26: and what comes');
is($session->state_of(q(CALL factstr_wait(1000, 'every', '10 ms'))), 'FS007', 'a wait may time out');
is($session->state_of(q(CALL factstr_wait(1, 'none'))), 'FS005', 'a stream that does not exist cannot be waited for');

# rules 20 and 28
$session->run(q(
	CREATE FUNCTION failing(records jsonb) RETURNS void LANGUAGE plpgsql AS
		$$ BEGIN PERFORM keep('failing', records); IF records @> '[{"payload": 5}]' THEN RAISE 'five'; END IF; END $$));
$session->value(q(SELECT factstr_subscribe('failing', '{}', 'failing(jsonb)', 'now')));
$session->run(append_sql(events(a => $_))) foreach 4 .. 6;
wait_for_stream('every');
is(seen('every'), '1 2 3 4 5 6', 'rule 20: a failing handler disturbs no other stream');
wait_until('the handler has failed twice',
	sub { $session->value(q(SELECT failure_count FROM factstr_stream_status WHERE name = 'failing')) >= 2 });
is(seen('failing'), '4', 'rule 28: nothing beyond the failed batch is delivered');
is($session->value(q(SELECT last_error FROM factstr_stream_status WHERE name = 'failing')), 'P0001: five', 'the error is in the view');
$session->run(q(CREATE OR REPLACE FUNCTION failing(records jsonb) RETURNS void LANGUAGE sql AS $$ SELECT keep('failing', records) $$));
wait_for_stream('failing');
is(seen('failing'), '4 5 6', 'rule 28: mended, it goes on by itself');

# rule 21
$session->run(q(SELECT factstr_unsubscribe('failing')));
wait_until('the worker of the unsubscribed stream is gone', sub { workers() == 1 });
$session->run(append_sql(events(a => 7)));
wait_for_stream('every');
is(seen('failing'), '4 5 6', 'rule 21: an unsubscribed handler gets no more');

# While it waits, a session holds no snapshot.
my $waiting = new_session($node);
$waiting->start(q(CALL factstr_wait(8, 'every')));
wait_for_event($session, $waiting, 'Extension');
is($session->value('SELECT backend_xmin FROM pg_stat_activity WHERE pid = $1', $waiting->pid), undef, 'factstr_wait does not hold back vacuum');
$session->run(append_sql(events(a => 8)));
is($waiting->finish->state, '00000', 'and is woken by the cursor');

# A terminated worker is started again; so is a killed one, after the crash of the server that it causes.
$session->run(q(SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'factstr subscription'));
$session->run(append_sql(events(a => 9)));
wait_for_stream('every');
is(seen('every'), join(' ', 1 .. 9), 'rule 27: a worker that was terminated is succeeded');
crash($node);
$node->append_conf('postgresql.conf', q(shared_preload_libraries = 'factstr'));
start_node($node);
$session = new_session($node);
$session->run(append_sql(events(a => 10)));
wait_for_stream('every');
is(seen('every'), join(' ', 1 .. 10), 'rule 31: after a crash, preloaded, the workers start by themselves, and nothing comes twice');

# A database with an idle worker can be dropped, and the extension too.
$session->run('CREATE DATABASE dropped');
my $other = new_session($node, dbname => 'dropped');
$other->run('CREATE EXTENSION factstr');
$other->value(q(SELECT factstr_subscribe('s', '{}', 'jsonb_typeof(jsonb)')));
wait_until('there is a second worker', sub { workers() == 2 });
$other->disconnect;
is($session->state_of('DROP DATABASE dropped'), '00000', 'a database is dropped beside its idle worker');
$session->run('DROP EXTENSION factstr');
$session->run('CREATE EXTENSION factstr');
$session->run('TRUNCATE seen');
$session->value(q(SELECT factstr_subscribe('every', '{}', 'every(jsonb)')));
$session->run(append_sql(events(a => 1)));
wait_for_stream('every');
is(seen('every'), '1', 'an extension that was dropped and created again delivers again');

$node->stop;
done_testing();
