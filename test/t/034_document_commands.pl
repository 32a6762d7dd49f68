# The commands in the documents work: every block of sh runs in a copy of the tree, in order, as printed except for the
# substitutions below, and its output is the one shown after it; blocks of C are compiled and work as described.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use FactstrDocuments;
use FactstrTest;
use IPC::Run ();
use PostgreSQL::Test::Utils;
use Test::More;

# Commands that cannot run here as printed, and their replacements.  All others run.
my @INSTEAD = (
	# Nothing comes from the network: the packages have to be among those that the tests have installed.
	[ qr/\bapt-get update\b/, 'true' ],
	[ qr/\bapt-get install\b/, 'has_packages' ],
	# The tree is there, and so is a server, which belongs to this test. scripts/fresh-machine runs these as they stand.
	[ qr/\bgit clone "\$URL" factstr && cd factstr\b/, 'true' ],
	[ qr/^pg_lsclusters .*/m, 'true' ],
	[ qr/^su postgres -c .*/m, 'true' ],
	# These take minutes, or would run this very test: the target and the variables have to exist.
	[ qr/^make (?=test|demo|bench|soak|lint|docs|installcheck)/m, 'would_make ' ],
	[ qr{^scripts/unprivileged \S+ -- (?=bench/)}m, 'test -x ' ],
	[ qr{^scripts/with-postgresql \S+ make (?=test)}m, 'would_make ' ],
	[ qr{^scripts/with-postgresql \S+ (scripts/\S+) .*}m, 'test -x $1' ],
	# Not into the system.
	[ qr/\bmake(?= (?:-C \S+ )?install\b)/, 'make DESTDIR="$DESTDIR"' ],
	# The tests of these packages build them, and run the blocks in their languages.
	[ qr{^make -s -C (clients/\w+)}m, 'test -f $1/Makefile' ],
	# It would run forever.
	[ qr{^(examples/consumers/consumer\S+) durable}m, '$PYTHON $1 durable --until 1' ]);

my $FUNCTIONS = <<'SH';
# Options, and packages that come with build-essential or are needed for the clone, are not in any list.
has_packages() {
  for package; do
    case $package in -* | git | ca-certificates | make | gcc | libc6-dev) continue ;; esac
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

# Built files stay valid: the times of the files are kept.
IPC::Run::run([ 'tar', '-C', $TOP, '-c', map({ "--exclude=./$_" } qw(.git results log tmp_check)), '--exclude=node_modules', '.' ],
	'|', [ 'tar', '-C', $copy, '-x' ])
	or die "could not copy $TOP\n";

delete @ENV{qw(MAKELEVEL MFLAGS FACTSTR_URL)};
$ENV{MAKEFLAGS} = 'with_llvm=no';
$ENV{DESTDIR} = "$copy/destdir";
$ENV{PYTHON} = $python // 'python3';
($ENV{PGHOST}, $ENV{PGPORT}, $ENV{PGDATABASE}) = ($node->host, $node->port, 'postgres');

# A fact for the consumers.
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
		is(without_times($output), without_times($block->{shown}), "$block->{place} prints the output shown") if defined $block->{shown};
		$exports .= join('', $block->{text} =~ /^export .*\n/mg);
	}
	# Each document begins with nothing.
	unlink(glob("$copy/*.db*"));
}

# One deposit by a command and one of the story were in the file and moved from there; then the story was told to the database.
is($node->safe_psql('bank', q(SELECT count(*) FROM factstr_read('{"filters": [{"event_types": ["money-deposited"]}]}'))),
	3, 'the bank has moved into the database, and continues there');
ok(-x "$copy/destdir/usr/local/bin/factstr", 'the command was installed');

#
# The loop of a decision, in a program in which another withdrawal comes first.
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
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
	return code == FACTSTR_OK ? 0 : 1;
}
C

# Around a block that opens a stream.
my $STREAM_FRAME = <<'C';
#include "factstr.h"

#include <stdio.h>

static int
on_batch(const factstr_batch *batch, void *context, factstr_error *error)
{
	(void) error;
	*(size_t *) context += batch->fact_count;
	return FACTSTR_OK;
}

int
main(void)
{
	factstr_store *store = NULL;
	factstr_stream *stream = NULL;
	factstr_error error = {0};
	size_t		table = 0;
	int			code = factstr_open("memory:", &store, NULL);

#include "block.c"
	printf("%s\n", stream != NULL ? "open" : error.message);
	(void) factstr_stream_close(stream, -1);
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
	return code == FACTSTR_OK ? 0 : 1;
}
C

# The frame of a document's blocks, and their output in it.
my %FRAMES = (
	'docs/getting-started.md' => [ $FRAME, '2 decisions, fact 2' ],
	'docs/streams.md' => [ $STREAM_FRAME, 'open' ]);

mkdir("$copy/c") or die "$copy/c: $!\n";
foreach my $document (documents_with('c'))
{
	my ($frame, $printed) = @{ $FRAMES{$document} };

	foreach my $block (blocks($document, 'c'))
	{
		unlink("$copy/c/frame.c", "$copy/c/block.c");
		append_to_file("$copy/c/frame.c", $frame);
		append_to_file("$copy/c/block.c", $block->{text});
		my ($status, $output) = run_script(<<~'SH');
			cc -std=c11 -Wall -Wextra -Werror -Imemstore/include -o c/frame c/frame.c memstore/build/libfactstr.a \
				$(pkg-config --cflags --libs sqlite3 libpq) -pthread -lm
			c/frame
			SH
		is("$status $output", "0 $printed\n", "$block->{place} works as described");
	}
}

$node->stop;
all_blocks_ran();
done_testing();
