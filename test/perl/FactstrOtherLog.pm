# TAP tests with another log than main.  With FACTSTR_TEST_LOG=NAME in the environment, the functions mean that log if
# they are not told one (test/data/other_log.sql), and statements of a session name its relations instead of main's.
# So a test need not know which log it tests.

package FactstrOtherLog;

use strict;
use warnings;

use Exporter qw(import);
use File::Basename qw(dirname);

our @EXPORT_OK = qw(log_of_tests channel);

# The suite of scripts/run-tests, and the log that it tests.
our $SUITE = 'other_log';
our $LOG = 'another_log';

# The tests that run twice: of what each log has for itself, in the server and by delivery workers.  Those that compare
# whole views, dump a database or call other programs test main alone.
my @TESTS = qw(
  test/t/001_durability.pl test/t/002_early_release.pl test/t/003_synchronous_replication.pl test/t/004_two_phase.pl
  test/t/005_crash.pl test/t/006_race.pl test/t/008_timeouts.pl test/t/009_notify.pl test/t/012_durable_streams.pl
  test/t/013_own_facts.pl test/t/014_subscribers.pl test/t/015_subscriptions.pl test/t/016_subscription_workers.pl
  test/t/017_wait.pl test/t/019_worker_faults.pl test/t/021_stream_holds.pl test/t/025_told_numbers.pl
  test/t/026_interrupts.pl test/t/050_failover.pl test/t/059_mixed_crash.pl test/t/061_deadly_batch.pl
  test/t/061_lock_times.pl test/t/062_partitions.pl test/t/064_stopped_deliveries.pl test/t/066_attempts_on_a_disk.pl);

# What other logs call their relations, and the end of the names of main's.
my %RELATIONS = (
	events => 'events',
	redactions => 'redactions',
	events_pkey => 'events_pkey',
	events_event_type_idx => 'types_idx',
	events_payload_idx => 'payloads_idx',
	events_idempotency_key_idx => 'keys_idx',
	redactions_sequence_number_idx => 'redactions_idx',
	main_log => 'log');
my $RELATION = join('|', sort { length($b) <=> length($a) } keys %RELATIONS);

# Those of some tests that run with another log, too, as tests of the suite.
sub tests
{
	my @tests = @_;
	my %is_meant = map { $_ => 1 } @TESTS;

	return map {
		my $command = $_->{command};
		+{ %$_, suite => $SUITE, name => "$SUITE/$_->{name}", command => sub { ('env', "FACTSTR_TEST_LOG=$LOG", $command->(@_)) } }
	} grep { $is_meant{ $_->{file} } } @tests;
}

# The log that the functions mean here.
sub log_of_tests
{
	return $ENV{FACTSTR_TEST_LOG} || 'main';
}

# Its channel for LISTEN.
sub channel
{
	my $log = log_of_tests();

	return $log eq 'main' ? 'factstr' : "factstr.$log";
}

# The statements after CREATE EXTENSION, or in a database that was restored from a dump: that has the log, and the
# functions as they were.
sub setup
{
	return '' if log_of_tests() eq 'main';
	my $file = dirname(__FILE__) . '/../data/other_log.sql';

	open(my $statements, '<', $file) or die "$file: $!\n";
	local $/;
	return <$statements> =~ s/another_log/log_of_tests()/ger;
}

# A statement about main as one about the log.
sub translated
{
	my ($sql) = @_;
	my ($log, $channel) = (log_of_tests(), channel());

	return $sql if $log eq 'main';
	$sql =~ s/\bfactstr_($RELATION)\b/factstr_${log}_$RELATIONS{$1}/g;
	$sql =~ s/\b((?:UN)?LISTEN) factstr\b/$1 "$channel"/g;
	$sql =~ s/\b(FROM|JOIN) factstr_status\b/$1 (SELECT * FROM factstr_status WHERE log = '$log') factstr_status/g;
	return $sql;
}

1;
