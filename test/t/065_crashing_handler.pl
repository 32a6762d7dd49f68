# A handler in C that crashes the server, again and again: each time it is on record, the pause grows, others are
# served meanwhile, and once it is fixed the batch is delivered.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use FactstrTest;
use FactstrWorkers;
use PostgreSQL::Test::Utils;
use Test::More;

my $directory = PostgreSQL::Test::Utils::tempdir_short();
chomp(my $include = qx(pg_config --includedir-server));

# It crashes while there is a file of that name in the data directory.
open(my $source, '>', "$directory/crashing.c") or die $!;
print $source <<~'C';
	#include "postgres.h"

	#include <unistd.h>

	#include "fmgr.h"

	PG_MODULE_MAGIC;

	PG_FUNCTION_INFO_V1(crash);

	Datum
	crash(PG_FUNCTION_ARGS)
	{
		volatile int *nowhere = NULL;

		if (access("crash", F_OK) == 0)
			*nowhere = 1;
		PG_RETURN_VOID();
	}
	C
close($source) or die $!;
system_or_bail($ENV{CC} // 'cc', '-shared', '-fPIC', '-O1', "-I$include", '-o', "$directory/crashing.so", "$directory/crashing.c");

my $node = new_node('crashing', conf => "shared_preload_libraries = 'factstr'\nrestart_after_crash = on");
my $observer = new_session($node);
my $flag = $node->data_dir . '/crash';

sub append { return $observer->value(append_sql(events(@_))) }

create_kept($observer);
create_handler($observer, 'others');
$observer->run("CREATE FUNCTION crash(event_records jsonb) RETURNS void AS '$directory/crashing', 'crash' LANGUAGE C");
subscribe($observer, 'others', of_type('other'));
subscribe($observer, 'crash', of_type('bad'));
wait_until_at($observer, 'crash', append(bad => 'taken'));
is(status($observer, 'crash', 'failure_count, last_error'), '0|', 'it can take a batch');

# The server may be about to crash, or starting again.
sub ask
{
	my ($sql) = @_;
	my ($output, $error) = ('', '');

	return $node->psql('postgres', $sql, stdout => \$output, stderr => \$error) == 0 ? $output : '';
}

$observer->disconnect;
open(my $file, '>', $flag) or die $!;
close($file) or die $!;
# The server may crash before it has answered.
ask(append_sql(events(bad => 'not taken')));
my $FAILED = q(SELECT failure_count || ' ' || last_error || ' ' || (retry_at - last_failed_at >= %s * interval '4.9 s')
	FROM factstr_stream_status WHERE name = 'crash' AND failure_count >= %s);
foreach my $failures (1, 2)
{
	my $found;

	# A process that had delivered before has not said that it was going to try; the next one has.
	wait_until("failure $failures is on record", sub { $found = ask(sprintf($FAILED, 2**($failures - 1), $failures)) });
	like($found, qr/^\d+ 57P02: the worker process ended during the delivery true$/, "failure $failures tells that the process ended, and its pause grows");
	my $other = '';
	wait_until('a fact is appended', sub { $other = ask(append_sql(events(other => $failures))) });
	wait_until('another stream has it', sub { ask("SELECT cursor_sequence_number >= $other FROM factstr_stream_status WHERE name = 'others'") eq 't' });
	pass('meanwhile others are served');
}
like(slurp_file($node->logfile), qr/was terminated by signal 11/, 'it was a crash');
is(ask(q(SELECT cursor_sequence_number - (SELECT max(sequence_number) FROM factstr_events WHERE event_type = 'bad') < 0
	FROM factstr_stream_status WHERE name = 'crash')), 't', 'the stream stays before the batch');

unlink($flag) or die $!;
wait_until('the server is up', sub { $observer = eval { new_session($node) } });
my $bad = $observer->value(q(SELECT max(sequence_number) FROM factstr_events WHERE event_type = 'bad'));
subscribe($observer, 'crash', of_type('bad'));
wait_until_at($observer, 'crash', $bad);
is(status($observer, 'crash', 'failure_count'), '0', 'fixed, it continues');
wait_until_at($observer, 'others');
is(kept($observer, 'others'), expected_batches($observer, q(event_type = 'other')), 'others have had each batch once');

$node->stop;
done_testing();
