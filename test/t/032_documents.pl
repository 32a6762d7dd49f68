# The SQL in the documents does what they say: every block runs, in order, as it stands.

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

$node->stop;
done_testing();
