# A dump of a database with very many logs, and its restore: equal in every log. FACTSTR_LOGS=1000 for as many.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use FactstrTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $COUNT = $ENV{FACTSTR_LOGS} || 100;
my $AT_A_TIME = 50;

my $node = new_node('many_logs', conf => 'max_locks_per_transaction = 256');
my $directory = PostgreSQL::Test::Utils::tempdir();
my $session = new_session($node);

# A hash of all that is told of each log, and of its streams, seals and rights.
my $CONTENTS = q(
	SELECT l.log, l.sealed_at,
		(SELECT md5(string_agg(e::text, E'\n' ORDER BY first_sequence_number)) FROM factstr_export(0, 1000000, l.log) e),
		(SELECT string_agg(s.name || s.cursor_sequence_number, ' ' ORDER BY s.name) FROM factstr_streams s WHERE s.log = l.log),
		(SELECT c.relacl::text FROM pg_class c WHERE c.relname = format('factstr_%s_log', l.log))
	FROM factstr_logs l ORDER BY l.log);

my $FACTS_OF = q([{"event_type": "a", "payload": {"n": 1}}, {"event_type": "b", "payload": {"n": 2}}]);

$session->run('CREATE ROLE tenant');
for (my $first = 1; $first <= $COUNT; $first += $AT_A_TIME)
{
	my $last = $first + $AT_A_TIME - 1 < $COUNT ? $first + $AT_A_TIME - 1 : $COUNT;

	$session->run(q(SELECT factstr_create_log('log-' || n) FROM generate_series($1::int, $2::int) n), $first, $last);
	$session->run(q(SELECT factstr_append($3::jsonb, 'key', log => 'log-' || n), factstr_stream_open('s', start => 'now', log => 'log-' || n)
		FROM generate_series($1::int, $2::int) n), $first, $last, $FACTS_OF);
	$session->run(q(SELECT factstr_grant('tenant', 'read', 'log-' || n) FROM generate_series($1::int, $2::int) n WHERE n % 2 = 0), $first, $last);
	$session->run(q(SELECT factstr_seal_log('log-' || n) FROM generate_series($1::int, $2::int) n WHERE n % 3 = 0), $first, $last);
	$session->run(q(SELECT factstr_redact(1, '{}', 'asked for', log => 'log-' || n) FROM generate_series($1::int, $2::int) n WHERE n % 5 = 0), $first, $last);
}
is($session->value('SELECT count(*) FROM factstr_logs'), $COUNT + 1, "a database has $COUNT logs and main");

$node->command_ok([ 'pg_dump', '-F', 'c', '-f', "$directory/dump", '-d', $node->connstr('postgres') ], 'it is dumped');
$session->run('CREATE DATABASE restored');
$node->command_ok([ 'pg_restore', '--exit-on-error', '-j', 2, '-d', $node->connstr('restored'), "$directory/dump" ], 'and restored');

my $restored = new_session($node, dbname => 'restored');

is($restored->text($CONTENTS), $session->text($CONTENTS), 'every log has the same facts, keys, redactions, streams, seal and rights');
is($restored->text('SELECT log, head_sequence_number, streams, redactions FROM factstr_status ORDER BY log'),
	$session->text('SELECT log, head_sequence_number, streams, redactions FROM factstr_status ORDER BY log'), 'and the same status');
is($restored->text(q(SELECT l.log, c.check_name FROM factstr_logs l, factstr_check(NULL, l.log) c WHERE NOT c.ok)), '', 'each is sound');
is($restored->value(q(SELECT sum((factstr_append($1::jsonb, log => 'log-' || n)).first_sequence_number)
	FROM generate_series(1, $2::int) n WHERE n % 3 > 0), $FACTS_OF, $COUNT), 3 * ($COUNT - int($COUNT / 3)), 'appends continue behind the facts');
is($restored->state_of(q(SELECT factstr_append($1::jsonb, log => 'log-3')), $FACTS_OF), 'FS009', 'but not in a sealed log');

$_->disconnect foreach $restored, $session;
$node->stop;
done_testing();
