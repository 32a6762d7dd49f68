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

use strict;
use warnings;

use DBI;
use Getopt::Long;
use IO::Select;
use JSON::PP;
use POSIX ();
use Time::HiRes qw(sleep time);

my $QUERY = '{"filters": [{"event_types": ["student-subscribed"]}]}';
my $MAX_BATCHES = 100;
my $USAGE = "usage: consumer.pl live|durable [--until N] [--wait SECONDS]\n";

# So many notifications at once are load: look so often, in seconds, instead of listening, for so long.
my ($BURST, $PAUSE, $PERIOD) = (6, 0.02, 1);

# Numbers stay what they are, however many digits they have.
my $json = JSON::PP->new->canonical->allow_nonref->allow_bignum;

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
# Whatever happens to this program, its connection or the server: either both the rows and the new
# position are committed, or neither, and the same batches come again. Nothing is missed, nothing is
# done twice. Several of these may run at once, in any language: they take turns.
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

sub consume
{
	my ($dbh, $way, $until, $wait) = @_;

	# LISTEN comes before the first read: what is committed after a read is then announced.
	$dbh->do('LISTEN factstr');
	$way->{prepare}->($dbh);
	my $listen_at;
	while (1)
	{
		my @batches = $way->{take}->($dbh);
		return if @batches && $until && $batches[-1]{last_sequence_number} >= $until;

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

my %ways = (
	live => { prepare => sub { }, take => \&take_live },
	durable => { prepare => \&prepare_durable, take => \&take_durable },
);
my ($until, $wait) = (undef, 30);
GetOptions('until=i' => \$until, 'wait=f' => \$wait) or die $USAGE;
my $way = @ARGV == 1 ? $ways{ $ARGV[0] } : undef;
die $USAGE unless $way;

# At once, also while a statement waits: a handler in %SIG would run only after it. The server rolls
# back what is not committed.
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
	my $error = $@;

	# Not connected at all, or an error that a new connection does not mend.
	die $error if !$was_connected || ($dbh && $dbh->ping);
	# Go on with a new connection, from the position: that is still right.
	print STDERR "connection lost, trying again: $error";
	eval { $dbh->disconnect } if $dbh;
	sleep(1);
}
