# Every answer to an append is preceded by a flush of the log, as the user's synchronous_commit asks
# for: one client's n appends take n flushes, early lock release or not.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use FactstrTest;
use Test::More;

# The WAL writer flushes, too, as often as this lets it while a machine is slow.
my $node = new_node('durability', conf => "fsync = on\nwal_writer_delay = 10s");
my $observer = new_session($node);
my $APPENDS = 200;

# 14 began to count flushes, and 18 moved the count to another view.
my $version = $observer->value(q(SELECT current_setting('server_version_num')::int));
plan skip_all => 'PostgreSQL 13 does not count flushes' if $version < 140000;
my $COUNT = $version < 180000 ? 'SELECT wal_sync FROM pg_stat_wal'
	: q(SELECT sum(fsyncs) FROM pg_stat_io WHERE object = 'wal');

# How many flushes it takes a session to run statements, after some that set it up.
sub flushes
{
	my ($at_least, $setup, @statements) = @_;
	my $session = new_session($node);

	$session->run($_) foreach @$setup;
	# Earlier writes must not count.
	$observer->run('CHECKPOINT');
	my $before = $observer->value($COUNT);
	$session->run($_) foreach @statements;
	disconnect_and_wait($session, $observer);
	# One or the other may have been done, and is reported a little later, by the WAL writer.
	wait_until("$at_least flushes are reported",
		sub { $observer->value($COUNT) - $before >= $at_least });
	return $observer->value($COUNT) - $before;
}

my @appends = map { append_sql(events(a => $_)) } 1 .. $APPENDS;

# Not one less, and hardly more: the WAL writer may add some.
foreach my $mode (qw(facts_only always off))
{
	my $flushes = flushes($APPENDS, ["SET factstr.early_lock_release = $mode"], @appends);

	cmp_ok($flushes, '>=', $APPENDS, "$mode: a flush for each append");
	cmp_ok($flushes, '<=', $APPENDS * 1.25, "$mode: not two flushes for each append");
}

# One commit, one flush.
cmp_ok(flushes(1, [], 'BEGIN', @appends, 'COMMIT'), '<', $APPENDS / 4, 'appends of one transaction share its flush');

# A call that appends nothing commits nothing.
my $stale = append_if_sql(events(a => 1), '{}', undef, 'factstr_try_append_if');
cmp_ok(flushes(0, [], ($stale) x $APPENDS), '<', $APPENDS / 4, 'conflicts take no flush');

cmp_ok(flushes(0, ['SET synchronous_commit = off'], @appends), '<', $APPENDS / 4,
	'with synchronous_commit = off no append waits for a flush');
cmp_ok(flushes(0, [], map { ('BEGIN', 'SET LOCAL synchronous_commit = off', $_, 'COMMIT') } @appends),
	'<', $APPENDS / 4, 'nor with SET LOCAL synchronous_commit = off');
cmp_ok(flushes($APPENDS, ['SET synchronous_commit = off'],
		map { ('BEGIN', 'SET LOCAL synchronous_commit = on', $_, 'COMMIT') } @appends),
	'>=', $APPENDS, 'with SET LOCAL synchronous_commit = on each commit does');

# An aborted transaction owes nothing, and leaves nothing to the next.
my @rolled_back = map { ('BEGIN', $_, 'ROLLBACK') } @appends;
cmp_ok(flushes(0, [], @rolled_back), '<', $APPENDS / 4, 'rolled back appends take no flush');

#
# The early release changes the setting synchronous_commit, but no session sees the change.
#
my $session = new_session($node);

foreach my $value (qw(on local remote_write remote_apply off))
{
	$session->run("SET synchronous_commit = $value");
	$session->run('BEGIN');
	$session->run($appends[0]);
	is($session->value('SHOW synchronous_commit'), $value, "$value in the transaction after an append");
	$session->run('SAVEPOINT a');
	$session->run($appends[0]);
	$session->run('ROLLBACK TO a');
	is($session->value('SHOW synchronous_commit'), $value, "$value after a rolled back savepoint");
	$session->run('COMMIT');
	is($session->value('SHOW synchronous_commit'), $value, "$value after the commit");
}
$session->run('SET synchronous_commit = on');
$session->run('BEGIN');
$session->run('SET LOCAL synchronous_commit = local');
$session->run($appends[0]);
$session->run('COMMIT');
is($session->value('SHOW synchronous_commit'), 'on', 'SET LOCAL ends with the transaction');
$session->run('BEGIN');
$session->run('SET synchronous_commit = local');
$session->run($appends[0]);
$session->run('ROLLBACK');
is($session->value('SHOW synchronous_commit'), 'on', 'SET is undone by a rollback');

my $count = $observer->value('SELECT count(*) FROM factstr_events');
is(numbers($observer), "1-$count", 'no gap after all this');

done_testing();
