# A connection whose statements can run in the background, and whose errors are SQLSTATEs.

package FactstrSession;

use strict;
use warnings;

use Carp;
use DBD::Pg qw(:async);
use DBI;
use FactstrOtherLog;
use IO::Select;
use Time::HiRes ();

my $TIMEOUT = $ENV{PG_TEST_TIMEOUT_DEFAULT} || 180;

# Connects; dies if that fails.
sub new
{
	my ($class, $connstr) = @_;
	my $connection = DBI->connect("dbi:Pg:" . join(';', split(/ /, unquoted($connstr))), '', '',
		{
			RaiseError => 0,
			PrintError => 0,
			PrintWarn => 1,
			AutoCommit => 1,
			AutoInactiveDestroy => 1,
			pg_server_prepare => 0,
			pg_placeholder_dollaronly => 1,
			pg_enable_utf8 => 0,
			pg_bool_tf => 1,
		}) or croak "could not connect: $DBI::errstr";
	my $self = bless { connection => $connection, pid => $connection->{pg_pid}, state => '00000' }, $class;

	return $self;
}

sub unquoted
{
	my ($connstr) = @_;

	$connstr =~ s/'//g;
	return $connstr;
}

sub pid { return $_[0]{pid} }

# The driver gives the server's warnings and notices to Perl's warn.
sub keep_warning
{
	my ($self) = @_;

	return sub { push @{ $self->{warnings} }, @_; return };
}

# Begins a statement and returns at once.
sub start
{
	my ($self, $sql, @parameters) = @_;

	$self->{sql} = FactstrOtherLog::translated($sql);
	$self->{rows} = undef;
	$self->{warnings} = [];
	local $SIG{__WARN__} = $self->keep_warning;
	$self->{statement} = $self->{connection}->prepare($self->{sql}, { pg_async => PG_ASYNC });
	$self->{failed_to_start} = !$self->{statement}->execute(@parameters);
	return $self;
}

# Has the statement ended, with or without an error?
sub is_done
{
	my ($self) = @_;

	return 1 if $self->{failed_to_start};
	local $SIG{__WARN__} = $self->keep_warning;
	return $self->{connection}->pg_ready ? 1 : 0;
}

# Waits for the end of the statement.
sub finish
{
	my ($self) = @_;
	my $deadline = Time::HiRes::time() + $TIMEOUT;
	my $socket = IO::Select->new;

	$socket->add($self->{connection}{pg_socket});
	until ($self->is_done)
	{
		croak "timed out: $self->{sql}" if Time::HiRes::time() > $deadline;
		$socket->can_read(1);
	}
	local $SIG{__WARN__} = $self->keep_warning;
	my $result = $self->{failed_to_start} ? undef : $self->{connection}->pg_result;
	# DBD::Pg 3.21 takes a statement that was cancelled for a success, but for its state.
	if (defined $result && $self->{connection}->state ne '57014')
	{
		$self->{state} = '00000';
		$self->{message} = '';
		$self->{rows} = $self->{statement}{NUM_OF_FIELDS} ? $self->{statement}->fetchall_arrayref : [];
	}
	else
	{
		$self->{state} = $self->{connection}->state || '08006';
		$self->{message} = $self->{connection}->errstr // '';
	}
	$self->{statement}->finish;
	return $self;
}

# SQLSTATE and message of the last statement; its rows; its first row's first column.
sub state { return $_[0]{state} }
sub message { return $_[0]{message} }
sub rows { return $_[0]{rows} }

# The warnings and notices of the last statement, as texts.
sub warnings { return @{ $_[0]{warnings} } }

# Runs a statement that has to succeed, and returns its rows.
sub run
{
	my ($self, $sql, @parameters) = @_;

	$self->start($sql, @parameters)->finish;
	croak "$sql: $self->{state} $self->{message}" if $self->{state} ne '00000';
	my $rows = $self->{rows};
	$self->mean_log_of_tests if $sql =~ /^CREATE EXTENSION (IF NOT EXISTS )?factstr$/;
	return $rows;
}

# In this database, too: it has a new extension, or was restored from a dump.
sub mean_log_of_tests
{
	my ($self) = @_;
	my $setup = FactstrOtherLog::setup();

	return if $setup eq '';
	$self->{connection}->do($setup) or croak $self->{connection}->errstr;
	return;
}

sub value
{
	my ($self, $sql, @parameters) = @_;
	my $rows = $self->run($sql, @parameters);

	return @$rows ? $rows->[0][0] : undef;
}

# Like psql -At: columns separated by |, rows by newlines.
sub text
{
	my ($self, $sql, @parameters) = @_;

	$self->run($sql, @parameters) if defined $sql;
	return join("\n", map { join('|', map { $_ // '' } @$_) } @{ $self->{rows} // [] });
}

# Has the server ended the connection?  The driver may seem to execute statements on a lost one, but these
# return no rows.
sub is_lost
{
	my ($self) = @_;

	return $self->state_of('SELECT 1') ne '00000' || !@{ $self->rows };
}

# Runs a statement and returns its SQLSTATE.
sub state_of
{
	my ($self, $sql, @parameters) = @_;

	return $self->start($sql, @parameters)->finish->state;
}

# The next notification, [channel, process id, payload], or undef.
sub notification
{
	my ($self) = @_;

	return $self->{connection}->pg_notifies;
}

sub disconnect
{
	my ($self) = @_;

	$self->{connection}->disconnect;
	return;
}

# A statement that still runs is waited for by the driver, which gives a warning of the server's that comes
# meanwhile to the connection's handle: freed before, the program ends with a segmentation fault.
sub DESTROY
{
	my ($self) = @_;

	delete $self->{statement} if ${^GLOBAL_PHASE} ne 'DESTRUCT';
	return;
}

1;
