# Clients in separate processes, which work until the server is gone, and note down their calls and answers.

package FactstrClients;

use strict;
use warnings;

use Exporter qw(import);
use FactstrTest;
use JSON::PP ();
use POSIX ();
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(seed_clients note_down read_notes in_background answer wait_for_clients);

my $notes = PostgreSQL::Test::Utils::tempdir();

# FACTSTR_SEED determines the actions of the clients.
sub seed_clients
{
	my $seed = $ENV{FACTSTR_SEED} || int(rand(2**31));

	note("FACTSTR_SEED=$seed");
	srand($seed);
	return;
}

# Notes are lines of JSON that survive the process that writes them.
sub note_down
{
	my ($file, $value) = @_;

	syswrite($file, json($value) . "\n");
	return;
}

sub read_notes
{
	my ($name) = @_;

	return map { JSON::PP::decode_json($_) } split(/\n/, slurp_file("$notes/$name"));
}

# Runs a function in a separate process until it returns false; it gets a session, after this setting, and a
# file for notes.
sub in_background
{
	my ($node, $name, $setting, $client) = @_;
	my $child_seed = int(rand(2**31));
	my $pid = fork() // die "could not fork: $!";

	return $pid if $pid;
	srand($child_seed);
	open(my $file, '>', "$notes/$name") or POSIX::_exit(1);
	eval {
		my $session = new_session($node);

		$session->run($setting);
		1 while $client->($session, $file);
		1;
	} or note_down($file, { error => "$@" });
	POSIX::_exit(0);
}

# Runs a statement; the result is empty only if the server is gone.
sub answer
{
	my ($session, $file, $sql, @parameters) = @_;
	my $state = $session->state_of($sql, @parameters);

	return $state if $state eq '00000' || $state eq 'FS001';
	my $message = $session->message;
	$session->state_of('ROLLBACK');
	note_down($file, { error => "$state: $message" }) if !$session->is_lost;
	return;
}

# Until each of them has noted down that many bytes.
sub wait_for_clients
{
	my ($bytes, @names) = @_;

	wait_until('every client is at work', sub { !grep { !-e "$notes/$_" || -s "$notes/$_" < $bytes } @names });
	return;
}

1;
