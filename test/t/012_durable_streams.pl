# Durable streams: whatever happens to consumers and server, a stream delivers what its query finds,
# in order, each batch whole, and exactly once to consumers that write into the same database.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use FactstrTest;
use POSIX ();
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes ();

my $node = new_node('durable_streams', init => { allows_streaming => 1 }, conf => 'wal_writer_delay = 10s');
my $notes = PostgreSQL::Test::Utils::tempdir();
my $observer = new_session($node);
my $seed = $ENV{FACTSTR_SEED} || int(rand(2**31));

note("FACTSTR_SEED=$seed");
srand($seed);

sub next_sql
{
	my ($stream, $max_batches, $nowait) = @_;

	return sprintf(q(SELECT * FROM factstr_stream_next('%s', %d, %s)), $stream, $max_batches // 1, $nowait ? 'true' : 'false');
}

sub ack_sql
{
	my ($stream, $last) = @_;

	return "SELECT factstr_stream_ack('$stream', $last)";
}

sub open_stream
{
	my ($stream, $query, $start) = @_;

	return $observer->value('SELECT factstr_stream_open($1, $2, $3)', $stream, $query // '{}', $start // 'first');
}

sub cursor
{
	my ($stream, $session) = @_;

	return ($session // $observer)->value('SELECT cursor_sequence_number FROM factstr_stream_status WHERE name = $1', $stream);
}

sub head
{
	return $observer->value('SELECT coalesce(max(sequence_number), 0) FROM factstr_events');
}

# What a stream has to deliver, as the table says, not the functions: the facts that meet a condition
# with their batch, and how many of it do.
sub expected
{
	my ($condition, $after) = @_;

	return $observer->run(qq(
		SELECT batch_first_sequence_number, batch_last, count(*) OVER (PARTITION BY batch_first_sequence_number),
			sequence_number, event_type, payload
		FROM (SELECT *, max(sequence_number) OVER (PARTITION BY batch_first_sequence_number) AS batch_last FROM factstr_events) e
		WHERE sequence_number > \$1 AND ($condition) ORDER BY sequence_number), $after // 0);
}

# What consumers have kept of the stream, in the order in which they did.
sub delivered
{
	my ($stream) = @_;

	return $observer->run(qq(
		SELECT first, last, records, (record->>'sequence_number')::bigint, record->>'event_type', record->'payload'
		FROM delivered_$stream ORDER BY id));
}

sub create_table
{
	my ($stream) = @_;

	$observer->run(qq(
		CREATE TABLE delivered_$stream (
			id bigint GENERATED ALWAYS AS IDENTITY,
			first bigint,
			last bigint,
			records int,
			record jsonb,
			consumer int DEFAULT pg_backend_pid())));
	return;
}

sub keep_sql
{
	my ($stream) = @_;

	return qq(
		INSERT INTO delivered_$stream (first, last, records, record)
		SELECT \$1, \$2, jsonb_array_length(\$3), record FROM jsonb_array_elements(\$3) WITH ORDINALITY e(record, n) ORDER BY n);
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
		my $before = cursor('succession');

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
		is(cursor('succession'), $before, "$name: the cursor stayed");
		is($observer->value(q(SELECT consumer_pid FROM factstr_stream_status WHERE name = 'succession')), $second->pid,
			"$name: the stream has a new consumer");
		is($third->state_of(next_sql('succession', 1, 1)), 'FS004', "$name: nobody else has it");
		$second->run(ack_sql('succession', $before + 2));
		$second->run('COMMIT');
		like($third->text(next_sql('succession', 1, 1)), qr/^@{[ $before + 3 ]}\|/, "$name: the next batch comes next");
		$first = new_session($node);
	}

	# Those that acknowledge wait for each other as well, and the later one does not move the cursor back.
	$observer->run(append_sql(events(handed => $_))) foreach 1 .. 2;
	my $head = head();
	$first->run('BEGIN');
	is($first->value(ack_sql('succession', $head)), $head, 'a consumer acknowledges the last batch');
	$second->start(ack_sql('succession', $head - 1));
	wait_for_event($observer, $second, 'object');
	$first->run('COMMIT');
	is($second->finish->text, $head, 'another one the last but one');
	is(cursor('succession'), $head, 'the cursor does not move back');
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
		my $head = head();
		$writer->run('BEGIN');
		$writer->run(append_sql(events(unrelated => $round, awaited => $round)));
		$other->start(append_sql(events(unrelated => 'later')));
		wait_until('the other append queues', sub { append_lock_queue($observer) == 1 });
		foreach (1 .. 2)
		{
			is($consumer->text(next_sql('skipping')), '', "round $round: no match is committed");
			is(cursor('skipping'), $head, "round $round: the cursor moves to what is");
		}
		$writer->run('COMMIT');
		$other->finish;
		my $batch = $consumer->run(next_sql('skipping'));
		is("@{ $batch->[0] }[0, 1]", $head + 1 . ' ' . ($head + 2), "round $round: the match is delivered");
		is(cursor('skipping'), $head, "round $round: and not passed before it is acknowledged");
		$consumer->run(ack_sql('skipping', $head + 2));
		is($consumer->text(next_sql('skipping')), '', "round $round: once");
		is(cursor('skipping'), $head + 3, "round $round: the rest is passed");
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
create_table('live');
$observer->run('CREATE TABLE appending AS SELECT true AS yes');
# Until nothing comes any more after the end of the appends; returns how often nothing came before.
$observer->run(q(
	CREATE PROCEDURE consume(stream text, INOUT live int DEFAULT 0) LANGUAGE plpgsql AS $$
	DECLARE
		goes_on bool;
		batch record;
	BEGIN
		LOOP
			goes_on := (SELECT yes FROM appending);
			COMMIT;
			FOR batch IN SELECT * FROM factstr_stream_next(stream, 1 + floor(random() * 30)::int) LOOP
				INSERT INTO delivered_live (first, last, records, record)
				SELECT batch.first_sequence_number, batch.last_sequence_number, jsonb_array_length(batch.event_records), r
				FROM jsonb_array_elements(batch.event_records) r;
				PERFORM factstr_stream_ack(stream, batch.last_sequence_number);
			END LOOP;
			EXIT WHEN NOT FOUND AND NOT goes_on;
			live := live + CASE WHEN FOUND THEN 0 ELSE 1 END;
			COMMIT;
		END LOOP;
	END $$));

{
	my $consumer = new_session($node);
	my @appenders = map { new_session($node) } 1 .. 3;

	# One round; returns what is wrong, or the empty list, and how often the consumer had caught up.
	my $round = sub {
		my ($query, $condition, $start, $batches, $pause) = @_;

		$observer->run('TRUNCATE delivered_live');
		$observer->run('UPDATE appending SET yes = true');
		my $head = head();
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
		push @wrong, 'the records' if json(delivered('live')) ne json(expected($condition, $cursor));
		push @wrong, 'the last cursor' if cursor('live') != head();
		$observer->run(q(SELECT factstr_stream_drop('live')));
		return (\@wrong, $live);
	};
	# Number of rounds, name, query, condition, start, appends of each appender, their pauses.
	foreach my $kind (
		[ 25, 'all facts', '{}', 'true', 'first', 25, 0.003 ],
		[ 5, 'all facts from now on', '{}', 'true', 'now', 25, 0.001 ],
		[ 5, 'some facts', of_type('kind 3'), q(event_type = 'kind 3'), 'now', 100, 0 ],
		[ 5, 'hardly any', of_payload(3), q(payload = '3' AND event_type LIKE 'kind%'), 'now', 100, 0 ])
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
# No loss, no repeat, no reorder: two consumers for each stream, which are killed again and again, and
# the whole server once, while others append (rules 18, 23, 26, 27, 28, 29, 31).
#
my $APPENDERS = 8;
my $CALLS = 150;
my $CALLS_PER_KILL = 8;

# Query, and the same as a condition.
my %streams = (
	every => [ '{}', 'true' ],
	by_type => [ of_type('moved', 'sold'), q(event_type IN ('moved', 'sold')) ],
	by_payload => [ of_payload({ to => 'A' }, { to => 'B', n => 1 }), q(payload @> '{"to": "A"}' OR payload @> '{"to": "B", "n": 1}') ],
	rare => [ json({ filters => [ { event_types => ['rare'], payload_predicates => [ { to => 'A' }, { to => 'B' } ] } ] }),
		q(event_type = 'rare' AND payload->>'to' IN ('A', 'B')) ]);

sub note_down
{
	my ($name, $text) = @_;

	append_to_file("$notes/$name", "$text\n");
	return;
}

sub read_notes
{
	return split(/\n/, join('', map { slurp_file($_) } glob("$notes/$_[0]")));
}

# Runs a function in a process of its own, with a session, until it returns true.  If the connection
# is lost, it is called again with a new one.
sub in_background
{
	my ($work) = @_;
	my $child_seed = int(rand(2**31));
	my $pid = fork() // die "could not fork: $!";

	return $pid if $pid;
	srand($child_seed);
	my ($session, $done);
	until ($done)
	{
		wait_until('the server is there', sub { $session //= eval { new_session($node) } });
		next if eval { $done = $work->($session); 1 };
		my $error = $@;
		# A lost connection may seem to execute statements, but returns no rows.
		$session->state_of('ROLLBACK');
		if ($session->state_of('SELECT 1') eq '00000' && @{ $session->rows })
		{
			note_down('errors', $error);
			last;
		}
		undef $session;
	}
	POSIX::_exit(0);
}

sub wait_for_children
{
	my ($description, @children) = @_;

	wait_until($description, sub { @children = grep { waitpid($_, POSIX::WNOHANG()) == 0 } @children; !@children });
	return;
}

# Appends with a key, so that a call can be repeated when it is not known whether it was committed.
sub appender
{
	my ($number) = @_;
	my ($call, $events) = (0);

	return sub {
		my ($session) = @_;

		while ($call < $CALLS || $events)
		{
			$events //= events(map {
				(($call % 25 == 9 && $_ == 1 ? 'rare' : (qw(moved sold counted noted))[ rand(4) ]) =>
					{ by => "$number-$call", to => (qw(A B C))[ rand(3) ], n => $_ }) } 1 .. 1 + int(rand(5)));
			$session->run('SELECT * FROM factstr_append($1, $2)', $events, "call-$number-$call");
			undef $events;
			$call++;
			Time::HiRes::usleep(rand(40_000));
		}
		return 1;
	};
}

# One transaction after the other, each taken its time at any point, so that it can die there.
sub consumer
{
	my ($stream) = @_;

	return sub {
		my ($session) = @_;
		my $is_end = -e "$notes/drain";
		my $nowait = rand() < 0.2;
		my $dawdle = sub { Time::HiRes::usleep(rand(8_000)) if !$is_end && rand() < 0.4 };

		$session->run('BEGIN');
		my $state = $session->state_of(next_sql($stream, 1 + int(rand(5)), $nowait));
		my @batches = @{ $session->rows // [] };
		if ($state ne '00000')
		{
			die $session->message unless $state eq 'FS004' && $nowait;
			$session->run('ROLLBACK');
			Time::HiRes::usleep(1_000);
			return 0;
		}
		$dawdle->();
		foreach my $batch (@batches)
		{
			$session->run(keep_sql($stream), @$batch);
			$dawdle->();
			$session->run(ack_sql($stream, $batch->[1])) if rand() < 0.3 || $batch == $batches[-1];
		}
		$dawdle->();
		$session->run('COMMIT');
		return 1 if !@batches && $is_end;
		Time::HiRes::usleep(2_000) if !@batches;
		return 0;
	};
}

my %opened_at;
foreach my $stream (sort keys %streams)
{
	create_table($stream);
	$opened_at{$stream} = open_stream($stream, $streams{$stream}[0], 'now');
}
my @appenders = map { in_background(appender($_)) } 1 .. $APPENDERS;
my @consumers = map { { stream => $_ } } (sort keys %streams) x 2;
$_->{pid} = in_background(consumer($_->{stream})) foreach @consumers;

my ($killed, $terminated) = (0, 0);
my $kills = $APPENDERS * $CALLS / $CALLS_PER_KILL - 1;
foreach my $kill (1 .. $kills)
{
	wait_until('more is appended', sub {
		die read_notes('errors') if -e "$notes/errors";
		$observer->value(q(SELECT count(*) FROM factstr_events WHERE idempotency_key LIKE 'call-%')) >= $kill * $CALLS_PER_KILL;
	});
	if ($kill == int($kills / 2))
	{
		crash($node);
		start_node($node);
		$observer = new_session($node);
	}
	elsif (rand() < 0.5)
	{
		my $consumer = $consumers[ rand(@consumers) ];

		kill('KILL', $consumer->{pid});
		waitpid($consumer->{pid}, 0);
		$consumer->{pid} = in_background(consumer($consumer->{stream}));
		$killed++;
	}
	else
	{
		$terminated += $observer->value(q(
			SELECT count(pg_terminate_backend(pid)) FROM (
				SELECT consumer_pid AS pid FROM factstr_stream_status WHERE consumer_pid IS NOT NULL ORDER BY random() LIMIT 1) s));
	}
}
wait_for_children('the appends end', @appenders);
my %before_the_end = map { $_ => $observer->value("SELECT count(DISTINCT consumer) FROM delivered_$_") } keys %streams;
append_to_file("$notes/drain", '');
wait_for_children('the consumers end', map { $_->{pid} } @consumers);

note("$killed clients killed, $terminated connections terminated");
cmp_ok($killed, '>', 10, 'clients were killed');
cmp_ok($terminated, '>', 10, 'connections were terminated');
is_deeply([ read_notes('errors*') ], [], 'no client met any other error');
is($observer->value(q(SELECT count(*) FROM factstr_events WHERE idempotency_key LIKE 'call-%')), $APPENDERS * $CALLS,
	'every append is there');
foreach my $stream (sort keys %streams)
{
	my ($query, $condition) = @{ $streams{$stream} };
	my $expected = expected($condition, $opened_at{$stream});

	cmp_ok(scalar(@$expected), '>', 5, "$stream: there are facts");
	is_deeply(delivered($stream), $expected, "$stream: all " . @$expected . ' facts, in order, each once, each batch whole');
	is($observer->value("SELECT md5(string_agg(record::text, ' ' ORDER BY id)) FROM delivered_$stream"),
		$observer->value(q(SELECT md5(string_agg(r::text, ' ' ORDER BY n))
			FROM factstr_query(jsonb_set($1, '{min_sequence_number}', to_jsonb($2::bigint))), jsonb_array_elements(event_records) WITH ORDINALITY e(r, n)),
			$query, $opened_at{$stream}),
		"$stream: the records of the query");
	cmp_ok($before_the_end{$stream}, '>', $stream eq 'rare' ? 1 : 10, "$stream: by $before_the_end{$stream} consumers");
	is(cursor($stream), head(), "$stream: the cursor is at the end");
}

#
# Cursors survive a restart and a crash: what was acknowledged, and nothing else (rules 24, 27).
#
my @NAMES = map { "kept_$_" } 1 .. 4;
open_stream($_) foreach @NAMES;
my @clients;
foreach my $stream (@NAMES)
{
	push @clients, in_background(sub {
		my ($session) = @_;

		while (1)
		{
			my $last = $session->run(next_sql($stream))->[0][1] // return 1;

			note_down("acks_$stream", "calls $last");
			$session->run(ack_sql($stream, $last));
			note_down("acks_$stream", "has $last");
		}
	});
}
wait_until('cursors move', sub { !grep { !-e "$notes/acks_$_" || -s "$notes/acks_$_" < 500 } @NAMES });
Time::HiRes::usleep(rand(50_000));
crash($node);
# They would go on.
kill('KILL', @clients);
waitpid($_, 0) foreach @clients;
start_node($node);
$observer = new_session($node);
foreach my $stream (@NAMES)
{
	my $acks = join("\n", read_notes("acks_$stream"));
	my ($acknowledged) = $acks =~ /.*^has (\d+)/ms;
	my ($called) = $acks =~ /.*^calls (\d+)/ms;
	my $cursor = cursor($stream);

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
my $kept = cursor('kept_1');
my $batches = $consumer->run(next_sql('kept_1', 2));
$consumer->value(ack_sql('kept_1', $batches->[1][1]));
crash($node);
start_node($node);
$observer = new_session($node);
is(cursor('kept_1'), $kept, 'an acknowledgement that was not committed is not kept');
is_deeply($observer->run(next_sql('kept_1', 2)), $batches, 'and the batches come again');

$observer->run('SELECT factstr_stream_seek($1, cursor_sequence_number / 2) FROM factstr_streams WHERE name = $1', $_) foreach qw(by_type rare);
my ($positions, $next_batches) = (positions($observer), next_batches($observer));
like($next_batches, qr/^by_type.*^kept_4.*^rare/ms, 'streams of all kinds have something to come');
$node->restart;
$observer = new_session($node);
is(positions($observer), $positions, 'a restart keeps cursors');
is(next_batches($observer), $next_batches, 'and what comes next');

#
# So does a dump.
#
my $dump = PostgreSQL::Test::Utils::tempdir() . '/dump';
$node->command_ok([ 'pg_dump', '-f', $dump, '-d', $node->connstr('postgres') ], 'a dump');
$observer->run('CREATE DATABASE restored');
$node->command_ok([ 'psql', '-qX', '-v', 'ON_ERROR_STOP=1', '-f', $dump, '-d', $node->connstr('restored') ], 'is restored');
my $restored = new_session($node, dbname => 'restored');
is(positions($restored), $positions, 'with cursors and lags');
is(next_batches($restored), $next_batches, 'and what comes next');
is($restored->value('SELECT factstr_stream_open($1, $2)', 'rare', $streams{rare}[0]), cursor('rare'), 'a stream is found again with its query');
is($restored->state_of('SELECT factstr_stream_open($1, $2)', 'rare', $streams{by_type}[0]), 'FS003', 'not with another');
my $first = $restored->value(append_sql(events(moved => 1)));
is($first, head() + 1, 'facts are appended');
$restored->run('SELECT factstr_stream_seek($1, $2)', 'by_type', $first - 1);
is($restored->run(next_sql('by_type'))->[0][0], $first, 'and delivered');

#
# On a hot standby one can look, but not consume.
#
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
$observer->run(append_sql(events(moved => 2, noted => 2)));
$observer->run(ack_sql('kept_2', head()));
$node->wait_for_catchup($standby, 'replay', $node->lsn('write'));
my $reader = new_session($standby);
is(positions($reader), positions($observer), 'the view on a standby');
foreach my $stream (sort keys %streams)
{
	my $query = "SELECT * FROM factstr_batches('$streams{$stream}[0]', 0, 100000)";

	is($reader->text("SELECT md5(string_agg(b::text, ' ')) FROM ($query) b"), $observer->text("SELECT md5(string_agg(b::text, ' ')) FROM ($query) b"),
		"factstr_batches on a standby: $stream");
}
is($reader->state_of($_), '25006', "not on a standby: $_")
	foreach next_sql('rare'), next_sql('rare', 1, 1), next_sql('none'), ack_sql('rare', head()), ack_sql('rare', 1),
	q(SELECT factstr_stream_open('new')), q(SELECT factstr_stream_seek('rare', 0)), q(SELECT factstr_stream_drop('rare'));
is($reader->value('SELECT factstr_stream_open($1, $2)', 'rare', $streams{rare}[0]), cursor('rare'), 'a stream that exists is found');

my $kept_batches = next_batches($observer);
$observer->disconnect;
$node->stop;
$standby->promote;
is(next_batches($reader), $kept_batches, 'a promoted standby goes on where the primary was');

$standby->stop;
done_testing();
