# A handler runs with the rights of the role that subscribed it, and with no others: neither its worker
# nor a session that delivers by hand lends it theirs.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use FactstrOtherLog qw(log_of_tests);
use FactstrTest;
use FactstrWorkers;
use Test::More;

my $node = new_node('subscribers', conf => 'max_worker_processes = 20');
my ($observer, $subscriber, $other) = map { new_session($node) } 1 .. 3;

create_kept($observer);
$observer->run('CREATE ROLE subscriber NOLOGIN');
$observer->run('CREATE ROLE other');
$observer->run('CREATE ROLE team');
$observer->run('GRANT ALL ON kept TO PUBLIC');
$observer->run('GRANT CREATE ON SCHEMA public TO subscriber, other, team');
$observer->run('GRANT EXECUTE ON FUNCTION factstr_subscribe(text, jsonb, regprocedure, text, integer, text, text), factstr_append(jsonb, text, boolean, text) TO subscriber');
$observer->run('GRANT INSERT, UPDATE ON factstr_main_log TO subscriber');
$subscriber->run('SET ROLE subscriber');
$other->run('SET ROLE other');
$observer->run('CREATE TABLE secrets (n int)');

# The findings of a handler, in its own transaction.
$observer->run('CREATE TABLE found (id int GENERATED ALWAYS AS IDENTITY, stream text, what text, result text)');
$observer->run('GRANT ALL ON found TO PUBLIC');

sub found
{
	my ($stream) = @_;

	return $observer->text('SELECT what, result FROM found WHERE stream = $1 ORDER BY id', $stream);
}

sub append
{
	return $observer->value(append_sql(events(@_)));
}

#
# As the subscriber, without a way back to the superuser that the worker is.
#
my @ESCAPES = (
	'SET SESSION AUTHORIZATION postgres', 'SET SESSION AUTHORIZATION DEFAULT',
	'RESET SESSION AUTHORIZATION', 'SET LOCAL SESSION AUTHORIZATION postgres',
	'SET ROLE postgres', 'SET ROLE other', 'SET ROLE NONE', 'RESET ROLE', 'SET LOCAL ROLE postgres',
	q(SELECT set_config('role', 'postgres', false)), q(SELECT set_config('session_authorization', 'postgres', false)),
	'SELECT * FROM secrets', q(COPY found TO PROGRAM 'cat'), 'SET session_replication_role = replica',
	'SELECT as_postgres()', 'RESET ALL', 'SELECT * FROM secrets');
$observer->run('CREATE FUNCTION as_postgres() RETURNS int LANGUAGE sql SET role = postgres AS $$ SELECT 1 $$');
create_handler($subscriber, 'escaping', sprintf(q(
	DECLARE
		escape text;
	BEGIN
		INSERT INTO found (stream, what, result) VALUES ('escaping', 'as', current_user);
		FOREACH escape IN ARRAY ARRAY[%s] LOOP
			BEGIN
				EXECUTE escape;
				INSERT INTO found (stream, what, result) VALUES ('escaping', escape, current_user);
			EXCEPTION WHEN OTHERS THEN
				INSERT INTO found (stream, what, result) VALUES ('escaping', escape, sqlstate);
			END;
		END LOOP;
		PERFORM FROM factstr_append('[{"event_type": "reaction", "payload": 1}]');
		INSERT INTO found (stream, what, result) VALUES ('escaping', 'still as', current_user);
	END;), join(', ', map { '$e$' . $_ . '$e$' } @ESCAPES)));
subscribe($subscriber, 'escaping', of_type('escape'));
my $first = append(escape => 1);
wait_until_at($observer, 'escaping', $first);
is(found('escaping'),
	join("\n", 'as|subscriber', (map { "$_|" . (/^RESET ALL/ ? 'subscriber' : '42501') } @ESCAPES), 'still as|subscriber'),
	'a handler runs as its subscriber, even one that cannot log in, and cannot become anybody else');
is(status($observer, 'escaping', 'subscriber'), 'subscriber', 'the view tells as whom');
is($observer->value('SELECT role FROM kept'), 'subscriber', 'functions that it calls run so too');
append(escape => 2);
wait_until_at($observer, 'escaping');
is($observer->text(q(SELECT DISTINCT result FROM found WHERE stream = 'escaping' AND what LIKE '%as')), 'subscriber', 'again and again');

#
# Its deferred work at commit runs as the subscriber, too.
#
$subscriber->run('CREATE TABLE put_off (n int)');
$subscriber->run(q(
	CREATE FUNCTION put_off() RETURNS trigger LANGUAGE plpgsql AS $$
	BEGIN
		IF new.n = 1 THEN
			SET CONSTRAINTS ALL DEFERRED;
			INSERT INTO put_off VALUES (2);
		END IF;
		INSERT INTO found (stream, what, result) VALUES ('at_commit', 'trigger ' || new.n, current_user);
		RETURN NULL;
	END $$));
$subscriber->run('CREATE CONSTRAINT TRIGGER put_off AFTER INSERT ON put_off DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION put_off()');
$subscriber->run(q(
	CREATE FUNCTION note_user(what text) RETURNS name LANGUAGE plpgsql AS $$
	BEGIN
		INSERT INTO found (stream, what, result) VALUES ('at_commit', what, current_user);
		RETURN current_user;
	END $$));
create_handler($subscriber, 'at_commit', q(
	INSERT INTO put_off VALUES (1);
	EXECUTE format('DECLARE c%s CURSOR WITH HOLD FOR SELECT note_user(''cursor'')', first);
	INSERT INTO found (stream, what, result) VALUES ('at_commit', 'handler', current_user);));
subscribe($subscriber, 'at_commit', of_type('escape'));
$first = append(escape => 3);
wait_until_at($observer, 'at_commit', $first);
is($observer->text(q(SELECT what, result FROM found WHERE stream = 'at_commit' ORDER BY what)),
	"cursor|subscriber\nhandler|subscriber\ntrigger 1|subscriber\ntrigger 2|subscriber",
		'deferred triggers and cursors are the subscriber\'s at the commit');
$observer->run(q(SELECT factstr_unsubscribe(name) FROM factstr_streams));

#
# Nor does it leave anything in its worker that meets the handler of another role.
#
$observer->run('CREATE SCHEMA drawer AUTHORIZATION subscriber');
$observer->run('GRANT TEMPORARY ON DATABASE postgres TO subscriber');
create_handler($subscriber, 'leaving', q(
	SET search_path = drawer, public;
	CREATE TEMP TABLE IF NOT EXISTS found (LIKE public.found);
	PERFORM pg_advisory_lock(3);));
create_handler($observer, 'inheriting', q(
	INSERT INTO public.found (stream, what, result) VALUES ('inheriting', current_setting('search_path'),
		concat_ws(' ', to_regclass('pg_temp.found'), (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid())));));
subscribe($subscriber, 'leaving', of_type('leave'));
$first = append(leave => 1);
wait_until_at($observer, 'leaving', $first);
$observer->run('SELECT factstr_subscribe($1, $2, $3)', 'leaving', of_type('leave'), 'inheriting(jsonb)');
$first = append(leave => 2);
wait_until_at($observer, 'leaving', $first);
is(found('inheriting'), '"$user", public|0', 'the handler of another role finds nothing left in the session');
$observer->run(q(SELECT factstr_stream_drop('leaving')));

# Nor in a session that delivers by hand.
$observer->run('SET factstr.background_delivery = off');
$subscriber->run('SET factstr.background_delivery = off');
$other->run('SET factstr.background_delivery = off');
create_handler($subscriber, 'by_hand', q(
	SET search_path = drawer, public;
	PERFORM set_config('work_mem', '77kB', false);));
subscribe($subscriber, 'by_hand', of_type('leave'));
append(leave => 3);
$observer->run(q(CALL factstr_deliver('by_hand')));
is(status($observer, 'by_hand', 'lag_facts, last_error'), '0|', 'delivered by hand');
is($observer->text('SHOW search_path') . ' ' . $observer->text('SHOW work_mem'),
	'"$user", public 4MB', 'it leaves no settings in the session');
$observer->run('SET search_path = public');
create_handler($observer, 'by_myself', q(SET search_path = pg_catalog, public;));
$observer->run('SELECT factstr_subscribe($1, $2, $3)', 'by_myself', of_type('leave'), 'by_myself(jsonb)');
$observer->run(q(CALL factstr_deliver('by_myself')));
is($observer->text('SHOW search_path'), 'public', 'nor does a handler of one\'s own');
$observer->run('RESET search_path');

#
# A function that replaces a handler does not get the subscriber's rights.  Without the cause, the error
# disappears.
#
$_->run('RESET factstr.background_delivery') foreach $observer, $subscriber, $other;
create_handler($subscriber, 'replaced');
subscribe($subscriber, 'replaced', of_type('replace'));
$subscriber->run('DROP FUNCTION replaced');
create_handler($other, 'replaced', q(INSERT INTO found (stream, what, result) VALUES ('replaced', 'as', current_user);));
$first = append(replace => 1);
wait_for_status($observer, 'replaced', 'failure_count >= 1');
like(status($observer, 'replaced', 'last_error'), qr/^42501: .*replaced belongs to role "other"/,
	'a handler of another role is not run, and the view tells why');
$observer->run('GRANT other TO subscriber');
wait_until_at($observer, 'replaced', $first);
is(found('replaced'), 'as|subscriber', 'it is when the subscriber may be that role');
$observer->run('REVOKE other FROM subscriber');
$observer->run('DROP FUNCTION replaced');
my $second = append(replace => 2);
wait_for_status($observer, 'replaced', 'failure_count >= 1');
like(status($observer, 'replaced', 'last_error'), qr/^42883: /, 'a handler that was dropped is missed');
create_handler($subscriber, 'replaced');
wait_until_at($observer, 'replaced', $second);
is(kept($observer, 'replaced'), "$first\n$second", 'made again by the subscriber, it continues');

$observer->run('GRANT team TO subscriber');
$observer->run('ALTER FUNCTION replaced OWNER TO team');
$observer->run('REVOKE EXECUTE ON FUNCTION replaced FROM PUBLIC');
$observer->run('REVOKE EXECUTE ON FUNCTION replaced FROM team');
my $third = append(replace => 3);
wait_for_status($observer, 'replaced', 'failure_count >= 1');
like(status($observer, 'replaced', 'last_error'),
	qr/^42501: permission denied for function replaced/,
	'a handler that the subscriber may not execute any more fails');
$observer->run('GRANT EXECUTE ON FUNCTION replaced TO subscriber');
wait_until_at($observer, 'replaced', $third);
is(status($observer, 'replaced', 'failure_count'), 0, 'granted again, it continues');

# A dropped role; another one of its name may only run its own functions, or those of a superuser.
$observer->run('CREATE ROLE gone');
$observer->run('GRANT EXECUTE ON FUNCTION factstr_subscribe(text, jsonb, regprocedure, text, integer, text, text) TO gone');
$observer->run('GRANT UPDATE ON factstr_main_log TO gone');
create_handler($observer, 'orphaned');
$other->run('RESET ROLE');
$other->run('SET ROLE gone');
subscribe($other, 'orphaned', of_type('replace'));
$first = append(replace => 4);
wait_until_at($observer, 'orphaned', $first);
$observer->run('DROP OWNED BY gone');
$observer->run('DROP ROLE gone');
$second = append(replace => 5);
wait_for_status($observer, 'orphaned', 'failure_count >= 1');
like(status($observer, 'orphaned', 'last_error'), qr/^42704: role "gone" does not exist/, 'the handler of a role that was dropped fails');
$observer->run('CREATE ROLE gone');
wait_for_status($observer, 'orphaned', sprintf(q(last_error LIKE '42501: permission denied for log "%s"%%'), log_of_tests()));
$observer->run('GRANT UPDATE ON factstr_main_log TO gone');
wait_until_at($observer, 'orphaned', $second);
is($observer->text(q(SELECT DISTINCT role FROM kept WHERE stream = 'orphaned')), 'gone', 'with a role of that name and its right it continues');

# A role that another one hands its stream to.
subscribe($observer, 'orphaned', of_type('replace'));
$third = append(replace => 6);
wait_until_at($observer, 'orphaned', $third);
is($observer->value(q(SELECT role FROM kept WHERE stream = 'orphaned' ORDER BY id DESC LIMIT 1)),
	'postgres', 'subscribed by another role, it runs as that');
is($observer->text(q(SELECT factstr_subscribe('orphaned', event_query, 'orphaned(jsonb)') = cursor_sequence_number FROM factstr_streams WHERE name = 'orphaned')),
	't', 'as often as it likes');

$node->stop;
done_testing();
