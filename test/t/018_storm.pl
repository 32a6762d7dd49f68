# No loss, no repeat, no reorder: clients and workers consume durable streams while others append, and
# all of them are killed again and again, and the whole server with them (rules 18, 23, 26 to 29, 31).
# FACTSTR_STORM_SECONDS is the duration; FACTSTR_SEED determines the disturbances and their times.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use FactstrProcesses;
use FactstrStreams;
use FactstrTest;
use FactstrWorkers qw(kill_worker);
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes ();

my $SECONDS = $ENV{FACTSTR_STORM_SECONDS} || 20;
my $APPENDERS = 8;

# So often each disturbance comes in a round of them, in some order; so many rounds there are at least.
my %DISTURBANCES = (
	kill_consumer => 5,
	terminate_consumer => 5,
	terminate_appender => 3,
	terminate_worker => 4,
	terminate_launcher => 1,
	cancel => 3,
	kill_worker => 1,
	kill_server => 1,
	kill_postmaster => 1,
	subscribe_again => 1,
	maintenance => 2);
my $ROUNDS = 3;

# Query, the same as a condition, and, unless clients consume the stream, the handler's weaknesses.
my %STREAMS = (
	every => [ '{}', 'true' ],
	by_type => [ of_type('moved', 'sold'), q(event_type IN ('moved', 'sold')) ],
	by_payload => [ of_payload({ to => 'A' }, { to => 'B', n => 1 }), q(payload @> '{"to": "A"}' OR payload @> '{"to": "B", "n": 1}') ],
	rare => [ json({ filters => [ { event_types => ['rare'], payload_predicates => [ { to => 'A' }, { to => 'B' } ] } ] }),
		q(event_type = 'rare' AND payload->>'to' IN ('A', 'B')) ],
	handled_every => [ '{}', 'true', {} ],
	handled_failing => [ of_type('counted', 'reserved'), q(event_type IN ('counted', 'reserved')), { fails => 1 } ],
	handled_deriving => [ of_payload({ to => 'C', n => 2 }), q(payload @> '{"to": "C", "n": 2}'), { fails => 1, derives => 1 } ],
	handled_derived => [ of_type('derived'), q(event_type = 'derived'), {} ],
	handled_rare => [ of_type('rare'), q(event_type = 'rare'), {} ]);
# So many more, of three roles: sixty handlers share four workers.
my @ROLES = qw(storm_a storm_b storm_c);
$STREAMS{"handled_more_$_"} = [ of_type((qw(moved sold counted noted reserved))[ $_ % 5 ]), "event_type = '" . (qw(moved sold counted noted reserved))[ $_ % 5 ] . "'", { role => $ROLES[ $_ % 3 ], fails => $_ % 7 == 0 } ] foreach 1 .. 55;
my @CONSUMED = grep { !$STREAMS{$_}[2] } sort keys %STREAMS;
my @HANDLED = grep { $STREAMS{$_}[2] } sort keys %STREAMS;

my $seed = $ENV{FACTSTR_SEED} || int(rand(2**31));
note("FACTSTR_SEED=$seed");
srand($seed);

# Nothing reaches the disk before it has to, and a crash takes the rest.
my $node = new_node('storm', conf => <<~'CONF');
	shared_preload_libraries = 'factstr'
	restart_after_crash = on
	wal_writer_delay = 10s
	max_worker_processes = 20
	factstr.delivery_workers = 4
	autovacuum = on
	autovacuum_naptime = 2s
	CONF
my $observer = new_session($node);
my $processes = FactstrProcesses->new($node);

#
# Handlers
#

# The nth call of all fails or not, which a rollback of the call does not undo.
$observer->run($_) foreach
	'CREATE TABLE weather AS SELECT true AS stormy',
	'CREATE SEQUENCE calls',
	qq(
	CREATE FUNCTION fail_now_and_then(message text) RETURNS void LANGUAGE plpgsql AS \$\$
	BEGIN
		IF (SELECT stormy FROM weather) AND hashint8extended(nextval('calls'), $seed) % 80 = 0 THEN
			RAISE EXCEPTION '% for a change', message;
		END IF;
	END \$\$),
	# A fact for two of three batches, one with a key.
	q(
	CREATE FUNCTION derive(number bigint) RETURNS void LANGUAGE plpgsql AS $$
	BEGIN
		IF number % 3 < 2 THEN
			PERFORM factstr_append(jsonb_build_array(jsonb_build_object('event_type', 'derived', 'payload', jsonb_build_object('from', number))),
				CASE number % 3 WHEN 0 THEN 'derived-' || number END);
		END IF;
	END $$);

sub create_handler
{
	my ($stream, $traits) = @_;
	my $fail = sub { $traits->{fails} ? "PERFORM fail_now_and_then('$_[0]');" : '' };
	my $derive = $traits->{derives} ? q(PERFORM derive((event_records->0->>'sequence_number')::bigint);) : '';

	$observer->run(qq(
		CREATE FUNCTION handle_$stream(event_records jsonb) RETURNS void LANGUAGE plpgsql AS \$\$
		BEGIN
			@{[ $fail->('before') ]}
			@{[ keep_sql($stream, 'NULL::bigint', 'NULL::bigint', 'event_records') ]};
			$derive
			@{[ $fail->('after') ]}
		END \$\$));
	return;
}

sub subscribe
{
	my ($stream, $session) = @_;

	my $role = $STREAMS{$stream}[2]{role} // 'NONE';

	$session //= $observer;
	$session->run("SET ROLE $role");
	my $cursor = $session->value(q(SELECT factstr_subscribe($1, $2, ('handle_' || $1)::regproc)), $stream, $STREAMS{$stream}[0]);
	$session->run('RESET ROLE');
	return $cursor;
}

#
# Processes
#

sub linger { Time::HiRes::usleep(rand($_[0])); return }

# A call that appends a batch of some facts.
sub append_call
{
	my ($label, $is_rare) = @_;
	my @types = map { (qw(moved sold counted noted))[ rand(4) ] } 1 .. 1 + int(rand(5));
	my $n = 0;

	$types[0] = 'rare' if $is_rare;
	my $events = events(map { ($_ => { by => $label, to => (qw(A B C))[ rand(3) ], n => ++$n }) } @types);
	return { function => 'factstr_append($1, $2)', events => $events, more => [] };
}

# A call that reserves a seat: the fact tells which one was the seat's newest before.
sub reserve_call
{
	my ($label, $session) = @_;
	my $seat = int(rand(5));
	my $context = json({ filters => [ { event_types => ['reserved'], payload_predicates => [ { seat => $seat } ] } ] });
	my $version = $session->value('SELECT factstr_context_version($1)', $context);
	my $after = defined $version ? 0 + $version : undef;

	return {
		function => 'factstr_append_if($1, $3, $4, $2)',
		events => events(reserved => { by => $label, seat => $seat, after => $after }, noted => { by => $label }),
		more => [ $context, $version ] };
}

# The handler that follows everything has done so, if that call says so.  Amid the storm it may be far behind.
sub read_own_write
{
	my ($session, $last, $timeout) = @_;
	my $state = $session->state_of(q(CALL factstr_wait('handled_every', $1, $2)), $last, $timeout);

	return if $state eq 'FS007';
	die $session->message if $state ne '00000';
	my $seen = $session->value('SELECT count(*) FROM delivered_handled_every WHERE number = $1', $last) // die 'the connection is lost';
	$processes->note($seen ? 'waited' : 'errors', "waited for $last");
	return;
}

# Appends with a key, so that a call can be repeated when it is not known whether it was committed.
# Its last act is to wait until its last fact has been handled.
sub appender
{
	my ($name) = @_;
	my ($number, $call, $last) = (0);

	return sub {
		my ($session) = @_;

		until ($processes->is_noted('calm') && !$call)
		{
			my $key = "$name-$number";

			$call //= rand() < 0.2 ? reserve_call($key, $session) : append_call($key, $number % 25 == 9);
			my $state = $session->state_of("SELECT first_sequence_number, last_sequence_number FROM $call->{function}",
				$call->{events}, $key, @{ $call->{more} });
			undef $call if $state eq 'FS001';
			next if !$call;
			die $session->message if $state ne '00000';
			(my $first, $last) = @{ $session->rows->[0] // die 'the connection is lost' };
			$processes->note($name, qq({"key": "$key", "first": $first, "last": $last, "events": $call->{events}}));
			undef $call;
			$number++;
			read_own_write($session, $last, '200 ms') if rand() < 0.03;
			linger(50_000);
		}
		read_own_write($session, $last, "$FactstrTest::TIMEOUT s");
		return 1;
	};
}

# One transaction after the other, each taking its time at any point, so that it can die there.
sub consumer
{
	my ($stream) = @_;

	return sub {
		my ($session) = @_;
		my $is_end = $processes->is_noted('drain');
		my $nowait = rand() < 0.2;
		my $dawdle = sub { linger(5_000) if !$is_end && rand() < 0.3 };

		$session->run('BEGIN');
		my $state = $session->state_of(next_sql($stream, 1 + int(rand(50)), $nowait));
		my @batches = @{ $session->rows // [] };
		if ($state ne '00000')
		{
			die $session->message unless $state eq 'FS004' && $nowait;
			$session->run('ROLLBACK');
			linger(2_000);
			return 0;
		}
		$dawdle->();
		foreach my $batch (@batches)
		{
			$session->run(keep_sql($stream, '$1', '$2', '$3::jsonb'), @$batch);
			$dawdle->() if rand() < 0.05;
			$session->run(ack_sql($stream, $batch->[1])) if rand() < 0.3 || $batch == $batches[-1];
		}
		$dawdle->();
		$session->run('COMMIT');
		return 1 if !@batches && $is_end;
		linger(4_000) if !@batches;
		return 0;
	};
}

# Reads by position, and keeps the facts that it has seen outside of the database.
sub reader
{
	my $position = 0;

	return sub {
		my ($session) = @_;
		my $is_end = $processes->is_noted('drain');
		my $batches = $session->run(
			q(SELECT first_sequence_number, last_sequence_number, md5(event_records::text) FROM factstr_batches('{}', $1, 50)), $position);

		die 'the connection is lost' if !@$batches && !$session->value('SELECT 1');
		$processes->note('read', "@$_") foreach @$batches;
		$position = $batches->[-1][1] if @$batches;
		linger(10_000);
		return $is_end && !@$batches;
	};
}

#
# Disturbances.  Each returns a description, or false if it affected no session.
#

my @consumers = map { { name => "$_ 1", stream => $_ }, { name => "$_ 2", stream => $_ } } @CONSUMED;
my @appenders = map { "appender-$_" } 1 .. $APPENDERS;

sub one_of { return $_[ rand(@_) ] }

sub start_consumer
{
	my ($consumer) = @_;

	$consumer->{pid} = $processes->start($consumer->{name}, consumer($consumer->{stream}));
	return;
}

sub reconnect
{
	undef $observer;
	wait_until('the server is there again', sub { $observer = eval { new_session($node) } });
	return 1;
}

sub signal_backend
{
	my ($function, $name) = @_;

	return $observer->value("SELECT count($function(pid)) FROM pg_stat_activity WHERE application_name = \$1", $name);
}

sub worker_pid
{
	return $observer->value(q(SELECT pid FROM pg_stat_activity WHERE backend_type = 'factstr delivery' ORDER BY random() LIMIT 1));
}

my %disturb = (
	kill_consumer => sub {
		my $consumer = one_of(@consumers);

		$processes->kill($consumer->{pid});
		start_consumer($consumer);
		return 1;
	},
	terminate_consumer => sub { signal_backend('pg_terminate_backend', one_of(@consumers)->{name}) },
	terminate_appender => sub { signal_backend('pg_terminate_backend', one_of(@appenders)) },
	terminate_worker => sub {
		my $pid = worker_pid() or return 0;

		return $observer->value('SELECT pg_terminate_backend($1)', $pid) eq 't';
	},
	terminate_launcher => sub {
		$observer->value(q(SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE backend_type = 'factstr launcher'));
	},
	cancel => sub { signal_backend('pg_cancel_backend', one_of(@appenders, @HANDLED, map { $_->{name} } @consumers)) },
	# The server takes itself through recovery then.
	kill_worker => sub {
		my $pid = worker_pid() or return 0;

		kill_worker($pid) or return 0;
		wait_until('the server breaks off', sub { $observer->is_lost });
		return reconnect();
	},
	kill_server => sub {
		crash($node);
		start_node($node);
		return reconnect();
	},
	# The others have to notice by themselves.
	kill_postmaster => sub {
		crash($node, postmaster_only => 1);
		start_node($node);
		return reconnect();
	},
	# Ends the pauses of handlers and workers as well.
	subscribe_again => sub {
		$observer->run('SELECT factstr_unsubscribe($1)', one_of(@HANDLED));
		subscribe($_) foreach @HANDLED;
		return 1;
	},
	maintenance => sub {
		my $state = $observer->state_of(one_of('CHECKPOINT', 'VACUUM FREEZE factstr_events', 'VACUUM FULL factstr_streams',
			map { "CALL factstr_deliver('$_')" } @HANDLED));

		die $observer->message if $state !~ /^(?:00000|P0001)$/;
		return 1;
	});

#
# The storm
#
create_table($observer, $_) foreach sort keys %STREAMS;
$observer->run("CREATE ROLE $_") foreach @ROLES;
$observer->run("GRANT $_ TO " . join(', ', @ROLES)) foreach 'SELECT, INSERT ON ALL TABLES IN SCHEMA public', 'USAGE ON ALL SEQUENCES IN SCHEMA public',
	'EXECUTE ON FUNCTION factstr_subscribe(text, jsonb, regprocedure, text, integer, text, text)', 'UPDATE ON factstr_main_log';
$observer->run('SELECT factstr_stream_open($1, $2)', $_, $STREAMS{$_}[0]) foreach @CONSUMED;
foreach (@HANDLED)
{
	create_handler($_, $STREAMS{$_}[2]);
	subscribe($_);
}
my @appending = map { $processes->start($_, appender($_)) } @appenders;
start_consumer($_) foreach @consumers;
my $reader = $processes->start('reader', reader());

my (%done, @todo);
my ($rounds, $started) = (0, Time::HiRes::time());
while (@todo || $rounds < $ROUNDS || Time::HiRes::time() < $started + $SECONDS)
{
	if (!@todo)
	{
		@todo = map { ($_) x $DISTURBANCES{$_} } sort keys %DISTURBANCES;
		$rounds++;
	}
	my $kind = splice(@todo, rand(@todo), 1);
	my $goal = head($observer) + rand(300);

	wait_until("more is appended before $kind", sub {
		die join("\n", $processes->notes('errors')) if $processes->is_noted('errors');
		head($observer) >= $goal;
	});
	wait_until("somebody is there to $kind", sub { $disturb{$kind}->() });
	$done{$kind}++;
}
my $stormed = Time::HiRes::time() - $started;

#
# The drain
#
$processes->note('calm', 'yes');
my $backlog = $observer->text('SELECT name, lag_facts, failure_count FROM factstr_stream_status WHERE lag_facts > 0 ORDER BY 1');
$observer->run('UPDATE weather SET stormy = false');
subscribe($_) foreach @HANDLED;
$processes->wait_for('the appends end', @appending);
my %consumers_of = map { $_ => $observer->value("SELECT count(DISTINCT consumer) FROM delivered_$_") } sort keys %STREAMS;
# The view is one snapshot, and a handler that appends does so before its cursor moves.
wait_until('the handlers have handled everything',
	sub { !$observer->value('SELECT count(*) FROM factstr_stream_status WHERE handler IS NOT NULL AND lag_facts > 0') });
$processes->note('drain', 'yes');
$processes->wait_for('the consumers end', $reader, map { $_->{pid} } @consumers);

#
# The result
#
my $head = head($observer);

note(sprintf('%d facts in %.0f s; then %.1f s until all was delivered; behind were: %s',
	$head, $stormed, Time::HiRes::time() - $started - $stormed, $backlog =~ s/\n/ /gr));
note(join(', ', map { "$_ $done{$_}" } sort keys %done));
note('tried: ', $done{kill_server} + $done{kill_postmaster} + $done{kill_worker}, ' servers killed');
note("tried: $done{kill_consumer} clients killed");
cmp_ok($done{$_}, '>=', $ROUNDS * $DISTURBANCES{$_}, "$_: $done{$_} times") foreach sort keys %DISTURBANCES;
is_deeply([ $processes->notes('errors') ], [], 'no process met an unexpected error');
unlike(slurp_file($node->logfile), qr/PANIC|TRAP:|signal (?:4|6|7|8|11)\b|leak|don't own a lock/, 'nor did the server');

is(numbers($observer), "1-$head", 'the log has no gap');
$observer->run('CREATE TABLE acknowledged (key text, first bigint, last bigint, events jsonb)');
$observer->run('INSERT INTO acknowledged SELECT * FROM jsonb_to_recordset($1) AS r(key text, first bigint, last bigint, events jsonb)',
	'[' . join(',', $processes->notes($_)) . ']') foreach @appenders;
$observer->run('ANALYZE');
my $appends = $observer->value('SELECT count(*) FROM acknowledged');
# Materialized, so that the limit tempts nobody to compare each with each: there are none to be found early.
is($observer->text(q(
	WITH missing AS MATERIALIZED (
		SELECT key FROM acknowledged
		LEFT JOIN (
			SELECT batch_first_sequence_number AS first, max(sequence_number) AS is_last, max(idempotency_key) AS is_key,
				jsonb_agg(jsonb_build_object('event_type', event_type, 'payload', payload) ORDER BY sequence_number) AS is_events
			FROM factstr_events GROUP BY 1) batches USING (first)
		WHERE (last, key, events) IS DISTINCT FROM (is_last, is_key, is_events))
	SELECT key FROM missing LIMIT 3)),
	'', "all of $appends acknowledged appends are there");
is($observer->value(q(SELECT count(*) FROM factstr_events WHERE idempotency_key LIKE 'appender-%')), $appends, 'each once');
note("tried: $appends acknowledged appends looked for");
is($observer->value(q(
	SELECT count(*) FROM (
		SELECT payload->'after' AS after, lag(sequence_number) OVER (PARTITION BY payload->'seat' ORDER BY sequence_number) AS before
		FROM factstr_events WHERE event_type = 'reserved') r
	WHERE after <> coalesce(to_jsonb(before), 'null'))), 0, 'all conditional appends met their condition');
my @waited = $processes->notes('waited');
cmp_ok(scalar(@waited), '>=', $APPENDERS, 'appenders found their own facts in the table of a handler: ' . @waited . ' times');
is($observer->text(q(
	SELECT n, payload FROM (
		SELECT n, count(*) FROM (
			SELECT min(number) AS n FROM delivered_handled_deriving JOIN factstr_events ON sequence_number = number
			GROUP BY batch_first_sequence_number) batches
		WHERE n % 3 < 2 GROUP BY n) should
	FULL JOIN (SELECT (payload->>'from')::bigint AS n, count(*) AS payload FROM factstr_events WHERE event_type = 'derived' GROUP BY 1) derived USING (n)
	WHERE payload IS DISTINCT FROM 1 OR count IS DISTINCT FROM 1 LIMIT 3)), '',
		'facts of a handler are there once for each of its batches');

foreach my $stream (sort keys %STREAMS)
{
	my ($query, $condition) = @{ $STREAMS{$stream} };
	my $facts = $observer->value("SELECT count(*) FROM factstr_events WHERE $condition");

	cmp_ok($facts, '>', 20, "$stream: $facts facts");
	is($observer->text(qq(
		SELECT count(*) FILTER (WHERE number IS NULL), count(number) - count(DISTINCT number), count(*) FILTER (WHERE is_back)
		FROM (SELECT sequence_number FROM factstr_events WHERE $condition) e
		FULL JOIN (SELECT number, number < lag(number) OVER (ORDER BY id) AS is_back FROM delivered_$stream) d ON number = sequence_number)),
		'0|0|0', "$stream: none lost, none repeated, none out of order");
	is(difference($observer, $stream, $condition), '', "$stream: as the table has them");
	is($observer->text(qq(
		SELECT d.n, d.first, b.first, d.records, b.records, transactions
		FROM (SELECT row_number() OVER (ORDER BY min(id)) AS n, min(d.first) AS first, min(d.last) AS last,
				jsonb_agg(record ORDER BY id) AS records, count(DISTINCT transaction) AS transactions
			FROM delivered_$stream d JOIN factstr_events ON sequence_number = number GROUP BY batch_first_sequence_number) d
		FULL JOIN factstr_batches(\$1, 0, 2147483647) WITH ORDINALITY b(first, last, records, n) USING (n)
		WHERE (d.first, d.last) <> (b.first, b.last) OR d.records IS DISTINCT FROM b.records OR transactions <> 1 LIMIT 3), $query),
		'', "$stream: each batch in one transaction, as factstr_batches has it");
	is($observer->value("SELECT md5(string_agg(record::text, ' ' ORDER BY id)) FROM delivered_$stream"),
		$observer->value(q(SELECT md5(string_agg(r::text, ' ' ORDER BY n))
			FROM factstr_query($1), jsonb_array_elements(event_records) WITH ORDINALITY e(r, n)), $query),
		"$stream: as factstr_query has them");
	is(cursor($observer, $stream), $head, "$stream: the cursor is at the end");
	cmp_ok($consumers_of{$stream}, '>', 5, "$stream: by $consumers_of{$stream} consumers");
}

my @read = $processes->notes('read');
my @batches = split(/\n/, $observer->text(
	q(SELECT first_sequence_number || ' ' || last_sequence_number || ' ' || md5(event_records::text) FROM factstr_batches('{}', 0, 2147483647))));
my ($different) = grep { ($read[$_] // '') ne ($batches[$_] // '') } 0 .. (@read > @batches ? $#read : $#batches);
is($different, undef, 'reads by position found all facts');

$node->stop;
done_testing();
