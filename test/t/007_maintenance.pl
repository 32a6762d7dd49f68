# VACUUM, autovacuum and CREATE INDEX CONCURRENTLY, stopped in the middle: appends continue beside them,
# wait for no lock but the append lock, and cancel no session.  The payload index's pending list stays short.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use FactstrTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('maintenance');
my $observer = new_session($node);
my @appenders = map { new_session($node) } 1 .. 4;
my $worker = new_session($node);

$observer->run("CREATE EXTENSION $_") foreach qw(amcheck pgstattuple);
$observer->run(q(
	CREATE FUNCTION append_many(n int) RETURNS bigint LANGUAGE sql AS $$
		SELECT last_sequence_number FROM factstr_append((
			SELECT jsonb_agg(jsonb_build_object('event_type', 'bulk', 'payload', jsonb_build_object('n', i, 'hash', md5(i::text), 'rest', repeat('x', 100))))
			FROM generate_series(1, n) i))
	$$));
# Facts with many index entries each.
$observer->run(q(
	CREATE FUNCTION append_wide(n int) RETURNS bigint LANGUAGE sql AS $$
		SELECT last_sequence_number FROM factstr_append((
			SELECT jsonb_agg(jsonb_build_object('event_type', 'wide', 'payload', (SELECT jsonb_agg(i * 1000 + e) FROM generate_series(1, 100) e)))
			FROM generate_series(1, n) i))
	$$));

# A wait for a lock that is kept would take longer than this; an append that waits for
# autovacuum would cancel it after that.
foreach my $appender (@appenders)
{
	$appender->run("SET lock_timeout = '5s'");
	$appender->run("SET deadlock_timeout = '10ms'");
}

# The locks that appenders wait for, other than the append lock, and that on the last page of a file.
my $FOREIGN_WAITS = q(
	SELECT locktype, relation::regclass, mode FROM pg_locks
	WHERE NOT granted AND pid = ANY($1)
	AND NOT (locktype = 'object' AND classid = 'factstr_events'::regclass)
	AND locktype <> 'extend');

sub appends_go_on
{
	my ($name, $appends_each) = @_;
	my $pids = '{' . join(',', map { $_->pid } @appenders) . '}';
	my @left = ($appends_each // 30) x @appenders;
	my @failures;
	my $n = 0;

	$_->start(append_sql(events(small => ++$n))) foreach @appenders;
	while (grep { $_ } @left)
	{
		my $waits = $observer->text($FOREIGN_WAITS, $pids);

		push @failures, $waits if $waits ne '';
		foreach my $i (grep { $left[$_] } 0 .. $#appenders)
		{
			push @failures, $appenders[$i]->message if $appenders[$i]->finish->state ne '00000';
			$left[$i]--;
			$appenders[$i]->start(append_sql(events(small => { n => ++$n, text => "text $n" }))) if $left[$i];
		}
	}
	is_deeply(\@failures, [], "$name: appends continue");
	return;
}

sub progress
{
	my ($view, $pid) = @_;

	return $observer->value("SELECT phase FROM $view WHERE pid = \$1", $pid) // '';
}

$observer->run('SELECT append_many(5000)');

#
# VACUUM, slowed down until it takes forever.
#
$worker->run($_) foreach "SET vacuum_cost_delay = '100ms'", 'SET vacuum_cost_limit = 1';
$worker->start('VACUUM factstr_events');
wait_until('VACUUM reads the table', sub { progress('pg_stat_progress_vacuum', $worker->pid) eq 'scanning heap' });
appends_go_on('VACUUM in the table');
is(progress('pg_stat_progress_vacuum', $worker->pid), 'scanning heap', 'VACUUM is still there');
$observer->run('SELECT pg_cancel_backend($1)', $worker->pid);
is($worker->finish->state, '57014', 'VACUUM, canceled by us');

$worker->run($_) foreach "SET vacuum_cost_delay = '20ms'", 'SET vacuum_cost_limit = 10';

# In the middle of emptying the pending list, for which it holds a lock on a page of the index.
my $page_lock = q(SELECT count(*) FROM pg_locks WHERE pid = $1 AND locktype = 'page' AND granted AND relation = 'factstr_events_payload_idx'::regclass);
$observer->run('VACUUM factstr_events');
$observer->run('SELECT append_wide(200)');
cmp_ok($observer->value(q(SELECT pending_pages FROM pgstatginindex('factstr_events_payload_idx'))),
	'>', 16, 'large facts leave a long pending list');
$worker->start('VACUUM factstr_events');
wait_until('VACUUM empties the pending list', sub { $observer->value($page_lock, $worker->pid) });
appends_go_on('VACUUM in the pending list', 60);
is($observer->value($page_lock, $worker->pid), 1, 'VACUUM is still there');
$observer->run('SELECT pg_cancel_backend($1)', $worker->pid);
is($worker->finish->state, '57014', 'VACUUM, canceled by us');
$worker->run('RESET ALL');

# One that runs through, with appends beside it.
$worker->start('VACUUM (FREEZE, ANALYZE) factstr_events');
appends_go_on('VACUUM FREEZE');
is($worker->finish->state, '00000', 'VACUUM FREEZE succeeds');

#
# CREATE INDEX CONCURRENTLY, waiting for a transaction that has written, then for an old snapshot.
#
my ($writer, $snapshot) = (new_session($node), new_session($node));

$writer->run('BEGIN');
$writer->run('LOCK TABLE factstr_events IN ROW EXCLUSIVE MODE');
$snapshot->run('BEGIN ISOLATION LEVEL REPEATABLE READ');
$snapshot->run('SELECT factstr_context_version($1)', '{}');
$worker->start('CREATE INDEX CONCURRENTLY another ON factstr_events (occurred_at)');
wait_until('the index waits for writers',
	sub { progress('pg_stat_progress_create_index', $worker->pid) eq 'waiting for writers before build' });
appends_go_on('CREATE INDEX CONCURRENTLY that waits for writers');
$writer->run('COMMIT');
wait_until('the index waits for old snapshots',
	sub { progress('pg_stat_progress_create_index', $worker->pid) eq 'waiting for old snapshots' });
appends_go_on('CREATE INDEX CONCURRENTLY that waits for old snapshots');
ok(!$worker->is_done, 'CREATE INDEX CONCURRENTLY is still there');
$snapshot->run('COMMIT');
is($worker->finish->state, '00000', 'CREATE INDEX CONCURRENTLY succeeds');
$worker->start('REINDEX INDEX CONCURRENTLY factstr_events_pkey');
appends_go_on('REINDEX CONCURRENTLY of the primary key');
is($worker->finish->state, '00000', 'REINDEX CONCURRENTLY succeeds');
appends_go_on('after it');
foreach my $index (qw(another factstr_events_pkey factstr_events_event_type_idx))
{
	is($worker->state_of("SELECT bt_index_check('$index', true)"), '00000', "$index has every fact");
}

#
# Autovacuum.
#
$observer->run(q(ALTER TABLE factstr_events SET (autovacuum_vacuum_insert_threshold = 1, autovacuum_vacuum_insert_scale_factor = 0,
	autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1)));
$observer->run('SELECT append_many(5000)');
$observer->run("ALTER SYSTEM SET autovacuum_naptime = '1s'");
$observer->run('ALTER SYSTEM SET autovacuum = on');
$node->reload;
my $autovacuum;
wait_until('autovacuum is at the table', sub {
	$autovacuum = $observer->value(q(
		SELECT p.pid FROM pg_stat_progress_vacuum p JOIN pg_stat_activity a USING (pid)
		WHERE a.backend_type = 'autovacuum worker' AND p.relid = 'factstr_events'::regclass));
	defined $autovacuum });
appends_go_on('autovacuum');
isnt(progress('pg_stat_progress_vacuum', $autovacuum), '', 'autovacuum is still there');
unlike(slurp_file($node->logfile), qr/canceling autovacuum task/, 'no session has canceled it');
$observer->run('ALTER SYSTEM SET autovacuum = off');
$node->reload;
$observer->run('SELECT pg_terminate_backend($1)', $autovacuum);
wait_until('autovacuum is gone', sub { progress('pg_stat_progress_vacuum', $autovacuum) eq '' });

#
# The pending list.
#
my $longest = 0;
$observer->run('SELECT append_wide(200)');
$appenders[0]->run(append_sql(events(small => 'x')));
foreach my $n (1 .. 1500)
{
	$appenders[$n % 4]->run(append_sql(events(small => { n => $n, a => "a$n", b => "b$n", c => "c$n", d => "d$n", e => "e$n" })));
	next if $n % 10;
	my $pages = $observer->value(q(SELECT pending_pages FROM pgstatginindex('factstr_events_payload_idx')));
	$longest = $pages if $pages > $longest;
}
cmp_ok($longest, '<=', 20, "the pending list was never long ($longest pages)");
cmp_ok($longest, '>', 1, 'and was used');
my $count = $observer->value('SELECT count(*) FROM factstr_events');
is(numbers($observer), "1-$count", 'no gap');

$node->stop;
done_testing();
