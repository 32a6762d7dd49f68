# ALTER EXTENSION UPDATE: facts stay, sessions and handlers continue, and the result equals a fresh
# installation.  From each released version, whose scripts are in test/releases/, to this one; and from
# this one to an invented next version, so that there is always a case.  Before the update the library of
# this version works with the SQL of the released one.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use FactstrCatalog;
use FactstrTest;
use FactstrUpgrade;
use FactstrWorkers;
use PostgreSQL::Test::Utils;
use Test::More;

my $TOP = "$FindBin::RealBin/../..";
my ($sharedir) = split(/\n/, qx(pg_config --sharedir));
my $scripts = "$sharedir/extension";
my @installed;

plan skip_all => "$scripts cannot be written to" if !-w $scripts;

# Other tests find the directory as it was.
END { unlink @installed }
$SIG{$_} = sub { exit 1 } foreach qw(HUP INT TERM);

# Installs a script of the extension; one that is there already stays.
sub install_script
{
	my ($versions, $text) = @_;
	my $file = "$scripts/factstr--$versions.sql";

	return if -e $file;
	push @installed, $file;
	append_to_file($file, $text);
	return;
}

my ($version) = slurp_file("$TOP/factstr.control") =~ /^default_version *= *'(.*)'/m;
my $full = slurp_file("$TOP/sql/factstr.sql");
my %released = map { m{--([^/]*)\.sql$} ? ($1 => slurp_file($_)) : () } glob("$TOP/test/releases/factstr--*.sql");
my %updated = map { m{/factstr--(.*?)--[^/]*\.sql$} ? ($1 => 1) : () } glob("$TOP/sql/factstr--*--*.sql");

install_script($_, $released{$_}) foreach keys %released;

# The next version: with another setting, function and table, in the script and in an update.
my $next = "$version.next";
my $addition = <<~'SQL';
	CREATE FUNCTION factstr_next() RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT 'next' $$;
	COMMENT ON FUNCTION factstr_next() IS 'is there in the next version only';
	REVOKE ALL ON FUNCTION factstr_next() FROM PUBLIC;
	CREATE TABLE factstr_next_table (id bigint PRIMARY KEY);
	SELECT pg_catalog.pg_extension_config_dump('factstr_next_table', '');
	SQL
my $next_full = $full =~ s/fillfactor = 50/fillfactor = 60/r;
isnt($next_full, $full, 'the next version has another setting');
install_script($next, $next_full . $addition);
install_script("$version--$next", "ALTER TABLE factstr_streams SET (fillfactor = 60);\n$addition");

my $CONF = "shared_preload_libraries = 'factstr'\nmax_worker_processes = 30\nmax_connections = 50";
my $node = new_node('update', conf => $CONF);
my $observer = new_session($node);

sub new_database
{
	my ($name, $extension_version) = @_;

	$observer->run("CREATE DATABASE $name");
	my $session = new_session($node, dbname => $name);

	$session->run("CREATE EXTENSION factstr VERSION '$extension_version'");
	return $session;
}

my $CONTENTS = q(SELECT (SELECT md5(string_agg(e::text, E'\n' ORDER BY sequence_number)) FROM factstr_events e),
	(SELECT string_agg(name || cursor_sequence_number, ' ' ORDER BY name) FROM factstr_streams));

sub is_sound
{
	my ($name, $session) = @_;

	return if $session->value(q(SELECT to_regprocedure('factstr_check(int, text)') IS NULL)) eq 't';
	is($session->text('SELECT * FROM factstr_check(NULL) WHERE NOT ok'), '', "$name: is sound");
	return;
}

# The features of every version work with this library.
sub works
{
	my ($name, $session) = @_;
	my $head = head($session);

	is($session->value(append_sql(events(a => { n => $head }, b => 2), "key $head")), $head + 1, "$name: appends");
	is($session->value(append_sql(events(a => { n => $head }, b => 2), "key $head")), $head + 1, "$name: knows keys");
	is($session->state_of(append_if_sql(events(a => 1), of_payload({ n => $head }), $head)), 'FS001', "$name: checks contexts");
	is($session->value('SELECT last_returned_sequence_number FROM factstr_query()'), $head + 2, "$name: queries");
	is($session->value(q(SELECT factstr_stream_ack('consumed', last_sequence_number) FROM factstr_stream_next('consumed', 1))),
		$head + 2, "$name: streams");
	wait_until_at($session, 'handled', $head + 2);
	is(kept($session, 'handled'), expected_batches($session, 'true'), "$name: delivers");
	is_sound($name, $session);
	return;
}

# The other functions of 0.1.0, called in the old way.
sub works_in_detail
{
	my ($name, $session) = @_;
	my $head = head($session);
	my $by_type = of_type('a');
	my $batches = split(/\n/, expected_batches($session, q(event_type = 'a')));

	is($session->state_of(append_sql(events(a => 'another'), 'key 0')), 'FS006', "$name: a key with other events");
	is($session->text(q(SELECT conflict, actual_context_version FROM factstr_try_append_if($1, $2, 0)), events(c => 1), of_type('b')),
		"t|$head", "$name: a conflict as a row");
	is($session->value('SELECT factstr_context_version($1)', $by_type), $head - 1, "$name: the version of a context");
	is($session->text('SELECT sequence_number, event_type FROM factstr_read(backwards => true, max_count => 1)'),
		"$head|b", "$name: facts as rows");
	is($session->value('SELECT count(*) FROM factstr_read()'), $head, "$name: all of them");
	is($session->value(q(SELECT factstr_matches($1, 'a', '1')), $by_type), 't', "$name: the matcher");
	is($session->text('SELECT first_sequence_number, last_sequence_number FROM factstr_batches($1, $2)', '{}', $head - 2),
		($head - 1) . "|$head", "$name: batches");

	is($session->value(q(SELECT factstr_stream_open('short', $1, 'now')), $by_type), $head, "$name: a stream from now on");
	is($session->state_of(q(SELECT factstr_stream_open('short'))), 'FS003', "$name: which has its query");
	is($session->value(q(SELECT factstr_stream_seek('short', 0))), 0, "$name: from the beginning");
	$session->run('BEGIN');
	is($session->value(q(SELECT count(*) FROM factstr_stream_next('short', 1000, true))), $batches, "$name: all its batches");
	is($session->value(q(SELECT consumer_pid FROM factstr_stream_status WHERE name = 'short')),
		$session->pid, "$name: whose consumer is known");
	$session->run('COMMIT');
	$session->run(q(SELECT factstr_stream_drop('short')));
	is($session->state_of(q(SELECT factstr_stream_ack('short', 1))), 'FS005', "$name: it is gone");

	my $wait = $session->value(q(SELECT to_regprocedure('factstr_wait(text, bigint, interval, text)') IS NULL)) eq 't' ?
		q($1, 'handled') : q('handled', $1);
	is($session->state_of("CALL factstr_wait($wait, '100 s')", $head), '00000', "$name: waiting for a stream");
	create_handler($session, 'by_hand');
	subscribe($session, 'by_hand', '{}', 'first');
	is($session->state_of(q(CALL factstr_deliver('by_hand'))), '00000', "$name: delivery by hand");
	is(kept($session, 'by_hand'), expected_batches($session, 'true'), "$name: is complete");
	create_handler($session, 'by_hand', q(RAISE 'broken';));
	$session->run(append_sql(events(a => 1, b => 1)));
	wait_for_status($session, 'by_hand', 'failure_count > 0 AND retry_at IS NOT NULL');
	is($session->value(q(SELECT factstr_unsubscribe('by_hand'))), 't', "$name: a handler no more");
	is(status($session, 'by_hand', 'failure_count, retry_at'), '0|', "$name: nor its failures");
	$session->run(q(SELECT factstr_stream_drop('by_hand')));
	$session->run(q(DELETE FROM kept WHERE stream = 'by_hand'));
	$session->run(q(SELECT factstr_stream_ack('consumed', last_sequence_number) FROM factstr_stream_next('consumed', 1)));
	return;
}

my $databases = 0;

# Updates from one version to another; returns sessions with the updated extension and with a new one.
sub update_ok
{
	my ($from, $to) = @_;
	my $name = "$from to $to";
	my $session = new_database('updated_' . ++$databases, $from);

	$session->run($_) foreach 'CREATE ROLE regress_factstr_update_' . $databases,
		"GRANT EXECUTE ON FUNCTION factstr_query TO regress_factstr_update_$databases";
	create_kept($session);
	create_handler($session, 'handled');
	subscribe($session, 'handled', '{}', 'first');
	$session->run(q(SELECT factstr_stream_open('consumed')));
	works("$from with this library", $session);
	works_in_detail("$from with this library", $session);

	# Sessions that have used it continue, and so does an open transaction.
	my $other = new_session($node, dbname => "updated_$databases");
	my $updater = new_session($node, dbname => "updated_$databases");
	my $contents = $session->text($CONTENTS);

	$other->run('BEGIN');
	$other->run('SELECT factstr_context_version($1)', '{}');
	is($updater->state_of("ALTER EXTENSION factstr UPDATE TO '$to'"), '00000', "$name: the update");
	is($session->text($CONTENTS), $contents, "$name: facts and streams are as they were");
	$other->run(append_sql(events(meanwhile => 1)));
	$other->run('COMMIT');
	$session->run(q(SELECT factstr_stream_ack('consumed', last_sequence_number) FROM factstr_stream_next('consumed', 1)));
	works("$name, in a session from before", $session);
	works("$name, in a new session", $updater);
	works_in_detail("$name, in a session from before", $session);
	$_->disconnect foreach $updater, $other;
	is($session->value('SELECT has_function_privilege($1, $2, $3)', "regress_factstr_update_$databases", 'factstr_query(jsonb, text)', 'EXECUTE'),
		't', "$name: granted rights stay");
	is($session->value('SELECT has_table_privilege($1, $2, $3)', "regress_factstr_update_$databases", 'factstr_main_log', 'SELECT'),
		$from eq '0.1.0' ? 't' : 'f', "$name: EXECUTE was enough in 0.1.0 only");
	$session->run("REVOKE ALL ON FUNCTION factstr_query FROM regress_factstr_update_$databases");
	$session->run("REVOKE ALL ON factstr_main_log FROM regress_factstr_update_$databases");

	my $fresh = new_database('fresh_' . $databases, $to);
	is(catalog_difference([ catalog($session) ], [ catalog($fresh) ]), '', "$name: an update equals a fresh installation");
	return ($session, $fresh);
}

#
# Released versions.
#
is_deeply([ sort keys %updated ], [ grep { $updated{$_} } sort keys %released ], 'of each version that can be updated the script is kept');
# An update that is rolled back; its locks meanwhile.
sub rollback_ok
{
	my ($from) = @_;
	my $name = "$from, an update rolled back";
	my $session = new_database('rolled_back', $from);
	my $other = new_session($node, dbname => 'rolled_back');

	create_kept($session);
	create_handler($session, 'handled');
	subscribe($session, 'handled', '{}', 'first');
	$session->run(q(SELECT factstr_stream_open('consumed')));
	works("$from, before an update", $session);
	my @before = catalog($session);

	$session->run('BEGIN');
	$session->run('ALTER EXTENSION factstr UPDATE');
	$session->run(q(SELECT factstr_redact(1, '"redacted"', 'because')));
	$session->run(q(SELECT factstr_stream_hold('consumed')));
	is($other->value('SELECT last_returned_sequence_number FROM factstr_query()'), head($session), "$name: facts can be read meanwhile");
	$other->run(q(SET lock_timeout = '10ms'));
	is($other->state_of(append_sql(events(c => 1))), '55P03', "$name: appends wait");
	is($other->state_of(q(SELECT * FROM factstr_stream_next('consumed'))), '55P03', "$name: streams too");
	$session->run('ROLLBACK');
	is(catalog_difference([ catalog($session) ], \@before), '', "$name: nothing is left of it");
	works("$name, in its session", $session);
	$other->run('RESET lock_timeout');
	works("$name, in another session", $other);
	$_->disconnect foreach $session, $other;
	return;
}

# Users' objects that depend on the extension's, and granted rights, stay; nothing is rewritten.  Functions of 0.1.0
# that got more arguments are the same functions.  One that got another order of arguments is a new one, with the
# same rights; the primary key of the streams is new, because each log has its own names.
my $REPLACED = q('factstr_wait');
my $RIGHTS = "SELECT proname, proacl::text FROM pg_proc WHERE proname IN ($REPLACED) ORDER BY 1";
my $ON_MAIN = q(SELECT CASE WHEN a.grantee <> 0 THEN a.grantee::regrole END, a.privilege_type, a.is_grantable FROM pg_class c, aclexplode(c.relacl) a
	WHERE c.relname = 'factstr_main_log' AND a.grantee <> c.relowner ORDER BY a.grantee <> 0, a.grantee::regrole::text DESC, 2);
my $OBJECTS = qq(
	SELECT 'pg_proc'::regclass AS catalog, oid, proacl::text AS rights, NULL AS file FROM pg_proc
	WHERE proname LIKE 'factstr%' AND proname NOT IN ($REPLACED)
	UNION ALL
	SELECT 'pg_class', oid, relacl::text, pg_relation_filenode(oid) FROM pg_class
	WHERE (relname LIKE 'factstr%' AND relname <> 'factstr_streams_pkey') OR relname LIKE 'my_%'
	UNION ALL
	SELECT 'pg_rewrite', oid, pg_get_viewdef(ev_class), NULL FROM pg_rewrite WHERE ev_class::regclass::text LIKE 'my_%');

sub own_objects_stay
{
	my ($from) = @_;
	my $name = "$from to $version, with objects of users";
	my $session = new_database('owned', $from);
	my $app = 'regress_factstr_app';

	$session->run($_) foreach "CREATE ROLE $app",
		'ALTER TABLE factstr_streams ADD note text',
		q(CREATE VIEW my_lags AS SELECT name, lag_facts, consumer_pid FROM factstr_stream_status),
		q(CREATE VIEW my_facts AS SELECT r.*, e.batch_first_sequence_number FROM factstr_read('{}') r JOIN factstr_events e USING (sequence_number)),
		q(CREATE VIEW my_streams AS SELECT name, note FROM factstr_streams),
		"GRANT SELECT ON my_lags, my_facts, my_streams, factstr_stream_status TO $app",
		'CREATE ROLE regress_factstr_watcher', 'GRANT SELECT ON factstr_stream_status TO regress_factstr_watcher',
		"GRANT SELECT (event_type), REFERENCES (event_type) ON factstr_events TO $app",
		"GRANT EXECUTE ON FUNCTION factstr_read, factstr_stream_seek, factstr_stream_drop TO $app WITH GRANT OPTION",
		"GRANT EXECUTE ON FUNCTION factstr_append TO $app WITH GRANT OPTION",
		'GRANT EXECUTE ON FUNCTION factstr_append_if, factstr_subscribe TO PUBLIC', "GRANT EXECUTE ON PROCEDURE factstr_wait TO $app WITH GRANT OPTION", "GRANT EXECUTE ON FUNCTION factstr_stream_open TO $app",
		q(SELECT factstr_stream_open('noted')), q(UPDATE factstr_streams SET note = 'mine');
	$session->run(append_sql(events(a => 1, b => 2)));
	$session->run("CREATE TEMP TABLE before AS $OBJECTS");
	my $columns = $session->text('SELECT attacl::text FROM pg_attribute WHERE attrelid = $1::regclass AND attacl IS NOT NULL',
		'factstr_events');
	my $rights = $session->text($RIGHTS);
	$session->run('PREPARE reading AS SELECT count(*) FROM factstr_read()');
	$session->run('EXECUTE reading');
	$session->run(q(PREPARE appending AS SELECT last_sequence_number FROM factstr_append('[{"event_type": "c", "payload": 3}]', 'key')));

	$session->run('ALTER EXTENSION factstr UPDATE');
	is($session->text("SELECT * FROM before EXCEPT ($OBJECTS)"), '', "$name: rights, views and files are the same");
	is($session->text('SELECT attacl::text FROM pg_attribute WHERE attrelid = $1::regclass AND attacl IS NOT NULL', 'factstr_events'),
		$columns, "$name: rights on columns");
	is($session->text($RIGHTS), $rights, "$name: rights on functions that were replaced");
	is($session->text("SELECT i.initprivs FROM pg_init_privs i JOIN pg_proc p ON p.oid = i.objoid
		WHERE i.classoid = 'pg_proc'::regclass AND i.initprivs::text LIKE '%$app%'"), '', "$name: and dumps have them");
	is($session->value('EXECUTE reading'), 2, "$name: a prepared statement");
	is($session->text('SELECT * FROM my_lags'), 'noted|2|', "$name: a view over a view");
	is($session->text('SELECT sequence_number, event_type, batch_first_sequence_number FROM my_facts ORDER BY 1'),
		"1|a|1\n2|b|1", "$name: a view over a function and a table");
	is($session->value('EXECUTE appending'), 3, "$name: a prepared append");
	is($session->text('SELECT * FROM my_streams'), 'noted|mine', "$name: an added column");

	# Roles keep their former rights on main, and get no more.
	is($session->text($ON_MAIN), "|INSERT|f\n|UPDATE|f\nregress_factstr_watcher|SELECT|f\n" . join("\n", map { "$app|$_" } 'INSERT|t', 'SELECT|t', 'UPDATE|t'),
		"$name: rights on main are those that the functions need");
	$node->command_like([ 'pg_dump', '-s', '-d', $node->connstr('owned') ], qr/^GRANT SELECT,INSERT,UPDATE ON TABLE public.factstr_main_log TO $app WITH GRANT OPTION;$/m,
		"$name: dumps have them, too");
	$session->run(q(SELECT factstr_create_log('other')));
	foreach my $case ([ $app, 'SELECT factstr_read()', '00000' ], [ $app, q(SELECT factstr_append('[{"event_type": "d", "payload": 1}]')), '00000' ],
		[ $app, 'SELECT factstr_query()', '42501' ], [ $app, q(SELECT factstr_read(log => 'other')), '42501' ],
		[ 'regress_factstr_watcher', 'SELECT name FROM factstr_stream_status', '00000' ], [ 'regress_factstr_watcher', 'SELECT factstr_read()', '42501' ],
		[ 'regress_factstr_watcher', q(SELECT factstr_append_if('[{"event_type": "d", "payload": 1}]', '{}', 4)), '00000' ])
	{
		my ($role, $statement, $state) = @$case;

		$session->run("SET ROLE $role");
		is($session->state_of($statement), $state, "$name, as $role: $statement");
		$session->run('RESET ROLE');
	}
	$session->run('SET ROLE regress_factstr_watcher');
	is($session->value('SELECT count(*) FROM factstr_stream_status'), 1, "$name: who could watch the streams sees them");
	$session->run('RESET ROLE');

	# Tokens are behind that column.
	$session->run(q(SELECT factstr_stream_open('new')));
	my $token = $session->value(q(SELECT factstr_stream_hold('new')));
	is($session->value(q(SELECT token FROM factstr_streams WHERE name = 'new')), $token, "$name: a token is kept");
	$session->run(q(SELECT factstr_stream_fail('new', 'broken')));
	$session->run(q(SELECT factstr_stream_ack('new', 2)));
	is($session->text('SELECT name, cursor_sequence_number, note, token > 0 FROM factstr_streams ORDER BY name'),
		"new|2||t\nnoted|0|mine|f", "$name: streams");
	foreach my $role ($app, 'regress_factstr_watcher')
	{
		$session->run("DROP OWNED BY $role");
		$session->run("DROP ROLE $role");
	}
	$session->disconnect;
	return;
}

# Appends, a consumer and a handler continue during the update, each in a session with its own plans.
sub update_under_load_ok
{
	my ($from) = @_;
	my $name = "$from to $version, under load";
	my $session = new_database('busy', $from);

	create_kept($session);
	create_handler($session, 'handled');
	subscribe($session, 'handled', '{}', 'first');
	$session->run($_) foreach q(SELECT factstr_stream_open('consumed')),
		'CREATE TABLE done (by text)',
		'CREATE TABLE consumed (id bigint GENERATED ALWAYS AS IDENTITY, facts text)',
		q(CREATE PROCEDURE append_on(by text, INOUT appends bigint) LANGUAGE plpgsql AS $$ BEGIN
			WHILE NOT EXISTS (SELECT FROM done) LOOP
				appends := appends + 1;
				-- The check looks each payload up, which takes long if many facts have the same.
				PERFORM factstr_append(format('[{"event_type": "a", "payload": %1$s}, {"event_type": "b", "payload": -%1$s}]', appends)::jsonb, by || appends);
				COMMIT;
			END LOOP; END $$),
		q(CREATE PROCEDURE consume_on() LANGUAGE plpgsql AS $$ DECLARE batch record; BEGIN
			WHILE NOT EXISTS (SELECT FROM done WHERE by = 'all') LOOP
				FOR batch IN SELECT * FROM factstr_stream_next('consumed', 10) LOOP
					INSERT INTO consumed (facts) VALUES (batch.first_sequence_number || ' ' || batch.last_sequence_number);
					PERFORM factstr_stream_ack('consumed', batch.last_sequence_number);
				END LOOP;
				COMMIT;
			END LOOP; END $$);
	my @appenders = map { new_session($node, dbname => 'busy') } 1, 2;
	my $consumer = new_session($node, dbname => 'busy');

	$appenders[$_]->start("CALL append_on('appender $_ ', 0)") foreach 0, 1;
	$consumer->start('CALL consume_on()');
	my $all_are_beyond = sub {
		my ($head) = @_;
		wait_until("$name: all are beyond $head",
			sub { $session->value('SELECT min(cursor_sequence_number) FROM factstr_streams') > $head });
	};
	$all_are_beyond->(100);
	is($session->state_of('ALTER EXTENSION factstr UPDATE'), '00000', "$name: the update");
	my $head = head($session);
	$all_are_beyond->($head + 100);
	$session->run(q(INSERT INTO done VALUES ('appends')));
	my $appends = 0;
	foreach my $appender (@appenders)
	{
		$appender->finish;
		is($appender->state, '00000', "$name: appends continue");
		$appends += $appender->rows->[0][0];
	}
	is(head($session), 2 * $appends, "$name: each is there once");
	$all_are_beyond->(2 * $appends - 1);
	$session->run(q(INSERT INTO done VALUES ('all')));
	$consumer->finish;
	is($consumer->state, '00000', "$name: the consumer continues");
	is($session->text('SELECT facts FROM consumed ORDER BY id') eq expected_batches($session, 'true'),
		1, "$name: it gets each batch once, in order");
	is(kept($session, 'handled') eq expected_batches($session, 'true'), 1, "$name: and so does the handler");
	is_sound($name, $session);
	$_->disconnect foreach @appenders, $consumer, $session;
	return;
}

# A dump of any version restores to a database of this version.
sub dump_ok
{
	my ($name, $from, $to) = @_;
	my $source = new_session($node, dbname => $from);

	$observer->run("CREATE DATABASE $to");
	$node->command_ok([ 'bash', '-o', 'pipefail', '-c', "pg_dump $from | psql -qX -v ON_ERROR_STOP=1 $to" ], "$name: pg_dump | psql");
	$node->reload;
	my $session = new_session($node, dbname => $to);
	is($session->value('SELECT extversion FROM pg_extension WHERE extname = $1', 'factstr'), $version, "$name: is of this version");
	is($session->text($CONTENTS), $source->text($CONTENTS), "$name: facts and streams are the same");
	works($name, $session);
	$_->disconnect foreach $source, $session;
	return;
}

# A database with an encoding that the extension could be installed in before: it works on, and is not updated.
sub other_encoding_ok
{
	my ($from) = @_;

	return if $from ne '0.1.0';
	$observer->run(q(CREATE DATABASE ascii ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0));
	my $session = new_session($node, dbname => 'ascii');

	$session->run("CREATE EXTENSION factstr VERSION '$from'");
	$session->run("SET client_encoding = 'SQL_ASCII'");
	is($session->value(qq(SELECT first_sequence_number FROM factstr_append('[{"event_type": "caf\xc3\xa9", "payload": {"\xc3\xa9": 1}}]', 'caf\xc3\xa9'))), 1,
		"$from in SQL_ASCII: valid text is appended");
	is($session->state_of("SELECT * FROM factstr_append($_)"), '22021', "$from in SQL_ASCII: $_ is refused")
		foreach qq('[{"event_type": "caf\xe9", "payload": 1}]'), qq('[{"event_type": "a", "payload": ["caf\xe9"]}]'), qq('[{"event_type": "a", "payload": {"caf\xe9": 1}}]'),
		qq('[{"event_type": "a", "payload": 1, "metadata": {"m": "caf\xe9"}}]'), qq('[{"event_type": "a", "payload": 1}]', 'caf\xe9');
	is($session->state_of('ALTER EXTENSION factstr UPDATE'), '0A000', "$from in SQL_ASCII is not updated");
	like($session->message, qr/CREATE DATABASE ascii_utf8/, "$from in SQL_ASCII: the error says how to move");
	is($session->value('SELECT count(*) FROM factstr_read()'), 1, "$from in SQL_ASCII: works on");
	$session->disconnect;
	$observer->run('DROP DATABASE ascii');
	return;
}

foreach my $from (sort grep { $_ ne $version } keys %released)
{
	other_encoding_ok($from);
	rollback_ok($from);
	dump_ok("$from, dumped", 'rolled_back', 'restored');
	own_objects_stay($from);
	update_under_load_ok($from);
	my ($updated, $fresh) = update_ok($from, $version);
	$updated->run(q(SELECT factstr_redact(1, '"redacted"', 'because')));
	dump_ok("$from to $version, dumped", "updated_$databases", 'restored_again');
	$_->disconnect foreach $updated, $fresh;
}
SKIP:
{
	skip "version $version is not released", 1 if !$released{$version};
	is($full, $released{$version}, 'a released version is not changed');
}

#
# The next version.
#
my ($updated, $fresh) = update_ok($version, $next);
is($updated->value('SELECT factstr_next()'), 'next', 'new features are there');
is($observer->value('SELECT extversion FROM pg_extension WHERE extname = $1', 'factstr'), $version, 'other databases keep their version');

# The comparison finds objects that an update might forget.
my @expected = catalog($fresh);
foreach my $difference (
	'COMMENT ON FUNCTION factstr_next() IS NULL',
	'GRANT EXECUTE ON FUNCTION factstr_next() TO PUBLIC',
	'ALTER FUNCTION factstr_next() PARALLEL UNSAFE',
	q(CREATE OR REPLACE FUNCTION factstr_next() RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT 'other' $$),
	'ALTER EXTENSION factstr DROP FUNCTION factstr_next()',
	'ALTER TABLE factstr_streams RESET (fillfactor)',
	'ALTER TABLE factstr_streams ALTER failure_count SET DEFAULT 1',
	'ALTER TABLE factstr_streams ALTER last_error SET NOT NULL',
	'ALTER TABLE factstr_streams ADD extra int',
	'ALTER TABLE factstr_events ADD CHECK (sequence_number > 0)',
	'ALTER TABLE factstr_events DISABLE TRIGGER factstr_events_stay',
	'DROP TRIGGER factstr_redactions_stay ON factstr_redactions',
	'ALTER EVENT TRIGGER factstr_rows_stay ENABLE',
	'ALTER EXTENSION factstr DROP EVENT TRIGGER factstr_tables_stay',
	'CREATE INDEX ON factstr_events (occurred_at)',
	'ALTER INDEX factstr_events_payload_idx SET (fastupdate = off)',
	'COMMENT ON COLUMN factstr_status.streams IS NULL',
	'GRANT SELECT ON factstr_events TO PUBLIC',
	'ALTER VIEW factstr_status RESET (security_barrier)',
	q(UPDATE pg_extension SET extconfig = extconfig[1:2], extcondition = extcondition[1:2] WHERE extname = 'factstr'))
{
	$fresh->run('BEGIN');
	$fresh->run($difference);
	isnt(catalog_difference([ catalog($fresh) ], \@expected), '', "found: $difference");
	$fresh->run('ROLLBACK');
}
is(catalog_difference([ catalog($fresh) ], \@expected), '', 'and nothing else');

$_->disconnect foreach $updated, $fresh, $observer;

#
# PostgreSQL's own upgrade leaves a database the version it has.
#
my $upgraded = pg_upgrade_ok($node, $CONF);

foreach my $from (grep { $_ ne $version } keys %released)
{
	my $session = new_session($upgraded, dbname => 'rolled_back');

	is($session->value(q(SELECT extversion FROM pg_extension WHERE extname = 'factstr')), $from, "$from after pg_upgrade");
	works("$from after pg_upgrade", $session);
	my $contents = $session->text($CONTENTS);
	is($session->state_of('ALTER EXTENSION factstr UPDATE'), '00000', "$from to $version after pg_upgrade");
	is($session->text($CONTENTS), $contents, "$from to $version after pg_upgrade: facts and streams stay");
	works("$from to $version after pg_upgrade", $session);
	$session->disconnect;
}
$upgraded->stop;
done_testing();
