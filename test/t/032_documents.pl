# The SQL in the documents does what they say: every block runs, in order, as it stands, and prints what is shown.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use FactstrTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $DOCUMENTS = "$FindBin::RealBin/../../docs";
my $node = new_node('documents', conf => 'max_prepared_transactions = 5');

# The text of all blocks of one language.
sub blocks
{
	my ($document, $language) = @_;
	my $text = slurp_file("$DOCUMENTS/$document");

	return $text =~ /^```$language\n(.*?)^```$/msg;
}

# Runs what psql is given, in a database of its own; returns what it printed.
sub run_blocks
{
	my ($database, @blocks) = @_;
	my ($output, $errors) = ('', '');

	$node->safe_psql('postgres', "CREATE DATABASE $database");
	$node->safe_psql($database, 'CREATE EXTENSION factstr');
	foreach my $block (@blocks)
	{
		my ($status, $stdout, $stderr) = $node->psql($database, $block, on_error_stop => 1, extra_params => [ '-qXAt' ]);

		is($status, 0, "$database: " . ($block =~ /^(.*)$/m)[0]) or diag($stderr);
		$output .= $stdout . "\n";
	}
	return $output;
}

my $events = events('account-opened' => { account => 'A-1', owner => 'Ada' }, 'account-opened' => { account => 'A-2', owner => 'Bob' });
my $output = run_blocks('operations', "SELECT factstr_append('$events');", blocks('operations.md', 'sql'));
unlike($output, qr/\|f\|/, 'no check fails');
is($node->safe_psql('operations', q(SELECT payload FROM factstr_read())), qq({"account": "A-1"}\n{"owner": "Bob", "account": "A-2"}), 'what is said of one account is erased');

# On streams.md: what consumers see of erased facts, from one of the numbers that is named there.
$output = run_blocks('streams', "SELECT factstr_append('[{\"event_type\": \"student-subscribed\", \"payload\": {\"course\": \"c1\", \"student\": \"ada\"}}]') FROM generate_series(1, 42);", blocks('streams.md', 'sql'));
is($node->safe_psql('streams', q(SELECT payload FROM factstr_read('{"min_sequence_number": 41}', 2))), qq({"course": "c1"}\n{"sequence_number": 42}), 'a redaction and the fact that tells of it');

# On schema-evolution.md a block of text shows what the block of SQL before it prints.
sub prints_what_is_shown
{
	my ($database, $document) = @_;
	my $text = slurp_file("$DOCUMENTS/$document");

	$node->safe_psql('postgres', "CREATE DATABASE $database");
	$node->safe_psql($database, 'CREATE EXTENSION factstr');
	while ($text =~ /^```sql\n(.*?)^```$(?:\n\n^```text\n(.*?)^```$)?/msg)
	{
		my ($block, $shown) = ($1, $2 // '');
		my ($status, $stdout, $stderr) = $node->psql($database, $block, on_error_stop => 1, extra_params => [ '-qX', '-P', 'format=aligned', '-P', 'tuples_only=off' ]);
		my ($name) = "$database: " . ($block =~ /^(.*)$/m)[0];

		is($status, 0, $name) or diag($stderr);
		# Blanks at the ends of lines are not shown.
		s/[ \n]+\z//, s/ +$//mg foreach $stdout, $shown;
		is($stdout, $shown, "$name prints what is shown") if $shown ne '' || $stdout ne '';
	}
	return;
}

prints_what_is_shown('evolution', 'schema-evolution.md');
my $evolution = new_session($node, dbname => 'evolution');
is($evolution->state_of(append_sql('[{"event_type": "customer-registered", "payload": {"customer": {"id": "C-4", "country": null}, "name": "Late One"}, "metadata": {"schema": 2}}]')),
	'23514', 'an append of an older shape is refused');
is($evolution->state_of(append_sql('[{"event_type": "customer-registered", "payload": {"customer": "C-4", "name": "Late One"}}]')), '23514', 'also one that tells no version');
is($evolution->state_of(append_sql('[{"event_type": "customer-registered", "payload": {"customer": {"id": "C-4", "country": null}, "given_name": "In", "family_name": "Time"}, "metadata": {"schema": 3}}]')),
	'00000', 'one of the current shape is not');
is($evolution->state_of(q(SELECT factstr_redact(3, '{"customer": {"id": "C-2", "country": null}, "name": null}', 'why', '{"schema": 2}'))), '00000', 'an older fact can be redacted');
is($evolution->text(q(SELECT payload->'customer'->>'id', payload->>'given_name' FROM read_current('{"min_sequence_number": 2}') WHERE sequence_number = 3)), 'C-2|', 'and is read in the current shape');
is($evolution->value('SELECT count(*) FROM factstr_check(NULL) WHERE NOT ok'), 0, 'nothing is wrong with the log');
$evolution->disconnect;

$node->stop;
done_testing();
