# Processes of a test.  Each works with its own connection, and continues with a new one when that is
# lost; they note down their results in files.

package FactstrProcesses;

use strict;
use warnings;

use FactstrTest;
use POSIX ();
use PostgreSQL::Test::Utils;

sub new
{
	my ($class, $node) = @_;

	return bless { node => $node, directory => PostgreSQL::Test::Utils::tempdir(), parent => $$, running => {} }, $class;
}

# Starts a process, which has the name as application_name of its connection.  It calls the function
# with a session until it returns true; again as well after a lost connection or a cancel.
sub start
{
	my ($self, $name, $work) = @_;
	my $seed = int(rand(2**31));
	my $pid = fork() // die "could not fork: $!";

	if ($pid)
	{
		$self->{running}{$pid} = 1;
		return $pid;
	}
	srand($seed);
	local $ENV{PGAPPNAME} = $name;
	$self->note('errors', "$name: $@") if !eval { $self->work_on($work); 1 };
	POSIX::_exit(0);
}

sub work_on
{
	my ($self, $work) = @_;
	my ($session, $done);

	until ($done)
	{
		wait_until('the server is there', sub { $session //= eval { new_session($self->{node}) } });
		next if eval { $done = $work->($session); 1 };
		my $error = $@;
		my $cancelled = $session->state eq '57014';
		$session->state_of('ROLLBACK');
		if ($session->is_lost)
		{
			undef $session;
		}
		elsif (!$cancelled)
		{
			die $error;
		}
	}
	return;
}

sub kill
{
	my ($self, @processes) = @_;

	CORE::kill('KILL', @processes);
	waitpid($_, 0) foreach @processes;
	delete @{ $self->{running} }{@processes};
	return;
}

# Waits until processes have ended by themselves.
sub wait_for
{
	my ($self, $description, @processes) = @_;
	my @waiting = @processes;

	wait_until($description, sub { @waiting = grep { waitpid($_, POSIX::WNOHANG()) == 0 } @waiting; !@waiting });
	delete @{ $self->{running} }{@processes};
	return;
}

sub note
{
	my ($self, $name, $text) = @_;

	append_to_file("$self->{directory}/$name", "$text\n");
	return;
}

# The notes of a name, a list of lines.
sub notes
{
	my ($self, $name) = @_;

	return $self->is_noted($name) ? split(/\n/, slurp_file("$self->{directory}/$name")) : ();
}

# How many bytes they are, or false.
sub is_noted
{
	my ($self, $name) = @_;

	return -s "$self->{directory}/$name";
}

# Should the test end early, no process may stay behind.
sub DESTROY
{
	my ($self) = @_;

	$self->kill(keys %{ $self->{running} }) if $$ == $self->{parent};
	return;
}

1;
