# A stream that is far behind is delivered many batches in a transaction: each once and in order, whatever
# fails and whenever the server is killed; and visible work of a handler is never undone.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use FactstrTest;
use FactstrWorkers;
use Test::More;

my $node = new_node('rebuild', conf => "shared_preload_libraries = 'factstr'\nmax_worker_processes = 40");
my $session = new_session($node);
my $FACTS = 20000;

# Workers deliver all present batches when their stream is subscribed.
create_kept($session);
$session->run(q(ALTER TABLE kept ADD COLUMN transaction xid8 DEFAULT pg_current_xact_id()));
$session->run(qq(DO \$\$
	BEGIN
		FOR i IN 1 .. $FACTS LOOP
			PERFORM factstr_append('[{"event_type": "old", "payload": 1}]');
		END LOOP;
	END \$\$));

sub transactions
{
	my ($stream, $condition) = @_;

	return $session->value('SELECT count(DISTINCT transaction) FROM kept WHERE stream = $1 AND ' . ($condition // 'true'), $stream);
}

sub is_exactly_once
{
	my ($stream, $name) = @_;

	is($session->text(q(
		SELECT count(*), count(DISTINCT facts), min(facts::int), max(facts::int), bool_and(facts::int = n)
		FROM (SELECT facts, row_number() OVER (ORDER BY id) AS n FROM kept WHERE stream = $1) k), $stream),
		join('|', head($session), head($session), 1, head($session), 't'), $name);
	return;
}

# Present batches are delivered many in a transaction, and new ones are not delayed.
create_handler($session, 'old');
subscribe($session, 'old', '{}', 'first');
wait_until_at($session, 'old');
is_exactly_once('old', 'every old batch is delivered once, in order');
cmp_ok(transactions('old'), '<', $FACTS / 10, 'many of them in one transaction');
my $live = $session->value(append_sql(events(new => 1)));
wait_until_at($session, 'old', $live);
is((split(/\n/, kept($session, 'old')))[-1], $live, 'a new one is delivered at once');
$session->run(q(SELECT factstr_stream_drop('old')));

# The commit fails because of one batch's deferred work: that batch alone fails.
my $bad = $FACTS / 2 + 77;
$session->run(q(
	CREATE FUNCTION leave_to_commit(first bigint, bad bigint) RETURNS void LANGUAGE plpgsql AS $$
	BEGIN
		EXECUTE format('DECLARE c CURSOR WITH HOLD FOR SELECT 1 / (%s - %s)', first, bad);
	END $$));
create_handler($session, 'at_commit', qq(PERFORM leave_to_commit(first, $bad) WHERE first = $bad;));
subscribe($session, 'at_commit', '{}', 'first');
wait_for_status($session, 'at_commit', 'failure_count > 0');
is(cursor($session, 'at_commit'), $bad - 1, 'a batch whose commit fails: all before it are delivered');
like(status($session, 'at_commit', 'last_error'), qr/^22012: /, 'and its error is recorded');
create_handler($session, 'at_commit');
wait_until_at($session, 'at_commit');
is_exactly_once('at_commit', 'each was delivered once');
$session->run(q(SELECT factstr_stream_drop('at_commit')));

# statement_timestamp() is the batch's; now() is the transaction's.
$session->run(q(CREATE TABLE times (transaction_began timestamptz, batch_began timestamptz)));
create_handler($session, 'timed', q(INSERT INTO times VALUES (now(), statement_timestamp());));
subscribe($session, 'timed', '{}', 'first');
wait_until_at($session, 'timed');
is($session->value(q(SELECT count(DISTINCT transaction_began) < count(DISTINCT batch_began) FROM times)), 't',
	'each batch of a transaction has its own time');
$session->run(q(SELECT factstr_stream_drop('timed')));

# The server is killed again and again meanwhile.
create_handler($session, 'killed', q(PERFORM pg_sleep(0.0002);));
subscribe($session, 'killed', '{}', 'first');
foreach my $crash (1 .. 4)
{
	my $seen;
	my $reader = new_session($node);

	wait_until('some more were delivered', sub {
		$seen = $reader->value(q(SELECT coalesce(max(facts::int), 0) FROM kept WHERE stream = 'killed'));
		return $seen >= $crash * $FACTS / 8; });
	crash($node);
	start_node($node);
	$session = new_session($node);
	cmp_ok($session->value(q(SELECT max(facts::int) FROM kept WHERE stream = 'killed')), '>=', $seen,
		"crash $crash: the handler's work that a session has seen is still there");
	cmp_ok(cursor($session, 'killed'), '>=', $seen, 'and the cursor is behind it');
}
wait_until_at($session, 'killed');
is_exactly_once('killed', 'each batch was delivered once, in order, over all crashes');

# Batches that fail are set aside by the worker, and delivered again later, while the server is killed.
$session->run(q(SELECT factstr_stream_drop('killed')));
$session->run(q(CREATE TABLE broken AS SELECT true AS yes));
create_handler($session, 'parking', q(
	PERFORM pg_sleep(0.0002);
	IF first % 1000 = 500 AND (SELECT yes FROM broken) THEN
		RAISE EXCEPTION 'cannot take %', first;
	END IF;));
subscribe($session, 'parking', '{}', 'first');
$session->run(q(SELECT factstr_park_after('parking', 2)));
foreach my $crash (1 .. 3)
{
	wait_until('some were parked', sub { $session->value('SELECT count(*) FROM factstr_parked_batches') >= 3 * $crash });
	crash($node);
	start_node($node);
	$session = new_session($node);
}
wait_until_at($session, 'parking');
my $parked = q(SELECT count(*), min(first_sequence_number), count(DISTINCT error) FROM factstr_parked_batches);
my $bad_batches = $session->value('SELECT count(*) FROM factstr_events WHERE sequence_number % 1000 = 500');
is($session->text($parked), "$bad_batches|500|$bad_batches", 'each bad batch is parked once, with its error');
is($session->value(q(SELECT count(*) FROM kept WHERE stream = 'parking')), head($session) - $bad_batches, 'the others are delivered');
$session->run('UPDATE broken SET yes = false');
my $redeliver = q(SELECT factstr_redeliver_parked('parking', min(first_sequence_number)) FROM factstr_parked_batches);
$session->value($redeliver) foreach 1 .. 3;
$session->run('BEGIN');
$session->value($redeliver);
crash($node);
start_node($node);
$session = new_session($node);
is($session->text($parked), join('|', $bad_batches - 3, 3500, $bad_batches - 3), 'uncommitted batches are still parked');
$session->run(q(SELECT factstr_redeliver_parked('parking', first_sequence_number) FROM factstr_parked_batches ORDER BY 1));
is($session->text($parked), '0||0', 'then all are delivered');
is($session->text(q(SELECT count(*), count(DISTINCT facts) FROM kept WHERE stream = 'parking')), join('|', (head($session)) x 2),
	'each once');

done_testing();
