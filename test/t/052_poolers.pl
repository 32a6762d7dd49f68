# Through PgBouncer in transaction mode: which calls work, with clients that get another connection of
# the server for each transaction, and which do not, since they belong to a session.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use FactstrDocuments;
use FactstrTest;
use FactstrWorkers;
use POSIX ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my ($pgbouncer) = grep { -x $_ } map { "$_/pgbouncer" } split(/:/, $ENV{PATH}), '/usr/sbin', '/usr/local/sbin';

plan skip_all => 'there is no pgbouncer' if !$pgbouncer;

my $node = new_node('poolers', conf => "shared_preload_libraries = 'factstr'");
my $observer = new_session($node);

#
# The pooler: database "pooled" has three connections; the entries of docs/poolers.md, "facts" and, in session
# mode, "facts_session", have one.
#
my $directory = PostgreSQL::Test::Utils::tempdir_short();
my $port = PostgreSQL::Test::Cluster::get_free_port();
my $user = getpwuid($<);
my $server = sprintf('host=%s port=%d dbname=postgres', $node->host, $node->port);

my ($shown, @others_shown) = map { $_->{text} } blocks('docs/poolers.md', 'ini');
is(scalar(@others_shown), 0, 'no other block of the document');
$shown =~ s/^\[databases\]\n//;
$shown =~ s/host=\S+ dbname=\S+/$server pool_size=1/g;

append_to_file("$directory/users", qq("$user" ""\n));
append_to_file("$directory/pgbouncer.ini", <<~"INI");
	[databases]
	pooled = $server pool_size=3
	$shown
	[pgbouncer]
	listen_addr =
	listen_port = $port
	unix_socket_dir = $directory
	auth_type = trust
	auth_file = $directory/users
	admin_users = $user
	pool_mode = transaction
	logfile = $directory/log
	ignore_startup_parameters = extra_float_digits
	INI

my $pooler = fork() // die "could not fork: $!";
if (!$pooler)
{
	open(STDOUT, '>', '/dev/null');
	open(STDERR, '>&', \*STDOUT);
	exec($pgbouncer, '-q', "$directory/pgbouncer.ini") or POSIX::_exit(1);
}

END
{
	local $?;
	if ($pooler)
	{
		kill 'TERM', $pooler;
		waitpid($pooler, 0);
	}
}

wait_until('the pooler is there', sub {
	die slurp_file("$directory/log") if waitpid($pooler, POSIX::WNOHANG()) == $pooler;
	return -S "$directory/.s.PGSQL.$port";
});

sub pooled
{
	my ($database) = @_;

	return FactstrSession->new(sprintf('host=%s port=%d dbname=%s user=%s', $directory, $port, $database // 'pooled', $user));
}

my ($a, $b, $c, @others) = map { pooled() } 1 .. 12;

#
# Each transaction may be in another backend.
#
$_->run('BEGIN') foreach $b, $c;
$_->run('SELECT 1') foreach $b, $c;
my $backend = $a->value('SELECT pg_backend_pid()');
$others[0]->run('BEGIN');
is($others[0]->value('SELECT pg_backend_pid()'), $backend, 'with three connections, two of them in use, the next is the third');
$c->run('COMMIT');
isnt($a->value('SELECT pg_backend_pid()'), $backend, 'a client gets any free server connection');
$_->run('COMMIT') foreach $b, $others[0];

#
# Appending and reading.
#
is($a->value(append_sql(events(course => { id => 1 }))), 1, 'factstr_append');
is($b->value(append_if_sql(events(course => { id => 1 }), of_payload({ id => 1 }), 1)), 2, 'factstr_append_if');
is($c->state_of(append_if_sql(events(course => { id => 1 }), of_payload({ id => 1 }), 1)), 'FS001', 'a conflict');
is($a->text('SELECT conflict, actual_context_version FROM factstr_try_append_if($1, $2, 1)', events(x => 1), of_type('course')),
	't|2', 'factstr_try_append_if');
is($b->value(q(SELECT factstr_append_event('event', '{"of": "b"}', NULL, 'event of b'))), 3, 'factstr_append_event');
is($c->value(q(SELECT factstr_append_event('event', '{"of": "b"}', NULL, 'event of b'))), 3, 'and again');
is($a->value(q(SELECT first_sequence_number FROM factstr_append_unless($1, $2, 2)), events(x => 1), of_type('course')), 4, 'factstr_append_unless');
is($b->state_of(q(SELECT factstr_try_append_unless($1, $2, 1)), events(x => 1), of_type('course')), '00000', 'factstr_try_append_unless');
foreach my $call (
	'SELECT * FROM factstr_query()',
	'SELECT * FROM factstr_read()',
	'SELECT * FROM factstr_batches()',
	'SELECT * FROM factstr_export()',
	q(SELECT factstr_context_version('{}')),
	q(SELECT factstr_matches('{}', 't', '1')),
	'SELECT factstr_position_at(now())',
	'SELECT head_sequence_number, redactions FROM factstr_status',
	'SELECT * FROM factstr_stream_status')
{
	is($b->text($call), $observer->text($call), "through the pooler: $call");
}
is($c->state_of('SELECT factstr_redact(1, $1, $2)', '{"id": 1}', 'test'), '00000', 'factstr_redact');
is($a->text('SELECT check_name FROM factstr_check() WHERE NOT ok'), '', 'factstr_check');

# A race of many clients on few connections, round by round.
my (@winners, @states);
foreach my $round (1 .. 10)
{
	my $version = $observer->value('SELECT factstr_context_version($1)', of_type('race'));

	$_->start(append_if_sql(events(race => { round => $round }), of_type('race'), $version)) foreach @others;
	push @states, map { $_->finish->state } @others;
	push @winners, grep { $_->state eq '00000' } @others;
}
is(@winners, 10, 'of racing clients one succeeds in each round');
is_deeply([ grep { !/^(00000|FS001)$/ } @states ], [], 'and the others have a conflict');

# A transaction of several calls.
$a->run('BEGIN');
my $version = $a->value('SELECT current_context_version FROM factstr_query($1)', of_type('several'));
$a->run(append_if_sql(events(several => 1), of_type('several'), $version));
$a->run(append_if_sql(events(several => 2), of_type('several'), head($a)));
$a->run('ROLLBACK');
is(head($b), head($observer), 'a transaction that is rolled back takes no number');

# The connection of the server dies in the middle of a call: the client repeats it, with its key.
my $blocker = new_session($node);
$blocker->run('BEGIN');
$blocker->run(append_sql(events(blocks => 1)));
$a->start(append_sql(events(once => 1), 'once'));
wait_until('the append waits', sub { append_lock_queue($observer) == 1 });
$observer->run('SELECT pg_terminate_backend(unnest(append_lock_waiters)) FROM factstr_status');
isnt($a->finish->state, '00000', 'a call whose backend ends is not answered');
$blocker->run('COMMIT');
my $once = $b->value(append_sql(events(once => 1), 'once'));
is($c->value(append_sql(events(once => 1), 'once')), $once, 'repeated with its key, it is made once');
is($observer->value(q(SELECT count(*) FROM factstr_read('{"filters": [{"event_types": ["once"]}]}'))), 1, 'indeed');
$a = pooled();

#
# Durable streams, next and ack in one transaction.
#
is($a->value('SELECT factstr_stream_open($1, $2)', 'races', of_type('race')), 0, 'factstr_stream_open');
$observer->run('CREATE TABLE consumed (id int GENERATED ALWAYS AS IDENTITY, number bigint, record jsonb)');
my ($turns, $done) = (0, 0);
until ($done)
{
	my $consumer = ($a, $b, $c)[ $turns++ % 3 ];
	my $other = ($a, $b, $c)[ $turns % 3 ];

	$consumer->run('BEGIN');
	$consumer->run('CREATE TEMP TABLE batch ON COMMIT DROP AS SELECT * FROM factstr_stream_next($1, 2)', 'races');
	is($other->state_of(q(SELECT * FROM factstr_stream_next('races', 1, true))), 'FS004', 'another consumer is kept out') if $turns == 1;
	$consumer->run('INSERT INTO consumed (number, record) SELECT (r->>$1)::bigint, r FROM batch, jsonb_array_elements(event_records) r ORDER BY 1',
		'sequence_number');
	$done = !@{ $consumer->run('SELECT factstr_stream_ack($1, max(last_sequence_number)) FROM batch HAVING count(*) > 0', 'races') };
	$consumer->run($turns == 2 ? 'ROLLBACK' : 'COMMIT');
	$done = 0 if $turns == 2;
}
is($observer->text('SELECT number FROM consumed ORDER BY id'),
	$observer->text(q(SELECT sequence_number FROM factstr_events WHERE event_type = 'race' ORDER BY 1)),
	'consumers that take turns get every fact once, in order');
$a->run(q(SELECT factstr_stream_seek('races', 0)));
my $last = $b->run(q(SELECT * FROM factstr_stream_next('races')))->[0][1];
is($c->value('SELECT factstr_stream_ack($1, $2)', 'races', $last), $last, 'next and ack apart, each in its own transaction');
is($a->state_of(q(SELECT factstr_stream_drop('races'))), '00000', 'factstr_stream_drop');

#
# Handlers, and waiting for them.
#
create_kept($observer);
create_handler($observer, 'handled');
is(subscribe($a, 'handled', of_type('handled')), head($observer), 'factstr_subscribe');
$last = $b->value(append_sql(events(handled => 1)));
is($c->state_of("CALL factstr_wait('handled', $last, '1 min')"), '00000', 'factstr_wait');
is(kept($a, 'handled'), $last, 'a session reads its own writes');
is($a->state_of(q(SELECT factstr_unsubscribe('handled'))), '00000', 'factstr_unsubscribe');
$observer->run('ALTER SYSTEM SET factstr.background_delivery = off');
$node->reload;
wait_until('there are no workers', sub { workers($observer) eq '' && $observer->value('SHOW factstr.background_delivery') eq 'off' });
subscribe($a, 'handled', of_type('handled'));
$last = $b->value(append_sql(events(handled => 2)));
is($c->state_of(q(CALL factstr_deliver('handled'))), '00000', 'factstr_deliver');
is(status($a, 'handled', 'cursor_sequence_number'), $last, 'has delivered');

#
# Settings: for a transaction they are its own, for a session they are everybody's.
#
my ($x, $y) = map { pooled('facts') } 1 .. 2;

$x->run('BEGIN');
$x->run('SET LOCAL factstr.notify = off');
$x->run(append_sql(events(quiet => 1)));
$x->run('COMMIT');
is($y->value('SHOW factstr.notify'), 'on', 'SET LOCAL is over with the transaction');
$x->run('SET factstr.notify = off');
is($y->value('SHOW factstr.notify'), 'off', 'SET has changed it for another client');
$x->run('RESET factstr.notify');

#
# Features that do not work: a notification goes to the client that has the connection, a hold stays with it.
#
$x->run('LISTEN factstr');
$y->run(append_sql(events(heard => 1)));
ok($y->notification, 'a client that has not asked is notified');
$x->run('SELECT 1');
is($x->notification, undef, 'the one that has is not');
$x->run('UNLISTEN factstr');

$x->run(q(SELECT factstr_stream_open('held')));
my $token = $x->value(q(SELECT factstr_stream_hold('held')));
is($y->state_of(q(SELECT * FROM factstr_stream_next('held', 1, true))), '00000', 'a hold does not keep out another client');
$x->disconnect;
is($observer->value(q(SELECT factstr_stream_try_hold('held'))), undef, 'and does not end with its own');
$y->run(q(SELECT factstr_stream_release('held')));

#
# In session mode both work.
#
my $whole = pooled('facts_session');

$whole->run('LISTEN factstr');
$observer->run(append_sql(events(heard => 2)));
my $notification;
wait_until('it is notified', sub { $whole->run('SELECT 1'); $notification = $whole->notification });
is($notification->[0], 'factstr', 'in session mode one can LISTEN');
my $head = $observer->value('SELECT head_sequence_number FROM factstr_status');
$whole->start("CALL factstr_wait_for_facts($head)");
wait_until('it waits for facts',
	sub { $observer->value(q(SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'CALL factstr_wait_for%' AND wait_event = 'Extension')) });
$observer->run(append_sql(events(waited => 1)));
is($whole->finish->state, '00000', 'and wait for facts');
$token = $whole->value(q(SELECT factstr_stream_hold('held')));
is($observer->value(q(SELECT factstr_stream_try_hold('held'))), undef, 'and hold a stream');
is($whole->value(q(SELECT factstr_stream_release('held'))), 't', 'and release it');
$whole->run(q(SELECT factstr_stream_hold('held')));
$whole->disconnect;
wait_until('the pooler has ended the session of the client that is gone',
	sub { $observer->value(q(SELECT factstr_stream_try_hold('held'))) });
$whole = pooled('facts_session');
is($whole->state_of(q(SELECT * FROM factstr_stream_next('held', 1, true))), 'FS004', 'with it the hold has ended');

$_->disconnect foreach $a, $b, $c, @others, $y, $whole, $blocker, $observer;
kill 'TERM', $pooler;
waitpid($pooler, 0);
undef $pooler;
$node->stop;
all_blocks_ran();
done_testing();
