# The state of the log as seen from another session: the appending and the waiting processes, a stopped transaction
# and a prepared one; and the check of a log whose files were damaged, which a cancel ends, and which needs no more
# memory for more facts.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use FactstrTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('status', init => { allows_streaming => 1 }, conf => "max_prepared_transactions = 5");
my ($a, $b, $c, $observer) = map { new_session($node) } 1 .. 4;

sub lock_state
{
	return $observer->text('SELECT append_lock_holders::text, append_lock_waiters::text FROM factstr_status');
}

sub failed_checks
{
	my ($session, $sample) = @_;

	return $session->text('SELECT check_name, detail FROM factstr_check($1) WHERE NOT ok', $sample);
}

#
# The append lock.
#
$a->run('SET factstr.notify = off');
$a->run('BEGIN');
$a->run(append_sql(events(a => 1)));
is(lock_state(), '{' . $a->pid . '}|{}', 'the appending session');
$b->start(append_sql(events(b => 1)));
wait_until('one waits', sub { append_lock_queue($observer) == 1 });
$c->start(append_sql(events(c => 1)));
wait_until('two wait', sub { append_lock_queue($observer) == 2 });
is($observer->text('SELECT append_lock_holders::text, (SELECT array_agg(p ORDER BY p)::text FROM unnest(append_lock_waiters) p) FROM factstr_status'),
	'{' . $a->pid . '}|{' . join(',', sort { $a <=> $b } $b->pid, $c->pid) . '}', 'and the waiting ones');
is($observer->text(q(SELECT DISTINCT wait_event_type, wait_event FROM pg_stat_activity WHERE pid = ANY (SELECT unnest(append_lock_waiters) FROM factstr_status))),
	'Lock|object', 'as pg_stat_activity shows it');
is($observer->value('SELECT head_sequence_number FROM factstr_status'), 0, 'nothing is committed yet');
$a->run("PREPARE TRANSACTION 'p'");
like(lock_state(), qr/^\{0\}\|\{\d+,\d+\}$/, 'a prepared transaction is a holder without a process');
$observer->run("COMMIT PREPARED 'p'");
is($_->finish->state, '00000', 'appended') foreach $b, $c;
is(lock_state(), '{}|{}', 'no session is appending');
is($observer->text('SELECT head_sequence_number, facts_last_minute FROM factstr_status'), '3|3', 'three facts');

# In another database, the lock is another.
$observer->run('CREATE DATABASE other');
my $other = new_session($node, dbname => 'other');
$other->run('CREATE EXTENSION factstr');
$other->run('BEGIN');
$other->run(append_sql(events(a => 1)));
is(lock_state(), '{}|{}', 'an append in another database is none here');
$other->disconnect;

#
# While others append and redact, the check sees one moment, in which nothing is wrong.
#
my $wrong = '';
my $n = 3;
foreach my $round (1 .. 30)
{
	$a->start(append_sql(events((a => { n => $round }) x 3), "key $round"));
	$b->start(append_sql(events(b => { n => "x$round" })));
	$c->start(sprintf(q(SELECT factstr_redact(%d, '{"n": "redacted %d"}', 'a test')), $n, $round));
	$n = 1 + $n % ($round * 4);
	$wrong .= failed_checks($observer, undef);
	$_->finish foreach $a, $b, $c;
}
is($wrong, '', 'nothing is wrong while others append and redact');
is($observer->value(q(SELECT head_sequence_number FROM factstr_status)), 3 + 30 * 4, 'which they did');
is($observer->value('SELECT redactions FROM factstr_status'), 30, 'all of them');
my $head = 3 + 30 * 4;

#
# A large log: the state costs no more, the check no more memory.
#
$observer->run(q(INSERT INTO factstr_events
	SELECT n, n - (n - 1) % 3, now(), 'bulk ' || n % 7, jsonb_build_object('n', n, 'few', n % 3), NULL, CASE WHEN n % 30 = 4 THEN 'bulk key ' || n END
	FROM generate_series($1::int, 200001) n), $head + 1);
$observer->run('VACUUM (ANALYZE) factstr_events');
my ($cost) = $observer->text('EXPLAIN (ANALYZE, BUFFERS, TIMING OFF) SELECT * FROM factstr_status') =~ /Buffers: shared hit=(\d+)/;
cmp_ok($cost, '<', 1000, "the state of a log of 200,001 facts is found with $cost pages");
is($observer->value(q(SELECT facts_last_hour FROM factstr_status)), 200001, 'rates count facts');

sub memory_of
{
	my ($session) = @_;

	return slurp_file('/proc/' . $session->pid . '/status') =~ /^RssAnon:\s+(\d+)/m ? $1 : die 'no RssAnon';
}
my $checker = new_session($node);
is(failed_checks($checker, 100), '', 'nothing is wrong');
my $memory = memory_of($checker);
is(failed_checks($checker, 2000), '', 'nor is it on a closer look');
is(failed_checks($checker, 2000), '', 'nor on another');
cmp_ok(memory_of($checker) - $memory, '<', 4096, 'which takes no more memory');

# A cancel ends it at once.
$checker->start('SELECT factstr_check(NULL) FROM generate_series(1, 1000)');
wait_until('it is at work', sub { $observer->value(q(SELECT state FROM pg_stat_activity WHERE pid = $1), $checker->pid) eq 'active' });
$observer->run('SELECT pg_cancel_backend($1)', $checker->pid);
is($checker->finish->state, '57014', 'a check can be cancelled');
like($checker->message, qr/CONTEXT:  factstr_check: the (?:log, fact \d+|payload index)/, 'and says where it was');

# So does one that waits for an index: the walk over the log for that of the keys, the lookups for that of the payloads.
# It knows the log, so it does not wait before.
is(failed_checks($checker, 0), '', 'nothing is wrong');
foreach ([ idempotency_key => 'the log' ], [ payload => 'the payload index' ])
{
	my ($index, $part) = @$_;

	$a->run('BEGIN');
	$a->run("ALTER INDEX factstr_events_${index}_idx SET TABLESPACE pg_default");
	$checker->start('SELECT factstr_check(10)');
	wait_until("$part: it waits", sub { $observer->value(q(SELECT coalesce(wait_event_type, '') FROM pg_stat_activity WHERE pid = $1), $checker->pid) eq 'Lock' });
	$observer->run('SELECT pg_cancel_backend($1)', $checker->pid);
	is($checker->finish->state, '57014', "$part: it can be cancelled");
	like($checker->message, qr/CONTEXT:  factstr_check: $part, fact [1-9]/, 'and says at which fact');
	$a->run('ROLLBACK');
}

# Facts with equal payloads are looked up together, and sorted on disk if they are many.
sub check_equal
{
	my ($session, $where) = @_;

	$session->run('SET maintenance_work_mem = 1024');
	my $plan = $session->text(q(EXPLAIN (ANALYZE, BUFFERS, TIMING OFF) SELECT * FROM factstr_check(NULL, 'equal')));
	my ($pages) = $plan =~ /Buffers: shared hit=(\d+)/;
	cmp_ok($pages, '<', 30_000, "$where: 30,000 equal payloads are checked with $pages pages");
	like($plan, qr/temp read=[1-9]\d* written=[1-9]/, "$where: with temporary files");
	is($session->value(q(SELECT detail FROM factstr_check(NULL, 'equal') WHERE check_name = 'payload index')), '30000 facts looked up', "$where: all are there");
	return;
}
$observer->run(q(SELECT factstr_create_log('equal')));
$observer->run(q(SELECT factstr_append((SELECT jsonb_agg(jsonb_build_object('event_type', 'e', 'payload', jsonb_build_object('same', true)))
	FROM generate_series(1, 30000)), log => 'equal')));
check_equal($checker, 'here');

#
# On a standby.
#
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('status_standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby, 'replay', $node->lsn('flush'));
my $reader = new_session($standby);
is(failed_checks($reader, 100), '', 'a standby can be checked');
check_equal($reader, 'on a standby');
is($reader->value(q(SELECT head_sequence_number FROM factstr_status WHERE log = 'main')), 200001, 'and watched');
$reader->disconnect;
$standby->stop;

#
# Damaged files: a large value of which a part is gone, a page of the payload index that is empty.
#
$observer->run(q(SELECT factstr_append(jsonb_build_array(jsonb_build_object('event_type', 'large', 'payload', (SELECT string_agg(md5(i::text), '') FROM generate_series(1, 3000) i))))));
is(failed_checks($observer, 10), '', 'nothing is wrong');
my $toast = $node->data_dir . '/' . $observer->value(q(SELECT pg_relation_filepath(reltoastrelid) FROM pg_class WHERE oid = 'factstr_events'::regclass));
$_->disconnect foreach $a, $b, $c, $observer, $checker;
$node->stop;
open(my $file, '+<', $toast) or die $!;
seek($file, 8192, 0);
print $file "\0" x 8192;
close($file) or die $!;
$node->start;
$observer = new_session($node);
is($observer->state_of('SELECT * FROM factstr_check()'), 'XX001', 'a large value that is not complete ends the check');
like($observer->message, qr/chunk number.*\nCONTEXT:  factstr_check: the log, fact 200002/s, 'which says where');

$node->stop;
done_testing();
