# Autovacuum with the log's own settings: it runs when facts are appended, freezes them immediately,
# removes old versions of redacted facts, and never makes the table shorter, for which it would lock it.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use FactstrTest;
use Test::More;

my $node = new_node('vacuum', conf => "autovacuum = on\nautovacuum_naptime = '1s'\nlog_autovacuum_min_duration = 0");
my $observer = new_session($node);
my $appender = new_session($node);

$observer->run('CREATE EXTENSION pg_visibility');
$observer->run(q(
	CREATE FUNCTION append_many(n int) RETURNS bigint LANGUAGE sql AS $$
		SELECT last_sequence_number FROM factstr_append((
			SELECT jsonb_agg(jsonb_build_object('event_type', 'bulk', 'payload', jsonb_build_object('n', i, 'hash', md5(i::text))))
			FROM generate_series(1, n) i))
	$$));

sub vacuums
{
	# Before 15 a session reports its work when its next statement ends.
	$appender->run('SELECT 1');
	return $observer->value(q(SELECT autovacuum_count FROM pg_stat_user_tables WHERE relid = 'factstr_events'::regclass));
}

# Pages, of which are frozen.
sub pages
{
	return $observer->text(q(SELECT pg_relation_size('factstr_events') / 8192, all_frozen FROM pg_visibility_map_summary('factstr_events')));
}

my $before = vacuums();
$appender->run('SELECT append_many(3000)');
wait_until('autovacuum has passed', sub { vacuums() > $before });
wait_until('all facts are frozen', sub { pages() =~ /^(\d+)\|\1$/ });
pass('new facts are frozen by the first autovacuum');
is($appender->value(append_sql(events(a => 1))), 3001, 'and appends continue');
is($appender->value('SELECT factstr_context_version($1)', of_payload({ n => 77 })), 77, 'and find them');

# Redactions: more than 50 and 1 %.
$before = vacuums();
$appender->run(q(SELECT count(factstr_redact(sequence_number, '{}', 'a test')) FROM factstr_read('{}', 200)));
wait_until('autovacuum has passed', sub { vacuums() > $before });
wait_until('old versions are gone', sub { !$observer->value('SELECT sum(dead_tuple_count) FROM pgstattuple($1)', 'factstr_events') })
	if $observer->state_of('CREATE EXTENSION pgstattuple') eq '00000';
pass('what redactions leave is taken out by autovacuum');

# The end of the table, empty after a large append that was rolled back, stays for the next.
$appender->run('BEGIN');
$appender->run('SELECT append_many(5000)');
$appender->run('ROLLBACK');
my ($size) = pages() =~ /^(\d+)/;
$observer->run('VACUUM factstr_events');
is((pages() =~ /^(\d+)/)[0], $size, 'the table does not get shorter');
$appender->run('SELECT append_many(1000)');
is((pages() =~ /^(\d+)/)[0], $size, 'and its end is filled again');
is($observer->value('SELECT count(*) FROM factstr_check(NULL) WHERE NOT ok'), 0, 'nothing is wrong with the log');

$node->stop;
done_testing();
