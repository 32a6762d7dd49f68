# Durable streams: even if consumers or the server fail, a stream delivers the facts of its query
# in order, each batch whole, and exactly once to consumers that write into the same database.

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

my $node = new_node('durable_streams', init => { allows_streaming => 1 }, conf => 'wal_writer_delay = 10s');
my $processes = FactstrProcesses->new($node);
my $observer = new_session($node);
my $seed = $ENV{FACTSTR_SEED} || int(rand(2**31));

note("FACTSTR_SEED=$seed");
srand($seed);

sub open_stream
{
	my ($stream, $query, $start) = @_;

	return $observer->value('SELECT factstr_stream_open($1, $2, $3)', $stream, $query // '{}', $start // 'first');
}

#
# A consumer whose connection dies is succeeded at once by the one that waits, with the same batch
# (rules 28, 29).
#
{
	my ($first, $second, $third) = map { new_session($node) } 1 .. 3;

	open_stream('succession');
	$observer->run(append_sql(events(handed => $_, over => $_))) foreach 1 .. 4;
	foreach my $acknowledges (0, 1)
	{
		my $name = $acknowledges ? 'died before its commit' : 'died before it acknowledged';
		my $before = cursor($observer, 'succession');

		$first->run('BEGIN');
		my $batch = $first->text(next_sql('succession'));
		like($batch, qr/^@{[ $before + 1 ]}\|@{[ $before + 2 ]}\|/, 'a consumer has a batch');
		$first->run(ack_sql('succession', $before + 2)) if $acknowledges;
		$second->run('BEGIN');
		$second->start(next_sql('succession'));
		wait_for_event($observer, $second, 'object');
		is($third->state_of(next_sql('succession', 1, 1)), 'FS004', 'one that will not wait is refused');
		is($observer->value(q(SELECT consumer_pid FROM factstr_stream_status WHERE name = 'succession')), $first->pid,
			'the view tells by whom');
		$observer->run('SELECT pg_terminate_backend($1)', $first->pid);
		is($second->finish->text, $batch, "$name: the one that waits has the same batch");
		is(cursor($observer, 'succession'), $before, "$name: the cursor stayed");
		is($observer->value(q(SELECT consumer_pid FROM factstr_stream_status WHERE name = 'succession')), $second->pid,
			"$name: the stream has a new consumer");
		is($third->state_of(next_sql('succession', 1, 1)), 'FS004', "$name: no other session has it");
		$second->run(ack_sql('succession', $before + 2));
		$second->run('COMMIT');
		like($third->text(next_sql('succession', 1, 1)), qr/^@{[ $before + 3 ]}\|/, "$name: the next batch comes next");
		$first = new_session($node);
	}

	# Those that acknowledge wait for each other as well, and the later one does not move the cursor back.
	$observer->run(append_sql(events(handed => $_))) foreach 1 .. 2;
	my $head = head($observer);
	$first->run('BEGIN');
	is($first->value(ack_sql('succession', $head)), $head, 'a consumer acknowledges the last batch');
	$second->start(ack_sql('succession', $head - 1));
	wait_for_event($observer, $second, 'object');
	$first->run('COMMIT');
	is($second->finish->text, $head, 'another one the last but one');
	is(cursor($observer, 'succession'), $head, 'the cursor does not move back');
	$observer->run(q(SELECT factstr_stream_drop('succession')));
}

#
# The cursor moves by itself over facts that do not match, and over no other (rule 27).
#
{
	my ($writer, $other, $consumer) = map { new_session($node) } 1 .. 3;

	open_stream('skipping', of_type('awaited'));
	foreach my $round (1 .. 3)
	{
		$other->run(append_sql(events(unrelated => $_, unrelated => $_))) foreach 1 .. 3;
		my $head = head($observer);
		$writer->run('BEGIN');
		$writer->run(append_sql(events(unrelated => $round, awaited => $round)));
		$other->start(append_sql(events(unrelated => 'later')));
		wait_until('the other append queues', sub { append_lock_queue($observer) == 1 });
		foreach (1 .. 2)
		{
			is($consumer->text(next_sql('skipping')), '', "round $round: no match is committed");
			is(cursor($observer, 'skipping'), $head, "round $round: the cursor moves to the newest fact");
		}
		$writer->run('COMMIT');
		$other->finish;
		my $batch = $consumer->run(next_sql('skipping'));
		is("@{ $batch->[0] }[0, 1]", $head + 1 . ' ' . ($head + 2), "round $round: the match is delivered");
		is(cursor($observer, 'skipping'), $head, "round $round: and not passed before it is acknowledged");
		$consumer->run(ack_sql('skipping', $head + 2));
		is($consumer->text(next_sql('skipping')), '', "round $round: once");
		is(cursor($observer, 'skipping'), $head + 3, "round $round: the rest is passed");
	}
	$observer->run(q(SELECT factstr_stream_drop('skipping')));
}

#
# Replay passes into live delivery with no gap and no duplicate while others append (rule 26), and the
# cursor passes no match (rule 27).  All of them work in loops on the server, as fast as they can.
#
$observer->run(q(
	CREATE PROCEDURE append_many(batches int, pause float8) LANGUAGE plpgsql AS $$
	BEGIN
		FOR i IN 1 .. batches LOOP
			PERFORM factstr_append(jsonb_agg(jsonb_build_object('event_type', 'kind ' || floor(random() * 10), 'payload', n)))
			FROM generate_series(1, 1 + floor(random() * 3)::int) n;
			COMMIT;
			PERFORM pg_sleep(random() * pause) WHERE pause > 0;
		END LOOP;
	END $$));
create_table($observer, 'live');
$observer->run('CREATE TABLE appending AS SELECT true AS yes');
# Until nothing comes any more after the end of the appends; returns how often nothing came before.
$observer->run(qq(
	CREATE PROCEDURE consume(stream text, INOUT live int DEFAULT 0) LANGUAGE plpgsql AS \$\$
	DECLARE
		goes_on bool;
		batch record;
	BEGIN
		LOOP
			goes_on := (SELECT yes FROM appending);
			COMMIT;
			FOR batch IN SELECT * FROM factstr_stream_next(stream, 1 + floor(random() * 30)::int) LOOP
				@{[ keep_sql('live', 'batch.first_sequence_number', 'batch.last_sequence_number', 'batch.event_records') ]};
				PERFORM factstr_stream_ack(stream, batch.last_sequence_number);
			END LOOP;
			EXIT WHEN NOT FOUND AND NOT goes_on;
			live := live + CASE WHEN FOUND THEN 0 ELSE 1 END;
			COMMIT;
		END LOOP;
	END \$\$));

{
	my $consumer = new_session($node);
	my @appenders = map { new_session($node) } 1 .. 3;

	# One round; returns the errors, or the empty list, and how often the consumer had caught up.
	my $round = sub {
		my ($query, $condition, $start, $batches, $pause) = @_;

		$observer->run('TRUNCATE delivered_live');
		$observer->run('UPDATE appending SET yes = true');
		my $head = head($observer);
		$_->start('CALL append_many($1, $2)', $batches, $pause) foreach @appenders;
		my $cursor = open_stream('live', $query, $start);
		$consumer->start(q(CALL consume('live')));
		foreach my $appender (@appenders)
		{
			die $appender->message if $appender->finish->state ne '00000';
		}
		$observer->run('UPDATE appending SET yes = false');
		die $consumer->message if $consumer->finish->state ne '00000';
		my $live = $consumer->rows->[0][0];
		my @wrong;
		push @wrong, "a cursor of $cursor" if $start eq 'now' ? $cursor < $head : $cursor != 0;
		push @wrong, grep { $_ } difference($observer, 'live', $condition, $cursor);
		push @wrong, 'the last cursor' if cursor($observer, 'live') != head($observer);
		$observer->run(q(SELECT factstr_stream_drop('live')));
		return (\@wrong, $live);
	};
	# Number of rounds, name, query, condition, start, appends of each appender, their pauses.
	foreach my $kind (
		[ 70, 'all facts', '{}', 'true', 'first', 25, 0.003 ],
		[ 10, 'all facts from now on', '{}', 'true', 'now', 25, 0.001 ],
		[ 10, 'some facts', of_type('kind 3'), q(event_type = 'kind 3'), 'now', 100, 0 ],
		[ 10, 'hardly any', of_payload(3), q(payload = '3' AND event_type LIKE 'kind%'), 'now', 100, 0 ])
	{
		my ($rounds, $name, @round) = @$kind;
		my ($live, @wrong) = (0);

		foreach (1 .. $rounds)
		{
			my ($wrong, $live_now) = $round->(@round);

			push @wrong, @$wrong;
			$live += $live_now;
		}
		is_deeply(\@wrong, [], "$name: no gap and no duplicate in $rounds rounds");
		cmp_ok($live, '>', $rounds, "$name: the consumer was often as far as the appends");
	}
}

#
# A large batch is one delivery, through a selective stream as well (rule 18).
#
{
	my $consumer = new_session($node);

	open_stream('large_all', of_type('large'), 'now');
	open_stream('large_some', of_payload({ seventh => 1 }), 'now');
	$observer->run(append_sql(events(small => 1, small => 2)));
	my $first = $observer->value(append_sql(events(map { (large => { n => $_, seventh => $_ % 700 == 7 ? 1 : 0 }) } 1 .. 2000)));
	$observer->run(append_sql(events(small => 3)));
	$observer->run(append_sql(events(large => { n => 1, seventh => 1 })));
	my $last = $first + 1999;
	foreach my $stream ([ large_all => 1 .. 2000 ], [ large_some => 7, 707, 1407 ])
	{
		my ($name, @numbers) = @$stream;
		my $batches = $consumer->run(qq(
			SELECT first_sequence_number, last_sequence_number, (
				SELECT string_agg(r->'payload'->>'n', ' ' ORDER BY i) FROM jsonb_array_elements(event_records) WITH ORDINALITY e(r, i))
			FROM factstr_stream_next('$name', 10)));

		is_deeply($batches, [ [ $first, $last, "@numbers" ], [ $last + 2, $last + 2, 1 ] ], "$name: one delivery for one batch");
		is($consumer->state_of(ack_sql($name, $last - 1)), '22023', "$name: acknowledged as a whole");
		is($consumer->value(ack_sql($name, $last)), $last, "$name: by its last number");
		is($consumer->run(next_sql($name))->[0][0], $last + 2, "$name: then the next");
		$observer->run('SELECT factstr_stream_drop($1)', $name);
	}
}

#
# Cursors survive a restart and a crash: they are at the acknowledged batch (rules 24, 27).
#
my @NAMES = map { "kept_$_" } 1 .. 4;
open_stream($_) foreach @NAMES;
my @clients;
foreach my $stream (@NAMES)
{
	push @clients, $processes->start($stream, sub {
		my ($session) = @_;

		while (1)
		{
			my $last = $session->run(next_sql($stream))->[0][1] // return 1;

			$processes->note("acks_$stream", "calls $last");
			$session->run(ack_sql($stream, $last));
			$processes->note("acks_$stream", "has $last");
		}
	});
}
wait_until('cursors move', sub { !grep { ($processes->is_noted("acks_$_") || 0) < 500 } @NAMES });
Time::HiRes::usleep(rand(50_000));
crash($node);
# They would continue.
$processes->kill(@clients);
start_node($node);
$observer = new_session($node);
foreach my $stream (@NAMES)
{
	my $acks = join("\n", $processes->notes("acks_$stream"));
	my ($acknowledged) = $acks =~ /.*^has (\d+)/ms;
	my ($called) = $acks =~ /.*^calls (\d+)/ms;
	my $cursor = cursor($observer, $stream);

	like($cursor, qr/^(?:$acknowledged|$called)$/, "$stream: the cursor is where it was acknowledged");
	is($observer->run(next_sql($stream))->[0][0], $cursor + 1, "$stream: and the next batch comes next");
}

# Where all streams are; with their next batches.
sub positions
{
	my ($session) = @_;

	return $session->text(q(
		SELECT name, event_query, cursor_sequence_number, head_sequence_number, lag_facts, last_success_at, lag_time >= '0'
		FROM factstr_stream_status ORDER BY name));
}

sub next_batches
{
	my ($session) = @_;

	return $session->text(q(SELECT name, (factstr_stream_next(name, 3)).* FROM factstr_streams ORDER BY 1, 2));
}

my $consumer = new_session($node);
$consumer->run('BEGIN');
my $kept = cursor($observer, 'kept_1');
my $batches = $consumer->run(next_sql('kept_1', 2));
$consumer->value(ack_sql('kept_1', $batches->[1][1]));
crash($node);
start_node($node);
$observer = new_session($node);
is(cursor($observer, 'kept_1'), $kept, 'an acknowledgement that was not committed is not kept');
is_deeply($observer->run(next_sql('kept_1', 2)), $batches, 'and the batches come again');

# Of the facts above.
my %streams = (
	every => '{}',
	by_type => of_type('kind 1', 'kind 2'),
	by_payload => of_payload(2, 3),
	rare => json({ filters => [ { event_types => ['kind 3'], payload_predicates => [ 3 ] } ] }));

open_stream($_, $streams{$_}, 'now') foreach sort keys %streams;
$observer->run('SELECT factstr_stream_seek($1, cursor_sequence_number / 2) FROM factstr_streams WHERE name = $1',
	$_) foreach qw(by_type rare);
my ($positions, $next_batches) = (positions($observer), next_batches($observer));
like($next_batches, qr/^by_type.*^kept_4.*^rare/ms, 'streams of all kinds have something to come');
$node->restart;
$observer = new_session($node);
is(positions($observer), $positions, 'a restart keeps cursors');
is(next_batches($observer), $next_batches, 'and the next batches');

#
# So does a dump.
#
my $dump = PostgreSQL::Test::Utils::tempdir() . '/dump';
$node->command_ok([ 'pg_dump', '-f', $dump, '-d', $node->connstr('postgres') ], 'a dump');
$observer->run('CREATE DATABASE restored');
$node->command_ok([ 'psql', '-qX', '-v', 'ON_ERROR_STOP=1', '-f', $dump, '-d', $node->connstr('restored') ], 'is restored');
my $restored = new_session($node, dbname => 'restored');
$restored->mean_log_of_tests;
is(positions($restored), $positions, 'with cursors and lags');
is(next_batches($restored), $next_batches, 'and the next batches');
is($restored->value('SELECT factstr_stream_open($1, $2)', 'rare', $streams{rare}),
	cursor($observer, 'rare'), 'a stream is found again with its query');
is($restored->state_of('SELECT factstr_stream_open($1, $2)', 'rare', $streams{by_type}), 'FS003', 'not with another');
my $first = $restored->value(append_sql(events('kind 1' => 1)));
is($first, head($observer) + 1, 'facts are appended');
$restored->run('SELECT factstr_stream_seek($1, $2)', 'by_type', $first - 1);
is($restored->run(next_sql('by_type'))->[0][0], $first, 'and delivered');

#
# On a hot standby one can look, but not consume.
#
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
$observer->run(append_sql(events('kind 1' => 2, 'kind 4' => 2)));
$observer->run(ack_sql('kept_2', head($observer)));
$node->wait_for_catchup($standby, 'replay', $node->lsn('write'));
my $reader = new_session($standby);
is(positions($reader), positions($observer), 'the view on a standby');
foreach my $stream (sort keys %streams)
{
	my $query = "SELECT * FROM factstr_batches('$streams{$stream}', 0, 100000)";

	is($reader->text("SELECT md5(string_agg(b::text, ' ')) FROM ($query) b"),
		$observer->text("SELECT md5(string_agg(b::text, ' ')) FROM ($query) b"),
		"factstr_batches on a standby: $stream");
}
is($reader->state_of($_), '25006', "not on a standby: $_")
	foreach next_sql('rare'), next_sql('rare', 1, 1), next_sql('none'), ack_sql('rare', head($observer)), ack_sql('rare', 1),
	q(SELECT factstr_stream_open('new')), q(SELECT factstr_stream_seek('rare', 0)), q(SELECT factstr_stream_drop('rare'));
is($reader->value('SELECT factstr_stream_open($1, $2)', 'rare', $streams{rare}),
	cursor($observer, 'rare'), 'a stream that exists is found');

my $kept_batches = next_batches($observer);
$observer->disconnect;
$node->stop;
$standby->promote;
is(next_batches($reader), $kept_batches, 'a promoted standby continues where the primary was');

$standby->stop;
done_testing();
