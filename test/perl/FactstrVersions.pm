# The other versions of PostgreSQL that scripts/with-postgresql has, and the tests that run on them: those of
# features that differ between versions of the server.

package FactstrVersions;

use strict;
use warnings;

# Directories of tests in SQL, and files.
my @IN_SQL = qw(test/sql test/specs test/pgtap);
my @OTHERS = qw(
  test/t/001_durability.pl test/t/002_early_release.pl test/t/003_synchronous_replication.pl
  test/t/004_two_phase.pl test/t/005_crash.pl test/t/009_notify.pl test/t/012_durable_streams.pl
  test/t/015_subscriptions.pl test/t/016_subscription_workers.pl test/t/017_wait.pl
  test/t/019_worker_faults.pl test/t/020_notification_queue.pl test/t/021_stream_holds.pl
  test/t/022_full_disk.pl test/t/030_redaction.pl test/t/054_update.pl test/t/058_rows_in_flight.pl
  test/t/059_mixed_crash.pl test/t/060_wire.pl test/t/063_listeners.pl);

# The status of scripts/with-postgresql when a server cannot be had here.
my $UNAVAILABLE = 77;

# Those of some tests that run on a version, under names that begin with it: in brief, only those in SQL.
sub tests
{
	my ($version, $is_brief, @tests) = @_;
	my @meant = (@IN_SQL, $is_brief ? () : @OTHERS);

	return map { { %$_, name => "$version/$_->{name}", version => $version } } grep { is_in($_->{name}, @meant) } @tests;
}

sub is_in
{
	my ($name, @meant) = @_;

	return grep { $name eq $_ || index($name, "$_/") == 0 } @meant;
}

# Does the archive call a version experimental?  Failures on it are shown, and are no failures of the run.
sub is_experimental
{
	my ($version) = @_;

	return scalar grep { /^\Q$version\E experimental$/ } `scripts/with-postgresql --list`;
}

# The pg_config of a version.  Without one, the result of the tests, "skipped" or "failed", and the reason.
sub find
{
	my ($version) = @_;

	chomp(my ($pg_config) = reverse `scripts/with-postgresql '$version' printenv PG_CONFIG 2>&1`);
	return ($pg_config) if $? == 0;
	return (undef, $? >> 8 == $UNAVAILABLE ? 'skipped' : 'failed', $pg_config // "status $?");
}

1;
