# Notifications are left out while no session of the database listens, and a session that begins to listen misses none.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use FactstrSlowDisk;
use FactstrTest;
use Test::More;

my $CONF = "fsync = on\nwal_writer_delay = 10s\nfactstr.background_delivery = off";
my $disk = FactstrSlowDisk->new;
my $node = new_node('listeners', conf => "$CONF\nshared_preload_libraries = 'factstr'", preload => $disk->library);
my ($observer, $appender) = map { new_session($node) } 1 .. 2;
my $VERSION = $observer->value(q(SELECT current_setting('server_version_num')::int));

# A listener of another database that stays in a transaction keeps all entries of the queue.
sub keep_queue
{
	my $keeper = new_session($node, dbname => 'other');

	$keeper->run($_) foreach 'LISTEN factstr', 'BEGIN', 'SELECT';
	return $keeper;
}

sub usage
{
	return $observer->value('SELECT pg_notification_queue_usage()');
}

# From 19 on a hint that concerns no listener is not kept for those of other databases.
sub ok_sent
{
	my ($usage_before, $name) = @_;

	SKIP:
	{
		skip('PostgreSQL 19 keeps no hints without listeners', 1) if $VERSION >= 190000;
		cmp_ok(usage(), '>', $usage_before, $name);
	}
	return;
}

sub append_many
{
	$appender->run($_) foreach map { append_sql(events(many => $_)) } 1 .. 500;
	return;
}

sub head
{
	my ($session) = @_;

	return $session->value('SELECT coalesce(max(sequence_number), 0) FROM factstr_events');
}

# The number of the last notification that has come; 0 if none has.
sub notified_of
{
	my ($session) = @_;
	my $last = 0;

	$session->run('SELECT');
	while (my $notification = $session->notification)
	{
		($last) = $notification->[2] =~ /"last_sequence_number":(\d+)/;
	}
	return $last;
}

#
# Without listeners, the queue stays as it is.
#
sub place_of
{
	my ($database) = @_;

	return shared_place($observer->value('SELECT oid FROM pg_database WHERE datname = $1', $database));
}

$observer->run('CREATE DATABASE other');
while (place_of('other') == place_of('postgres'))
{
	$observer->run($_) foreach 'DROP DATABASE other', 'CREATE DATABASE other';
}
my $keeper = keep_queue();
my $before = usage();
append_many();
is(usage(), $before, 'nothing is sent without listeners');
my $listener = new_session($node);
$listener->run('LISTEN another_channel');
append_many();
ok_sent($before, 'hints are sent while somebody does');
$before = usage();
disconnect_and_wait($listener, $observer);
append_many();
is(usage(), $before, 'and no longer when he has gone');

#
# LISTEN waits for a running commit that has seen no listener.
#
$appender->run('SET factstr.early_lock_release = off');
my $number = 1 + head($observer);
$disk->hold;
$appender->start(append_sql(events(late => 1)));
wait_for_event($observer, $appender, 'WALWrite');
$listener = new_session($node);
$listener->start('LISTEN factstr');
wait_until('LISTEN waits', sub {
	$observer->value(q(SELECT count(*) FROM pg_stat_activity WHERE pid = $1 AND state = 'active' AND wait_event_type = 'Extension'), $listener->pid) });
is(head($observer), $number - 1, 'for a fact that cannot be seen yet');
my $cancelled = new_session($node);
$cancelled->start('LISTEN factstr');
wait_until('another LISTEN waits', sub {
	$observer->value(q(SELECT count(*) FROM pg_stat_activity WHERE pid = $1 AND state = 'active' AND wait_event_type = 'Extension'), $cancelled->pid) });
$observer->run('SELECT pg_cancel_backend($1)', $cancelled->pid);
$cancelled->finish;
is($cancelled->state, '57014', 'and can be cancelled');
$disk->release;
$_->finish foreach $appender, $listener;
is(head($listener), $number, 'the listener reads the fact');
is(notified_of($listener), 0, 'of which it is not notified');
$appender->run(append_sql(events(later => 1)));
is(notified_of($listener), $number + 1, 'as it is of the next one');
disconnect_and_wait($_, $observer) foreach $listener, $cancelled;
$appender->run('RESET factstr.early_lock_release');

#
# Each fact is either there when LISTEN is through, or notified of.
#
my ($read, $notified, $missed) = (0, 0, 0);
foreach my $round (1 .. 200)
{
	my $session = new_session($node);

	$appender->start(append_sql(events(race => $round)));
	$session->run('LISTEN factstr');
	my $seen = head($session);
	$number = $appender->finish->rows->[0][0];
	if ($seen >= $number)
	{
		$read++;
	}
	elsif (notified_of($session) == $number)
	{
		$notified++;
	}
	else
	{
		$missed++;
	}
	disconnect_and_wait($session, $observer);
}
note("$read read, $notified notified of");
is($missed, 0, 'no fact escapes a session that begins to listen');

#
# Without preloading, listeners are not counted, so hints are always sent.
#
disconnect_and_wait($keeper, $observer);
$node->append_conf('postgresql.conf', "shared_preload_libraries = ''");
$node->restart;
($observer, $appender) = map { new_session($node) } 1 .. 2;
$keeper = keep_queue();
$before = usage();
append_many();
ok_sent($before, 'not preloaded: hints are sent');

$node->stop;
done_testing();
