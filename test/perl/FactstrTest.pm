# Shared by the TAP tests: a server with the extension, waiting for a condition, JSON texts.

package FactstrTest;

use strict;
use warnings;

use Exporter qw(import);
use JSON::PP ();
use Time::HiRes ();

use FactstrOtherLog;
use FactstrSession;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More ();

our @EXPORT = qw(new_node start_node new_synchronous_standby crash new_session events of_type of_payload append_sql append_if_sql json wait_until disconnect_and_wait numbers
	wait_event wait_for_event append_lock_queue append_lock_holders shared_place);

# PostgreSQL::Test::Utils sends standard error to a file, which hides the reason why a test broke off.
$SIG{__DIE__} = sub { Test::More::diag(@_) if defined $^S && !$^S; return };

our $TIMEOUT = $ENV{PG_TEST_TIMEOUT_DEFAULT} || 180;

# A started server with the extension in database "postgres", and the log of the tests: name, settings, and options of
# init and start.  It does nothing periodically that a test would notice.
sub new_node
{
	my ($name, %options) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);

	$node->init(extra => [ '-E', 'UTF8', '--locale=C' ], %{ $options{init} // {} });
	$node->append_conf('postgresql.conf', <<~'CONF');
		autovacuum = off
		checkpoint_timeout = 1h
		max_connections = 50
		shared_buffers = 64MB
		log_statement = none
		CONF
	$node->append_conf('postgresql.conf', $options{conf}) if $options{conf};
	start_node($node, $options{preload});
	$node->safe_psql('postgres', 'CREATE EXTENSION factstr');
	$node->safe_psql('postgres', FactstrOtherLog::setup());
	return $node;
}

# Starts a server, with a library preloaded into all its processes if one is given.
sub start_node
{
	my ($node, $preload) = @_;
	local $ENV{LD_PRELOAD} = $preload // '';

	$node->start;
	return;
}

# A started standby, which the primary's commits wait for; the session is one of the primary's superuser.
sub new_synchronous_standby
{
	my ($primary, $session) = @_;
	my $standby = PostgreSQL::Test::Cluster->new('standby');

	$primary->backup('base');
	$standby->init_from_backup($primary, 'base', has_streaming => 1);
	$standby->append_conf('postgresql.conf', "primary_conninfo = '" . $primary->connstr . " application_name=standby'");
	$standby->start;
	$session->run("ALTER SYSTEM SET synchronous_standby_names = 'standby'");
	$primary->reload;
	wait_until('the standby is synchronous',
		sub { $session->value("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'") == 1 });
	return $standby;
}

# The state of a process and its parent, or nothing.
sub process
{
	my ($pid) = @_;

	open(my $file, '<', "/proc/$pid/stat") or return;
	my $stat = <$file> // '';
	return $stat =~ /^\d+ \(.*\) (.) (\d+) /s;
}

sub is_alive
{
	my ($pid) = @_;
	my ($state) = process($pid);

	return defined $state && $state !~ /[ZX]/;
}

sub children
{
	my ($parent) = @_;

	return grep { ((process($_))[1] // 0) == $parent } map { m{(\d+)} } glob '/proc/[0-9]*';
}

# Kills every process of the server with SIGKILL, or its postmaster alone, and waits until all are gone.
sub crash
{
	my ($node, %options) = @_;
	my $postmaster = $node->{_pid};

	# It must not fork one more while its processes are listed.
	kill 'STOP', $postmaster;
	wait_until('the postmaster stands still', sub { ((process($postmaster))[0] // 'Z') =~ /[TtZX]/ });
	my @children = children($postmaster);

	# The others first, so that none of them has time to notice.
	kill 'KILL', @children if !$options{postmaster_only};
	$node->kill9;
	wait_until('all processes of the server are gone',
		sub { !grep { is_alive($_) } $postmaster, @children });
	# As long as its parent does not ask for it, a dead process still has its id, and the new server
	# would take the old one to be running.
	unlink $node->data_dir . '/postmaster.pid', glob($node->host . '/.s.PGSQL.*.lock');
	return;
}

sub new_session
{
	my ($node, %options) = @_;

	return FactstrSession->new($node->connstr($options{dbname} // 'postgres'));
}

my $encoder = JSON::PP->new->ascii->canonical->allow_nonref;

sub json
{
	my ($value) = @_;

	return $encoder->encode($value);
}

# The JSON text of a batch: a type and a payload for each event.
sub events
{
	my @pairs = @_;
	my @events;

	while (my ($type, $payload) = splice(@pairs, 0, 2))
	{
		push @events, { event_type => $type, payload => $payload };
	}
	return json(\@events);
}

# Event queries: facts of any of these types, facts that match any of these predicates.
sub of_type
{
	return json({ filters => [ { event_types => [@_] } ] });
}

sub of_payload
{
	return json({ filters => [ { payload_predicates => [@_] } ] });
}

# Calls as SQL, for the JSON text of events and queries.  The first returns the number.
sub append_sql
{
	my ($events, $key) = @_;

	return "SELECT first_sequence_number FROM factstr_append('$events'" . (defined $key ? ", '$key'" : '') . ')';
}

sub append_if_sql
{
	my ($events, $query, $expected, $function) = @_;

	return sprintf(q(SELECT * FROM %s('%s', '%s', %s)), $function // 'factstr_append_if', $events, $query, $expected // 'NULL');
}

# Calls a function until it returns true; dies with the description when that takes too long.
sub wait_until
{
	my ($description, $condition) = @_;
	my $deadline = Time::HiRes::time() + $TIMEOUT;

	until ($condition->())
	{
		die "timed out waiting until $description" if Time::HiRes::time() > $deadline;
		Time::HiRes::usleep(5_000);
	}
	return;
}

# The wait event of a session's statement, e.g. WALWrite, or the empty text. 17 and later distinguish the write itself,
# WalWrite, from the lock on it, and a session that shares a flush waits for factstr_group_flush: here all are WALWrite.
sub wait_event
{
	my ($observer, $session) = @_;
	my $event = $observer->value('SELECT wait_event FROM pg_stat_activity WHERE pid = $1', $session->pid) // '';

	return $event =~ s/^Wal(?=Write$|Sync$)/WAL/r =~ s/^factstr_group_flush$/WALWrite/r;
}

sub wait_for_event
{
	my ($observer, $session, $event) = @_;

	wait_until('process ' . $session->pid . " waits for $event", sub { wait_event($observer, $session) eq $event });
	return;
}

# The number of sessions that wait for the append lock.
sub append_lock_queue
{
	my ($observer) = @_;

	return $observer->value(<<~'SQL');
		SELECT count(*) FROM pg_locks
		WHERE locktype = 'object' AND classid = 'factstr_events'::regclass AND NOT granted
		SQL
}

# The processes that have the append lock.
sub append_lock_holders
{
	my ($observer) = @_;

	return $observer->text(<<~'SQL');
		SELECT pid FROM pg_locks
		WHERE locktype = 'object' AND classid = 'factstr_events'::regclass AND granted
		SQL
}

# Ends a session and waits until the server process is gone, and has reported its statistics.
sub disconnect_and_wait
{
	my ($session, $observer) = @_;
	my $pid = $session->pid;

	$session->disconnect;
	wait_until("process $pid is gone",
		sub { !$observer->value('SELECT count(*) FROM pg_stat_activity WHERE pid = $1', $pid) });
	return;
}

# All numbers of the log as text, "1-7" if it has no gaps.
sub numbers
{
	my ($session) = @_;

	return $session->value(<<~'SQL');
		SELECT CASE WHEN count(*) = max(sequence_number) AND min(sequence_number) = 1
			THEN '1-' || count(*)
			ELSE coalesce(string_agg(sequence_number::text, ',' ORDER BY sequence_number), 'none') END
		FROM factstr_events
		SQL
}

# Databases share places in shared memory by a hash of their OIDs: the number of the place, from 0 to 31.
sub shared_place
{
	my ($hash) = @_;

	use integer;
	foreach my $step ([ 16, 0x85ebca6b ], [ 13, 0xc2b2ae35 ], [ 16, 1 ])
	{
		$hash ^= $hash >> $step->[0];
		$hash = $hash * $step->[1] & 0xffffffff;
	}
	return $hash % 32;
}

1;
