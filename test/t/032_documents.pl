# The documents are right: every block of SQL runs, in order, as printed, and its output is the one shown after it;
# blocks of JSON are what the text says; and no block of any language is without a test.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use FactstrDocuments;
use FactstrTest;
use JSON::PP ();
use PostgreSQL::Test::Utils;
use Test::More;

my @ALIGNED = ('-P', 'format=aligned', '-P', 'tuples_only=off');
my $node = new_node('documents', conf => 'max_prepared_transactions = 5');

is(join("\n", orphans()), '', 'every block in the documents has a language, and a test that runs it');

# A database with the extension, prepared by some SQL.
sub new_database
{
	my ($database, $sql) = @_;

	$node->safe_psql('postgres', "CREATE DATABASE $database");
	$node->safe_psql($database, "CREATE EXTENSION factstr;\n" . ($sql // ''));
	return;
}

# Runs a block, and compares its output with the one shown after it, if there is one; returns the output.
sub run_block
{
	my ($database, $block) = @_;
	my $shown = $block->{shown};
	my $fails = ($shown // '') =~ /^ERROR:/m;
	my ($status, $printed, $errors) = $node->psql($database, $block->{text}, extra_params => \@ALIGNED);

	is($status, $fails ? 3 : 0, $block->{place}) or diag($errors);
	$printed .= $errors =~ s/^psql:<stdin>:\d+: //mgr if $fails;
	is(without_times($printed), without_times($shown), "$block->{place} prints the output shown") if defined $shown;
	return $printed;
}

#
# README.md: from a database without the extension to a conflict.
#
$node->safe_psql('postgres', 'CREATE DATABASE readme');
run_block('readme', $_) foreach blocks('README.md', 'sql');
is($node->safe_psql('readme', 'SELECT count(*), max(sequence_number) FROM factstr_read()'), '3|3', 'README.md: one decision is too late');

#
# dcb.md: one decision, its conflict, and an append by position.
#
new_database('dcb');
run_block('dcb', $_) foreach blocks('docs/dcb.md', 'sql');
is($node->safe_psql('dcb', 'SELECT count(*), max(sequence_number) FROM factstr_read()'), '4|4', 'docs/dcb.md: one decision is rejected');

#
# cookbook.md: every recipe, as one session.
#
new_database('cookbook');
run_block('cookbook', $_) foreach blocks('docs/cookbook.md', 'sql');
is($node->safe_psql('cookbook', 'SELECT count(*) FROM factstr_check(NULL) WHERE NOT ok'), '0', 'docs/cookbook.md: nothing is wrong with the log');

#
# getting-started.md: a function that decides.
#
$node->safe_psql('postgres', 'CREATE DATABASE started');
run_block('started', $_) foreach blocks('docs/getting-started.md', 'sql');

#
# operations.md: its checks find nothing, and erasing erases.
#
my $accounts = events('account-opened' => { account => 'A-1', owner => 'Ada' }, 'account-opened' => { account => 'A-2', owner => 'Bob' });
new_database('operations', "SELECT factstr_append('$accounts');");
my $output = join("\n", map { run_block('operations', $_) } blocks('docs/operations.md', 'sql'));
unlike($output, qr/\| f +\|/, 'no check fails');
like($output, qr/\| t +\|/, 'and there are some');
is($node->safe_psql('operations', q(SELECT payload FROM factstr_read())),
	qq({"account": "A-1"}\n{"owner": "Bob", "account": "A-2"}),
	'the owner of one account is erased');

#
# streams.md: erased facts as consumers see them, from one of the numbers that is named there.
#
my $subscribed = events('student-subscribed' => { course => 'c1', student => 'ada' });
new_database('streams', "SELECT factstr_append('$subscribed') FROM generate_series(1, 42);");
run_block('streams', $_) foreach blocks('docs/streams.md', 'sql');
is($node->safe_psql('streams', q(SELECT payload FROM factstr_read('{"after": 41}', 2))),
	qq({"course": "c1"}\n{"sequence_number": 42}), 'a redaction and the fact about it');

#
# schema-evolution.md: all that is printed is shown.
#
new_database('evolution');
foreach my $block (blocks('docs/schema-evolution.md', 'sql'))
{
	$block->{shown} //= '';
	run_block('evolution', $block);
}
my $evolution = new_session($node, dbname => 'evolution');
is($evolution->state_of(append_sql('[{"event_type": "customer-registered", "payload": {"customer": {"id": "C-4", "country": null}, "name": "Late One"}, "metadata": {"schema": 2}}]')),
	'23514', 'an append of an older shape is refused');
is($evolution->state_of(append_sql('[{"event_type": "customer-registered", "payload": {"customer": "C-4", "name": "Late One"}}]')),
	'23514', 'also one that tells no version');
is($evolution->state_of(append_sql('[{"event_type": "customer-registered", "payload": {"customer": {"id": "C-4", "country": null}, "given_name": "In", "family_name": "Time"}, "metadata": {"schema": 3}}]')),
	'00000', 'one of the current shape is not');
is($evolution->state_of(q(SELECT factstr_redact(3, '{"customer": {"id": "C-2", "country": null}, "name": null}', 'why', '{"schema": 2}'))),
	'00000', 'an older fact can be redacted');
is($evolution->text(q(SELECT payload->'customer'->>'id', payload->>'given_name' FROM read_current('{"after": 2}') WHERE sequence_number = 3)),
	'C-2|', 'and is read in the current shape');
is($evolution->value('SELECT count(*) FROM factstr_check(NULL) WHERE NOT ok'), 0, 'nothing is wrong with the log');
$evolution->disconnect;

#
# logs.md: another log, and its published tables.
#
new_database('logs');
run_block('logs', $_) foreach blocks('docs/logs.md', 'sql');
is($node->safe_psql('logs', q(SELECT log, head_sequence_number FROM factstr_status ORDER BY log)), "main|0\norders|1",
	'docs/logs.md: the fact is in the other log');
is($node->safe_psql('logs', q(SELECT string_agg(tablename, ' ' ORDER BY tablename) FROM pg_publication_tables)),
	'factstr_orders_events factstr_orders_redactions', 'and its tables are published');

#
# releasing.md: how every script of an update begins.
#
foreach my $block (blocks('docs/releasing.md', 'sql'))
{
	my @others = grep { index(slurp_file($_), $block->{text}) != 0 } glob("$TOP/sql/factstr--*--*.sql");

	is("@others", '', "$block->{place} is how every script of an update begins");
}

#
# sql-reference.md: calls, the query and the record it answers with, the signatures of all functions.
#
$node->safe_psql('postgres', 'CREATE ROLE some_role');
new_database('reference', q(SELECT factstr_create_log('orders')));
run_block('reference', $_) foreach blocks('docs/sql-reference.md', 'sql');
is($node->safe_psql('reference', q(SELECT payload ? 'owner' FROM factstr_read('{"filters": [{"event_types": ["account-opened"]}]}'))),
	'f', 'the owner is erased');
$node->safe_psql('postgres', "DROP DATABASE reference; DROP ROLE some_role");

my ($query, $record, @others) = map { $_->{text} } blocks('docs/sql-reference.md', 'json');
is(scalar(@others), 0, 'no other block of JSON');
new_database('reference', "SELECT factstr_append('$subscribed') FROM generate_series(1, 41);");
my $reference = new_session($node, dbname => 'reference');
$reference->run(q(SELECT factstr_append(jsonb_build_array($1::jsonb - '{sequence_number,occurred_at}'::text[]))), $record);
my $answer = $reference->value('SELECT event_records FROM factstr_query($1)', $query);
is_deeply(JSON::PP::decode_json(without_times($answer)), [ JSON::PP::decode_json($record) ],
	'the record that is shown is the answer to the query that is shown');

# The signatures in a text, all in one notation.  One without a result has that of the next; an argument in
# brackets makes two functions of it.
sub signatures
{
	my ($text) = @_;
	my ($result, @found) = ('');

	$text =~ s/\s+/ /g;
	$text =~ s/::[a-z ]+//g;
	$text =~ s/\bIN (?=\w)//g;
	$text =~ s/\binteger\b/int/g;
	$text =~ s/timestamp with time zone/timestamptz/g;
	foreach my $signature (reverse split(/ ?(?<!CALL )(?=(?:CALL )?factstr_\w+\()/, $text))
	{
		$signature =~ s/ +$//;
		$result = $1 if $signature =~ /( → .*)/;
		$signature .= $result if $signature !~ / → |^CALL /;
		push @found, $signature =~ s/ \[.*?\]//r if $signature =~ / \[, /;
		push @found, $signature =~ s/ \[(, .*?)\]/$1/r;
	}
	return sort grep { $_ ne '' } @found;
}

# These are only mentioned, as parts of the views.
my $existing = $reference->text(<<~'SQL');
	SELECT CASE WHEN p.prokind = 'p' THEN 'CALL ' ELSE '' END || p.proname || '('
		|| (SELECT coalesce(string_agg(a, ', '), '') FROM unnest(string_to_array(pg_get_function_arguments(p.oid), ', ')) a
			WHERE a NOT LIKE 'OUT %') || ')'
		|| CASE WHEN p.prokind = 'p' THEN ''
			ELSE ' → ' || CASE WHEN p.proretset THEN 'SETOF ' ELSE '' END || coalesce((
				SELECT '(' || string_agg(p.proargnames[n] || ' ' || format_type(p.proallargtypes[n], NULL), ', ' ORDER BY n) || ')'
				FROM generate_subscripts(p.proargmodes, 1) n WHERE p.proargmodes[n] IN ('o', 't') HAVING count(*) > 1),
				format_type(p.prorettype, NULL)) END
	FROM pg_proc p
	JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
	JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND e.oid = d.refobjid AND e.extname = 'factstr'
	WHERE p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype) AND p.proname NOT IN ('factstr_delivery_obstacle', 'factstr_flushed', 'factstr_pending_pages',
		'factstr_log_head', 'factstr_log_time_after', 'factstr_log_state')
	SQL
my @documented = sort map { signatures($_->{text}) } blocks('docs/sql-reference.md', 'text');
is(join("\n", @documented), join("\n", signatures($existing)), 'the signatures of all functions');
$reference->disconnect;

$node->stop;
all_blocks_ran();
done_testing();
