# The whole server is killed, again and again, while clients append facts and write rows in one transaction and
# others read both: afterwards facts and rows belong together, everything that was acknowledged is there, and so is
# everything that any reader was shown, by any way to read.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use FactstrClients;
use FactstrSlowDisk;
use FactstrTest;
use Test::More;
use Time::HiRes ();

my $WRITERS = 12;
my $ROUNDS = $ENV{FACTSTR_CRASHES} || 4;
my $SETTING = 'SET factstr.early_lock_release = auto';

my $disk = FactstrSlowDisk->new;
my $node = new_node('mixed_crash', preload => $disk->library,
	conf => "fsync = on\nshared_preload_libraries = 'factstr'\nfactstr.background_delivery = off\nwal_writer_delay = 1s");

seed_clients();

my $session = new_session($node);
$session->run($_) foreach 'CREATE TABLE own (id text PRIMARY KEY, n bigint GENERATED ALWAYS AS IDENTITY)', 'CREATE INDEX ON own (n)',
	q(CREATE FUNCTION newest_own() RETURNS SETOF text LANGUAGE plpgsql AS
		'BEGIN RETURN QUERY SELECT id FROM own ORDER BY n DESC LIMIT 20; END');
$session->disconnect;

# The ways to append a fact and write a row, each with the statements before the COMMIT.
my @WAYS = (
	sub { my ($id, $events) = @_; return (["WITH a AS (SELECT * FROM factstr_append(\$1)) INSERT INTO own SELECT \$2 FROM a", $events, $id]) },
	sub { my ($id, $events) = @_; return (['BEGIN'], ['SELECT factstr_append($1)', $events], ['INSERT INTO own VALUES ($1)', $id], ['COMMIT']) },
	sub { my ($id, $events) = @_; return (['BEGIN'], ['INSERT INTO own VALUES ($1)', $id], ['SELECT factstr_append($1)', $events], ['COMMIT']) },
	sub { my ($id, $events) = @_; return (['BEGIN'], ['SELECT factstr_append($1, at_commit => true)', $events],
		['INSERT INTO own VALUES ($1)', $id], ['COMMIT']) },
	sub { my ($id, $events) = @_; return (['BEGIN'], ['SAVEPOINT a'], ['INSERT INTO own VALUES ($1)', $id],
		['SELECT factstr_append_if($1, $2, NULL, at_commit => true)', $events, of_payload({ id => $id })], ['RELEASE a'], ['COMMIT']) },
);

sub writer
{
	my ($round, $number) = @_;
	my $calls = 0;

	return sub {
		my ($session, $file) = @_;
		my $id = "$round-$number-" . ++$calls;
		my $way = $WAYS[ int(rand(@WAYS)) ];

		foreach my $statement ($way->($id, events(mixed => { id => $id, rest => 'x' x int(rand(300)) })))
		{
			answer($session, $file, @$statement) // return 0;
		}
		note_down($file, { acknowledged => $id });
		return 1;
	};
}

# The newest rows and facts, in each of these ways.
my @READS = (
	'SELECT id FROM own ORDER BY n DESC LIMIT 20',
	q(SELECT payload->>'id' FROM factstr_events ORDER BY sequence_number DESC LIMIT 20),
	q(SELECT payload->>'id' FROM factstr_read('{}', 20, true)),
	'SELECT * FROM newest_own()',
	'UPDATE own SET id = id WHERE n = (SELECT max(n) FROM own) RETURNING id',
);

sub reader
{
	my ($read) = @_;

	return sub {
		my ($session, $file) = @_;

		answer($session, $file, $read) // return 0;
		note_down($file, { seen => [ map { $_->[0] } @{ $session->rows } ] });
		return 1;
	};
}

my ($acknowledged, $seen) = (0, 0);

foreach my $round (1 .. $ROUNDS)
{
	my @writers = map { "writer-$round-$_" } 1 .. $WRITERS;
	my @readers = map { "reader-$round-$_" } 0 .. $#READS;
	my @children;

	$disk->slow if $round % 2;
	push @children, in_background($node, "writer-$round-$_", $SETTING, writer($round, $_)) foreach 1 .. $WRITERS;
	push @children, in_background($node, "reader-$round-$_", $SETTING, reader($READS[$_])) foreach 0 .. $#READS;
	wait_for_clients(300, @writers, @readers);
	# Not to wait for anything, but to interrupt them at any point.
	Time::HiRes::usleep(int(rand(500_000)));
	crash($node);
	waitpid($_, 0) foreach @children;
	$disk->release;
	start_node($node, $disk->library);

	my $after = new_session($node);
	my %rows = map { $_->[0] => 1 } @{ $after->run('SELECT id FROM own') };
	my %facts = map { $_->[0] => 1 } @{ $after->run(q(SELECT payload->>'id' FROM factstr_events)) };
	my @notes = map { read_notes($_) } @writers, @readers;
	my @acknowledged = grep { defined } map { $_->{acknowledged} } @notes;
	my @seen = map { @{ $_->{seen} // [] } } @notes;

	is(numbers($after), '1-' . keys %facts, "round $round: no gap");
	is_deeply([ grep { !$facts{$_} } keys %rows ], [], "round $round: no row without its fact");
	is_deeply([ grep { !$rows{$_} } keys %facts ], [], "round $round: no fact without its row");
	is_deeply([ map { $_->{error} // () } @notes ], [], "round $round: no client met an error other than the crash");
	is_deeply([ grep { !$facts{$_} } @acknowledged ], [], "round $round: acknowledged facts are there");
	is_deeply([ grep { !$facts{$_} } @seen ], [], "round $round: facts that were read are there");
	$acknowledged += @acknowledged;
	$seen += @seen;
	$after->disconnect;
}

cmp_ok($acknowledged, '>=', $WRITERS, 'the clients got something done');
note("tried: $ROUNDS servers killed");
note("tried: $acknowledged acknowledged appends looked for");
note("$seen rows and facts were read");
$node->stop;
done_testing();
