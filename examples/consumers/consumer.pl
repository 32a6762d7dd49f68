#!/usr/bin/env perl
#
# Consuming facts in Perl, with DBI and DBD::Pg, in both ways of docs/streams.md.
#
#     examples/consumers/consumer.pl live       # the consumer keeps its position itself
#     examples/consumers/consumer.pl durable    # the database keeps it: exactly once, into a table
#
# The database is the one that PGHOST, PGDATABASE and so on lead to, with the extension. Leave it running,
# append from another terminal, and see the batch arrive:
#
#     psql -c "SELECT factstr_append('[{\"event_type\": \"student-subscribed\",
#                                       \"payload\": {\"course\": \"c1\", \"student\": \"ada\"}}]')"
#
# Ctrl-C ends it. --until N ends it after fact number N, --wait SECONDS is how long it waits for a
# notification before it looks anyway. The driver: apt-get install libdbd-pg-perl.
# The exit status is 1 after an error, 2 after wrong arguments.

use strict;
use warnings;
no warnings 'once';    # DBI is loaded below

use Getopt::Long;
use IO::Select;
use JSON::PP;
use POSIX ();
use Time::HiRes qw(sleep time);

my $QUERY = '{"filters": [{"event_types": ["student-subscribed"]}]}';
my $MAX_BATCHES = 100;
my $USAGE = 'the arguments are live|durable [--until N] [--wait SECONDS]';

# Under load (this many notifications at once), poll instead of listening: at this interval, for this time, in seconds.
my ($BURST, $PAUSE, $PERIOD) = (6, 0.02, 1);

# Numbers keep their exact value, with any number of digits.
my $json = JSON::PP->new->canonical->allow_nonref->allow_bignum;

# Ends with a line that says why.
sub fail
{
	my ($text, $status) = @_;

	print STDERR "consumer.pl: $text\n";
	exit($status // 1);
}

eval { require DBI; require DBD::Pg; 1 } or fail('there is no driver (apt-get install libdbd-pg-perl)');

# Selects batches, with the facts of each decoded.
sub select_batches
{
	my ($dbh, $sql, @parameters) = @_;
	my $batches = $dbh->selectall_arrayref($sql, { Slice => {} }, @parameters);

	$_->{facts} = $json->decode($_->{event_records}) foreach @$batches;
	return @$batches;
}

sub show
{
	my ($batch) = @_;

	printf "facts %d-%d: %s\n", $batch->{first_sequence_number}, $batch->{last_sequence_number},
		join(', ', map { "$_->{event_type} " . $json->encode($_->{payload}) } @{ $batch->{facts} });
	return;
}

# Live: the position is a variable, so that each start begins with the first fact.
my $position = 0;

sub take_live
{
	my ($dbh) = @_;
	my @batches = select_batches($dbh, 'SELECT * FROM factstr_batches(?, ?, ?)',
		$QUERY, $position, $MAX_BATCHES);

	foreach my $batch (@batches)
	{
		show($batch);
		$position = $batch->{last_sequence_number};
	}
	return @batches;
}

# Durable: the position is the cursor of the stream "enrolments", and moves in the transaction that
# writes.
#
# If this program, its connection or the server fails, either both the rows and the new position are
# committed, or neither, and the same batches come again. Nothing is missed, nothing is done twice.
# Several consumers may run at once, in any language: they take turns.
sub prepare_durable
{
	my ($dbh) = @_;

	$dbh->begin_work;
	$dbh->do(q(SELECT factstr_stream_open('enrolments', ?)), undef, $QUERY);
	$dbh->do('CREATE TABLE IF NOT EXISTS enrolments (course text, student text)');
	$dbh->commit;
	return;
}

sub take_durable
{
	my ($dbh) = @_;

	$dbh->begin_work;
	my @batches = select_batches($dbh, q(SELECT * FROM factstr_stream_next('enrolments', ?)), $MAX_BATCHES);
	foreach my $fact (map { @{ $_->{facts} } } @batches)
	{
		$dbh->do('INSERT INTO enrolments (course, student) VALUES (?, ?)', undef,
			$fact->{payload}{course}, $fact->{payload}{student});
	}
	if (@batches)
	{
		$dbh->do(q(SELECT factstr_stream_ack('enrolments', ?)), undef, $batches[-1]{last_sequence_number});
	}
	$dbh->commit;
	show($_) foreach @batches;
	return @batches;
}

# The newest fact, for each way with a right that it has anyway.
my $LIVE_HEAD = q(SELECT factstr_context_version('{}'));
my $DURABLE_HEAD = q(SELECT head_sequence_number FROM factstr_stream_status WHERE name = 'enrolments');

sub consume
{
	my ($dbh, $way, $until, $wait) = @_;

	# LISTEN comes before the first read: later commits are then announced.
	$dbh->do('LISTEN factstr');
	$way->{prepare}->($dbh);
	my $listen_at;
	while (1)
	{
		# If a read finds nothing, all that was in the log before it has been taken.
		my $head = defined $until ? $dbh->selectrow_array($way->{head}) // 0 : 0;
		my @batches = $way->{take}->($dbh);
		return if defined $until && (@batches ? $batches[-1]{last_sequence_number} : $head) >= $until;

		# Some may have arrived during the read. If not, wait until there is something on the socket.
		my $notifications = take_notifications($dbh);
		if (!$listen_at && !@batches && !$notifications)
		{
			IO::Select->new($dbh->{pg_socket})->can_read($wait);
			$notifications = take_notifications($dbh);
		}
		if ($notifications >= $BURST)
		{
			# Being woken for each batch costs the machine more than looking now and then.
			$dbh->do('UNLISTEN factstr');
			$listen_at = time() + $PERIOD;
		}
		elsif ($listen_at && time() >= $listen_at)
		{
			# As above: before the next read.
			$dbh->do('LISTEN factstr');
			undef $listen_at;
		}
		elsif ($listen_at && @batches < $MAX_BATCHES)
		{
			sleep($PAUSE);
		}
	}
	return;
}

# Takes the notifications that have arrived; returns how many these were.
sub take_notifications
{
	my ($dbh) = @_;
	my $count = 0;

	$count++ while $dbh->pg_notifies;
	return $count;
}

# The fix of an error of the connection, the database or the rights; undef if there is none.
sub fix_for
{
	my ($message, $state, $was_connected) = @_;

	if (!$was_connected)
	{
		return 'createdb makes it, PGDATABASE names another one' if $message =~ /database ".*" does not exist/;
		return q(PGUSER and PGPASSWORD say who you are; with the directory of the server's socket in PGHOST no password may be needed)
		  if $message =~ /password|authentication|pg_hba|role ".*" does not exist/;
		return 'start the server, or set PGHOST and PGPORT to where it is';
	}
	return 'CREATE EXTENSION factstr in this database, or set PGDATABASE to one that has it'
	  if $state =~ /^42(883|P01)$/ && $message =~ /factstr/;
	return 'its owner grants it; "Rights" in docs/sql-reference.md lists the statements' if $state eq '42501';
	return;
}

# The first line of the server's message, or all of one of the connection's, as one line.
sub explain
{
	my ($message, $state, $was_connected) = @_;
	my $fix = fix_for($message, $state, $was_connected);

	$message =~ s/\n.*//s if $was_connected;
	$message =~ s/^ERROR:\s+//;
	$message = join(' ', split(' ', $message));
	return fail($message . ($fix ? " ($fix)" : ''));
}

my %ways = (
	live => { prepare => sub { }, take => \&take_live, head => $LIVE_HEAD },
	durable => { prepare => \&prepare_durable, take => \&take_durable, head => $DURABLE_HEAD },
);
my ($until, $wait) = (undef, 30);
{
	local $SIG{__WARN__} = sub { };
	GetOptions('until=i' => \$until, 'wait=f' => \$wait) or fail($USAGE, 2);
}
my $way = @ARGV == 1 ? $ways{ $ARGV[0] } : undef;
fail($USAGE, 2) unless $way;

# Immediately, even while a statement waits: a handler in %SIG would run only after it. The server rolls
# back uncommitted work.
my $end = POSIX::SigAction->new(sub { POSIX::_exit(0) });
POSIX::sigaction($_, $end) foreach POSIX::SIGINT, POSIX::SIGTERM;

binmode(STDOUT, ':encoding(UTF-8)');
STDOUT->autoflush;

my $was_connected = 0;
while (1)
{
	my $dbh;
	last if eval {
		$dbh = DBI->connect('dbi:Pg:', '', '', { RaiseError => 1, PrintError => 0, PrintWarn => 0 });
		$was_connected = 1;
		consume($dbh, $way, $until, $wait);
		$dbh->disconnect;
		1;
	};
	my ($error, $message, $state) = ($@, $DBI::errstr, $DBI::state);

	# Not connected at all, or an error that a new connection does not fix.
	my $is_alive = $dbh && $dbh->ping;
	eval { $dbh->disconnect } if $dbh;
	explain($message // $error, $state // '', $was_connected) if !$was_connected || $is_alive;
	# Continue from the position, which is still valid, over a new connection.
	print STDERR "connection lost, trying again: $error";
	sleep(1);
}
