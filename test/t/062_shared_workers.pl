# Workers that many subscriptions share: whose session it is, which traces one subscription leaves to the next, how
# handlers fail and are stopped, and which streams wait for which.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use FactstrTest;
use FactstrWorkers;
use Test::More;

# PostgreSQL's own number of worker processes.
my $node = new_node('shared', conf => <<~'CONF');
	shared_preload_libraries = 'factstr'
	restart_after_crash = on
	max_connections = 60
	CONF
my ($superuser, $tenant, $other) = map { new_session($node) } 1 .. 3;

create_kept($superuser);
$superuser->run($_) foreach
	'GRANT ALL ON kept TO PUBLIC',
	'CREATE TABLE found (id int GENERATED ALWAYS AS IDENTITY, what text, result text)', 'GRANT ALL ON found TO PUBLIC',
	map { ("CREATE ROLE $_", "GRANT CREATE ON SCHEMA public TO $_", "GRANT CREATE, TEMPORARY ON DATABASE postgres TO $_",
		"GRANT EXECUTE ON FUNCTION factstr_subscribe(text, jsonb, regprocedure, text, integer, text, text), factstr_unsubscribe(text, text), factstr_stream_hold(text, boolean, bigint, text) TO $_",
		"GRANT SELECT ON factstr_stream_status TO $_", "GRANT UPDATE ON factstr_main_log TO $_") } qw(tenant other);
$tenant->run('SET ROLE tenant');
$other->run('SET ROLE other');

sub append { return $superuser->value(append_sql(events(@_))) }

sub found
{
	my $text = $superuser->text('SELECT what, result FROM found ORDER BY id');

	$superuser->run('DELETE FROM found');
	return $text;
}

sub drop_all
{
	$superuser->run('SELECT factstr_unsubscribe(name) FROM factstr_streams');
	$superuser->run('SELECT factstr_stream_drop(name) FROM factstr_streams');
	return;
}

# The handler of a stream waits in it; returns the process.
sub wait_in_handler
{
	my ($stream, $event) = @_;
	my $pid;

	wait_until("the handler of $stream waits", sub {
		$pid = $superuser->value(
			q(SELECT s.consumer_pid FROM factstr_stream_status s JOIN pg_stat_activity a ON a.pid = s.consumer_pid WHERE s.name = $1 AND a.wait_event = $2),
			$stream, $event // 'PgSleep') });
	return $pid;
}

#
# The session is the subscriber's.
#
$superuser->run($_) foreach
	'CREATE TABLE secrets (owner name, secret text)', 'ALTER TABLE secrets ENABLE ROW LEVEL SECURITY',
	'CREATE POLICY own ON secrets USING (owner = session_user)', 'GRANT SELECT ON secrets TO PUBLIC',
	q(INSERT INTO secrets VALUES ('postgres', 'the superuser''s'), ('tenant', 'the tenant''s')),
	q(ALTER ROLE tenant SET search_path = pg_catalog, public), q(ALTER ROLE tenant IN DATABASE postgres SET work_mem = '77kB'),
	q(ALTER DATABASE postgres SET application_name = 'of the database'), q(ALTER DATABASE postgres SET work_mem = '99kB'),
	'ALTER ROLE postgres SET default_transaction_read_only = on', q(ALTER ROLE postgres SET work_mem = '88kB'),
	q(ALTER ROLE postgres SET extra_float_digits = 2);
create_handler($tenant, 'telling', q(
	INSERT INTO public.found (what, result) SELECT 'secrets', string_agg(secret, ', ') FROM public.secrets;
	INSERT INTO public.found (what, result) VALUES ('who', concat_ws(' ', session_user, current_user, current_setting('is_superuser')));
	INSERT INTO public.found (what, result)
	SELECT 'settings', concat_ws(' ', current_setting('search_path'), current_setting('work_mem'), current_setting('extra_float_digits'));));
subscribe($tenant, 'telling', of_type('tell'));
append(tell => 1);
wait_until_at($superuser, 'telling');
is(found(), "secrets|the tenant's\nwho|tenant tenant off\nsettings|pg_catalog, public 77kB 1",
	'a handler has its subscriber\'s rows, name and settings, and none of the superuser\'s');
$superuser->run(q(ALTER ROLE tenant IN DATABASE postgres SET work_mem = '66kB'));
append(tell => 1);
wait_until_at($superuser, 'telling');
like(found(), qr/^settings\|pg_catalog, public 66kB 1$/m, 'a setting that is changed holds from the next batch on');
$superuser->run(q(ALTER ROLE tenant IN DATABASE postgres SET work_mem = '77kB'));
# A worker that has just started, for the changed setting, is the superuser's until it takes its subscription; and without
# a fact to deliver, none may start.
wait_until('the workers are the tenant\'s for others, too', sub {
	append(tell => 1);
	wait_until_at($superuser, 'telling');
	return $superuser->text(q(SELECT DISTINCT usename FROM pg_stat_activity WHERE backend_type = 'factstr delivery')) eq 'tenant' });
$superuser->run("ALTER ROLE postgres RESET $_") foreach qw(default_transaction_read_only work_mem extra_float_digits);
$superuser->run('ALTER DATABASE postgres RESET ALL');
$superuser->run('ALTER ROLE tenant RESET search_path');

# The table of streams belongs to a role that is no superuser; its triggers there run as that role.
$superuser->run($_) foreach 'CREATE ROLE keeper', 'GRANT CREATE ON SCHEMA public TO keeper', 'ALTER TABLE factstr_streams OWNER TO keeper',
	'SET ROLE keeper',
	q(CREATE FUNCTION tell_trigger() RETURNS trigger LANGUAGE plpgsql AS $$
	BEGIN
		INSERT INTO found (what, result) VALUES ('trigger', current_user);
		RETURN new;
	END $$),
	'CREATE TRIGGER tell BEFORE UPDATE ON factstr_streams FOR EACH ROW EXECUTE FUNCTION tell_trigger()', 'RESET ROLE';
$superuser->run('GRANT ALL ON FUNCTION tell_trigger() TO PUBLIC');
create_handler($superuser, 'supers');
subscribe($superuser, 'supers', of_type('tell'));
found();
append(tell => 2);
wait_until_at($superuser, $_) foreach qw(telling supers);
unlike(join("\n", grep { /^trigger/ } split(/\n/, found())), qr/postgres|tenant/, 'a trigger on the table of streams runs as the owner of the table');
$superuser->run('DROP TRIGGER tell ON factstr_streams');
$superuser->run('ALTER TABLE factstr_streams OWNER TO postgres');
drop_all();

#
# Nothing of one subscription reaches the next one, served by the same worker.
#
$superuser->run('ALTER SYSTEM SET factstr.delivery_workers = 1');
$superuser->run('SELECT pg_reload_conf()');
create_handler($tenant, 'leaving', q(
	SET work_mem = '1MB';
	PERFORM set_config('my.secret', 'left', false);
	CREATE TEMP TABLE left_behind AS SELECT 1;
	EXECUTE 'PREPARE left_behind AS SELECT 1';
	EXECUTE 'DECLARE left_behind CURSOR WITH HOLD FOR SELECT 1';
	PERFORM pg_advisory_lock(7), nextval('seen');));
create_handler($tenant, 'arriving', q(
	INSERT INTO found (what, result) VALUES ('found', concat_ws(' ', current_setting('work_mem'), coalesce(current_setting('my.secret', true), ''),
		coalesce(to_regclass('pg_temp.left_behind')::text, ''), (SELECT count(*) FROM pg_prepared_statements), (SELECT count(*) FROM pg_cursors WHERE name = 'left_behind'),
		(SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid())));
	BEGIN
		PERFORM currval('seen');
		INSERT INTO found (what) VALUES ('currval');
	EXCEPTION WHEN object_not_in_prerequisite_state THEN
		NULL;
	END;));
$tenant->run('CREATE SEQUENCE seen');
subscribe($tenant, $_, of_type('leave')) foreach qw(leaving arriving);
append(leave => $_) foreach 1 .. 3;
wait_until_at($superuser, $_) foreach qw(leaving arriving);
is($superuser->text('SELECT DISTINCT what, result FROM found'), 'found|77kB   0 0 0', 'settings, temporary tables, statements, cursors, locks and sequences are gone');
cmp_ok($superuser->value(q(SELECT count(*) FROM kept l JOIN kept a ON a.worker = l.worker AND a.id > l.id WHERE l.stream = 'leaving' AND a.stream = 'arriving')),
	'>', 0, 'in the same process');
found();
drop_all();

# A hold of the handler's own stream ends with the delivery.
create_handler($tenant, 'holding', q(PERFORM factstr_stream_hold('holding');));
subscribe($tenant, 'holding', of_type('hold'));
append(hold => 1);
wait_until_at($superuser, 'holding');
wait_for_status($superuser, 'holding', 'consumer_pid IS NULL');
is($superuser->state_of(q(SELECT factstr_stream_hold('holding', true))), '00000', 'a handler that holds its stream does not leave it held');
$superuser->run(q(SELECT factstr_stream_release('holding')));
drop_all();
$superuser->run('ALTER SYSTEM RESET factstr.delivery_workers');
$superuser->run('SELECT pg_reload_conf()');

#
# Limits of time.
#
$superuser->run(q(ALTER ROLE tenant SET statement_timeout = '50ms'));
create_handler($tenant, 'slow', q(PERFORM pg_sleep(3600);));
subscribe($tenant, 'slow', of_type('slow'));
append(slow => 1);
wait_for_status($superuser, 'slow', 'failure_count > 1');
like(status($superuser, 'slow', 'last_error'), qr/^57014: canceling statement due to statement timeout/, 'the subscriber\'s statement_timeout holds');
$tenant->run('ALTER FUNCTION slow(jsonb) SET statement_timeout = 0');
create_handler($tenant, 'slow', q(PERFORM pg_sleep(0.2);));
$tenant->run('ALTER FUNCTION slow(jsonb) SET statement_timeout = 0');
wait_until_at($superuser, 'slow');
pass('that of the function goes before it');
$superuser->run('ALTER ROLE tenant RESET statement_timeout');
create_handler($tenant, 'slow', q(PERFORM pg_sleep(3600);));
$tenant->run(q(ALTER FUNCTION slow(jsonb) SET statement_timeout = '50ms'));
append(slow => 1);
wait_for_status($superuser, 'slow', 'failure_count > 0');
like(status($superuser, 'slow', 'last_error'), qr/^57014: canceling statement due to statement timeout/, 'and without the subscriber\'s');
drop_all();
create_handler($tenant, 'slow', q(PERFORM pg_sleep(3600);));
$superuser->run(q(ALTER SYSTEM SET factstr.handler_timeout = '50ms'));
$superuser->run('SELECT pg_reload_conf()');
create_handler($tenant, 'catching', q(
	LOOP
		BEGIN
			PERFORM pg_sleep(3600);
		EXCEPTION WHEN query_canceled THEN
			NULL;
		END;
	END LOOP;));
subscribe($tenant, $_, of_type('slow')) foreach qw(slow catching);
append(slow => 2);
wait_for_status($superuser, $_, 'failure_count > 1') foreach qw(slow catching);
like(status($superuser, 'slow', 'last_error'), qr/^57014: canceling handler due to factstr\.handler_timeout/, 'and so does factstr.handler_timeout');
like(status($superuser, 'catching', 'last_error'), qr/^57P01: /, 'one that catches that loses its process');
drop_all();
$superuser->run('ALTER SYSTEM RESET factstr.handler_timeout');
$superuser->run('SELECT pg_reload_conf()');
wait_until('handlers may take their time', sub { new_session($node)->value('SHOW factstr.handler_timeout') eq '0' });

# A lock_timeout applies to the handler's waits, not to those of its worker.
$superuser->run(q(ALTER ROLE tenant SET lock_timeout = '50ms'));
$superuser->run('CREATE TABLE wanted (n int)');
$superuser->run('GRANT ALL ON wanted TO PUBLIC');
create_handler($tenant, 'locking', 'LOCK TABLE wanted;');
subscribe($tenant, 'locking', of_type('lock'));
$other->run('RESET ROLE');
$other->run('BEGIN');
$other->run('LOCK TABLE wanted');
append(lock => 1);
wait_for_status($superuser, 'locking', 'failure_count > 0');
like(status($superuser, 'locking', 'last_error'), qr/^55P03: /, 'the subscriber\'s lock_timeout holds');
$other->run('ROLLBACK');
wait_until_at($superuser, 'locking');
$superuser->run(q(UPDATE factstr_streams SET last_error = NULL WHERE name = 'locking'));
$other->run('BEGIN');
$other->run('LOCK TABLE factstr_streams');
append(lock => 2);
my $worker;
wait_until('a worker waits for a lock', sub {
	$worker = $superuser->value(q(SELECT a.pid FROM pg_locks l JOIN pg_stat_activity a USING (pid)
		WHERE l.relation = 'factstr_streams'::regclass AND NOT l.granted AND a.backend_type = 'factstr delivery')) });
# A time in which nothing happens has to pass.
$superuser->run('SELECT pg_sleep(0.2)');
$other->run('ROLLBACK');
$other->run('SET ROLE other');
wait_until_at($superuser, 'locking');
is(status($superuser, 'locking', 'last_error'), '', 'but not for the worker');
is($superuser->value(q(SELECT worker FROM kept WHERE stream = 'locking' ORDER BY id DESC LIMIT 1)), $worker, 'which continues');
drop_all();
$superuser->run('ALTER ROLE tenant RESET lock_timeout');

#
# Stopping.
#
subscribe($tenant, 'slow', of_type('slow'));
append(slow => 3);
wait_in_handler('slow');
is($superuser->state_of(append_sql(events(unrelated => 1))), '00000', 'a handler hangs');
is($tenant->value(q(SELECT factstr_unsubscribe('slow'))), 't', 'its subscriber unsubscribes it meanwhile');
subscribe($tenant, 'slow', of_type('slow'));
wait_in_handler('slow');
create_handler($tenant, 'quick');
$tenant->run(q(SELECT factstr_subscribe('slow', $1, 'quick(jsonb)')), of_type('slow'));
wait_until_at($superuser, 'slow');
is(status($superuser, 'slow', 'handler, failure_count'), 'public.quick|0', 'or replaces it');
$tenant->run(q(SELECT factstr_subscribe('slow', $1, 'slow(jsonb)')), of_type('slow'));
append(slow => 4);
is($tenant->value('SELECT pg_cancel_backend($1)', wait_in_handler('slow')), 't', 'or cancels it');
wait_for_status($superuser, 'slow', 'failure_count = 1');
drop_all();
subscribe($tenant, 'catching', of_type('slow'));
append(slow => 5);
wait_in_handler('catching');
is($tenant->value(q(SELECT factstr_unsubscribe('catching'))), 't', 'one that catches the cancel is stopped with its process');
drop_all();

#
# Ends of processes.
#
create_handler($tenant, 'ending', q(PERFORM pg_sleep(3600);));
create_handler($other, 'others');
subscribe($other, 'others', of_type('end'));
subscribe($tenant, 'ending', of_type('end'));
append(end => 1);
$superuser->run('SELECT pg_terminate_backend($1)', wait_in_handler('ending'));
wait_for_status($superuser, 'ending', 'failure_count = 1');
like(status($superuser, 'ending', 'last_error, retry_at > last_failed_at'), qr/^57P01: .*\|t$/, 'a worker that is terminated has recorded the failure');
foreach my $failures (2, 3)
{
	my $pid = wait_in_handler('ending');

	kill($failures == 2 ? 'KILL' : 'SEGV', $pid);
	wait_until('the server breaks off', sub { $superuser->is_lost });
	wait_until('it is back', sub { $superuser = eval { new_session($node) } });
	wait_for_status($superuser, 'ending', "failure_count = $failures");
	like(status($superuser, 'ending', 'last_error'), qr/^57P02: /, 'a process that is killed has left its attempt on record');
	cmp_ok(status($superuser, 'ending', 'extract(epoch FROM retry_at - last_failed_at)::int'), '>=', 5 * 2**($failures - 1), 'and the pause grows');
	my $number = append(end => $failures);
	wait_until_at($superuser, 'others', $number);
	pass('meanwhile others are served');
}
drop_all();
($tenant, $other) = map { new_session($node) } 1 .. 2;
$tenant->run('SET ROLE tenant');
$other->run('SET ROLE other');

#
# Waiting streams: hanging handlers of one role leave workers to another role and another database, and show that they wait.
#
$superuser->run('CREATE DATABASE elsewhere');
my $elsewhere = new_session($node, dbname => 'elsewhere');
$elsewhere->run('CREATE EXTENSION factstr');
create_kept($elsewhere);
create_handler($elsewhere, 'elsewhere');
subscribe($elsewhere, 'elsewhere');
create_handler($tenant, "hanging_$_", q(PERFORM pg_sleep(3600);)) foreach 1 .. 8;
subscribe($tenant, "hanging_$_", of_type('hang')) foreach 1 .. 8;
subscribe($other, 'others', of_type('hang'));
my $hang = append(hang => 1);
wait_until_at($superuser, 'others', $hang);
pass('eight handlers of a role that hang keep no other role waiting');
$elsewhere->run(append_sql(events(a => 1)));
wait_until_at($elsewhere, 'elsewhere', 1);
pass('nor another database');
is($superuser->text(q(SELECT DISTINCT waiting_for, waiting_since <= now() FROM factstr_stream_status WHERE name LIKE 'hanging_%' AND consumer_pid IS NULL)),
	'role|t', 'seven of them wait, and the view says for what, and since when');
$superuser->run('SET max_parallel_workers_per_gather = 2');
$superuser->run("SET $_ = 0") foreach qw(parallel_setup_cost parallel_tuple_cost min_parallel_table_scan_size);
like($superuser->text('EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) SELECT count(*) FROM kept'), qr/Workers Launched: 2/, 'parallel queries get workers');
$superuser->run('SELECT factstr_unsubscribe(name) FROM factstr_streams');
$elsewhere->disconnect;

#
# Many subscriptions in many databases.
#
my @databases = map { "many_$_" } 1 .. 10;
$node->safe_psql('postgres', 'CREATE DATABASE many_1');
$node->safe_psql('many_1', q(
	CREATE EXTENSION factstr;
	CREATE TABLE counted (stream text, fact bigint);
	DO $$
	BEGIN
		FOR i IN 1 .. 30 LOOP
			EXECUTE format('CREATE FUNCTION handle_%s(event_records jsonb) RETURNS void LANGUAGE sql AS $f$
				INSERT INTO counted SELECT %1$L, (event_records->0->>''sequence_number'')::bigint $f$', i);
		END LOOP;
	END $$));
$node->safe_psql('postgres', "CREATE DATABASE $_ TEMPLATE many_1") foreach @databases[1 .. 9];
$node->safe_psql($_, q(SELECT factstr_subscribe('s' || i, '{}', ('handle_' || i)::regproc) FROM generate_series(1, 30) i)) foreach @databases;
foreach my $round (1, 2)
{
	$node->safe_psql($_, append_sql(events(a => $round))) foreach @databases;
	foreach my $database (@databases)
	{
		wait_until("all in $database are served", sub { $node->safe_psql($database, 'SELECT count(*) FROM counted') == 30 * $round });
		is($node->safe_psql($database, 'SELECT count(DISTINCT (stream, fact)) FROM counted'), 30 * $round, "each of 30 in $database has been served, once, round $round");
	}
}
cmp_ok($superuser->value(q(SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'factstr delivery')), '<=', 4, 'by a few processes');

sub ticks
{
	my $ticks = 0;

	foreach my $row (@{ $superuser->run(q(SELECT pid FROM pg_stat_activity WHERE backend_type LIKE 'factstr %')) })
	{
		open(my $file, '<', "/proc/$row->[0]/stat") or next;
		my @fields = split(/ /, (<$file> // '') =~ s/^.*\) //sr);
		$ticks += $fields[11] + $fields[12];
	}
	return $ticks;
}
my $before = ticks();
$superuser->run('SELECT pg_sleep(3)');
cmp_ok(ticks() - $before, '<=', 5, 'idle, they take no time');

$node->stop;
done_testing();
