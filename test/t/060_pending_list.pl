# The worker that empties the pending lists of payload indexes: appends leave the lists to it, lookups call it, appends
# do without it where there is none, and it blocks no session.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use FactstrTest;
use FactstrWorkers ();
use PostgreSQL::Test::Utils;
use Test::More;

# In pages: short enough for lookups; an append does not leave more to a worker.
my $SHORT = 16;
my $TOO_LONG = 1024;

my $node = new_node('pending_list', conf => "shared_preload_libraries = 'factstr'\nautovacuum = off");
my $observer = new_session($node);
my $appender = new_session($node);

sub prepare
{
	my ($session) = @_;

	$session->run('CREATE EXTENSION IF NOT EXISTS factstr');
	$session->run('CREATE EXTENSION pgstattuple');
	# Facts with many index entries each; the append that writes them has looked at the list before.
	$session->run(q(
		CREATE FUNCTION append_wide(n int, log text DEFAULT 'main') RETURNS bigint LANGUAGE sql AS $$
			SELECT last_sequence_number FROM factstr_append((
				SELECT jsonb_agg(jsonb_build_object('event_type', 'wide', 'payload', (SELECT jsonb_agg(i * 1000 + e) FROM generate_series(1, 100) e)))
				FROM generate_series(1, n) i), log => log)
		$$));
	return;
}

sub pages
{
	my ($log) = @_;

	return $observer->value('SELECT factstr_pending_pages($1)', $log // 'main');
}

sub wait_until_short
{
	my ($log) = @_;

	wait_until('the list is short', sub { pages($log) <= $SHORT });
	return;
}

# The process id of the worker of a database, once it waits to be called; '' if there is none.
sub worker
{
	my ($database) = @_;

	return $observer->value(q(SELECT coalesce(string_agg(pid::text, ' '), '') FROM pg_stat_activity
		WHERE backend_type = 'factstr pending list' AND datname = $1 AND state = 'idle' AND wait_event = 'Extension'), $database // 'postgres');
}

sub wait_for_worker
{
	my ($other_than) = @_;
	my $worker;

	wait_until('there is a worker', sub { $worker = worker(); $worker =~ /^\d+$/ && $worker ne ($other_than // '') });
	return $worker;
}

# This session has not seen a worker within the last milliseconds, so it looks at the list.
sub append_small
{
	my ($session, $log) = @_;

	($session // $appender)->run('SELECT factstr_append($1, log => $2)', events(small => 1), $log // 'main');
	return;
}

# A list that is long, but not so long that an append would empty it in spite of the worker.
sub fill
{
	my ($log) = @_;
	my $filled;

	$observer->run('SELECT append_wide(150, $1)', $log // 'main');
	$filled = pages($log);
	ok($filled > $SHORT && $filled <= $TOO_LONG, "the list is long ($filled pages)");
	return;
}

prepare($observer);

is(worker(), '', 'there was no append, and there is no worker');
fill();
append_small();
my $worker = wait_for_worker();
pass('the first append that finds a long list asks for a worker');
wait_until_short();
pass('and one of them empties the list');

#
# With a worker
#
kill(STOP => $worker);
fill();
append_small() foreach 1 .. 20;
cmp_ok(pages(), '>', $SHORT, 'appends leave the list to the worker');
my $wide = 0;
wait_until('the list is far too long', sub { $observer->run('SELECT append_wide(500)'); $wide += 500; pages() > $TOO_LONG || $wide > 20000 });
append_small();
cmp_ok(pages(), '<=', $SHORT, 'but do not let it grow on and on, if the worker does not get to it');
fill();
append_small();
kill(CONT => $worker);
wait_until_short();
pass('the worker empties the list');
is(wait_for_worker(), $worker, 'and stays');

# Nobody calls it.
fill();
append_small();
wait_until_short();
pass('it empties a long list after some time without a call');

is($observer->value(q(SELECT count(*) FROM factstr_events WHERE payload @> '[1001]')), $observer->value(q(SELECT count(*) FROM factstr_events WHERE payload->0 = '1001')), 'the index has all facts');
is($observer->value(q(SELECT factstr_context_version('{"filters": [{"payload_predicates": [[1001]]}]}'))),
	$observer->value(q(SELECT max(sequence_number) FROM factstr_events WHERE payload->0 = '1001')), 'and finds the newest');

#
# A worker that is lost
#
$observer->run('SELECT pg_terminate_backend($1)', $worker);
append_small() foreach 1 .. 20;
my $another = wait_for_worker($worker);
isnt($another, $worker, 'another worker comes');

#
# One worker for all logs of a database
#
my @logs = qw(first second third);
$observer->run('SELECT factstr_create_log($1)', $_) foreach @logs;
kill(STOP => $another);
foreach my $log ('main', @logs)
{
	fill($log);
	append_small($appender, $log);
	cmp_ok(pages($log), '>', $SHORT, "appends to $log leave the list to the worker");
}
my $dropper = new_session($node);
$dropper->run($_) foreach 'BEGIN', 'DROP INDEX factstr_first_payloads_idx';
kill(CONT => $another);
foreach my $log (qw(main second third))
{
	wait_until_short($log);
	pass("the worker empties the list of $log, though another index is locked");
}
$dropper->run('ROLLBACK');
wait_until_short('first');
pass('and that of the locked index afterwards');
is($observer->value(q(SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'factstr pending list')), 1, 'there is one worker');

# Without a call, the worker empties the lists in the order in which they became long.
wait_until('a lookup is seen to call the worker, for its own list', sub {
	my $was_called = 0;

	fill($_) foreach qw(second third);
	append_small($appender, $_) foreach qw(second third);
	$appender->run(q(SELECT factstr_context_version('{"filters": [{"payload_predicates": [["nowhere"]]}]}', log => 'third')));
	wait_until('the list of the lookup is short', sub {
		my ($second, $third) = split(/\|/, $observer->text(q(SELECT factstr_pending_pages('second'), factstr_pending_pages('third'))));

		$was_called = $third <= $SHORT && $second > $SHORT;
		return $third <= $SHORT;
	});
	wait_until_short('second');
	return $was_called;
});
pass('a lookup calls the worker, for its own list');

fill('second');
append_small($appender, 'second');
$observer->run('SELECT factstr_drop_log($1, $1)', 'second');
fill('third');
append_small($appender, 'third');
wait_until_short('third');
is($observer->value(q(SELECT pid FROM pg_stat_activity WHERE backend_type = 'factstr pending list')), $another, 'a log that is dropped does not disturb it');

#
# Others want the database, or the extension
#
$observer->run('CREATE DATABASE other');
my $other = new_session($node, dbname => 'other');
prepare($other);
$other->run('SELECT append_wide(150)');
append_small($other);
wait_until('the other database has a worker', sub { worker('other') =~ /^\d+$/ });
disconnect_and_wait($other, $observer);
$observer->run('DROP DATABASE other');
is($observer->value(q(SELECT count(*) FROM pg_database WHERE datname = 'other')), 0, 'the worker gives way to DROP DATABASE');

$observer->run('DROP EXTENSION factstr CASCADE');
$observer->run('CREATE EXTENSION factstr');
append_small();
fill();
append_small();
wait_until_short();
pass('the worker serves a log that was dropped and created again');

#
# Room for one worker only, beside two launchers
#
$node->append_conf('postgresql.conf', 'max_worker_processes = 3');
$node->restart;
$observer = new_session($node);
$appender = new_session($node);
fill();
append_small();
$worker = wait_for_worker();
FactstrWorkers::create_kept($observer);
FactstrWorkers::create_handler($observer, 'needed');
FactstrWorkers::subscribe($observer, 'needed');
append_small();
FactstrWorkers::wait_until_at($observer, 'needed');
pass('the worker makes room for a subscription');
is($observer->value('SELECT count(*) FROM pg_stat_activity WHERE pid = $1', $worker), 0, 'and has ended');
unlike(slurp_file($node->logfile), qr/no background worker for factstr/, 'without a complaint');
fill();
append_small();
cmp_ok(pages(), '<=', $SHORT, 'and an append empties the list again');
$observer->run(q(SELECT factstr_unsubscribe('needed')));

#
# No room for a worker
#
$node->append_conf('postgresql.conf', 'max_worker_processes = 2');
$node->restart;
$observer = new_session($node);
$appender = new_session($node);
wait_until('the launcher has started',
	sub { $observer->value(q(SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'factstr launcher')) });
my $log_position = -s $node->logfile;
foreach (1 .. 3)
{
	fill();
	append_small();
	cmp_ok(pages(), '<=', $SHORT, 'where there is no room for a worker, an append empties the list');
}
is(worker(), '', 'there is none');
unlike(slurp_file($node->logfile, $log_position), qr/WARNING|FATAL/, 'without a warning');

$node->stop;
done_testing();
