# The commands in the documents work: every block of sh runs in a copy of the tree, in order, as it stands but for the
# substitutions below, and prints what is shown after it; the C that is shown is compiled and does what is said of it.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use FactstrDocuments;
use FactstrTest;
use IPC::Run ();
use PostgreSQL::Test::Utils;
use Test::More;

# What cannot run here as it stands, and what runs instead.  All else runs.
my @INSTEAD = (
	# Nothing comes from the network: the packages have to be among those that the tests have installed.
	[ qr/\bapt-get update\b/, 'true' ],
	[ qr/\bapt-get install\b/, 'has_packages' ],
	# These take minutes, or would run this very test: the target and the variables have to exist.
	[ qr/^make (?=test|demo|bench|soak|lint|installcheck)/m, 'would_make ' ],
	[ qr{^scripts/unprivileged \S+ -- (?=bench/)}m, 'test -x ' ],
	# Not into the system.
	[ qr/\bmake(?= (?:-C \S+ )?install\b)/, 'make DESTDIR="$DESTDIR"' ],
	# The server of this test.
	[ qr{\bpostgresql://localhost/}, 'postgresql:///' ],
	# It would go on for ever.
	[ qr{^(examples/consumers/consumer\S+) durable}m, '$PYTHON $1 durable --until 1' ]);

my $FUNCTIONS = <<'SH';
has_packages() {
  for package; do
    sed -n '/^BUILD=/,/^CLUSTER_CONF/p' scripts/install-packages | grep -qw -e "$package" ||
      { echo "scripts/install-packages does not install $package"; return 1; }
    [ "${FACTSTR_SKIP_PACKAGES:-}" = 1 ] || dpkg-query -W "$package" >/dev/null
  done
}
would_make() {
  make -n "$@" >/dev/null
  for argument; do
    case $argument in
      *=*) grep -rqwF -e "${argument%%=*}" Makefile scripts bench/run test/run test/t ||
        { echo "nothing reads ${argument%%=*}"; return 1; } ;;
    esac
  done
}
SH

my $node = new_node('commands');
my $copy = PostgreSQL::Test::Utils::tempdir();
my ($python) = grep { system("$_ -c 'import psycopg' >/dev/null 2>&1") == 0 } qw(python3 /usr/bin/python3);

# What is built stays built: the times of the files are kept.
IPC::Run::run([ 'tar', '-C', $TOP, '-c', map({ "--exclude=./$_" } qw(.git results log tmp_check)), '--exclude=node_modules', '.' ], '|', [ 'tar', '-C', $copy, '-x' ])
	or die "could not copy $TOP\n";

delete @ENV{qw(MAKELEVEL MFLAGS FACTSTR_URL)};
$ENV{MAKEFLAGS} = 'with_llvm=no';
$ENV{DESTDIR} = "$copy/destdir";
$ENV{PYTHON} = $python // 'python3';
($ENV{PGHOST}, $ENV{PGPORT}, $ENV{PGDATABASE}) = ($node->host, $node->port, 'postgres');

# A database for each that is named in a document, and a fact for the consumers.
$node->safe_psql('postgres', 'CREATE DATABASE bank');
$node->safe_psql('bank', 'CREATE EXTENSION factstr');
$node->safe_psql('postgres', append_sql(events('student-subscribed' => { course => 'c1', student => 'ada' })));

# Runs a script at the top of the copy; returns its status and all that it printed.  A program that has a prompt is told
# the story of the bank.
sub run_script
{
	my ($script) = @_;
	my $file = "$copy/script";
	my $output = '';

	unlink($file);
	append_to_file($file, "cd '$copy'\n$script");
	IPC::Run::run([ 'bash', '-euo', 'pipefail', $file ], '<', "$TOP/examples/library/bank/story.txt", '>', \$output, '2>', \$output);
	return ($? >> 8, $output);
}

foreach my $document (documents_with('sh'))
{
	my $exports = '';

	foreach my $block (blocks($document, 'sh'))
	{
		my $script = $block->{text};

		foreach my $substitution (@INSTEAD)
		{
			my ($pattern, $replacement) = @$substitution;

			$script =~ s{$pattern}{ my $first = $1 // ''; $replacement =~ s/\$1/$first/r }ge;
		}
		my ($status, $output) = run_script("$FUNCTIONS$exports$script");
		my $fails = ($block->{shown} // '') =~ /^factstr: /m;

		ok($fails ? $status != 0 : $status == 0, $block->{place}) or diag("status $status\n$output");
		is(without_times($output), without_times($block->{shown}), "$block->{place} prints what is shown") if defined $block->{shown};
		$exports .= join('', $block->{text} =~ /^export .*\n/mg);
	}
	# Each document begins with nothing.
	unlink(glob("$copy/*.db*"));
}

# The story was told to the file, moved from there, and told to the database.
is($node->safe_psql('bank', q(SELECT count(*) FROM factstr_read('{"filters": [{"event_types": ["money-deposited"]}]}'))), 2, 'the bank has moved into the database, and goes on there');
ok(-x "$copy/destdir/usr/local/bin/factstr", 'the command was installed');

#
# The loop of a decision, in a program in which somebody else withdraws first.
#
my $FRAME = <<'C';
#include <factstr.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

static const char *query = "{\"filters\": [{\"payload_predicates\": [{\"account\": \"A-1\"}]}]}";
static const factstr_event event = {.event_type = "money-withdrawn", .payload = "{\"account\": \"A-1\"}"};
static factstr_store *store;
static int	decisions;

static bool
may_withdraw(const factstr_query_result *facts, int amount)
{
	(void) facts;
	if (decisions++ == 0 && factstr_append(store, &event, 1, NULL, NULL, NULL) != FACTSTR_OK)
		return false;
	return amount > 0;
}

int
main(void)
{
	int			code = factstr_open("memory:", &store, NULL);
	int			amount = 10;
	factstr_query_result *facts = NULL;
	factstr_append_result result = {0};
	factstr_error error = {0};

#include "block.c"
	printf("%d decisions, fact %" PRIu64 "\n", decisions, result.last_sequence_number);
	factstr_close(store);
	return code == FACTSTR_OK ? 0 : 1;
}
C

mkdir("$copy/c") or die "$copy/c: $!\n";
append_to_file("$copy/c/frame.c", $FRAME);
foreach my $document (documents_with('c'))
{
	foreach my $block (blocks($document, 'c'))
	{
		unlink("$copy/c/block.c");
		append_to_file("$copy/c/block.c", $block->{text});
		my ($status, $output) = run_script(<<~'SH');
			cc -std=c11 -Wall -Wextra -Werror -Imemstore/include -o c/frame c/frame.c memstore/build/libfactstr.a \
				$(pkg-config --cflags --libs jansson sqlite3 libpq) -pthread -lm
			c/frame
			SH
		is("$status $output", "0 2 decisions, fact 2\n", "$block->{place}: after a conflict, again");
	}
}

$node->stop;
all_blocks_ran();
done_testing();
