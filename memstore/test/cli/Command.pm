# Shared by the tests of the command: running it, stores to run it on, and waiting.

package Command;

use strict;
use warnings;

use Cwd qw(abs_path);
use Exporter qw(import);
use File::Temp qw(tempdir);
use JSON::PP ();
use POSIX ();
use Test::More;
use Time::HiRes qw(time sleep);

our @EXPORT = qw(
  $COMMAND $DIRECTORY new_url store_kinds run start stop finish next_line wait_until
  spew slurp ndjson documents lines_of status_is fails_with
);

our $COMMAND = abs_path($ENV{FACTSTR} // 'build/factstr') // die 'where is the command?';
our $DIRECTORY = tempdir(CLEANUP => 1);

# How long something may take that has to happen, in seconds.
my $PATIENCE = 60;

my ($store_count, @databases, @started) = (0);

# A test says itself which store it means.
delete $ENV{FACTSTR_URL};

sub spew
{
	my ($name, $text) = @_;

	open(my $file, '>', $name) or die "$name: $!";
	print $file $text;
	close($file) or die "$name: $!";
	return $name;
}

sub slurp
{
	my ($name) = @_;

	open(my $file, '<', $name) or die "$name: $!";
	local $/;
	return scalar(<$file>) // '';
}

sub psql
{
	my ($database, $sql) = @_;

	return system('psql', '-qXAt', '-v', 'ON_ERROR_STOP=1', '-d', $database, '-c', $sql) == 0;
}

# The kinds of stores that there are here: a file, a database with its log main, and with another log.  A server counts
# if the environment leads to one; then it has to work.
sub store_kinds
{
	return ('sqlite', defined $ENV{PGHOST} ? qw(postgresql log) : ());
}

# The URL of a new, empty store.
sub new_url
{
	my ($kind) = @_;
	my $name = sprintf('factstr_cli_%d_%d', $$, ++$store_count);

	if ($kind eq 'sqlite')
	{
		lines_of({ in => '' }, 'append', '-s', "sqlite:$DIRECTORY/$name");
		return "sqlite:$DIRECTORY/$name";
	}
	my $maintenance = $ENV{PGDATABASE} // 'postgres';

	psql($maintenance, "CREATE DATABASE $name") or die "cannot make a database";
	push @databases, [ $maintenance, $name ];
	psql($name, 'SET client_min_messages = warning; CREATE EXTENSION factstr')
	  or die "cannot make the extension";
	return "postgresql:///$name" if $kind ne 'log';
	psql($name, "SELECT factstr_create_log('orders')") or die 'cannot make the log';
	return "postgresql:///$name?factstr_log=orders";
}

END
{
	my $status = $?;

	kill('KILL', $_->{pid}) for grep { !defined $_->{status} } @started;
	psql($_->[0], "DROP DATABASE IF EXISTS $_->[1] WITH (FORCE)") for @databases;
	$? = $status;
}

# Starts the command.  Options: in => a text or \*HANDLE for stdin, out => a file for stdout, which
# otherwise is read with next_line.  Without "in", stdin is a pipe, $process->{in}.
sub start
{
	my ($options, @arguments) = @_;
	my $process = { err => "$DIRECTORY/err." . ++$store_count, buffer => '' };
	my ($in_read, $in_write, $out_read, $out_write);

	if (defined $options->{in})
	{
		spew("$process->{err}.in", $options->{in});
		open($in_read, '<', "$process->{err}.in") or die $!;
	}
	else
	{
		pipe($in_read, $in_write) or die $!;
	}
	if (defined $options->{out})
	{
		open($out_write, '>', $options->{out}) or die "$options->{out}: $!";
	}
	else
	{
		pipe($out_read, $out_write) or die $!;
	}

	$process->{pid} = fork() // die $!;
	if ($process->{pid} == 0)
	{
		open(STDIN, '<&', $in_read) or POSIX::_exit(99);
		open(STDOUT, '>&', $out_write) or POSIX::_exit(99);
		open(STDERR, '>', $process->{err}) or POSIX::_exit(99);
		close($_) for grep { defined } $in_read, $in_write, $out_read, $out_write;
		exec($COMMAND, @arguments) or POSIX::_exit(99);
	}
	$process->{in} = $in_write;
	$in_write->autoflush(1) if $in_write;
	$process->{out} = $out_read;
	push @started, $process;
	return $process;
}

# Reads the present input, or waits for some until a time.  False at the end.
sub read_more
{
	my ($process, $deadline) = @_;
	my $set = '';

	vec($set, fileno($process->{out}), 1) = 1;
	die "nothing came in time" if !select($set, undef, undef, $deadline - time());
	return sysread($process->{out}, $process->{buffer}, 65536, length($process->{buffer}));
}

# The next line that the command prints, as a document; undef at the end.
sub next_line
{
	my ($process) = @_;
	my $deadline = time() + $PATIENCE;

	while (index($process->{buffer}, "\n") < 0)
	{
		return undef if !read_more($process, $deadline);
	}
	my ($line, $rest) = split(/\n/, $process->{buffer}, 2);

	$process->{buffer} = $rest;
	return JSON::PP->new->allow_nonref->decode($line);
}

# Waits for the end of the command: its status, or the name of the signal that ended it.
sub finish
{
	my ($process) = @_;
	my $deadline = time() + $PATIENCE;

	close($process->{in}) if $process->{in};
	if ($process->{out})
	{
		1 while read_more($process, $deadline);
		close($process->{out});
	}
	wait_until('the command ends', sub { waitpid($process->{pid}, POSIX::WNOHANG()) != 0 });
	$process->{status} = $? & 127 ? 'signal ' . ($? & 127) : $? >> 8;
	$process->{err} = slurp($process->{err});
	return $process;
}

# Has the command got as far as to catch a signal, or has it ended?
sub catches
{
	my ($process, $signal) = @_;
	my %number = (INT => 2, TERM => 15);
	my $status = slurp("/proc/$process->{pid}/status");

	return 1 if $status =~ /^State:\s+Z/m;
	return $status =~ /^SigCgt:\s+([0-9a-f]+)$/m && hex(substr($1, -8)) >> ($number{$signal} - 1) & 1;
}

# Before a command is ready for a signal to end it, the signal would end it in another way.
sub stop
{
	my ($process, $signal) = @_;

	wait_until("the command catches $signal", sub { catches($process, $signal) }) if $signal ne 'KILL';
	kill($signal, $process->{pid}) or die $!;
	return finish($process);
}

# Runs the command to its end.  Its output is in {buffer}, its messages in {err}.
sub run
{
	my $options = ref $_[0] ? shift : {};

	$options->{in} //= '';
	return finish(start($options, @_));
}

sub wait_until
{
	my ($what, $condition) = @_;
	my $deadline = time() + $PATIENCE;

	until ($condition->())
	{
		die "waited in vain until $what" if time() > $deadline;
		sleep(0.002);
	}
	return;
}

# Documents as lines, and lines as documents.
sub ndjson
{
	my $json = JSON::PP->new->canonical->allow_nonref;

	return join('', map { $json->encode($_) . "\n" } @_);
}

sub documents
{
	my ($text) = @_;

	return map { JSON::PP->new->allow_nonref->decode($_) } split(/\n/, $text);
}

# The output of a command that must succeed.
sub lines_of
{
	my $process = run(@_);

	die "status $process->{status}: $process->{err}" if $process->{status} ne '0';
	return documents($process->{buffer});
}

sub status_is
{
	my ($process, $status, $name) = @_;

	is($process->{status}, $status, $name) or diag($process->{err});
	return;
}

# A status, and the beginning of stderr; nothing on stdout.
sub fails_with
{
	my ($process, $status, $message, $name) = @_;

	subtest $name => sub {
		is($process->{status}, $status, 'status');
		like($process->{err}, $message, 'message');
		unlike($process->{err}, qr/\A(?!factstr)/, 'says who speaks');
	};
	return;
}

1;
