# Handlers in the database: the deliveries of workers, their time and number, with all actions
# and failures of handlers.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use FactstrTest;
use FactstrWorkers;
use Test::More;
use Time::HiRes ();

my $node = new_node('subscriptions', conf => 'max_worker_processes = 40');
my ($observer, $writer, $other) = map { new_session($node) } 1 .. 3;
my $seed = $ENV{FACTSTR_SEED} || int(rand(2**31));

note("FACTSTR_SEED=$seed");
srand($seed);

create_kept($observer);

sub append
{
	return $observer->value(append_sql(events(@_)));
}

#
# Only committed facts, in commit order, filtered, a batch per delivery (rule 18).
#
$observer->run(q(CREATE FUNCTION every(event_records jsonb) RETURNS void LANGUAGE sql AS $$ SELECT keep('every', event_records) $$));
create_handler($observer, 'several');
my $query_of_rare = of_payload({ rare => 1 });
create_handler($observer, 'rare');
append(before => 1);
subscribe($observer, 'every', '{}', 'first');
subscribe($observer, 'several', of_type('a', 'b'));
subscribe($observer, 'rare', $query_of_rare);
# A function of PostgreSQL itself, written in C.
$observer->run(q(SELECT factstr_subscribe('counted', '{}', 'jsonb_array_length(jsonb)')));
wait_until_at($observer, 'every', 1);
is(kept($observer, 'every'), '1', 'rule 24: from the first fact');

$writer->run('BEGIN');
my $first = $writer->value(append_sql(events(a => 1, b => 2, c => 3)));
# Sought back, the stream is looked at, and the last batch comes again.
$observer->run(q(SELECT factstr_stream_seek('every', 0)));
wait_until_at($observer, 'every', 1);
is(kept($observer, 'every'), "1\n1", 'rule 18: nothing is delivered before its commit, even if looked for');
$writer->run('COMMIT');
wait_until_at($observer, $_, $first + 2) foreach qw(every several rare counted);
is(kept($observer, 'every'), "1\n1\n2 3 4", 'rule 18: one batch is one delivery, after its commit');
is(kept($observer, 'several'), '2 3', 'rule 18: filtered by the query; rule 19: from now on');
is(kept($observer, 'rare'), '', 'rule 18: no fact that does not match');
is(status($observer, 'counted', 'failure_count, lag_facts'), '0|0', 'a handler in C');

$writer->run('BEGIN');
$writer->run(append_sql(events(a => 1)));
$writer->run('SAVEPOINT s');
$writer->run(append_sql(events(a => 2)));
$writer->run('ROLLBACK TO s');
$writer->run(append_sql(events(a => 3)));
$writer->run('COMMIT');
$writer->run('BEGIN');
$writer->run(append_sql(events(a => 4)));
$writer->run('ROLLBACK');
wait_until_at($observer, 'several');
is(kept($observer, 'several'), "2 3\n5\n6", 'rule 18: no fact that is rolled back');

my @sessions = map { new_session($node) } 1 .. 4;
foreach my $round (1 .. 60)
{
	foreach my $session (@sessions)
	{
		my @batch = map { (qw(a b c d)[ rand(4) ] => { n => $_, rare => int(rand(10)) }) } 1 .. 1 + rand(4);

		$session->start(append_sql(events(@batch)));
	}
	$_->finish foreach @sessions;
}
my $last = append(a => { rare => 1 });
wait_until_at($observer, $_, $last) foreach qw(every several rare);
is(kept($observer, 'every'), "1\n" . expected_batches($observer, 'true'), 'rules 18, 31: of many concurrent batches each once, in order');
is(kept($observer, 'several'), expected_batches($observer, q(event_type IN ('a', 'b')), 1), 'rules 18, 31: and those of some types');
is(kept($observer, 'rare'), expected_batches($observer, q(payload @> '{"rare": 1}'), 1), 'rules 18, 31: and those of some payloads');
cmp_ok($observer->value('SELECT count(DISTINCT worker) FROM kept'), '<=', 3, 'by few workers');
is($observer->value(q(SELECT bool_and(role = 'postgres') FROM kept)), 't', 'as the role that subscribed');

my $big = append(map { (d => $_) } 1 .. 3000);
wait_until_at($observer, 'every', $big + 2999);
is((split(/\n/, kept($observer, 'every')))[-1], join(' ', $big .. $big + 2999), 'rule 18: a large batch is one delivery');

#
# A slow handler holds up neither appends nor another stream (rules 20, 21).
#
create_handler($observer, 'slow', 'PERFORM pg_advisory_xact_lock(1);');
create_handler($observer, 'quick');
create_handler($observer, 'later');
subscribe($observer, $_, of_type('slow')) foreach qw(slow quick later);
my $gate = new_session($node);
$gate->run('SELECT pg_advisory_lock(1)');
$first = append(slow => 1);
wait_for_status($observer, 'slow', 'consumer_pid IS NOT NULL');
wait_until_at($observer, 'quick', $first);
my $second = append(slow => 2);
wait_until_at($observer, $_, $second) foreach qw(quick every);
is(kept($observer, 'quick'), "$first\n$second", 'rule 20: while a handler is slow, others have the next batch');
is(status($observer, 'slow', 'consumer_pid'), worker_of($observer, 'slow'), 'the view shows the worker at work');
is(status($observer, 'slow', 'waiting_since, waiting_for'), '|', 'for which the stream does not wait');
is(cursor($observer, 'slow'), $first - 1, 'rule 27: the cursor does not move before the handler is done');
is($other->state_of(q(SELECT * FROM factstr_stream_next('slow', 1, true))), 'FS004', 'rule 29: no other session has the stream meanwhile');
is($observer->value(q(SELECT factstr_unsubscribe('later'))), 't', 'rule 21: unsubscribing does not wait for the handler of another stream');
is($observer->value(q(SELECT factstr_unsubscribe('later'))), 'f', 'rule 21: and is idempotent');
subscribe($observer, 'later', of_type('slow'));
is($other->value(q(SELECT factstr_unsubscribe('slow'))), 't', 'unsubscribing interrupts the handler of the stream itself');
is(status($observer, 'slow', 'failure_count, last_error'), '0|', 'which is no failure');
my %states;
foreach my $round (1 .. 30)
{
	subscribe($observer, 'slow', of_type('slow'));
	wait_for_status($observer, 'slow', 'consumer_pid IS NOT NULL');
	Time::HiRes::usleep(500 * ($round % 10));
	# Looked at all the time, by workers that have nothing else to do.
	append(other => $round);
	$other->run(q(SELECT factstr_unsubscribe('slow')));
	$states{ status($observer, 'slow', 'failure_count, last_error') }++;
}
is(join("\n", %states), "0|\n30", 'for no worker that looks at the stream when it is let go of');
$gate->run('SELECT pg_advisory_unlock(1)');
my $third = append(slow => 3);
wait_until_at($observer, $_, $third) foreach qw(quick later);
unlike(kept($observer, 'slow'), qr/$third/, 'rule 21: no delivery after that');
is(kept($observer, 'slow'), '', 'rule 21: an unfinished delivery is rolled back');
is($observer->value('SELECT count(*) FROM factstr_streams WHERE name = $1', 'slow'), 1, 'the stream stays');
subscribe($observer, 'slow', of_type('slow'));
wait_until_at($observer, 'slow', $third);
is(kept($observer, 'slow'), "$first\n$second\n$third", 'rules 25, 31: subscribed again, it continues where it was');

#
# A failing handler (rules 20, 27, 28).  Sequences keep their values when a failure rolls back.
#
$observer->run('CREATE SEQUENCE attempts');
$observer->run('CREATE SEQUENCE furthest');
create_handler($observer, 'failing', q(
	PERFORM nextval('attempts');
	PERFORM setval('furthest', greatest(first, (SELECT last_value FROM furthest)));
	PERFORM factstr_append('[{"event_type": "taken back", "payload": 1}]');
	INSERT INTO kept (stream) VALUES ('taken back');
	IF what = '2' THEN
		RAISE EXCEPTION 'not batch %', first USING ERRCODE = 'P0002';
	END IF;));
subscribe($observer, 'failing', of_type('failing'));
my @batches = map { append(failing => $_) } 1 .. 4;
wait_for_status($observer, 'failing', 'failure_count >= 2');
wait_until_at($observer, 'every');
is($observer->value(q(SELECT count(*) FROM factstr_events WHERE event_type = 'failing')), 4, 'rule 20: a failure undoes no append');
is((split(/\n/, kept($observer, 'every')))[-1], head($observer), 'rule 20: and disturbs no other stream');
cmp_ok(cursor($observer, 'failing'), '<', $batches[1], 'rule 27: the cursor does not move over a failure');
like(status($observer, 'failing', 'last_error, last_failed_at <= now(), retry_at > last_failed_at'),
	qr/^P0002: not batch $batches[1]\|t\|t$/,
	'rule 28: the view shows the error');
is(kept($observer, 'failing'), $batches[0], 'rule 28: no batch beyond the failed one is delivered');
cmp_ok($observer->value('SELECT last_value FROM attempts'), '>', 2, 'rule 28: the failed one is tried again');
is($observer->value('SELECT last_value FROM furthest'), $batches[1], 'rule 28: and none beyond it is tried first');
is($observer->value(q(SELECT count(*) FROM factstr_events WHERE event_type = 'taken back')), 1,
	'rule 28: appends of the handler are rolled back');
is($observer->value(q(SELECT count(*) FROM kept WHERE stream = 'taken back')), 1, 'rule 28: and its writes');
create_handler($observer, 'failing');
wait_until_at($observer, 'failing', $batches[3]);
is(kept($observer, 'failing'), join("\n", @batches), 'rule 28: once the handler is fixed, it continues automatically, with the failed batch');
is(status($observer, 'failing', 'failure_count, retry_at'), '0|', 'rule 28: and the view tells that it works');

# While it pauses another consumer may take the stream over, and the handler continues after it.
create_handler($observer, 'failing', q(RAISE EXCEPTION 'never';));
@batches = map { append(failing => $_) } 1 .. 3;
wait_for_status($observer, 'failing', 'failure_count >= 3');
$other->run('BEGIN');
is($other->run(q(SELECT * FROM factstr_stream_next('failing')))->[0][0], $batches[0],
	'rule 28: another consumer takes over from the same cursor');
is($other->value('SELECT factstr_stream_ack($1, $2)', 'failing', $batches[0]), $batches[0], 'rule 28: and acknowledges');
create_handler($observer, 'failing');
$other->run('COMMIT');
wait_until_at($observer, 'failing', $batches[2]);
like(kept($observer, 'failing'), qr/\n$batches[1]\n$batches[2]$/, 'rules 28, 31: the handler continues after it, immediately');
unlike(kept($observer, 'failing'), qr/\n$batches[0]\n/, 'rule 31: without the batches of the other');

# Subscribing once more ends the pause too.
create_handler($observer, 'failing', q(RAISE EXCEPTION 'never';));
append(failing => 4);
wait_for_status($observer, 'failing', 'failure_count >= 4');
create_handler($observer, 'failing');
subscribe($observer, 'failing', of_type('failing'));
wait_until_at($observer, 'failing');
is(status($observer, 'failing', 'failure_count, retry_at'), '0|', 'subscribed once more, it is tried at once');

# A handler that was cancelled, or that ends its process, has failed as well, and is not lost.
create_handler($observer, 'failing', q(PERFORM pg_advisory_xact_lock(1);));
$gate->run('SELECT pg_advisory_lock(1)');
my $cancelled = append(failing => 5);
wait_for_status($observer, 'failing', 'consumer_pid IS NOT NULL');
wait_until('the handler waits', sub { $observer->value(q(SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted)) });
$observer->run('SELECT pg_cancel_backend($1)', status($observer, 'failing', 'consumer_pid'));
wait_for_status($observer, 'failing', 'failure_count = 1');
like(status($observer, 'failing', 'last_error'), qr/^57014: /, 'a cancelled handler has failed');
$gate->run('SELECT pg_advisory_unlock(1)');
wait_until_at($observer, 'failing');
is((split(/\n/, kept($observer, 'failing')))[-1], $cancelled, 'and is tried again');
create_handler($observer, 'failing', q(
	IF nextval('furthest') < 1000000 THEN
		PERFORM setval('furthest', 1000000), pg_terminate_backend(pg_backend_pid());
	END IF;));
my $terminated = append(failing => 6);
wait_until_at($observer, 'failing', $terminated);
is((split(/\n/, kept($observer, 'failing')))[-1], $terminated, 'one that ended its process is run by another');
like(status($observer, 'failing', 'last_error'), qr/^57P01: /, 'and the view shows it');

#
# Failures outside of the handler's own statements.
#
$observer->run('CREATE TABLE parent (id int PRIMARY KEY)');
$observer->run('CREATE TABLE child (id int REFERENCES parent DEFERRABLE INITIALLY DEFERRED)');
create_handler($observer, 'orphan', q(INSERT INTO child VALUES (1);));
subscribe($observer, 'orphan', of_type('orphan'));
my $orphan = append(orphan => 1);
wait_for_status($observer, 'orphan', 'failure_count >= 1');
like(status($observer, 'orphan', 'last_error'), qr/^23503: /, 'rule 28: a deferred constraint that is violated is a failure');
is(kept($observer, 'orphan') . cursor($observer, 'orphan'), $orphan - 1, 'rule 28: all is taken back');
$observer->run('INSERT INTO parent VALUES (1)');
wait_until_at($observer, 'orphan');
is(kept($observer, 'orphan'), $orphan, 'fixed, it continues');

# The trigger fails only at the commit, since it has put itself off.
$observer->run('CREATE TABLE broken (yes bool)');
$observer->run('INSERT INTO broken VALUES (true)');
$observer->run('CREATE TABLE put_off (n int)');
$observer->run(q(
	CREATE FUNCTION put_off() RETURNS trigger LANGUAGE plpgsql AS $$
	BEGIN
		IF new.n = 1 THEN
			SET CONSTRAINTS ALL DEFERRED;
			INSERT INTO put_off VALUES (2);
		ELSIF (SELECT yes FROM broken) THEN
			RAISE EXCEPTION 'only at the commit' USING ERRCODE = 'P0003';
		END IF;
		RETURN NULL;
	END $$));
$observer->run('CREATE CONSTRAINT TRIGGER put_off AFTER INSERT ON put_off DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION put_off()');
create_handler($observer, 'at_commit', 'INSERT INTO put_off VALUES (1);');
subscribe($observer, 'at_commit', of_type('orphan'));
my $at_commit = append(orphan => 2);
wait_for_status($observer, 'at_commit', 'failure_count >= 2');
like(status($observer, 'at_commit', 'last_error, retry_at > last_failed_at'),
	qr/^P0003: only at the commit\|t$/, 'rule 28: a failure at the commit is recorded');
is(kept($observer, 'at_commit') . cursor($observer, 'at_commit'), $at_commit - 1, 'rule 28: all is taken back');
$observer->run('UPDATE broken SET yes = false');
wait_until_at($observer, 'at_commit');
is(kept($observer, 'at_commit') . status($observer, 'at_commit', 'failure_count'), "${at_commit}0", 'fixed, it continues');

# Another consumer that waits for the stream gets it when the failure is on record.
$observer->run('UPDATE broken SET yes = true');
$observer->run('CREATE SEQUENCE tries');
create_handler($observer, 'awaited', q(
	IF what <> 'first' AND nextval('tries') = 1 THEN
		PERFORM pg_advisory_xact_lock(1);
		INSERT INTO put_off VALUES (1);
	END IF;));
subscribe($observer, 'awaited', of_type('awaited'));
append(awaited => 'first');
wait_until_at($observer, 'awaited');
foreach my $failure ([ 'at the commit', qr/^P0003: / ], [ 'with its process', qr/^57P01: / ])
{
	my ($how, $error) = @$failure;

	$observer->run('ALTER SEQUENCE tries RESTART');
	$gate->run('SELECT pg_advisory_lock(1)');
	append(awaited => $how);
	wait_until('the handler waits', sub { $observer->value(q(SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted)) });
	$other->run('BEGIN');
	$other->start(q(SELECT factstr_stream_next('awaited')));
	wait_until('the consumer waits', sub { $observer->value('SELECT count(*) FROM pg_locks WHERE pid = $1 AND NOT granted', $other->pid) });
	$observer->run('SELECT pg_terminate_backend($1)', status($observer, 'awaited', 'consumer_pid')) if $how eq 'with its process';
	$gate->run('SELECT pg_advisory_unlock(1)');
	$other->finish;
	like(status($observer, 'awaited', 'last_error'), $error, "rule 28: one that fails $how has failed when the next consumer gets the stream");
	$other->run('ROLLBACK');
	wait_until_at($observer, 'awaited');
}

# The end of a process waits for nobody: a session that has locked the stream's row might wait for the stream.
create_handler($observer, 'ended', q(IF what = 'end' THEN PERFORM pg_advisory_xact_lock(1); END IF;));
subscribe($observer, 'ended', of_type('ended'));
append(ended => 'first');
wait_until_at($observer, 'ended');
$gate->run('SELECT pg_advisory_lock(1)');
append(ended => 'end');
wait_until('the handler waits', sub { $observer->value(q(SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted)) });
my $ending = status($observer, 'ended', 'consumer_pid');
$other->run('BEGIN');
$other->run(q(SELECT 1 FROM factstr_streams WHERE name = 'ended' FOR UPDATE));
$observer->run('SELECT pg_terminate_backend($1)', $ending);
wait_until('the process has ended', sub { !$observer->value('SELECT count(*) FROM pg_stat_activity WHERE pid = $1', $ending) });
pass('a process that ends does not wait for long for the row of its stream');
$other->run('ROLLBACK');
$gate->run('SELECT pg_advisory_unlock(1)');
wait_until_at($observer, 'ended');

# The worker's transactions are serializable.
$_->run(q(SET default_transaction_isolation = 'read committed')) foreach $observer, $writer, $other, $gate;
$observer->run(q(ALTER SYSTEM SET default_transaction_isolation = serializable));
$observer->run('SELECT pg_reload_conf()');
$observer->run('CREATE TABLE isolation (level text)');
$observer->run('CREATE TABLE doctors (name text, on_call bool)');
$observer->run(q(INSERT INTO doctors VALUES ('ann', true), ('bob', true)));
create_handler($observer, 'serializable', q(
	INSERT INTO isolation VALUES (current_setting('transaction_isolation'));
	IF what = 'leave' THEN
		PERFORM pg_advisory_xact_lock_shared(2), pg_advisory_xact_lock(1);
		UPDATE doctors SET on_call = false WHERE name = 'ann' AND (SELECT count(*) FROM doctors WHERE on_call) = 2;
	END IF;));
subscribe($observer, 'serializable', of_type('shift'));
wait_until('the worker has the setting', sub {
	append(shift => 'first');
	wait_until_at($observer, 'serializable');
	return $observer->value(q(SELECT bool_or(level = 'serializable') FROM isolation)) eq 't'; });
$gate->run('SELECT pg_advisory_lock(1)');
$other->run('BEGIN ISOLATION LEVEL SERIALIZABLE');
$other->run('SELECT count(*) FROM doctors WHERE on_call');
my $leave = append(shift => 'leave');
wait_until('the handler waits', sub { $observer->value(q(SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted)) });
$other->run(q(UPDATE doctors SET on_call = false WHERE name = 'bob'));
$other->run('COMMIT');
$gate->run('SELECT pg_advisory_unlock(1)');
wait_until_at($observer, 'serializable');
like(status($observer, 'serializable', 'last_error'), qr/^40001: /, 'rule 28: a serialization failure is recorded');
is((split(/\n/, kept($observer, 'serializable')))[-1], $leave, 'and the batch tried again');
is($observer->value('SELECT count(*) FROM doctors WHERE on_call'), 1, 'with the facts of that time');
$observer->run('ALTER SYSTEM RESET default_transaction_isolation');
$observer->run('SELECT pg_reload_conf()');

#
# Handlers that do something with streams (rule 22).
#
create_handler($observer, 'created');
create_handler($observer, 'reacting', q(
	IF what::int > 0 THEN
		PERFORM factstr_append(jsonb_build_array(jsonb_build_object('event_type', 'countdown', 'payload', what::int - 1)));
	END IF;
	PERFORM keep('queried', q.event_records) FROM factstr_query('{"filters": [{"event_types": ["countdown"]}]}') q;
	PERFORM factstr_subscribe('created', '{"filters": [{"event_types": ["countdown"]}]}', 'created(jsonb)');
	PERFORM factstr_unsubscribe('later');));
subscribe($observer, 'reacting', of_type('countdown'));
my $countdown = append(countdown => 10);
wait_until_at($observer, 'reacting', $countdown + 10);
is(kept($observer, 'reacting'), join("\n", $countdown .. $countdown + 10),
	'rule 22: a handler appends, and receives that in a separate delivery');
is((split(/\n/, kept($observer, 'queried')))[-1], join(' ', $countdown .. $countdown + 10), 'rule 22: queries');
wait_until_at($observer, 'created', $countdown + 10);
is((split(/\n/, kept($observer, 'created')))[-1], $countdown + 10, 'rule 22: subscribes');
is(status($observer, 'later', 'handler'), '', 'rule 22: and unsubscribes');

create_handler($observer, 'own', q(
	IF what = 'seek' THEN
		PERFORM factstr_stream_seek('own', (SELECT max(sequence_number) FROM factstr_events));
	ELSIF what = 'again' AND (SELECT count(*) FROM kept WHERE stream = 'own' AND facts = first::text) < 1 THEN
		PERFORM factstr_stream_seek('own', first - 3);
	ELSIF what = 'acknowledge' THEN
		PERFORM factstr_stream_ack('own', first);
	ELSIF what = 'unsubscribe' THEN
		PERFORM factstr_unsubscribe('own');
	ELSIF what = 'drop' THEN
		PERFORM factstr_stream_drop('own');
	ELSIF what = 'fail' THEN
		PERFORM factstr_stream_drop('own');
		RAISE EXCEPTION 'not dropped';
	END IF;));
subscribe($observer, 'own', of_type('own'));
$writer->run('BEGIN');
my @numbers = map { $writer->value(append_sql(events(own => $_))) } qw(seek passed passed);
$writer->run('COMMIT');
wait_until_at($observer, 'own', $numbers[2]);
is(kept($observer, 'own'), $numbers[0], 'rule 22: a handler moves the cursor of its stream forwards');
my $again = append(own => 'again');
$last = append(own => 'acknowledge');
wait_until_at($observer, 'own', $last);
is(kept($observer, 'own'), join("\n", $numbers[0], $again, @numbers[1, 2], $again, $last),
	'rule 22: or backwards; or acknowledges by itself');
my $unsubscribe = append(own => 'unsubscribe');
wait_for_status($observer, 'own', 'handler IS NULL');
my $next = append(own => 'next');
is(cursor($observer, 'own'), $unsubscribe, 'rule 22: a handler unsubscribes itself, and has dealt with its batch');
unlike(kept($observer, 'own'), qr/$next/, 'rule 21: it is given no more');
subscribe($observer, 'own', of_type('own'));
wait_until_at($observer, 'own', $next);
append(own => 'fail');
wait_for_status($observer, 'own', 'failure_count >= 1');
like(status($observer, 'own', 'last_error'), qr/not dropped/, 'rule 28: changes of a failed handler to its stream are rolled back too');
$observer->run('SELECT factstr_stream_seek($1, $2)', 'own', head($observer));
append(own => 'drop');
wait_until('it is dropped', sub { status($observer, 'own', 'name') eq '' });
pass('rule 22: a handler drops its own stream');
is(subscribe($observer, 'own', of_type('own')), head($observer), 'rule 24: which may be created again');

#
# A stream that is dropped and created again with another query starts from the beginning, even if its worker does not
# notice that (rules 18, 25).
#
create_handler($observer, 'anew');
$observer->run(q(
	CREATE PROCEDURE make_anew(query jsonb) LANGUAGE plpgsql AS $$
	BEGIN
		PERFORM factstr_stream_drop('anew') FROM factstr_streams WHERE name = 'anew';
		PERFORM factstr_subscribe('anew', query, 'anew(jsonb)');
	END $$));
my $wanted = append(wanted => 1);
my @lost;
foreach my $round (1 .. 40)
{
	$observer->run(q(CALL make_anew('{"filters": [{"event_types": ["no such"]}]}')));
	wait_until_at($observer, 'anew');
	# The first look is followed by another one, which is too soon to move the cursor.
	$observer->run(q(SELECT factstr_stream_seek('anew', 0)));
	Time::HiRes::usleep(rand(15_000));
	$observer->run(q(DELETE FROM kept WHERE stream = 'anew'));
	$observer->run(q(CALL make_anew('{"filters": [{"event_types": ["wanted"]}]}')));
	wait_until_at($observer, 'anew');
	push @lost, $round if kept($observer, 'anew') ne $wanted;
}
is("@lost", '', 'rules 18, 25: created again with another query, a stream loses nothing');

#
# Exactly once, with any number of delivering sessions, and after all of their failures (rules 29, 31).
#
create_handler($observer, 'contended');
my $start = subscribe($observer, 'contended', of_type('contended'));
$observer->run(q(
	CREATE PROCEDURE append_many(batches int) LANGUAGE plpgsql AS $$
	BEGIN
		FOR i IN 1 .. batches LOOP
			PERFORM factstr_append(jsonb_agg(jsonb_build_object('event_type', (ARRAY['contended', 'other'])[1 + floor(random() * 2)], 'payload', n)))
			FROM generate_series(1, 1 + floor(random() * 3)::int) n;
			COMMIT;
		END LOOP;
	END $$));
$observer->run(q(
	CREATE PROCEDURE consume(INOUT batches int) LANGUAGE plpgsql AS $$
	DECLARE
		batch record;
	BEGIN
		LOOP
			FOR batch IN SELECT * FROM factstr_stream_next('contended') LOOP
				PERFORM keep('contended', batch.event_records), factstr_stream_ack('contended', batch.last_sequence_number);
				batches := batches - 1;
			END LOOP;
			COMMIT;
			EXIT WHEN batches <= 0;
		END LOOP;
	END $$));
my ($consumer, $deliverer, @appenders) = map { new_session($node) } 1 .. 5;
$_->start('CALL append_many(400)') foreach @appenders;
$consumer->start('CALL consume(30)');
my $rounds = 0;
until (@appenders == grep { $_->is_done } @appenders)
{
	die $deliverer->message if $rounds % 4 == 3 && $deliverer->state_of(q(CALL factstr_deliver('contended'))) ne '00000';
	$observer->run(q(SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'contended')) if $rounds % 4 == 1;
	$rounds++;
	my $cursor = cursor($observer, 'contended');
	wait_until('it continues', sub { cursor($observer, 'contended') > $cursor || !grep { !$_->is_done } @appenders });
}
is($_->finish->state, '00000', 'all is appended') foreach @appenders;
$observer->run(append_sql(events(contended => 0))) foreach 1 .. 40;
is($consumer->finish->state, '00000', 'a session has consumed some of it');
wait_until_at($observer, 'contended');
is(kept($observer, 'contended'), expected_batches($observer, q(event_type = 'contended'), $start),
	'rules 29, 31: all batches, in order, each once');
cmp_ok($observer->value(q(SELECT count(DISTINCT worker) FROM kept WHERE stream = 'contended')), '>', 1, 'by workers and sessions');

#
# A worker waits for no other consumer, and notices when that has finished.
#
$other->run('BEGIN');
$other->run(q(SELECT * FROM factstr_stream_next('contended')));
append(contended => 1);
my $elsewhere = append(failing => 7);
wait_until_at($observer, 'failing', $elsewhere);
$other->run('COMMIT');
wait_until_at($observer, 'contended');
is(status($observer, 'contended', 'failure_count, waiting_for'), '0|', 'a stream that another consumer had is delivered when that is through');

$node->stop;
done_testing();
