# Logs that are created, dropped and moved while others use them: by parallel queries, prepared statements and functions,
# appends, readers, vacuum and dumps, in prepared transactions, on a standby, in a crash, and by roles without rights.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use FactstrProcesses;
use FactstrTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('logs_in_use', init => { allows_streaming => 1 },
	conf => "max_prepared_transactions = 5\nmax_worker_processes = 20\nmax_parallel_workers = 8");
my ($session, $other) = map { new_session($node) } 1 .. 2;

sub append_to
{
	my ($log, $count) = @_;

	return sprintf(q(SELECT last_sequence_number FROM factstr_append('%s', log => '%s')),
		events(map { (in => { n => $_ }) } 1 .. $count // 1), $log);
}

sub is_sound
{
	my ($of, $name) = @_;

	is($of->text('SELECT l.log, c.* FROM factstr_logs l, factstr_check(NULL, l.log) c WHERE NOT c.ok'), '', "$name: all logs are sound");
	return;
}

#
# Parallel queries.  The functions run in the leader, where a first look for a log must not need what parallel mode forbids.
#
$session->run('SELECT factstr_create_log($1)', $_) foreach 'a', 'b';
$session->run(append_to('a', 3));
$session->run(append_to('b', 4));
$session->run(append_to('main', 5));
$session->run(q(SELECT factstr_redact(1, '"erased"', 'why', log => 'b')));
$session->run(q(SELECT factstr_stream_open('s', log => 'a')));
$session->run(q(CREATE TABLE names AS SELECT log FROM unnest('{a,b,main}'::text[]) log, generate_series(1, 1000)));
$session->run('ANALYZE names');
my %PARALLEL = (
	factstr_context_version => q(SELECT log, max(factstr_context_version('{}', log)) FROM names GROUP BY log),
	factstr_query => q(SELECT log, max((factstr_query('{}', log)).last_returned_sequence_number) FROM names GROUP BY log),
	factstr_newest => q(SELECT log, max((factstr_newest('[{}]', log)).current_context_version) FROM names GROUP BY log),
	factstr_read => q(SELECT log, max((SELECT count(*) FROM factstr_read(log => names.log))) FROM names GROUP BY log),
	factstr_batches => q(SELECT log, max((SELECT count(*) FROM factstr_batches(log => names.log))) FROM names GROUP BY log),
	factstr_export => q(SELECT log, max((SELECT count(*) FROM factstr_export(log => names.log))) FROM names GROUP BY log),
	factstr_position_at => q(SELECT log, max(factstr_position_at('infinity', log)) FROM names GROUP BY log),
	factstr_pending_pages => q(SELECT log, max(factstr_pending_pages(log)) FROM names GROUP BY log),
	factstr_has_right => q(SELECT log, bool_and(factstr_has_right('read', log)) FROM names GROUP BY log),
	factstr_status => q(SELECT names.log, max(s.head_sequence_number) FROM names, factstr_status s WHERE s.log = names.log GROUP BY names.log),
	factstr_stream_status => q(SELECT names.log, max(s.lag_facts) FROM names LEFT JOIN factstr_stream_status s ON s.log = names.log GROUP BY names.log));
foreach my $function (sort keys %PARALLEL)
{
	my $parallel = new_session($node);

	$parallel->run("SET $_") foreach 'parallel_setup_cost = 0', 'parallel_tuple_cost = 0', 'min_parallel_table_scan_size = 0',
		'max_parallel_workers_per_gather = 2';
	like($parallel->text("EXPLAIN $PARALLEL{$function}"), qr/Gather/, "$function: a parallel query");
	my $found = $parallel->text("SELECT * FROM ($PARALLEL{$function}) q ORDER BY 1");
	is($found, $session->text("SELECT * FROM ($PARALLEL{$function}) q ORDER BY 1"), "$function: answers for several logs as any other one does");
	$parallel->disconnect;
}

#
# Prepared statements and functions outlive a log, and find the next one of its name.
#
$session->run(<<~'SQL');
	CREATE FUNCTION count_facts() RETURNS bigint LANGUAGE plpgsql AS $$
	DECLARE
		direct bigint;
	BEGIN
		SELECT count(*) INTO direct FROM factstr_a_events;
		ASSERT direct = (SELECT count(*) FROM factstr_read(log => 'a'));
		ASSERT direct = factstr_context_version('{}', 'a') OR direct = 0;
		RETURN direct;
	END $$
	SQL
$session->run('PREPARE append AS ' . append_to('a'));
$session->run(q(PREPARE read AS SELECT count(*) FROM factstr_read(log => 'a')));
foreach my $round (1 .. 7)
{
	$other->run(q(SELECT factstr_drop_log('a', 'a')));
	is($session->state_of('EXECUTE append'), 'FS008', "round $round: a prepared append to a log that is gone") if $round % 2;
	$other->run(q(SELECT factstr_create_log('a')));
	is(join(' ', map { $session->value($_) } 'EXECUTE append', 'EXECUTE append', 'EXECUTE read', 'SELECT count_facts()'), '1 2 2 2',
		"round $round: the next log of its name is found");
}

#
# A name is one of a log only in the form that it has.
#
my $long = 'p' x 40;
foreach my $name ($long, 'pg_x', '-', '_', 'select', 'main_', '0', 'events', 'log')
{
	$session->run('SELECT factstr_create_log($1)', $name);
	is($session->value(append_to($name)), 1, "a log may be called $name");
	is($session->value('SELECT factstr_drop_log($1, $1)', $name), 1, "and is dropped: $name");
}
foreach my $name ("p$long", 'A', "a'b", 'a"b', 'a b', '', 'a.b', "a\nb", 'ä', '%s', 'main')
{
	is($session->state_of('SELECT factstr_create_log($1)', $name), $name eq 'main' ? '42710' : '22023', "none may be called \"$name\"");
}

#
# By roles: the right to execute the function makes logs for main's owner, and stores them where main is stored.
#
my $place = PostgreSQL::Test::Utils::tempdir();
$session->run($_) foreach 'CREATE ROLE maker', q(CREATE ROLE "O'Neil ""X"""), 'GRANT EXECUTE ON FUNCTION factstr_create_log(text) TO maker',
	"CREATE TABLESPACE place LOCATION '$place'";
my $maker = new_session($node);
$maker->run('SET ROLE maker');
$maker->run('SET default_tablespace = place');
$maker->run(q(SELECT factstr_create_log('made')));
is($session->text(q(SELECT relname FROM pg_class WHERE relname LIKE 'factstr_made%' AND (reltablespace <> 0 OR relowner <> current_user::regrole))), '',
	'a log is stored like main, with the same owner, not with the settings of its creator');
is($maker->state_of(append_to('made')), '42501', 'its maker has no right on it');
is($maker->state_of(q(SELECT factstr_drop_log('made', 'made'))), '42501', 'nor may drop it');
is($maker->state_of(q(SELECT factstr_grant('maker', 'append', 'made'))), '42501', 'or give itself rights');
$session->run(q(SELECT factstr_grant('O''Neil "X"', 'admin', 'made'), factstr_grant('maker', 'append', 'made')));
is($maker->value(append_to('made')), 1, 'with the right it appends');
$maker->run('RESET ROLE');
$maker->run(q(SET ROLE "O'Neil ""X"""));
is($maker->state_of(q(SELECT factstr_drop_log('a', 'a'))), '42501', 'the right to administer one log is none on another');
is($maker->value(q(SELECT factstr_drop_log('made', 'made'))), 1, 'with it, that one is dropped');
is($session->text(q(SELECT created_by, dropped_by FROM factstr_log_records WHERE log = 'made')), join('|', ($session->value('SELECT session_user')) x 2),
	'the record has the role that had logged in');
$maker->disconnect;
$session->run('DROP TABLESPACE place');

#
# Prepared transactions
#
sub prepare
{
	my ($of, @statements) = @_;

	$of->run($_) foreach 'SET factstr.notify = off', 'BEGIN', @statements, q(PREPARE TRANSACTION 'p');
	return;
}

prepare($session, q(SELECT factstr_create_log('later')), append_to('later', 2));
is($other->state_of(append_to('later')), 'FS008', 'a prepared log is not there');
$other->start(q(SELECT factstr_create_log('later')));
wait_for_event($session, $other, 'relation');
$session->run(q(COMMIT PREPARED 'p'));
is($other->finish->state, '42710', 'who creates it, too, waits, and finds it');
is($other->value(append_to('later')), 3, 'and appends to it');
prepare($session, append_to('later'), q(SELECT factstr_drop_log('later', 'later')));
$other->start(append_to('later'));
wait_for_event($session, $other, 'relation');
$session->run(q(ROLLBACK PREPARED 'p'));
is($other->finish->text, 4, 'a drop that was rolled back leaves nothing, nor does its append');
prepare($session, append_to('later'), q(SELECT factstr_drop_log('later', 'later')), q(SELECT factstr_create_log('later')), append_to('later', 7));
$_->disconnect foreach $session, $other;
crash($node);
$node->start;
($session, $other) = map { new_session($node) } 1 .. 2;
$other->start(append_to('later'));
wait_for_event($session, $other, 'relation');
$session->run(q(COMMIT PREPARED 'p'));
is($other->finish->text, 8, 'dropped and created in one prepared transaction, and a crash');
is_sound($session, 'prepared');

#
# A crash between a creation and its commit
#
$other->run($_) foreach 'BEGIN', q(SELECT factstr_create_log('lost')), append_to('lost'), q(SELECT factstr_drop_log('b', 'b'));
$session->run('CHECKPOINT');
$_->disconnect foreach $session;
crash($node);
$node->start;
($session, $other) = map { new_session($node) } 1 .. 2;
is($session->text('SELECT log FROM factstr_logs ORDER BY 1'), "a\nb\nlater\nmain", 'a crash leaves the logs that were committed');
is($session->value(append_to('b')), 5, 'a log whose drop was not committed continues');
$session->run(q(SELECT factstr_create_log('lost')));
is($session->value(append_to('lost')), 1, 'one whose creation was not is created');
is_sound($session, 'after a crash');

#
# A standby reads a log that the primary drops.
#
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('logs_in_use_standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->append_conf('postgresql.conf', "max_standby_streaming_delay = 0\nhot_standby_feedback = off");
$standby->start;
my ($reader, $second) = map { new_session($standby) } 1 .. 2;
my $COUNT = q(SELECT count(*) FROM factstr_read(log => 'b'));
is($second->value($COUNT), 5, 'a standby has the log');
$reader->run('BEGIN');
is($reader->value($COUNT), 5, 'which a transaction there reads');
$session->run(q(SELECT factstr_drop_log('b', 'b')));
$session->run(append_to('a'));
$node->wait_for_catchup($standby);
isnt($reader->state_of($COUNT), '00000', 'the transaction is cancelled for the drop');
is($second->state_of($COUNT), 'FS008', 'after which another session finds no log');
$session->run(q(SELECT factstr_create_log('b')));
$session->run(append_to('b', 2));
$node->wait_for_catchup($standby);
is($second->value($COUNT), 2, 'nor the old one when it is created again');
is($second->value(q(SELECT head_sequence_number FROM factstr_status WHERE log = 'b')), 2, 'as the status says');
$_->disconnect foreach $reader, $second;
$standby->stop;

#
# A schema that is renamed while others append and read
#
my $processes = FactstrProcesses->new($node);
my $ROUNDS = 30;
$session->run($_) foreach 'CREATE DATABASE apart', 'CREATE TABLE working (yes boolean)', 'INSERT INTO working VALUES (true)';

sub goes_on { return new_session($node)->value('SELECT yes FROM working') eq 't' }

my $apart = new_session($node, dbname => 'apart');
$apart->run($_) foreach 'CREATE SCHEMA one', 'CREATE EXTENSION factstr SCHEMA one', q(SELECT one.factstr_create_log('a')), 'SET search_path = one, two';
my @workers = map {
	my $name = "in a schema $_";
	$processes->start($name, sub {
		my $worker = new_session($node, dbname => 'apart');
		my $numbers = 0;

		$worker->run('SET search_path = one, two');
		while (goes_on())
		{
			foreach my $statement (append_to('a'), append_to('main'), q(SELECT count(*) FROM factstr_read(log => 'a')), 'SELECT count(*) FROM factstr_status')
			{
				my $state = $worker->state_of($statement);

				# While a name is looked up, the schema may change it.
				die "$statement: $state " . $worker->message if $state ne '00000' && $state ne '42883' && $state ne '42P01';
				$numbers++ if $state eq '00000';
			}
		}
		$processes->note('done', $numbers);
		return 1;
	})
} 1 .. 3;
foreach my $round (1 .. $ROUNDS)
{
	my $before = $apart->value('SELECT sum(head_sequence_number) FROM factstr_status');

	$apart->run($round % 2 ? 'ALTER SCHEMA one RENAME TO two' : 'ALTER SCHEMA two RENAME TO one');
	wait_until('appends continue', sub { $apart->value('SELECT sum(head_sequence_number) FROM factstr_status') > $before });
}
$session->run('UPDATE working SET yes = false');
$processes->wait_for('those in the schema end', @workers);
is(join("\n", $processes->notes('errors')), '', 'a schema is renamed while others append and read');
is_sound($apart, 'renamed');
is($apart->state_of('ALTER EXTENSION factstr SET SCHEMA public'), '0A000', 'the extension itself stays where it is, as its logs do');
$apart->disconnect;

#
# Logs that come and go while others append to them, read them, and consume them; vacuum and dumps
#
my @COMING = map { "coming-$_" } 1 .. 3;
my %EXPECTED = map { $_ => 1 } qw(00000 FS001 FS004 FS005 FS008);

sub try_each
{
	my ($worker, $log) = @_;
	my @tries = (
		append_to($log, 2),
		qq(SELECT * FROM factstr_try_append_if('[{"event_type": "if", "payload": 1}]', '{}', factstr_context_version('{}', '$log'), log => '$log')),
		qq(DO \$\$ BEGIN PERFORM factstr_append('[{"event_type": "later", "payload": 1}]', at_commit => true, log => '$log');
			BEGIN PERFORM factstr_append('[{"event_type": "gone", "payload": 1}]', log => '$log'); RAISE division_by_zero;
			EXCEPTION WHEN division_by_zero THEN NULL; END; END \$\$),
		qq(SELECT count(*) = coalesce(max(sequence_number), 0) FROM factstr_read(log => '$log')),
		qq(SELECT factstr_stream_open('s', log => '$log')),
		qq(SELECT factstr_stream_ack('s', max(last_sequence_number), '$log') FROM factstr_stream_next('s', 10, true, '$log') HAVING count(*) > 0),
		q(SELECT count(*) FROM factstr_status),
		q(SELECT count(*) FROM factstr_stream_status));

	foreach my $statement (@tries)
	{
		my $state = $worker->state_of($statement);

		die "$statement: $state " . $worker->message if !$EXPECTED{$state};
		die "$statement: a gap" if $state eq '00000' && $statement =~ /^SELECT count\(\*\) =/ && !$worker->rows->[0][0];
	}
	return;
}

$session->run('UPDATE working SET yes = true');
@workers = map {
	$processes->start("of coming logs $_", sub {
		my ($worker) = @_;

		try_each($worker, $COMING[ int(rand(@COMING)) ]) while $worker->value('SELECT yes FROM working') eq 't';
		return 1;
	})
} 1 .. 3;
push @workers, $processes->start('vacuum', sub {
	my ($worker) = @_;

	while ($worker->value('SELECT yes FROM working') eq 't')
	{
		$worker->run($_) foreach 'VACUUM factstr_log_records', 'VACUUM (ANALYZE) factstr_streams';
		my $state = $worker->state_of("VACUUM (FREEZE) \"factstr_$COMING[0]_events\"");
		die "vacuum: $state" if $state ne '00000' && $state ne '42P01';
	}
	return 1;
});
my ($dumps, $created) = (0, 0);
foreach my $round (1 .. $ROUNDS)
{
	my $log = $COMING[ $round % @COMING ];

	$created++ if $session->state_of("SELECT factstr_create_log('$log')") eq '00000';
	die $session->message if $session->state !~ /^(00000|42710)$/;
	wait_until('somebody appends to it', sub { $session->value('SELECT head_sequence_number FROM factstr_status WHERE log = $1', $log) > 4 });
	if ($round % 10 == 0)
	{
		my ($file, $error) = ($node->basedir . "/$round.dump");
		my $dumped = IPC::Run::run([ 'pg_dump', '-Fc', '-f', $file, '-d', $node->connstr('postgres') ], '2>', \$error);

		# A table that it has seen may be gone when it locks it: PostgreSQL's own limit.
		like($error, qr/does not exist|could not open relation/, 'a dump fails only for a table that is gone') if !$dumped;
		next if !$dumped;
		$dumps++;
		$session->run("CREATE DATABASE restored_$round");
		$node->command_ok([ 'pg_restore', '--exit-on-error', '-d', $node->connstr("restored_$round"), $file ], "dump $round is restored");
		my $restored = new_session($node, dbname => "restored_$round");
		is_sound($restored, "dump $round");
		$restored->disconnect;
		unlink $file;
	}
	$session->run('SELECT factstr_drop_log($1, $1)', $log) if $round % 3;
}
$session->run('UPDATE working SET yes = false');
$processes->wait_for('those of coming logs end', @workers);
is(join("\n", $processes->notes('errors')), '', 'logs come and go while others use them');
cmp_ok($created, '>', $ROUNDS / 2, 'often');
cmp_ok($dumps, '>', 0, 'and the database is dumped meanwhile');
is_sound($session, 'come and gone');
is($session->text(q(SELECT DISTINCT s.log FROM factstr_streams s WHERE NOT EXISTS (SELECT FROM factstr_logs l WHERE l.log = s.log))), '',
	'no stream is left of a log that is gone');

$node->stop;
done_testing();
