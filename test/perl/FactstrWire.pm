# A connection that speaks the protocol itself, for details that drivers hide, such as a Flush without a Sync, the
# function-call interface, and which messages have arrived so far.

package FactstrWire;

use strict;
use warnings;

use Carp;
use IO::Select;
use IO::Socket::UNIX;
use Time::HiRes ();

my $TIMEOUT = $ENV{PG_TEST_TIMEOUT_DEFAULT} || 180;

# Connects to the node's database "postgres", and waits until it is ready.
sub new
{
	my ($class, $node) = @_;
	my $socket = IO::Socket::UNIX->new(Peer => $node->host . '/.s.PGSQL.' . $node->port) or croak "could not connect: $!";
	my $self = bless { socket => $socket, input => '', messages => [] }, $class;
	my $parameters = pack('N', 196608) . join('', map { "$_\0" } 'user', scalar getpwuid($>), 'database', 'postgres', '');

	$self->{socket}->syswrite(pack('N', 4 + length($parameters)) . $parameters);
	$self->wait_for('Z');
	my ($key_data) = grep { $_->[0] eq 'K' } @{ $self->{messages} };
	$self->{pid} = unpack('N', $key_data->[1]);
	$self->{messages} = [];
	return $self;
}

sub pid { return $_[0]{pid} }

sub put
{
	my ($self, $type, $body) = @_;

	$self->{socket}->syswrite($type . pack('N', 4 + length($body)) . $body);
	return $self;
}

# A statement of the extended protocol, without the messages that make the server answer or commit.
sub execute
{
	my ($self, $sql) = @_;

	$self->put('P', "\0$sql\0" . pack('n', 0));
	$self->put('B', "\0\0" . pack('n3', 0, 0, 0));
	return $self->put('E', "\0" . pack('N', 0));
}

sub query { my ($self, $sql) = @_; return $self->put('Q', "$sql\0") }
sub flush { my ($self) = @_; return $self->put('H', '') }
sub sync { my ($self) = @_; return $self->put('S', '') }

# The function-call interface: a function without arguments, its result as text.
sub call { my ($self, $oid) = @_; return $self->put('F', pack('N n n n', $oid, 0, 0, 0)) }

# Takes the messages that have arrived.
sub receive
{
	my ($self) = @_;
	my $select = IO::Select->new($self->{socket});

	while ($select->can_read(0))
	{
		last unless $self->{socket}->sysread($self->{input}, 65536, length($self->{input}));
	}
	while (length($self->{input}) >= 5)
	{
		my ($type, $length) = unpack('a N', $self->{input});

		last if length($self->{input}) < $length + 1;
		push @{ $self->{messages} }, [ $type, substr($self->{input}, 5, $length - 4) ];
		$self->{input} = substr($self->{input}, $length + 1);
	}
	return $self;
}

# The types of the messages that have arrived, and of those that tell something: rows, results, errors, notices, notifications.
sub types { my ($self) = @_; return join('', map { $_->[0] } @{ $self->receive->{messages} }) }
sub told { my ($self) = @_; return $self->types =~ s/[^DVENA]//gr }

sub wait_for
{
	my ($self, $type) = @_;
	my $deadline = Time::HiRes::time() + $TIMEOUT;

	until ($self->types =~ /$type/)
	{
		croak "timed out waiting for $type, got " . $self->types if Time::HiRes::time() > $deadline;
		IO::Select->new($self->{socket})->can_read(0.1);
	}
	return $self;
}

1;
