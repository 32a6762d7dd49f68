# A dump holds every fact, batch and key; the restored store continues with the next number, and so does
# one that was restarted.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use FactstrTest;
use POSIX ();
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('dump_restore');
my $directory = PostgreSQL::Test::Utils::tempdir();
my $source = new_session($node);

sub contents
{
	my ($session, $upto) = @_;

	return $session->text(q(
		SELECT count(*), max(sequence_number), md5(string_agg(e::text, E'\n' ORDER BY sequence_number))
		FROM factstr_events e WHERE sequence_number <= $1), $upto // 2**31);
}

# All that the functions say, of all facts.
sub answers
{
	my ($session) = @_;

	return $session->text(q(SELECT * FROM factstr_query() UNION ALL
		SELECT jsonb_agg(event_records), max(first_sequence_number), max(last_sequence_number) FROM factstr_batches(max_batches => 100000)));
}

# Facts of every shape.
$source->run(append_sql(events(
	null => undef, true => \1, number => 1.5, string => "text with \\u0000 spelled out, \"quotes\", tab\t, line\nend and \\ backslash",
	array => [ 1, [], {}, undef ], object => { a => { b => [ 1, 2, 3 ] } }, "\x{e9}v\x{e9}nement \\. \t" => "N")));
$source->run(q(SELECT * FROM factstr_append('[{"event_type": "numbers", "payload": [1.0, 1e3, 0.000000000000000000001, 123456789012345678901234567890.10]}]')));
$source->run(q(SELECT * FROM factstr_append('[{"event_type": "m", "payload": 1, "metadata": {"actor": "me", "schema": 2}}, {"event_type": "m", "payload": 2}]', 'key 1')));
$source->run(q(SELECT * FROM factstr_append(('[{"event_type": "large", "payload": "' || repeat('x', 3000000) || '"}]')::jsonb)));
$source->run(append_sql(events(a => $_), "key-$_")) foreach 1 .. 50;
$source->run(append_sql(events(map { (b => { n => $_ }) } 1 .. 2500)));

# A batch that a handler could not take
$source->run('SET factstr.background_delivery = off');
$source->run(q(CREATE FUNCTION fail(jsonb) RETURNS void LANGUAGE plpgsql AS $$ BEGIN RAISE 'failed'; END $$));
$source->run(q(SELECT factstr_subscribe('failing', '{}', 'fail(jsonb)'), factstr_park_after('failing', 1)));
$source->state_of(q(CALL factstr_deliver('failing'))) foreach 1 .. 2;
$source->run(q(SELECT factstr_unsubscribe('failing')));

my $head = $source->value('SELECT max(sequence_number) FROM factstr_events');

sub check
{
	my ($name, $session) = @_;

	is(contents($session), contents($source, $head), "$name: equal facts, batches and keys");
	is(answers($session), answers($source), "$name: equal answers");
	is($session->text(q(SELECT p::text, park_after FROM factstr_parked_batches p JOIN factstr_streams ON name = stream)),
		$source->text(q(SELECT p::text, park_after FROM factstr_parked_batches p JOIN factstr_streams ON name = stream)),
		"$name: equal parked batches");
	is($session->value(q(SELECT factstr_discard_parked('failing', 1))), 't', "$name: one is found");
	is($session->value(append_sql(events(a => 7), 'key-7')), $source->value(append_sql(events(a => 7), 'key-7')),
		"$name: a key is known");
	is($session->state_of(append_sql(events(a => 8), 'key-7')), 'FS006', "$name: with its events");
	is($session->state_of(append_if_sql(events(c => 1), of_payload({ n => 2500 }), $head - 1)), 'FS001', "$name: contexts are checked");
	is($session->value(append_if_sql(events(c => 1), of_payload({ n => 2500 }), $head)), $head + 1,
		"$name: the next number is the next number");
	is($session->state_of(append_sql(events(d => 1), 'key-d')), '00000', "$name: a new key");
	return;
}

sub restore
{
	my ($database, @command) = @_;

	$node->command_ok([ @command, '-d', $node->connstr($database) ], "$database: restored");
	return new_session($node, dbname => $database);
}

foreach my $format (qw(plain custom directory))
{
	my $database = "restored_$format";

	$node->command_ok([ 'pg_dump', '-F', substr($format, 0, 1), '-f', "$directory/$format", '-d', $node->connstr('postgres') ],
		"$format dump");
	$source->run("CREATE DATABASE $database");
	my $session = restore($database,
		$format eq 'plain' ? ('psql', '-qX', '-v', 'ON_ERROR_STOP=1', '-f', "$directory/$format") :
		('pg_restore', '--exit-on-error', $format eq 'directory' ? ('-j', 2) : (), "$directory/$format"));
	check($database, $session);
}

# In a separate schema, and dumped with --inserts.
$source->run('CREATE DATABASE apart');
my $apart = new_session($node, dbname => 'apart');
$apart->run('CREATE SCHEMA store');
$apart->run('CREATE EXTENSION factstr SCHEMA store');
$apart->run('SELECT * FROM store.factstr_append($1)', events(a => 1, b => 2));
$node->command_ok([ 'pg_dump', '--inserts', '-f', "$directory/apart", '-d', $node->connstr('apart') ], 'dump of another schema');
$source->run('CREATE DATABASE apart_again');
my $again = restore('apart_again', 'psql', '-qX', '-v', 'ON_ERROR_STOP=1', '-f', "$directory/apart");
is($again->value('SELECT first_sequence_number FROM store.factstr_append($1)', events(c => 1)), 3, 'the next number');

# While others append: a dump is a beginning of the log, whole batches only.
my @appenders = map { new_session($node) } 1 .. 4;
my $dump = "$directory/while_appending";
my $pid = fork() // die $!;
if (!$pid)
{
	exec('pg_dump', '-f', $dump, '-d', $node->connstr('postgres')) or POSIX::_exit(1);
}
my ($n, $status) = (0, undef);
until (defined $status)
{
	$_->start(append_sql(events(during => ++$n, during => $n, during => $n))) foreach @appenders;
	$_->finish foreach @appenders;
	$status = $? if waitpid($pid, POSIX::WNOHANG()) == $pid;
}
is($status, 0, 'a dump while others append');
$source->run('CREATE DATABASE while_appending');
my $restored = restore('while_appending', 'psql', '-qX', '-v', 'ON_ERROR_STOP=1', '-f', $dump);
my $dumped = $restored->value('SELECT count(*) FROM factstr_events');
is(numbers($restored), "1-$dumped", 'has no gap');
is($restored->value(q(SELECT count(*) % 3 FROM factstr_events WHERE event_type = 'during')), 0, 'and whole batches');
is(contents($restored), contents($source, $dumped), 'of the same facts');

# A restart keeps everything.
my ($contents, $answers) = (contents($source), answers($source));
$_->disconnect foreach $source, $apart, $again, $restored, @appenders;
$node->restart;
$source = new_session($node);
is(contents($source), $contents, 'a restart keeps all facts');
is(answers($source), $answers, 'and answers');
$head = $source->value('SELECT max(sequence_number) FROM factstr_events');
is($source->value(append_sql(events(a => 1))), $head + 1, 'and the next number');

$node->stop;
done_testing();
