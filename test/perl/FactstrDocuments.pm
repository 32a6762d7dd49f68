# The blocks of code in the documents: their text and place, and the test that runs them.

package FactstrDocuments;

use strict;
use warnings;

use Cwd ();
use Exporter qw(import);
use File::Basename qw(basename dirname);

use PostgreSQL::Test::Utils;
use Test::More ();

our @EXPORT = qw($TOP blocks documents_with orphans all_blocks_ran without_times);

our $TOP = Cwd::realpath(dirname(__FILE__) . '/../..');

# Which test runs the blocks of a document in a language; '*': of every document.  A name is one in test/t.
my %RUNNERS = (
	'* sh' => '034_document_commands.pl',
	'* c' => '034_document_commands.pl',
	'README.md sql' => '032_documents.pl',
	'docs/cookbook.md sql' => '032_documents.pl',
	'docs/dcb.md sql' => '032_documents.pl',
	'docs/getting-started.md python' => 'clients/python/tests/test_documents.py',
	'docs/getting-started.md sql' => '032_documents.pl',
	'docs/getting-started.md ts' => 'clients/node/test/documents.test.ts',
	'docs/logs.md sql' => '032_documents.pl',
	'docs/operations.md sql' => '032_documents.pl',
	'docs/poolers.md ini' => '052_poolers.pl',
	'docs/releasing.md sql' => '032_documents.pl',
	'docs/replication.md sql' => '051_logical_replication.pl',
	'docs/schema-evolution.md sql' => '032_documents.pl',
	'docs/sql-reference.md json' => '032_documents.pl',
	'docs/sql-reference.md sql' => '032_documents.pl',
	'docs/sql-reference.md text' => '032_documents.pl',
	'docs/streams.md sql' => '032_documents.pl');

# The tests that compare the output of a block with the block of text right after it, if there is one.
my %COMPARES = map { $_ => 1 } qw(032_documents.pl 034_document_commands.pl clients/node/test/documents.test.ts
	clients/python/tests/test_documents.py);

# The blocks of all documents, in order: document, place (document:line), language, text, and
# its output as shown, undef if none is.
my @blocks = map { parse($_) } map { sort glob } map { "$TOP/$_" } qw(*.md docs/*.md examples/*.md bench/peers/*.md);

sub parse
{
	my ($file) = @_;
	my $document = substr($file, length("$TOP/"));
	my ($number, $end, $block, @found) = (0, 0);

	foreach my $line (split(/^/, slurp_file($file)))
	{
		$number++;
		if (!$block && $line =~ /^( *)(?:```|~~~) *(.*?) *$/)
		{
			$block = { document => $document, place => "$document:$number", line => $number, indent => $1, language => $2, text => '' };
		}
		elsif ($block && $line =~ /^ *(?:```|~~~) *$/)
		{
			if ($block->{language} eq 'text' && $block->{line} == $end + 2 && $found[-1]{language} =~ /^(sh|sql|ts|python)$/ && $COMPARES{ runner($found[-1]) })
			{
				$found[-1]{shown} = $block->{text};
			}
			else
			{
				push @found, $block;
			}
			($end, $block) = ($number, undef);
		}
		elsif ($block)
		{
			$block->{text} .= $line =~ s/^$block->{indent}//r;
		}
	}
	die "$block->{place}: a block without an end\n" if $block;
	return @found;
}

sub runner
{
	my ($block) = @_;

	return $RUNNERS{"$block->{document} $block->{language}"} // $RUNNERS{"* $block->{language}"} // '';
}

# The blocks of a document in a language, for the test that runs these: which it is to do with all of them.
sub blocks
{
	my ($document, $language) = @_;
	my @found = grep { $_->{document} eq $document && $_->{language} eq $language } @blocks;

	die "$document has no block of $language\n" if !@found;
	foreach my $block (@found)
	{
		die "$block->{place} is not for $0\n" if runner($block) ne basename($0);
		$block->{taken} = 1;
	}
	return @found;
}

# The documents that have blocks in a language.
sub documents_with
{
	my ($language) = @_;
	my %documents = map { $_->{document} => 1 } grep { $_->{language} eq $language } @blocks;

	return sort keys %documents;
}

# Is there a test of this name in test/t, or at this path?
sub is_test
{
	my ($name) = @_;

	return -f "$TOP/" . ($name =~ m{/} ? $name : 'test/t/' . ($name || '-'));
}

# The blocks that no test runs.
sub orphans
{
	return map { "$_->{place}: " . ($_->{language} eq '' ? 'no language' : "no test runs $_->{language}") } grep { !is_test(runner($_)) } @blocks;
}

# To be called at the end of each test that runs blocks.
sub all_blocks_ran
{
	my @left = map { $_->{place} } grep { runner($_) eq basename($0) && !$_->{taken} } @blocks;

	Test::More::is(join("\n", @left), '', 'every block that this test is to run has run');
	return;
}

# A text with the same time everywhere, and without blanks at the ends of lines.
sub without_times
{
	my ($text) = @_;

	$text =~ s/\b\d{4}-\d\d-\d\d([T ])\d\d:\d\d:\d\d\.\d{6}/2026-01-31${1}08:15:30.123456/g;
	$text =~ s/ +$//mg;
	$text =~ s/\n+\z//;
	return $text;
}

1;
