# Commits that wait for a stopped disk form a group: one of them flushes for all. Each gets its answer, and a member
# that is cancelled or terminated meanwhile neither loses its fact nor holds up the others.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use FactstrSlowDisk;
use FactstrTest;
use Test::More;

my $disk = FactstrSlowDisk->new;
my $node = new_node('group_flush', conf => "shared_preload_libraries = 'factstr'\nfsync = on\nwal_writer_delay = 10s",
	preload => $disk->library);
my $observer = new_session($node);

# As pg_stat_activity shows it.
sub waits_in_a_group
{
	my ($session) = @_;

	return $observer->text('SELECT wait_event_type, wait_event FROM pg_stat_activity WHERE pid = $1', $session->pid) eq
		'LWLock|factstr_group_flush';
}

sub start_append
{
	my ($session, $name) = @_;

	$session->start(append_sql(events($name => 1)));
	return;
}

my %session = map { $_ => new_session($node) } qw(first leader member cancelled terminated);

$disk->hold;
start_append($session{first}, 'first');
wait_for_event($observer, $session{first}, 'WALWrite');
ok(!waits_in_a_group($session{first}), 'the first commit writes the log itself');
foreach my $name (qw(leader member cancelled terminated))
{
	start_append($session{$name}, $name);
	wait_until("$name waits in a group", sub { waits_in_a_group($session{$name}) });
}

# A reader that needs these facts waits with them.
my $reader = new_session($node);
$reader->start('SELECT current_context_version FROM factstr_query()');
wait_until('the reader waits in the group', sub { waits_in_a_group($reader) });

$observer->run('SELECT pg_cancel_backend($1)', $session{cancelled}->pid);
$observer->run('SELECT pg_terminate_backend($1)', $session{terminated}->pid);
is_deeply([ map { $session{$_}->is_done } sort keys %session ], [ (0) x 5 ], 'no client has an answer before the flush');

$disk->release;
foreach my $name (qw(first leader member cancelled))
{
	$session{$name}->finish;
	is($session{$name}->state, '00000', "$name has its answer after the flush");
}
$session{terminated}->finish;
ok($session{terminated}->is_lost, 'the terminated session has ended after the flush');
$reader->finish;
is($reader->text('SELECT current_context_version FROM factstr_query()'), '5', 'the reader sees all facts');

# The group has left nothing behind: sessions that were members lead and join again.
foreach my $round (1 .. 3)
{
	my @again = map { $session{$_} } qw(first leader member);

	$disk->hold;
	start_append($_, "round $round") foreach @again;
	wait_for_event($observer, $_, 'WALWrite') foreach @again;
	$disk->release;
	$_->finish foreach @again;
	is_deeply([ map { $_->state } @again ], [ ('00000') x @again ], "round $round: all have their answers");
}

crash($node);
start_node($node, $disk->library);
is(new_session($node)->text('SELECT count(*), max(sequence_number) FROM factstr_events'), '14|14',
	'and all facts survive a crash');

done_testing();
