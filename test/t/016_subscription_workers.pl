# The processes behind subscriptions: when they start, after which events they return, their cost, and that they
# block no session.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use FactstrTest;
use FactstrWorkers;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes ();

my $node = new_node('workers', init => { allows_streaming => 1 }, conf => "max_worker_processes = 40\nrestart_after_crash = on");
my $observer = new_session($node);

# A database with the extension and a stream whose worker runs; returns a session in it.
sub create_database
{
	my ($database, @streams) = @_;

	$observer->run("CREATE DATABASE $database") if $database ne 'postgres';
	my $session = new_session($node, dbname => $database);

	$session->run('CREATE EXTENSION IF NOT EXISTS factstr');
	create_kept($session);
	foreach my $stream (@streams)
	{
		create_handler($session, $stream);
		subscribe($session, $stream);
		wait_for_worker($session);
	}
	return $session;
}

sub append
{
	my ($session) = @_;

	return $session->value(append_sql(events(appended => 1)));
}

# Appends, and waits for the delivery.
sub is_delivered
{
	my ($session, $stream, $name) = @_;
	my $number = append($session);

	wait_until_at($session, $stream, $number);
	is((split(/\n/, kept($session, $stream)))[-1], $number, $name);
	return;
}

sub has_process
{
	my ($pid) = @_;

	return $observer->value('SELECT count(*) FROM pg_stat_activity WHERE pid = $1', $pid);
}

# The handler of a stream works until it is let, without any session.
sub make_busy
{
	my ($session, $stream) = @_;

	create_handler($session, $stream, q(PERFORM pg_sleep(3600);));
	my $number = append($session);
	wait_until("$stream is busy",
		sub { ($session->value('SELECT wait_event FROM pg_stat_activity WHERE pid = $1',
			status($session, $stream, 'consumer_pid') || 0) // '') eq 'PgSleep' });
	create_handler($session, $stream);
	return $number;
}

#
# Without preloading, subscribing starts them.
#
is(launchers($observer), '', 'without preloading there is no launcher at first');
create_kept($observer);
create_handler($observer, $_) foreach qw(rolled_back one), map { "many_$_" } 1 .. 8;
$observer->run('BEGIN');
subscribe($observer, 'rolled_back');
$observer->run('ROLLBACK');
subscribe($observer, 'one');
wait_for_worker($observer);
is_delivered($observer, 'one', 'the first subscription starts a worker, one that was rolled back does not');
my @sessions = map { new_session($node) } 1 .. 16;
my $launcher = launchers($observer);
$observer->run('SELECT pg_terminate_backend($1)', $launcher);
wait_until('the launcher is gone', sub { !has_process($launcher) });
foreach my $i (0 .. 15)
{
	my $stream = 'many_' . (1 + $i % 8);

	$sessions[$i]->start(q(SELECT factstr_subscribe($1, '{}', $2)), $stream, "$stream(jsonb)");
}
is(join(' ', map { $_->finish->state } @sessions), join(' ', ('00000') x 16),
	'many sessions subscribe at once, while there is no launcher');
# The server starts the first launcher again after a second, which finds another one and ends; the worker that
# ends meanwhile needs one of them.
my $worker = wait_for_worker($observer);
$observer->run('SELECT pg_terminate_backend($1)', $worker);
wait_until('the worker is gone', sub { !has_process($worker) });
is_delivered($observer, "many_$_", 'a worker that is terminated is started again when there is something to do') foreach 1 .. 8;
cmp_ok(scalar(split(/\n/, workers($observer))), '<=', 2, 'not many workers for nine subscriptions');
my $streams = join("\n", (map { "many_$_" } 1 .. 8), 'one');
like(launchers($observer), qr/^\d+$/, 'and one launcher');
is_delivered($observer, $_, "$_ is delivered") foreach qw(one many_1 many_8);
$_->disconnect foreach @sessions;

#
# They come back, however they are ended.
#
foreach my $way ('pg_terminate_backend', 'SIGTERM')
{
	my @ended = (split(/\n/, workers($observer)), launchers($observer));

	foreach my $pid (@ended)
	{
		$way eq 'SIGTERM' ? kill('TERM', $pid) : $observer->run('SELECT pg_terminate_backend($1)', $pid);
	}
	wait_until('they are gone', sub { !grep { has_process($_) } @ended });
	is_delivered($observer, 'one', "$way: worker and launcher come back");
}
wait_until_at($observer, $_) foreach split(/\n/, $streams);
$observer->run('SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE backend_type LIKE $1', 'factstr %');
is_delivered($observer, 'many_1', 'a cancel does no harm');

#
# Idle, they cost nothing.
#
wait_until_at($observer, $_) foreach split(/\n/, $streams);
# Of several workers that have nothing to do, one stays.
wait_until('one worker is left', sub { workers($observer) =~ /^\d+$/ });

sub ticks
{
	my ($pid) = @_;
	my $stat = slurp_file("/proc/$pid/stat");
	my @fields = split(/ /, $stat =~ s/^.*\) //sr);

	return $fields[11] + $fields[12];
}

my $lasting = q(SELECT pid FROM pg_stat_activity WHERE backend_type IN ('factstr launcher', 'factstr delivery') ORDER BY pid);
my @processes = map { $_->[0] } @{ $observer->run($lasting) };
my %before = map { $_ => ticks($_) } @processes;
my $idle_from = Time::HiRes::time();
my %wrong;
# This observes a time in which nothing happens, so the time has to pass.
while (Time::HiRes::time() < $idle_from + 4)
{
	$wrong{$_}++ foreach split(/\n/, $observer->text(q(
		SELECT pid || ': ' || backend_type FROM pg_stat_activity a
		WHERE backend_type LIKE 'factstr %' AND (xact_start IS NOT NULL OR backend_xmin IS NOT NULL OR backend_xid IS NOT NULL
			OR EXISTS (SELECT FROM pg_locks l WHERE l.pid = a.pid)))));
	Time::HiRes::usleep(20_000);
}
# A worker looks now and then by itself, and may have been seen in that.
is(join(', ', grep { $wrong{$_} > 20 } sort keys %wrong), '', 'idle, they are in no transaction, and hold no lock and no snapshot');
is(join(', ', grep { ticks($_) - $before{$_} > 2 } @processes), '', 'idle, they take no time');
is($observer->text($lasting), join("\n", @processes), 'and stay');

#
# Databases come and go although workers are connected; those of others are undisturbed.
#
my ($dropped, $forced, $renamed, $template, $idle, $busy) = map { create_database($_, "in_$_") }
	qw(dropped forced renamed template idle busy);
my $last = append($template);
wait_until_at($template, 'in_template', $last);
make_busy($forced, 'in_forced');
# One that empties pending lists ends by itself when it has nothing to do.
my $undisturbed = "SELECT string_agg(pid::text, ' ' ORDER BY pid) FROM pg_stat_activity WHERE backend_type IN ('factstr launcher', 'factstr delivery') AND (datname IS NULL OR datname = 'postgres')";
my $others = $observer->value($undisturbed);
my @commands = map { new_session($node) } 1 .. 5;
$_->disconnect foreach $dropped, $forced, $renamed, $template;
$commands[0]->start('DROP DATABASE dropped');
$commands[1]->start('DROP DATABASE forced WITH (FORCE)');
$commands[2]->start('ALTER DATABASE renamed RENAME TO new_name');
$commands[3]->start('CREATE DATABASE copy TEMPLATE template');

# Meanwhile the extension is dropped where a worker is idle, and where one is at work.
$idle->run('DROP EXTENSION factstr CASCADE');
make_busy($busy, 'in_busy');
$commands[4]->disconnect;
$commands[4] = new_session($node, dbname => 'busy');
$commands[4]->start('DROP EXTENSION factstr CASCADE');
wait_for_event($observer, $commands[4], 'relation');
$observer->run('SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = $1', 'in_busy');
is($commands[0]->finish->state . $commands[0]->message, '00000', 'DROP DATABASE');
is($commands[1]->finish->state . $commands[1]->message, '00000', 'DROP DATABASE WITH (FORCE), even while a handler works');
is($commands[2]->finish->state . $commands[2]->message, '00000', 'ALTER DATABASE RENAME');
is($commands[3]->finish->state . $commands[3]->message, '00000', 'CREATE DATABASE TEMPLATE');
is($commands[4]->finish->state . $commands[4]->message, '00000', 'DROP EXTENSION while a handler works');
$_->disconnect foreach @commands;
is($observer->value($undisturbed), $others, 'the workers of other databases are undisturbed');
my $copy = new_session($node, dbname => 'copy');
is(cursor($copy, 'in_template'), $last, 'the copy has the stream');
is(append($copy), $last + 1, 'and the facts');
is(subscribe($copy, 'in_template'), $last, 'subscribed there as well');
wait_until_at($copy, 'in_template', $last + 1);
is(kept($copy, 'in_template'), "$last\n" . ($last + 1), 'it continues on its own');
$renamed = new_session($node, dbname => 'new_name');
is_delivered($renamed, 'in_renamed', 'under its new name a database has its workers again');
$template = new_session($node, dbname => 'template');
is_delivered($template, 'in_template', 'and so has one that was copied');
wait_until('the worker ends', sub { workers($observer, 'busy') eq '' });
$busy->run('CREATE EXTENSION factstr');
subscribe($busy, 'in_busy');
is_delivered($busy, 'in_busy', 'the extension created again, one may subscribe again');

#
# Turned off and on.
#
sub reload_with
{
	my ($setting) = @_;

	$node->append_conf('postgresql.conf', "factstr.background_delivery = $setting");
	$node->reload;
	return;
}

reload_with('off');
wait_until('all workers end', sub { workers($observer) eq '' });
my $one = append($observer);
# Here the setting is not the server's.
$busy->run('SET factstr.background_delivery = on');
subscribe($busy, 'in_busy');
is($observer->state_of(q(CALL factstr_deliver('one'))), '00000', 'turned off, one delivers by hand');
is((split(/\n/, kept($observer, 'one')))[-1], $one, 'what there is');
is(workers($observer), '', 'workers are turned off with a reload');
$one = append($observer);
reload_with('on');
wait_until_at($observer, 'one', $one);
is((split(/\n/, kept($observer, 'one')))[-1], $one, 'and on with another');

$observer->run('CREATE DATABASE quiet');
$observer->run('ALTER DATABASE quiet SET factstr.background_delivery = off');
my $quiet = new_session($node, dbname => 'quiet');
$quiet->run('CREATE EXTENSION factstr');
create_kept($quiet);
create_handler($quiet, 'in_quiet');
subscribe($quiet, 'in_quiet');
$one = append($quiet);
$quiet->run('SET factstr.background_delivery = on');
# This asks for a worker, which finds that it is turned off.
subscribe($quiet, 'in_quiet');
$quiet->run('RESET factstr.background_delivery');
is($quiet->state_of(q(CALL factstr_deliver('in_quiet'))), '00000', 'in a database where it is turned off, one delivers by hand');
is(kept($quiet, 'in_quiet'), $one, 'what there is');
wait_until('no worker starts there',
	sub { $observer->value(q(SELECT count(*) FROM pg_stat_activity WHERE datname = 'quiet' AND backend_type LIKE 'factstr %')) == 0 });
$observer->run('ALTER DATABASE quiet RESET factstr.background_delivery');
$quiet->disconnect;
$quiet = new_session($node, dbname => 'quiet');
subscribe($quiet, 'in_quiet');
is_delivered($quiet, 'in_quiet', 'turned on there, it continues');

wait_until('the worker without an extension ends', sub { workers($observer, 'idle') eq '' });
pass('after DROP EXTENSION a worker that was idle ends');
is($observer->value(q(SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'factstr %' AND datname IN ('dropped', 'forced', 'renamed', 'idle'))),
	0,
	'nothing is left of databases that are gone');
$_->disconnect foreach $idle, $renamed, $template, $copy, $quiet;

#
# Crash of a worker: the server restarts, and so do they (rule 31).
#
create_handler($observer, 'one', q(PERFORM pg_sleep(0.001);));
my $from = head($observer);
append($observer) foreach 1 .. 50;
wait_until('a worker is killed', sub { kill_worker(wait_for_worker($observer)) });
wait_until('the server breaks off', sub { $observer->is_lost });
wait_until('the server is back', sub { $observer = eval { new_session($node) } });
wait_until_at($observer, $_) foreach qw(one many_8);
my $delivered = $observer->text(q(SELECT facts FROM kept WHERE stream = 'one' AND facts::bigint > $1 ORDER BY id), $from);
is($delivered, join("\n", $from + 1 .. $from + 50), 'rule 31: a worker killed, everything is delivered once');

#
# Neither idle nor busy workers delay the server's shutdown.  Without preloading they come back with the next
# subscription.
#
$one = make_busy($observer, 'one');
$_->disconnect foreach $observer, $busy;
$node->stop('smart');
pass('a smart shutdown');
$node->append_conf('postgresql.conf', 'max_worker_processes = 1');
$node->start;
$observer = new_session($node);
is(launchers($observer) . workers($observer), '', 'without preloading nothing starts with the server');
my ($status, $output, $warnings) = $node->psql('postgres', q(SELECT factstr_subscribe('one', '{}', 'one(jsonb)')));
like($warnings, qr/WARNING:  no background worker for factstr could be started/, 'without room a warning');
is($status, 0, 'is all there is');
is($observer->state_of(q(CALL factstr_deliver('one'))), '00000', 'one delivers by hand');
is((split(/\n/, kept($observer, 'one')))[-1], $one, 'rule 31: which the shutdown interrupted');
$node->append_conf('postgresql.conf', 'max_worker_processes = 3');
$observer->run("DROP DATABASE $_") foreach qw(copy new_name template quiet);
$observer->run('SELECT factstr_unsubscribe(name) FROM factstr_streams');
$node->safe_psql('busy', 'SELECT factstr_unsubscribe(name) FROM factstr_streams');
$observer->disconnect;
$node->stop('fast');
pass('a fast shutdown');
$node->start;
$observer = new_session($node);
subscribe($observer, $_) foreach qw(one many_1);
is_delivered($observer, $_, 'with room for one worker there is one for all') foreach qw(one many_1);
make_busy($observer, 'many_1');
$node->safe_psql('postgres', q(SELECT factstr_subscribe('many_2', '{}', 'many_2(jsonb)')));
$node->safe_psql('busy', q(SELECT factstr_subscribe('in_busy', '{}', 'in_busy(jsonb)')));
$node->stop('immediate');
pass('an immediate shutdown');

#
# Preloaded, they start with the server in each database with subscriptions; on a standby when it is promoted.
#
$node->append_conf('postgresql.conf', "max_worker_processes = 40\nshared_preload_libraries = factstr");
$node->start;
$observer = new_session($node);
$busy = new_session($node, dbname => 'busy');
is_delivered($observer, 'many_1', 'preloaded, workers start with the server');
is_delivered($busy, 'in_busy', 'in each database');
$launcher = launchers($observer);
$observer->run('SELECT pg_terminate_backend($1)', $launcher);
wait_until('there is another launcher', sub { launchers($observer) =~ /^\d+$/ && launchers($observer) != $launcher });
pass('the launcher comes back');

$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
append($observer);
wait_until_at($observer, 'many_2');
$node->wait_for_catchup($standby, 'replay', $node->lsn('write'));
my $reader = new_session($standby);
is(launchers($reader) . workers($reader), '', 'on a standby there are none');
$standby->promote;
is_delivered($reader, 'many_2', 'when it is promoted they start');

$reader->disconnect;
$standby->stop;
$observer->disconnect;
$busy->disconnect;
$node->stop;
done_testing();
