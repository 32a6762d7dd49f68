# Attempts of a role to get more than it was granted: by the objects that it may create, as a
# subscriber's handler, through errors and the server's log, and by keeping others out.  None succeeds.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use FactstrTest;
use FactstrWorkers;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('attacks', conf => 'max_worker_processes = 20');
my $superuser = new_session($node);
my $mallory = new_session($node);

my @APPEND = ('factstr_append(jsonb, text, boolean, text)', 'factstr_append_if(jsonb, jsonb, bigint, text, boolean, text)',
	'factstr_try_append_if(jsonb, jsonb, bigint, text, text)');
my @SUBSCRIBE = ('factstr_subscribe(text, jsonb, regprocedure, text, integer, text, text)', 'factstr_unsubscribe(text, text)');

create_kept($superuser);
$superuser->run('CREATE ROLE mallory');
$superuser->run('GRANT ALL ON kept TO PUBLIC');
$superuser->run('CREATE SCHEMA evil AUTHORIZATION mallory');
$superuser->run('GRANT CREATE ON SCHEMA public TO mallory');
$superuser->run('CREATE TABLE loot (id int GENERATED ALWAYS AS IDENTITY, what text, result text)');
$superuser->run('GRANT ALL ON loot TO PUBLIC');
$mallory->run('SET ROLE mallory');

# Returns the notes of an attack, in order, and deletes them.
sub loot
{
	my $text = $superuser->text('SELECT what, result FROM loot ORDER BY id');

	$superuser->run('DELETE FROM loot');
	return $text;
}

sub append
{
	return $superuser->value(append_sql(events(@_)));
}

#
# Objects that are there before the extension.  The expressions of its views must not take an operator or
# a function that fits better than PostgreSQL's own: a careless caller would call it.
#
$node->safe_psql('postgres', 'CREATE DATABASE early');
$node->safe_psql('early',
	'CREATE SCHEMA shared; GRANT ALL ON SCHEMA shared TO mallory; CREATE TABLE loot (what text); GRANT ALL ON loot TO mallory');
$node->safe_psql('early', <<~'SQL');
	SET ROLE mallory;
	SET client_min_messages = warning;
	CREATE FUNCTION shared.note(what text) RETURNS void LANGUAGE plpgsql AS $$
	BEGIN
		INSERT INTO public.loot SELECT current_user || ': ' || what WHERE current_setting('transaction_read_only') = 'off';
	END $$;
	-- Each operator that takes two types, in the combinations that PostgreSQL has none for.
	DO $$
	DECLARE
		trap record;
	BEGIN
		FOR trap IN
			SELECT op, l::regtype AS l, r::regtype AS r, CASE WHEN op ~ '[=<>]$' AND op <> '>>' THEN 'bool'::regtype ELSE l::regtype END AS result
			FROM unnest('{=,<>,<,>,<=,>=,&,|,>>,<<,-,+,*,/,%,||}'::text[]) op,
				unnest('{int2,int4,int8,oid,regclass,name,text,timestamptz,interval,jsonb,float8,numeric}'::text[]) l,
				unnest('{int2,int4,int8,oid,regclass,name,text,timestamptz,interval,jsonb,float8,numeric}'::text[]) r
			WHERE NOT EXISTS (SELECT FROM pg_operator WHERE oprname = op AND oprleft = l::regtype AND oprright = r::regtype)
		LOOP
			EXECUTE format('CREATE OR REPLACE FUNCTION shared.trap_%s(%s, %s) RETURNS %s LANGUAGE sql AS %L', replace(trap.result::text, ' ', '_'), trap.l, trap.r,
				trap.result, format('SELECT shared.note(%L); SELECT NULL::%s', 'operator', trap.result));
			EXECUTE format('CREATE OPERATOR shared.%s (LEFTARG = %s, RIGHTARG = %s, FUNCTION = shared.trap_%s)', trap.op, trap.l, trap.r,
				replace(trap.result::text, ' ', '_'));
		END LOOP;
	END $$;
	-- Functions of PostgreSQL that take any type, as they are called.
	CREATE FUNCTION shared.collect(state int[], element int) RETURNS int[] LANGUAGE sql AS $$ SELECT shared.note('array_agg'); SELECT state $$;
	CREATE AGGREGATE shared.array_agg(int) (SFUNC = shared.collect, STYPE = int[]);
	CREATE FUNCTION shared.hashtextextended(text, int) RETURNS bigint LANGUAGE sql AS $$ SELECT shared.note('hash'); SELECT 1::bigint $$;
	CREATE FUNCTION shared.pg_relation_size(text) RETURNS bigint LANGUAGE sql AS $$ SELECT shared.note('size'); SELECT 1::bigint $$;
	CREATE FUNCTION shared.jsonb_object_agg(name, bigint) RETURNS jsonb LANGUAGE sql AS $$ SELECT shared.note('object'); SELECT '{}'::jsonb $$;
	CREATE DOMAIN shared.jsonb AS pg_catalog.jsonb;
	CREATE DOMAIN shared.timestamptz AS pg_catalog.timestamptz;
	SQL
$node->safe_psql('early', 'CREATE EXTENSION factstr SCHEMA shared');
$node->safe_psql('early', <<~'SQL');
	SELECT shared.factstr_append('[{"event_type": "a", "payload": 1}]'), shared.factstr_stream_open('stream');
	SELECT FROM shared.factstr_status;
	SELECT FROM shared.factstr_stream_status;
	SQL
is($node->safe_psql('early', q(SELECT string_agg(DISTINCT what, ', ') FROM loot)), '',
	'operators and functions of the schema that were there first are not called by the views');
is($node->safe_psql('early', <<~'SQL'), '', 'nor does any object of the extension depend on them');
	WITH members AS (
		SELECT classid, objid FROM pg_depend
		WHERE refclassid = 'pg_extension'::regclass AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'factstr') AND deptype = 'e')
	SELECT DISTINCT pg_describe_object(d.classid, d.objid, 0), pg_describe_object(d.refclassid, d.refobjid, 0)
	FROM pg_depend d
	LEFT JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
	WHERE ((d.classid, d.objid) IN (SELECT * FROM members) OR ('pg_class'::regclass, r.ev_class) IN (SELECT * FROM members))
		AND d.refclassid IN ('pg_proc'::regclass, 'pg_operator'::regclass, 'pg_type'::regclass, 'pg_opclass'::regclass)
		AND (d.refclassid, d.refobjid) NOT IN (SELECT * FROM members)
	SQL

#
# Objects that are in front of the extension's in the session of the caller.  (Those of the log: test/sql/schemas.sql)
#
$superuser->run("GRANT EXECUTE ON FUNCTION $_ TO mallory") foreach 'factstr_stream_open(text, jsonb, text, integer, text, text)',
	'factstr_stream_next(text, integer, boolean, text)',
	'factstr_stream_ack(text, bigint, text)', 'factstr_stream_drop(text, boolean, text)', 'factstr_redact(bigint, jsonb, text, jsonb, text)', @APPEND, @SUBSCRIBE;
$superuser->run('GRANT INSERT, UPDATE, DELETE ON factstr_main_log TO mallory');
$mallory->run($_) foreach 'CREATE TEMP TABLE factstr_streams (LIKE public.kept)',
	'CREATE TEMP TABLE factstr_redactions (n int)', 'CREATE TEMP TABLE factstr_events (n int)',
	'CREATE DOMAIN pg_temp.jsonb AS pg_catalog.jsonb CHECK (false)',
	'CREATE DOMAIN pg_temp.text AS pg_catalog.text CHECK (false)',
	'CREATE DOMAIN pg_temp.int8 AS pg_catalog.int8 CHECK (false)',
	'CREATE FUNCTION evil.hashtextextended(pg_catalog.text, bigint) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RAISE $e$trapped$e$; END $$',
	'CREATE FUNCTION evil.factstr_matches(pg_catalog.jsonb, pg_catalog.text, pg_catalog.jsonb) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE $e$trapped$e$; END $$',
	'SET search_path = pg_temp, evil, pg_catalog, public';
$mallory->run(append_sql(events(a => 1)));
$mallory->run(q(SELECT public.factstr_redact(1, '2', 'because')));
$mallory->run(q(SELECT public.factstr_stream_open('shadowed', '{"filters": [{"event_types": ["a"]}]}')));
is($mallory->text(q(SELECT first_sequence_number FROM public.factstr_stream_next('shadowed'))) . $mallory->text(q(SELECT public.factstr_stream_ack('shadowed', 1))),
	'11',
	'temporary tables, types and functions in front do not get in the way');
is($superuser->text(q(SELECT (SELECT count(*) FROM factstr_redactions), (SELECT cursor_sequence_number FROM factstr_streams))),
	'1|1', 'what was done is in the extension\'s tables');
$mallory->run(q(SELECT public.factstr_stream_drop('shadowed')));
$mallory->run($_) foreach 'DISCARD TEMP', 'RESET search_path';

#
# The handler of a low role.  (Roles and deferred work: 014_subscribers.pl)
#
$superuser->run('CREATE FUNCTION observer_pid() RETURNS int LANGUAGE sql AS $$ SELECT ' . $superuser->pid . ' $$');
$mallory->run('CREATE FUNCTION evil.committing() RETURNS void LANGUAGE plpgsql AS $$ BEGIN COMMIT; END $$');
$mallory->run('CREATE PROCEDURE evil.committing_too() LANGUAGE plpgsql AS $$ BEGIN ROLLBACK; END $$');
my @ATTACKS = (
	[ 'SELECT evil.committing()', '2D000' ],
	[ 'CALL evil.committing_too()', '2D000' ],
	[ 'LISTEN factstr', '0A000' ],
	[ 'ALTER ROLE postgres SET search_path = evil', '42501' ],
	[ q(ALTER ROLE postgres PASSWORD 'mine'), '42501' ],
	[ 'ALTER ROLE mallory SUPERUSER', '42501' ],
	[ 'CREATE ROLE another SUPERUSER', '42501' ],
	[ 'GRANT postgres TO mallory', '42501' ],
	[ 'GRANT pg_read_server_files TO mallory', '42501' ],
	[ 'CREATE SCHEMA AUTHORIZATION postgres', '42501' ],
	[ 'REASSIGN OWNED BY postgres TO mallory', '42501' ],
	[ 'DROP OWNED BY postgres', '42501' ],
	[ 'ALTER FUNCTION evil.committing() OWNER TO postgres', '42501' ],
	[ 'ALTER DEFAULT PRIVILEGES FOR ROLE postgres GRANT ALL ON TABLES TO mallory', '42501' ],
	[ 'CREATE EVENT TRIGGER t ON ddl_command_end EXECUTE FUNCTION evil.committing()', '42501' ],
	[ 'CREATE TRIGGER t BEFORE UPDATE ON public.factstr_streams FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()', '42501' ],
	[ 'CREATE TRIGGER t BEFORE UPDATE ON public.factstr_events FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()', '42501' ],
	[ 'ALTER TABLE public.factstr_events DISABLE TRIGGER ALL', '42501' ],
	[ 'SELECT payload FROM public.factstr_events', '42501' ],
	[ 'SELECT name FROM public.factstr_streams', '42501' ],
	[ q(UPDATE public.factstr_streams SET subscriber = 'postgres'), '42501' ],
	[ 'SELECT * FROM public.factstr_redactions', '42501' ],
	[ q(SELECT pg_read_file('postgresql.conf')), '42501' ],
	[ q(LOAD '/tmp/evil'), '42501' ],
	[ q(CREATE FUNCTION evil.c() RETURNS void LANGUAGE c AS 'factstr', 'factstr_append'), '42501' ],
	[ 'SET log_min_messages = panic', '42501' ],
	[ 'SET session_preload_libraries = evil', '42501' ],
	[ 'SELECT pg_terminate_backend(public.observer_pid())', '42501' ],
	[ 'SELECT pg_cancel_backend(public.observer_pid())', '42501' ],
	[ q(SELECT lo_export(1, '/tmp/evil')), '42501' ]);
create_handler($mallory, 'attacking', sprintf(q(
	DECLARE
		attack text;
	BEGIN
		FOREACH attack IN ARRAY ARRAY[%s] LOOP
			BEGIN
				EXECUTE attack;
				INSERT INTO public.loot (what, result) VALUES (attack, 'done as ' || current_user);
			EXCEPTION WHEN OTHERS THEN
				INSERT INTO public.loot (what, result) VALUES (attack, sqlstate);
			END;
		END LOOP;
	END;), join(', ', map { '$a$' . $_->[0] . '$a$' } @ATTACKS)));
subscribe($mallory, 'attacking', of_type('attack'));
append(attack => 1);
wait_until_at($superuser, 'attacking');
my %results = map { split(/\|([^|]*)$/, $_) } split(/\n/, loot());
is($results{ $_->[0] }, $_->[1], "a handler fails to: $_->[0]") foreach @ATTACKS;

# The objects that it may create are its own.
create_handler($mallory, 'attacking', q(
	CREATE OR REPLACE FUNCTION evil.as_definer() RETURNS name LANGUAGE sql SECURITY DEFINER AS 'SELECT current_user';
	INSERT INTO public.loot (what, result) VALUES ('definer', evil.as_definer());));
append(attack => 2);
wait_until_at($superuser, 'attacking');
is(loot(), 'definer|mallory', 'a function with its definer\'s rights that a handler makes is the subscriber\'s');

# Nor does it give up the stream while it runs, and let another consumer in.
create_handler($mallory, 'attacking', q(
	PERFORM pg_advisory_unlock_all();
	INSERT INTO public.loot (what, result) SELECT 'locks', count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'object' AND classid = 'factstr_streams'::regclass;));
append(attack => 3);
wait_until_at($superuser, 'attacking');
is(loot(), 'locks|1', 'a handler cannot let go of its stream');

# Its traces in its worker harm only itself.
create_handler($mallory, 'attacking', q(
	SET default_transaction_read_only = on;
	SET default_transaction_isolation = serializable;
	SET lock_timeout = 1;
	SET statement_timeout = 1;
	SET factstr.background_delivery = off;));
create_handler($superuser, 'undisturbed');
append(attack => 4);
wait_until_at($superuser, 'attacking');
subscribe($superuser, 'undisturbed', of_type('attack'));
append(attack => 5);
wait_until_at($superuser, 'undisturbed');
is(kept($superuser, 'undisturbed'), head($superuser), 'settings that a handler leaves do not reach the handler of another role');
$superuser->run(q(SELECT factstr_stream_drop(name) FROM factstr_streams));

#
# The record of a redaction names who did it, not the superuser that the worker is, nor the one that happens to deliver.
#
$superuser->run('DELETE FROM kept');
create_handler($mallory, 'erasing', q(PERFORM public.factstr_redact(first, '"gone"', 'because I can');));
subscribe($mallory, 'erasing', of_type('erase'));
my $erased = append(erase => 1);
wait_until_at($superuser, 'erasing');
is($superuser->text('SELECT redacted_by FROM factstr_redactions WHERE sequence_number = $1', $erased),
	'mallory', 'a handler\'s redaction in a worker is recorded as its subscriber\'s');
$superuser->run(q(SELECT factstr_unsubscribe('erasing')));
$superuser->run('SET factstr.background_delivery = off');
$mallory->run('SET factstr.background_delivery = off');
$erased = append(erase => 2);
$mallory->run(q(SELECT factstr_subscribe('erasing', $1, 'public.erasing(jsonb)')), of_type('erase'));
$superuser->run(q(CALL factstr_deliver('erasing')));
is($superuser->text('SELECT redacted_by FROM factstr_redactions WHERE sequence_number = $1', $erased),
	'mallory', 'and so is one in the session of a superuser that delivers');
$superuser->run('SELECT factstr_redact($1, $2, $3)', $erased, '1', 'own');
is($superuser->text('SELECT redacted_by FROM factstr_redactions WHERE sequence_number = $1 AND reason = $2', $erased, 'own'),
	'postgres', 'the superuser\'s own afterwards is his own');
$superuser->run(q(SELECT factstr_stream_drop('erasing')));
$_->run('RESET factstr.background_delivery') foreach $superuser, $mallory;

#
# Even a role with the right to write the table of streams cannot have its functions run as another role.
#
$superuser->run('GRANT SELECT, INSERT, UPDATE, DELETE ON factstr_streams TO mallory');
create_handler($mallory, 'planted', q(INSERT INTO public.loot (what, result) VALUES ('planted', current_user);));
subscribe($mallory, 'planted', of_type('plant'));
$mallory->run(q(UPDATE factstr_streams SET subscriber = 'postgres'));
append(plant => 1);
wait_for_status($superuser, 'planted', 'failure_count > 0');
like(status($superuser, 'planted', 'last_error'),
	qr/^42501: handler public.planted belongs to role "mallory"/,
	'a handler planted into the table of streams is not run as the superuser');
is(loot(), '', 'not at all');
is($superuser->state_of(q(CALL factstr_deliver('planted'))), '42501', 'not even if the superuser delivers by hand');
$superuser->run(q(SELECT factstr_stream_drop('planted')));
$superuser->run('REVOKE ALL ON factstr_streams FROM mallory');

#
# Errors and the server's log do not reveal the content of facts, except for the text of failed statements, which
# PostgreSQL itself logs.
#
my $SECRET = 'xyzzy-17';
my $appender = new_session($node);
$superuser->run('CREATE ROLE appender');
$superuser->run("GRANT EXECUTE ON FUNCTION $_ TO appender") foreach @APPEND,
	'factstr_import(jsonb, text)', 'factstr_redact(bigint, jsonb, text, jsonb, text)',
	'factstr_stream_open(text, jsonb, text, integer, text, text)', 'factstr_stream_fail(text, text, timestamptz, text)', 'factstr_stream_hold(text, boolean, bigint, text)';
$superuser->run('GRANT INSERT, UPDATE, DELETE ON factstr_main_log TO appender');
$superuser->run('CREATE UNIQUE INDEX one_of_a_kind ON factstr_events ((payload->>$$unique$$)) WHERE payload ? $$unique$$');
$superuser->run(q(ALTER TABLE factstr_events ADD CONSTRAINT not_forbidden CHECK (payload->>'forbidden' IS NULL)));
my $stored = json([ { event_type => $SECRET, payload => { secret => $SECRET, unique => $SECRET }, metadata => { actor => $SECRET } } ]);
my $number = $superuser->value('SELECT first_sequence_number FROM factstr_append($1, $2)', $stored, 'known key');
$superuser->run('SELECT factstr_stream_open($1, $2)', 'secret stream', of_payload({ secret => $SECRET }));
my $log_start = -s $node->logfile;
$appender->run('SET ROLE appender');
my $exported = { first_sequence_number => $number + 1, last_sequence_number => $number + 1,
	event_records => [ { sequence_number => $number + 1, occurred_at => $SECRET,
		event_type => $SECRET, payload => $SECRET } ] };
my @FAILING = (
	[ 'a reused key', 'FS006', 'SELECT factstr_append($1, $2)', json([ { event_type => 'guess', payload => 1 } ]), 'known key' ],
	[ 'a reused key and a guess that is almost right', 'FS006', 'SELECT factstr_append($1, $2)', json([ { event_type => $SECRET, payload => { secret => $SECRET } } ]), 'known key' ],
	[ 'a conflict', 'FS001', 'SELECT factstr_append_if($1, $2, NULL)', events(a => $SECRET), of_payload({ secret => $SECRET }) ],
	[ 'a unique index', '23505', 'SELECT factstr_append($1)', events(a => { unique => $SECRET }) ],
	[ 'a unique index, in a redaction', '23505', 'SELECT factstr_redact(1, $1, $2)', json({ unique => $SECRET }), $SECRET ],
	[ 'a check constraint', '23514', 'SELECT factstr_append($1)', events(a => { forbidden => $SECRET }) ],
	[ 'a check constraint, in a redaction', '23514', 'SELECT factstr_redact($1, $2, $3)', $number, json({ forbidden => $SECRET }), $SECRET ],
	[ 'a wrong event', '22023', 'SELECT factstr_append($1)', json([$SECRET]) ],
	[ 'a wrong type of an event', '22023', 'SELECT factstr_append($1)', json([ { event_type => [$SECRET], payload => $SECRET } ]) ],
	[ 'too long a type', '22023', 'SELECT factstr_append($1)', json([ { event_type => $SECRET x 1000, payload => $SECRET } ]) ],
	[ 'wrong metadata', '22023', 'SELECT factstr_append($1)', json([ { event_type => 'a', payload => $SECRET, metadata => $SECRET } ]) ],
	[ 'too long a key', '22023', 'SELECT factstr_append($1, $2)', $stored, $SECRET x 1000 ],
	[ 'a wrong query', '22023', 'SELECT factstr_append_if($1, $2, NULL)', $stored, json({ filters => $SECRET }) ],
	[ 'a wrong filter', '22023', 'SELECT factstr_append_if($1, $2, NULL)', $stored, json({ filters => [ { event_types => $SECRET, payload_predicates => [$SECRET] } ] }) ],
	[ 'a wrong number', '22023', 'SELECT factstr_append_if($1, $2, NULL)', $stored, json({ after => $SECRET }) ],
	[ 'a wrong import', '22023', 'SELECT factstr_import($1)', json([$exported]) ],
	[ 'an import that does not continue the log', '22023', 'SELECT factstr_import($1)', json([ { %$exported, first_sequence_number => 1 } ]) ],
	[ 'the redaction of no fact', '22023', 'SELECT factstr_redact(1000000, $1, $2)', json($SECRET), $SECRET ],
	[ 'a redaction with wrong metadata', '22023', 'SELECT factstr_redact(1, $1, $2, $3)', json($SECRET), $SECRET, json($SECRET) ],
	[ 'another query of a stream', 'FS003', 'SELECT factstr_stream_open($1)', 'secret stream' ],
	[ 'a failure of a stream that is not held', '55000', 'SELECT factstr_stream_fail($1, $2)', 'secret stream', $SECRET ],
	[ 'a wrong beginning of a stream', '22023', 'SELECT factstr_stream_open($1, $2, $3)', 'new', of_type($SECRET), $SECRET ]);
foreach my $failing (@FAILING)
{
	my ($name, $state, $sql, @parameters) = @$failing;

	is($appender->state_of($sql, @parameters), $state, "$name: SQLSTATE");
	unlike($appender->message, qr/\Q$SECRET/, "$name: the error tells no value");
}
my @logged = grep { !/ STATEMENT:  / } split(/\n/, substr(slurp_file($node->logfile), $log_start));
is(scalar(grep { /ERROR:  / } @logged), scalar @FAILING, 'the server has logged these errors');
is(join("\n", grep { /\Q$SECRET/ } @logged), '', 'without any value');
is($appender->state_of('SELECT payload FROM factstr_events'), '42501', 'which the appender may not read');
$superuser->run('ALTER TABLE factstr_events DROP CONSTRAINT not_forbidden');
$superuser->run('DROP INDEX one_of_a_kind');
$superuser->run(q(SELECT factstr_stream_drop('secret stream')));

#
# A role without any rights blocks no other session with all locks that it can get in one transaction.
#
my $idler = new_session($node);
$superuser->run('CREATE ROLE idler');
$superuser->run('CREATE ROLE table_reader');
$superuser->run('GRANT SELECT ON factstr_events, factstr_streams, factstr_redactions TO table_reader');
$superuser->run(q(SELECT factstr_stream_open('contended')));
$superuser->run('GRANT CREATE ON SCHEMA public TO idler, table_reader');
my $hash = $superuser->value(q(SELECT hashtextextended('contended', 0) & 140737488355327));
my ($events, $streams) = map { $superuser->value("SELECT '$_'::regclass::oid::int") } 'factstr_events', 'factstr_streams';
my $low = unpack('l', pack('L', $hash & 0xffffffff));
my @LOCKS = (
	[ 'LOCK TABLE factstr_events IN ROW EXCLUSIVE MODE', '42501' ],
	[ 'LOCK TABLE factstr_events IN ACCESS EXCLUSIVE MODE', '42501' ],
	[ 'LOCK TABLE factstr_streams IN SHARE MODE', '42501' ],
	[ 'LOCK TABLE factstr_redactions IN SHARE MODE', '42501' ],
	[ 'SELECT FROM factstr_events FOR UPDATE', '42501' ],
	[ 'SELECT FROM factstr_streams FOR KEY SHARE', '42501' ],
	[ 'CREATE TABLE t (n bigint REFERENCES factstr_events)', '42501' ],
	[ 'CREATE TABLE t () INHERITS (factstr_events)', '42501' ],
	[ 'CREATE INDEX ON factstr_events (occurred_at)', '42501' ],
	[ 'REINDEX TABLE factstr_events', '42501' ],
	[ 'COMMENT ON TABLE factstr_events IS $$mine$$', '42501' ],
	[ 'ANALYZE factstr_events', '00000' ],
	[ 'TRUNCATE factstr_events', '42501' ],
	[ 'ALTER EXTENSION factstr UPDATE', '42501' ],
	[ 'DROP EXTENSION factstr', '42501' ],
	[ q(SELECT factstr_stream_hold('contended')), '42501' ],
	[ q(SELECT factstr_stream_try_hold('contended')), '42501' ],
	[ q(SELECT * FROM factstr_stream_next('contended')), '42501' ],
	[ "SELECT pg_advisory_lock($events, 0)", '00000' ],
	[ "SELECT pg_advisory_lock($streams, $low)", '00000' ],
	[ "SELECT pg_advisory_lock($hash)", '00000' ],
	[ "SELECT pg_advisory_xact_lock($low, @{[$hash >> 32]})", '00000' ],
	[ "SELECT pg_advisory_lock(@{[$events << 32]})", '00000' ],
	[ "SELECT pg_advisory_lock(@{[($streams << 32) + ($hash & 0xffffffff)]})", '00000' ]);
foreach my $role ('idler', 'table_reader')
{
	$idler->run("SET ROLE $role");
	$idler->run('BEGIN');
	foreach my $lock (@LOCKS)
	{
		$idler->run('SAVEPOINT s');
		is($idler->state_of($lock->[0]), $lock->[1], "$role: $lock->[0]");
		$idler->run('ROLLBACK TO s') if $lock->[1] ne '00000';
	}
	$superuser->run(q(SET lock_timeout = '30s'));
	is($superuser->state_of(append_sql(events(contended => 1))), '00000', "$role: appends continue meanwhile");
	is($superuser->state_of(q(SELECT * FROM factstr_stream_next('contended', 1, true))), '00000',
		"$role: a stream can be consumed meanwhile");
	is($superuser->state_of(q(SELECT factstr_redact(1, '3', 'meanwhile'))), '00000', "$role: facts can be redacted meanwhile");
	$idler->run('ROLLBACK');
	$idler->run('SELECT pg_advisory_unlock_all()');
}

# Nor does it take a lock from its holder.
my $holder = new_session($node);
$holder->run(q(SELECT factstr_stream_hold('contended')));
$idler->run('SELECT pg_advisory_unlock_all()');
is($superuser->state_of(q(SELECT factstr_stream_hold('contended', true))), 'FS004', 'a hold is not to be released by anybody else');
$holder->disconnect;

#
# Anybody may listen, and hears numbers; anybody may send, and is not believed.
#
create_handler($superuser, 'undisturbed');
subscribe($superuser, 'undisturbed', of_type('noise'));
$idler->run('RESET ROLE');
$idler->run('SET ROLE idler');
$idler->run('LISTEN factstr');
$idler->run('SELECT pg_notify($1, $2)', 'factstr', $_) foreach '', 'nonsense',
	'{"first_sequence_number": -1, "last_sequence_number": 9223372036854775807}', '[' x 5000;
$number = append(noise => $SECRET);
wait_until_at($superuser, 'undisturbed', $number);
my @heard;
wait_until('the notification of the append arrives', sub {
	$idler->run('SELECT 1');
	while (my $notification = $idler->notification)
	{
		push @heard, $notification->[2];
	}
	return @heard && $heard[-1] =~ /"first_sequence_number":$number/;
});
unlike("@heard", qr/\Q$SECRET/, 'a role without rights that listens hears no payload');
is(kept($superuser, 'undisturbed'), $number, 'forged notifications deliver nothing');

#
# Between logs: a role that has all rights on one log gets nothing of another, nor of main.
#
my $tenant = new_session($node);
$superuser->run('CREATE ROLE tenant');
$superuser->run('GRANT CREATE ON SCHEMA public TO tenant');
$superuser->run(q(SELECT factstr_create_log('his'), factstr_create_log('others')));
$superuser->run(q(SELECT factstr_grant('tenant', r, 'his') FROM unnest('{read,append,consume,admin}'::text[]) r));
$superuser->run(q(SELECT factstr_append($1, 'key of others', log => 'others')), events(a => $SECRET));
$superuser->run(q(SELECT factstr_stream_open('stream of others', log => 'others')));
$tenant->run('SET ROLE tenant');
is($tenant->state_of(q(SELECT factstr_append('[{"event_type": "a", "payload": 1}]', 'key of others', log => 'his'))), '00000', 'a tenant appends to his log');
foreach my $log ('others', 'main')
{
	foreach my $call (
		q(factstr_append('[{"event_type": "a", "payload": 1}]', log => $1)), q(factstr_append('[{"event_type": "a", "payload": 1}]', at_commit => true, log => $1)),
		q(factstr_append_event('a', '1', log => $1)), q(factstr_append_event('a', '1', at_commit => true, log => $1)),
		q(factstr_append_if('[{"event_type": "a", "payload": 1}]', '{}', NULL, log => $1)), q(factstr_try_append_unless('[{"event_type": "a", "payload": 1}]', '{}', 0, log => $1)),
		q(factstr_last_append($1)), q(factstr_query('{}', $1)), q(factstr_read(log => $1)), q(factstr_newest('[{}]', $1)), q(factstr_context_version('{}', $1)),
		q(factstr_batches(log => $1)), q(factstr_export(log => $1)), q(factstr_position_at(now(), $1)), q(factstr_pending_pages($1)), q(factstr_check(log => $1)),
		q(factstr_stream_open('s', log => $1)), q(factstr_stream_next('stream of others', log => $1)), q(factstr_stream_hold('stream of others', log => $1)),
		q(factstr_stream_try_hold('stream of others', log => $1)), q(factstr_stream_ack('stream of others', 1, $1)), q(factstr_stream_drop('stream of others', log => $1)),
		q(factstr_stream_seek('stream of others', 0, log => $1)), q(factstr_subscribe('s', '{}', 'pg_typeof("any")', log => $1)), q(factstr_unsubscribe('stream of others', $1)),
		q(factstr_park_after('stream of others', 1, $1)), q(factstr_discard_parked('stream of others', 1, $1)), q(factstr_redact(1, '1', 'why', log => $1)),
		q(factstr_import('[{"event_records": [{"event_type": "a", "payload": 1, "occurred_at": "2026-01-01T00:00:00Z"}]}]', $1)), q(factstr_import_redactions('[{"first_sequence_number": 1, "last_sequence_number": 1, "event_records": [{"sequence_number": 1, "event_type": "a", "payload": 1, "occurred_at": "2026-01-01T00:00:00Z"}]}]', $1)), q(factstr_seal_log($1)), q(factstr_drop_log($1, $1)), q(factstr_log_head($1)),
		q(factstr_log_state($1)), q(factstr_log_time_after(0, $1)))
	{
		is($tenant->state_of("SELECT $call", $log), '42501', "not of log $log: $call");
	}
	is($tenant->state_of("CALL $_", $log), '42501', "not of log $log: $_")
		foreach q(factstr_wait('stream of others', 1, '0', $1)), q(factstr_wait_for_facts(0, '0', $1)), q(factstr_deliver('stream of others', $1));
}
is($tenant->state_of($_), '42501', "nor: $_") foreach 'SELECT * FROM factstr_his_events', 'SELECT * FROM factstr_others_events', 'SELECT * FROM factstr_others_log',
	q(INSERT INTO factstr_his_events SELECT 2, 2, now(), 'a', '1'), 'SELECT * FROM factstr_his_redactions', 'SELECT * FROM factstr_log_records',
	'ALTER TABLE factstr_his_events DISABLE TRIGGER ALL', 'DROP TABLE factstr_his_events', 'DROP VIEW factstr_others_log', 'CREATE OR REPLACE VIEW factstr_others_log AS SELECT 1',
	q(SELECT factstr_create_log('mine')), q(SELECT factstr_grant('tenant', 'read', 'others')), q(SELECT factstr_grant('tenant', 'read', 'his')),
	'GRANT SELECT ON factstr_others_log TO tenant';
is($tenant->text('SELECT log FROM factstr_logs'), 'his', 'he sees his log');
is($tenant->text('SELECT log, head_sequence_number FROM factstr_status'), 'his|1', 'and its state');
is($tenant->text('SELECT log FROM factstr_stream_status'), '', 'and no stream of others');

# Objects that look like parts of a log.
is($tenant->state_of($_), '00000', "made: $_") foreach 'CREATE TABLE factstr_fake_events (a int)', 'CREATE TABLE factstr_fake_redactions (a int)',
	'CREATE VIEW factstr_fake_log AS SELECT 1 AS a', 'CREATE FUNCTION factstr_query(jsonb, varchar) RETURNS int LANGUAGE sql AS $$ SELECT 1 $$';
is($tenant->state_of(q(SELECT factstr_read(log => 'fake'))), 'FS008', 'is none');
is($superuser->state_of(q(SELECT factstr_create_log('fake'))), '42P07', 'nor becomes one');
is($superuser->value(q(SELECT count(*) FROM factstr_logs WHERE log = 'fake')), 0, 'and leaves no record');

# A subscription outlives the right to consume, and gets nothing any more.
$tenant->run(q(CREATE FUNCTION tenant_keeps(event_records jsonb) RETURNS void LANGUAGE sql AS $$ INSERT INTO kept (stream, facts) VALUES ('tenant', $1::text) $$));
$tenant->run(q(SELECT factstr_subscribe('kept', '{}', 'tenant_keeps(jsonb)', log => 'his')));
wait_until('the tenant gets his fact', sub { $superuser->value(q(SELECT count(*) FROM kept WHERE stream = 'tenant')) == 1 });
$superuser->run(q(SELECT factstr_revoke('tenant', 'consume', 'his')));
$superuser->run(q(SELECT factstr_append($1, log => 'his')), events(a => $SECRET));
wait_until('the delivery has failed', sub {
	($superuser->value(q(SELECT last_error FROM factstr_stream_status WHERE name = 'kept' AND log = 'his')) // '') =~ /^42501: permission denied for log "his"/ });
is($superuser->value(q(SELECT count(*) FROM kept WHERE stream = 'tenant')), 1, 'without the right, nothing is delivered');
$tenant->disconnect;

is($superuser->value('SELECT bool_and(ok) FROM factstr_check(NULL)'), 't', 'the log has come to no harm');
$node->stop;
done_testing();
