# Facts and rows in one transaction, on a disk that can be stopped: if the library is preloaded, the commit
# releases the append lock before it is on disk, and no way to read shows its writes before that.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use FactstrSlowDisk;
use FactstrTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $disk = FactstrSlowDisk->new;
my $CONF = "shared_preload_libraries = 'factstr'\nfsync = on\nwal_writer_delay = 10s\nmax_prepared_transactions = 5\n"
	. "factstr.background_delivery = off\nautovacuum = off\nmax_connections = 100\nwal_buffers = 16MB";
my $node = new_node('in_flight', conf => $CONF, preload => $disk->library);
my $observer = new_session($node);
# 16 gave it another name.
my $FORCE_PARALLEL = $observer->value(q(SELECT name FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query')));

$observer->run($_) foreach 'CREATE TABLE other (n int)', 'CREATE TABLE quiet (n int)', 'INSERT INTO quiet VALUES (1)',
	'CREATE TABLE parent (id int PRIMARY KEY)', 'CREATE TABLE child (id int REFERENCES parent DEFERRABLE)',
	'CREATE TABLE parts (n int) PARTITION BY RANGE (n)', 'CREATE TABLE part_1 PARTITION OF parts FOR VALUES FROM (0) TO (1000000)',
	'CREATE TABLE ancestor (n int)', 'ALTER TABLE other INHERIT ancestor',
	'CREATE VIEW seen AS SELECT n FROM other', 'CREATE SEQUENCE numbers', 'CREATE UNLOGGED TABLE unlogged (n int)',
	q(CREATE FUNCTION newest() RETURNS int LANGUAGE sql VOLATILE AS 'SELECT max(n) FROM other'),
	q(CREATE FUNCTION newest_plpgsql() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT max(n) FROM other); END'),
	q(CREATE FUNCTION rows_of_other() RETURNS SETOF int LANGUAGE plpgsql AS 'BEGIN RETURN QUERY SELECT n FROM other; END'),
	q(CREATE FUNCTION loop_of_other() RETURNS SETOF int LANGUAGE plpgsql AS
		'DECLARE i int; BEGIN FOR i IN SELECT n FROM other LOOP RETURN NEXT i; END LOOP; END'),
	q(CREATE PROCEDURE newest_of(INOUT result int) LANGUAGE plpgsql AS 'BEGIN SELECT max(n) INTO result FROM other; END'),
	q(CREATE FUNCTION remember() RETURNS void LANGUAGE plpgsql AS
		$$ BEGIN PERFORM set_config('my.newest', (SELECT max(n)::text FROM other), false); END $$),
	q(CREATE FUNCTION append_and_tell(events jsonb) RETURNS int LANGUAGE plpgsql AS
		'BEGIN PERFORM factstr_append(events); INSERT INTO other VALUES (1); RETURN (SELECT max(n) FROM other); END');
$observer->run($_) foreach 'CREATE TABLE mine (n int)', 'INSERT INTO mine VALUES (0)', 'CREATE TABLE unique_keys (k int PRIMARY KEY)',
	'INSERT INTO unique_keys VALUES (4)',
	'CREATE TABLE cascading (id int REFERENCES parent ON DELETE CASCADE)',
	'INSERT INTO parent VALUES (7)', 'INSERT INTO cascading VALUES (7)',
	q(CREATE FUNCTION remember_in_trigger() RETURNS trigger LANGUAGE plpgsql AS
		$$ BEGIN PERFORM remember(); RETURN OLD; END $$),
	'CREATE TRIGGER remembers BEFORE DELETE ON cascading FOR EACH ROW EXECUTE FUNCTION remember_in_trigger()',
	q(CREATE FUNCTION newest_in_worker() RETURNS int LANGUAGE plpgsql STABLE PARALLEL SAFE AS
		'BEGIN RETURN (SELECT max(n) FROM other); END'),
	q(CREATE FUNCTION is_new(key int) RETURNS boolean LANGUAGE plpgsql AS
		'BEGIN INSERT INTO unique_keys VALUES (key) ON CONFLICT DO NOTHING; RETURN FOUND; END'),
	q(CREATE FUNCTION is_there(key int) RETURNS boolean LANGUAGE plpgsql AS
		'BEGIN UPDATE unique_keys SET k = k WHERE k = key; RETURN FOUND; END'),
	q(CREATE PROCEDURE look_for(key int, INOUT result boolean) LANGUAGE plpgsql AS
		'BEGIN UPDATE unique_keys SET k = k WHERE k = key; result := FOUND; END'),
	q(CREATE FUNCTION catches(key int) RETURNS boolean LANGUAGE plpgsql AS
		'BEGIN INSERT INTO unique_keys VALUES (key); RETURN true; EXCEPTION WHEN unique_violation THEN RETURN false; END');
$observer->run(q(CREATE PROCEDURE append_and_commit() LANGUAGE plpgsql AS $$
	BEGIN
		FOR i IN 1 .. 2 LOOP
			PERFORM factstr_append('[{"event_type": "a", "payload": 1}]');
			INSERT INTO other VALUES (i);
			COMMIT;
		END LOOP;
	END $$));
$observer->run(append_sql(events(old => 1)));

my $count = 100;

# The session that commits does not append alone, which would be an exception.
sub append_in_between
{
	$observer->run(append_sql(events(between => 1)));
	return;
}

# A transaction that appends and writes to each table, up to its commit, which hangs.
sub commit_in_flight
{
	my ($session, @statements) = @_;

	append_in_between();
	$count++;
	@statements = ("INSERT INTO other VALUES ($count)") if @statements == 0;
	$session->run('BEGIN');
	$session->run($_) foreach append_sql(events(new => $count)), @statements;
	$disk->hold;
	$session->start('COMMIT');
	wait_for_event($observer, $session, 'WALWrite');
	return;
}

sub release_and_finish
{
	my @sessions = @_;

	$disk->release;
	foreach my $session (@sessions)
	{
		$session->finish;
		die $session->message if $session->state ne '00000';
	}
	return;
}

my $writer = new_session($node);

# Is it answered, or does it wait for the disk?
sub waits_for_disk
{
	my ($session) = @_;

	# A leader waits for its parallel workers, and they for the disk.
	wait_until('an answer, or a wait for the disk', sub {
		$session->is_done || (wait_event($observer, $session) // '') =~ /^(WALWrite|ExecuteGather|MessageQueueReceive|BgWorkerShutdown)$/ });
	return $session->is_done ? 0 : 1;
}

#
# The lock is free, and others append.
#
commit_in_flight($writer);
is(append_lock_holders($observer), '', 'the lock is free while facts and rows wait for the disk');
my $second = new_session($node);
$second->run('BEGIN');
$second->run('INSERT INTO other VALUES (1)');
$second->run(append_sql(events(second => 1)));
$second->start('COMMIT');
wait_for_event($observer, $second, 'WALWrite');
is(append_lock_holders($observer), '', 'and so it is after the next one');
is_deeply([ map { $_->is_done } $writer, $second ], [ 0, 0 ], 'neither is answered');
release_and_finish($writer, $second);

#
# Every way to read: before anything is in flight; then without waiting; and then with waiting.
#
my $file = PostgreSQL::Test::Utils::tempdir_short() . '/rows';
my @parallel = ('SET parallel_setup_cost = 0', 'SET parallel_tuple_cost = 0', 'SET min_parallel_table_scan_size = 0',
	"SET $FORCE_PARALLEL = on");
my %reads = (
	'SELECT' => [[], [], 'SELECT max(n) FROM other'],
	'SELECT that finds nothing' => [[], [], 'SELECT n FROM other WHERE n < 0'],
	'SELECT of a row that was there' => [[], [], 'SELECT n FROM other LIMIT 1'],
	'SELECT on the events' => [[], [], 'SELECT max(sequence_number) FROM factstr_events'],
	'a view' => [[], [], 'SELECT max(n) FROM seen'],
	'a partitioned table' => [[], [], 'SELECT max(n) FROM parts'],
	'a partition' => [[], [], 'SELECT max(n) FROM part_1'],
	'a parent of tables' => [[], [], 'SELECT max(n) FROM ancestor'],
	'a join' => [[], [], 'SELECT count(*) FROM quiet JOIN other USING (n)'],
	'a subquery' => [[], [], 'SELECT (SELECT max(n) FROM other) FROM quiet'],
	'EXISTS' => [[], [], 'SELECT EXISTS (SELECT FROM other WHERE n > 100)'],
	'a common table expression' => [[], [], 'WITH o AS MATERIALIZED (SELECT n FROM other) SELECT max(n) FROM o'],
	'UNION' => [[], [], 'SELECT n FROM quiet UNION ALL SELECT n FROM other'],
	'a prepared statement' => [['PREPARE p AS SELECT max(n) FROM other', 'EXECUTE p'], [], 'EXECUTE p'],
	'a cursor' => [['BEGIN'], ['DECLARE c CURSOR FOR SELECT max(n) FROM other'], 'FETCH 1 FROM c'],
	'a cursor that outlives its transaction' => [['BEGIN'], ['DECLARE c CURSOR WITH HOLD FOR SELECT n FROM other'], 'COMMIT'],
	'COPY of a query' => [[], [], "COPY (SELECT n FROM other) TO '$file.1'"],
	'COPY of a table' => [[], [], "COPY other TO '$file.2'"],
	'SELECT FOR UPDATE' => [[], [], 'SELECT n FROM other WHERE n = 1 FOR UPDATE'],
	'UPDATE RETURNING' => [[], [], 'UPDATE other SET n = n WHERE n = 2 RETURNING n'],
	'a subquery in RETURNING' => [[], [], 'INSERT INTO quiet VALUES (1) RETURNING (SELECT max(n) FROM other)'],
	'a modifying common table expression' => [[], [],
		'WITH u AS (UPDATE quiet SET n = n RETURNING n) SELECT max(o.n) FROM u, other o'],
	'a function in SQL' => [[], [], 'SELECT newest()'],
	'a function in PL/pgSQL' => [[], [], 'SELECT newest_plpgsql()'],
	'a function in FROM' => [[], [], 'SELECT * FROM newest_plpgsql()'],
	'a function that returns a query' => [[], [], 'SELECT * FROM rows_of_other()'],
	'a function with a loop' => [[], [], 'SELECT * FROM loop_of_other()'],
	'a procedure' => [[], [], 'CALL newest_of(1)'],
	'the value that a DO block keeps' => [['BEGIN'], ['DO $$ BEGIN PERFORM remember(); END $$'], q(SELECT current_setting('my.newest'))],
	'what another transaction keeps' => [[], ['DO $$ BEGIN PERFORM remember(); END $$'], q(SELECT current_setting('my.newest'))],
	'EXPLAIN ANALYZE' => [[], [], 'EXPLAIN (ANALYZE, TIMING off, COSTS off) SELECT n FROM other'],
	'a parallel query' => [\@parallel, [], 'SELECT max(n) FROM other'],
	'a temporary copy' => [['CREATE TEMP TABLE copy (n int)', 'BEGIN'], ['INSERT INTO copy SELECT n FROM other'], 'SELECT max(n) FROM copy'],
	'an unlogged copy, at its commit' => [['BEGIN'], ['INSERT INTO unlogged SELECT n FROM other'], 'COMMIT'],
	'a copy, at a commit that does not wait for the disk by itself' => [['SET synchronous_commit = off', 'BEGIN'],
		['INSERT INTO mine SELECT n FROM other'], 'COMMIT'],
	'a table that is made of it' => [[], [], 'CREATE TABLE made AS SELECT n FROM other'],
	'a function in a parallel worker' => [\@parallel, [], 'SELECT newest_in_worker()'],
	'the rows that the transaction has copied' => [['BEGIN'], ['INSERT INTO mine SELECT n FROM other'], 'SELECT max(n) FROM mine'],
	'the rows that the transaction has changed' => [['BEGIN'], ['UPDATE mine SET n = (SELECT max(n) FROM other)'], "COPY mine TO '$file.3'"],
	'SHOW' => [['BEGIN'], ['DO $$ BEGIN PERFORM remember(); END $$'], 'SHOW my.newest'],
	'the rows that a trigger of a cascade keeps' => [['BEGIN'], ['DELETE FROM parent WHERE id = 7'], q(SELECT current_setting('my.newest'))],
	'whether a key is new' => [['BEGIN'], [], 'SELECT is_new(3)'],
	'whether a row was changed' => [['BEGIN'], [], 'SELECT is_there(5)'],
	'whether a row was changed, from a procedure' => [['BEGIN'], [], 'CALL look_for(6, NULL)'],
	'an error that a function catches' => [['BEGIN'], [], 'SELECT catches(3)'],
	'that there was nothing to insert' => [['BEGIN'], [], 'INSERT INTO unique_keys VALUES (3) ON CONFLICT DO NOTHING'],
	'that there was nothing to delete' => [['BEGIN'], [], 'DELETE FROM unique_keys WHERE k = 4'],
	'EXPLAIN ANALYZE of a change' => [['BEGIN'], [], 'EXPLAIN (ANALYZE, TIMING off, COSTS off) INSERT INTO mine SELECT n FROM other'],
	'factstr_query' => [[], [], 'SELECT last_returned_sequence_number FROM factstr_query()'],
	'factstr_status' => [[], [], 'SELECT head_sequence_number FROM factstr_status'],
	'the state of streams' => [[], [], 'SELECT name, cursor_sequence_number FROM factstr_stream_status'],
);

commit_in_flight($writer, 'INSERT INTO other VALUES (2)');
release_and_finish($writer);
my %readers;
foreach my $name (sort keys %reads)
{
	$readers{$name} = new_session($node);
	$readers{$name}->run($_) foreach @{ $reads{$name}[0] };
}
commit_in_flight($writer, 'INSERT INTO other VALUES (3)', 'INSERT INTO parts VALUES (3)', 'INSERT INTO unique_keys VALUES (3), (5), (6)',
	'DELETE FROM unique_keys WHERE k = 4', q(SELECT factstr_stream_open('made', '{}')));
foreach my $name (sort keys %reads)
{
	$readers{$name}->run($_) foreach @{ $reads{$name}[1] };
	$readers{$name}->start($reads{$name}[2]);
	ok(waits_for_disk($readers{$name}), "$name waits for the disk");
}
ok(!$readers{$_}->is_done, "$_ is not answered before") foreach sort keys %readers;
ok(!-s "$file.$_", "and nothing is in file $_") foreach 1, 2, 3;
release_and_finish($writer, values %readers);
$_->disconnect foreach values %readers;

# A key that exists, because of a row in flight: the error names it.
my $reader = new_session($node);
commit_in_flight($writer, 'INSERT INTO parent VALUES (1000)');
$reader->start('INSERT INTO parent VALUES (1000)');
ok(waits_for_disk($reader), 'a duplicate key waits for the disk');
$disk->release;
is($reader->finish->state, '23505', 'and is an error then');
$writer->finish;
commit_in_flight($writer, 'DELETE FROM parent WHERE id = 1000');
$reader->start('INSERT INTO child VALUES (1000)');
ok(waits_for_disk($reader), 'a missing key waits for the disk');
$disk->release;
is($reader->finish->state, '23503', 'and is an error then');
$writer->finish;
$reader->run('BEGIN');
$reader->run('SET CONSTRAINTS ALL DEFERRED');
$reader->run('INSERT INTO child VALUES (1002)');
commit_in_flight($writer);
$reader->start('COMMIT');
ok(waits_for_disk($reader), 'so does a constraint that was deferred');
$disk->release;
is($reader->finish->state, '23503', 'and is an error then');
$writer->finish;

# Rows that change while a statement waits for their locks are newer than its snapshot.
foreach my $statement ('SELECT n FROM other WHERE n = 2 FOR UPDATE', 'UPDATE other SET n = n WHERE n = 2 RETURNING n')
{
	my $begun = new_session($node);

	$begun->run('BEGIN');
	$begun->run(append_sql(events(locked => 1)));
	$begun->run('UPDATE other SET n = n WHERE n = 2');
	$reader->start($statement);
	wait_until('the reader waits for the row', sub { (wait_event($observer, $reader) // '') =~ /^(transactionid|tuple)$/ });
	$disk->hold;
	$begun->start('COMMIT');
	wait_for_event($observer, $begun, 'WALWrite');
	ok(waits_for_disk($reader), "$statement: a row that has changed meanwhile");
	release_and_finish($begun, $reader);
	$begun->disconnect;
}

#
# Statements that do not wait.
#
commit_in_flight($writer, 'INSERT INTO other VALUES (4)', 'INSERT INTO parent VALUES (1001)');
is($observer->value('SELECT count(*) FROM quiet WHERE n = 1') > 0, 1, 'a read of another table does not wait');
is($observer->value('SELECT 1'), 1, 'nor one of none');
is($observer->value(q(SELECT 'other'::regclass::text)), 'other', 'nor one that only names it');
$reader->run('BEGIN');
foreach my $statement ('INSERT INTO other VALUES (5)', 'INSERT INTO other SELECT n + 1 FROM other WHERE n = 5',
	'UPDATE other SET n = n + 1 WHERE n = 5', 'INSERT INTO child VALUES (1001)', append_sql(events(reader => 1)),
	'DO $$ BEGIN PERFORM newest(); END $$')
{
	is($reader->state_of($statement), '00000', "nor a statement that only writes: $statement");
}
$reader->start('COMMIT');
wait_for_event($observer, $reader, 'WALWrite');
my $telling = new_session($node);
$telling->start(q(SELECT append_and_tell('[{"event_type": "a", "payload": 1}]')));
wait_for_event($observer, $telling, 'WALWrite');
is(append_lock_holders($observer), '', 'a statement that appends waits with its commit, not with the lock');
my $committing = new_session($node);
$committing->start('CALL append_and_commit()');
wait_for_event($observer, $committing, 'WALWrite');
is(append_lock_holders($observer), '', 'and so does a procedure that commits');
release_and_finish($writer, $reader, $telling, $committing);

#
# Which transactions let go early.
#
sub is_held_through_flush
{
	my ($expected, $name, @statements) = @_;

	$writer->run('RESET ALL');
	$writer->run('BEGIN');
	$writer->run($_) foreach @statements;
	$disk->hold;
	$writer->start('COMMIT');
	wait_for_event($observer, $writer, 'WALWrite');
	is(append_lock_holders($observer), $expected ? $writer->pid : '', $name);
	release_and_finish($writer);
	return;
}

sub append
{
	return append_sql(events(@_));
}

$observer->run(q(CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS
	$$ BEGIN PERFORM pg_notify('mine', 'row'); RETURN NULL; END $$));
$observer->run('CREATE TABLE telling (n int)');
$observer->run('CREATE TRIGGER tells AFTER INSERT ON telling FOR EACH ROW EXECUTE FUNCTION tell()');
$observer->run("CREATE TABLE many_$_ (n int)") foreach 1 .. 70;
append_in_between();
is_held_through_flush(0, 'facts', append(f => 1));
is_held_through_flush(0, 'facts and rows', append(f => 1), 'INSERT INTO other VALUES (1)');
is_held_through_flush(0, 'rows and facts', 'INSERT INTO other VALUES (1)', append(f => 1));
is_held_through_flush(0, 'in a savepoint', 'SAVEPOINT a', 'INSERT INTO other VALUES (1)', 'RELEASE a', append(f => 1));
is_held_through_flush(0, 'facts at commit', q(SELECT factstr_append('[{"event_type": "a", "payload": 1}]', at_commit => true)),
	'INSERT INTO other VALUES (1)');
is_held_through_flush(0, 'a number of a sequence', append(f => 1), q(SELECT nextval('numbers')));
is_held_through_flush(0, 'more tables than a process keeps locks for', append(f => 1), map { "INSERT INTO many_$_ VALUES (1)" } 1 .. 30);
is_held_through_flush(1, 'very many tables', append(f => 1), map { "INSERT INTO many_$_ VALUES (1)" } 1 .. 70);
is_held_through_flush(1, 'facts, and locks on very many tables', append(f => 1), map { "LOCK TABLE many_$_ IN ROW EXCLUSIVE MODE" } 1 .. 70);
is_held_through_flush(1, 'facts, and a lock on a catalog', append(f => 1), 'LOCK TABLE pg_description IN ROW EXCLUSIVE MODE');
is_held_through_flush(1, 'a new table', append(f => 1), 'CREATE TABLE new (n int)');
is_held_through_flush(1, 'a truncated table', append(f => 1), 'TRUNCATE many_1');
is_held_through_flush(1, 'a comment', append(f => 1), q(COMMENT ON TABLE other IS 'other'));
is_held_through_flush(1, 'a dependency', append(f => 1), 'ALTER FUNCTION newest() DEPENDS ON EXTENSION plpgsql');
is_held_through_flush(1, 'a large object', append(f => 1), 'SELECT lo_create(0)');
is_held_through_flush(1, 'a part of a large object', append(f => 1), q(SELECT lo_put((SELECT max(oid) FROM pg_largeobject_metadata), 0, 'a')));
is_held_through_flush(0, 'NOTIFY', append(f => 1), 'NOTIFY mine');
is_held_through_flush(0, 'pg_notify', append(f => 1), q(SELECT pg_notify('mine', 'a')));
is_held_through_flush(0, 'pg_notify in a trigger', append(f => 1), 'INSERT INTO telling VALUES (1)');
is_held_through_flush(0, 'and the next transaction', append(f => 1), 'INSERT INTO other VALUES (1)');
is_held_through_flush(1, 'facts_only: facts and rows', 'SET LOCAL factstr.early_lock_release = facts_only', append(f => 1),
	'INSERT INTO other VALUES (1)');
is_held_through_flush(0, 'facts_only: facts', 'SET LOCAL factstr.early_lock_release = facts_only', append(f => 1));
is_held_through_flush(1, 'facts_only: facts, and locks on very many tables', 'SET LOCAL factstr.early_lock_release = facts_only',
	append(f => 1), map { "LOCK TABLE many_$_ IN ROW EXCLUSIVE MODE" } 1 .. 70);
is_held_through_flush(1, 'off: facts', 'SET LOCAL factstr.early_lock_release = off', append(f => 1));
is_held_through_flush(0, 'always: a new table', 'SET LOCAL factstr.early_lock_release = always', append(f => 1),
	'CREATE TABLE newer (n int)');

# In 16 and earlier, a session that appends alone keeps the lock, unless somebody might wait for something else.
my $keeps = $observer->value(q(SELECT current_setting('server_version_num')::int < 170000)) eq 't' ? 1 : 0;

sub append_alone
{
	$writer->run('RESET ALL');
	$writer->run(append(alone => $_)) foreach 1 .. 40;
	return;
}

sub alone_is_held_through_flush
{
	my ($expected, $name, @statements) = @_;

	append_alone();
	is_held_through_flush($expected, "alone: $name", @statements);
	return;
}

alone_is_held_through_flush($keeps, 'facts', append(f => 1));
alone_is_held_through_flush($keeps, 'facts at commit', q(SELECT factstr_append('[{"event_type": "a", "payload": 1}]', at_commit => true)));
alone_is_held_through_flush($keeps, 'facts_only: facts', 'SET LOCAL factstr.early_lock_release = facts_only', append(f => 1));
alone_is_held_through_flush(0, 'always: facts', 'SET LOCAL factstr.early_lock_release = always', append(f => 1));
alone_is_held_through_flush(0, 'facts and rows', append(f => 1), 'INSERT INTO other VALUES (1)');
$observer->run(append(f => 1));
is_held_through_flush(0, 'no longer alone', append(f => 1));
$reader->run('LISTEN factstr');
alone_is_held_through_flush(0, 'facts of which somebody is notified', append(f => 1));
$reader->disconnect;
$reader = new_session($node);
append_alone();
# One that waits looks at the log once a second, and then does not wait for a moment.
my @waiting = map { new_session($node) } 1 .. 3;
foreach my $session (@waiting)
{
	$session->start('CALL factstr_wait_for_facts(1000000, $1)', '1 hour');
	wait_for_event($observer, $session, 'Extension');
}
is_held_through_flush(0, 'alone: facts for which somebody waits', append(f => 1));
foreach my $session (@waiting)
{
	$observer->run('SELECT pg_cancel_backend($1)', $session->pid);
	$session->finish;
	$session->disconnect;
}
append_alone();
$second->run('BEGIN');
$writer->run('BEGIN');
$writer->run(append(f => 1));
$second->start(append(f => 2));
wait_until('it waits for the lock', sub { (wait_event($observer, $second) // '') =~ /^(Extension|object)$/ });
$disk->hold;
$writer->start('COMMIT');
$second->finish;
is($second->state, '00000', 'another one that waits gets the lock before the flush');
release_and_finish($writer);
$second->run('COMMIT');

# With every setting, readers wait for commits in flight.
foreach my $setting (qw(auto facts_only always))
{
	commit_in_flight($writer, "SET LOCAL factstr.early_lock_release = $setting");
	$reader->start('SELECT max(sequence_number) FROM factstr_events');
	ok(waits_for_disk($reader), "$setting: a reader of the table waits for the disk");
	release_and_finish($writer, $reader);
}

# A commit that fails after it was counted is in flight no more.
my ($one, $two) = (new_session($node), new_session($node));
$_->run('BEGIN ISOLATION LEVEL SERIALIZABLE') foreach $one, $two;
$one->run('SELECT sum(n) FROM many_1');
$two->run('SELECT sum(n) FROM many_2');
$one->run('INSERT INTO many_2 VALUES (1)');
$two->run('INSERT INTO many_1 VALUES (1)');
$two->run(append(two => 1));
$one->run('COMMIT');
is($two->state_of('COMMIT'), '40001', 'a commit that could not be serialized');
$disk->hold;
is($observer->state_of('SELECT count(*) FROM many_1'), '00000', 'and its tables can be read');
$disk->release;

#
# A crash: facts and rows that no client has seen are gone.
#
my $head = $observer->value('SELECT max(sequence_number) FROM factstr_events');
my $rows = $observer->value('SELECT count(*) FROM other');
commit_in_flight($writer, 'INSERT INTO other VALUES (1)');
$reader->start('SELECT count(*) FROM other');
ok(waits_for_disk($reader), 'a reader waits for the disk');
crash($node);
isnt($_->finish->state, '00000', 'no client has an answer') foreach $writer, $reader;
$disk->release;
start_node($node, $disk->library);
$observer = new_session($node);
is($observer->value('SELECT max(sequence_number) FROM factstr_events'), $head + 1, 'the facts are gone, except those of an earlier commit');
is($observer->value('SELECT count(*) FROM other'), $rows, 'and so are the rows');

$node->stop;
done_testing();
