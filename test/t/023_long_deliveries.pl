# A delivery of many batches, or large ones, takes no more memory than a delivery of one, and no more for
# the last batch than for the first: in separate transactions, in a block, and by a worker.  The same for
# reading many batches.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use FactstrTest;
use FactstrWorkers;
use Test::More;

my $node = new_node('long_deliveries', conf => 'fsync = off');
my $session = new_session($node);

# The memory that one batch may keep in a transaction block: PostgreSQL itself keeps some bytes for every
# command and every subtransaction until the transaction ends.  Outside of one, nothing.
my $IN_BLOCK = 512;
my $SLACK = 256 * 1024;

# Records that a transaction of many batches has read ahead, and then no longer.
my $READ_AHEAD = 1024 * 1024;

# A handler that measures, in SQL, as its calls leave most behind: the memory of this process, and how often
# pages of the table of streams and its index have been visited in this transaction.
$session->run($_) foreach (
	q(CREATE TABLE measured (id int GENERATED ALWAYS AS IDENTITY, stream text, memory bigint, pages bigint)),
	q(CREATE FUNCTION measure(stream text) RETURNS void LANGUAGE sql AS $$
		INSERT INTO measured (stream, memory, pages)
		SELECT stream, (SELECT sum(total_bytes) FROM pg_backend_memory_contexts),
			(SELECT sum(pg_stat_get_xact_blocks_fetched(oid)) FROM pg_class WHERE relname IN ('factstr_streams', 'factstr_streams_pkey'))
	$$));

sub measuring
{
	my ($stream) = @_;

	$session->run(qq(
		CREATE FUNCTION $stream(event_records jsonb) RETURNS void LANGUAGE sql AS
			\$\$ SELECT measure('$stream') WHERE (event_records->0->>'sequence_number')::int % 100 = 0 \$\$));
	return;
}

sub subscribe_all
{
	my ($stream, $query) = @_;

	return $session->run('SELECT factstr_subscribe($1, $2, $3, $4)', $stream, $query, "$stream(jsonb)", 'first');
}

# How much the memory has grown between two deliveries of a hundred that were measured, at most.
sub growth
{
	my ($stream) = @_;

	return $session->value('SELECT max(memory) - min(memory) FROM measured WHERE stream = $1', $stream);
}

# Pages visited for a batch, in the first and the last tenth of the measured deliveries.
sub pages_at_both_ends
{
	my ($stream) = @_;

	return @{ $session->run(q(
		SELECT avg(pages) FILTER (WHERE tenth = 1) / 100, avg(pages) FILTER (WHERE tenth = 10) / 100
		FROM (SELECT pages - lag(pages) OVER w AS pages, ntile(10) OVER w AS tenth
			FROM measured WHERE stream = $1 WINDOW w AS (ORDER BY id)) deltas), $stream)->[0] };
}

# Many small batches, and then some large ones.
$session->run(q(SET synchronous_commit = off));
$session->run(q(SET factstr.background_delivery = off));
$session->run(q(DO $$
	BEGIN
		FOR i IN 1 .. 6000 LOOP
			PERFORM factstr_append(jsonb_build_array(jsonb_build_object('event_type', 'small', 'payload', i)));
			COMMIT;
		END LOOP;
	END $$));

measuring($_) foreach qw(by_hand in_block worked);
subscribe_all($_, '{}') foreach qw(by_hand in_block);
$session->run(q(CALL factstr_deliver('by_hand')));
is($session->value(q(SELECT count(*) FROM measured WHERE stream = 'by_hand')), 60, '6,000 batches were delivered');
cmp_ok(growth('by_hand'), '<', $SLACK + $READ_AHEAD, 'each leaves no memory behind');

$session->run('BEGIN');
$session->run(q(CALL factstr_deliver('in_block')));
$session->run('COMMIT');
is($session->value(q(SELECT count(*) FROM measured WHERE stream = 'in_block')), 60, 'in a transaction block as well');
cmp_ok(growth('in_block'), '<', $SLACK + 6000 * $IN_BLOCK, 'each leaves hardly any memory behind in a transaction block');
my ($first, $last) = pages_at_both_ends('in_block');
cmp_ok($last, '<', 2 * $first, "the last batches take as many pages as the first: $first, $last");

# A separate consumer in one transaction.
$session->run(q(SELECT factstr_stream_open('acknowledged')));
$session->run('BEGIN');
$session->run(q(DO $$
	BEGIN
		FOR i IN 1 .. 6000 LOOP
			PERFORM factstr_stream_ack('acknowledged', i);
			PERFORM measure('acknowledged') WHERE i % 100 = 0;
		END LOOP;
	END $$));
$session->run('COMMIT');
($first, $last) = pages_at_both_ends('acknowledged');
cmp_ok($last, '<', 2 * $first, "the same for a consumer that acknowledges in one transaction: $first, $last");

$session->run(q(RESET factstr.background_delivery));
subscribe_all('worked', '{}');
wait_until_at($session, 'worked');
cmp_ok(growth('worked'), '<', $SLACK + $READ_AHEAD, 'a worker does not grow');

#
# Large batches are not kept either.
#
$session->run(q(SET factstr.background_delivery = off));
$session->run(q(DO $$
	BEGIN
		FOR i IN 1 .. 40 LOOP
			PERFORM factstr_append((
				SELECT jsonb_agg(jsonb_build_object('event_type', 'large', 'payload', repeat(md5(n::text), 300)))
				FROM generate_series(1, 100) n));
			COMMIT;
		END LOOP;
	END $$));
$session->run(q(
	CREATE FUNCTION large(event_records jsonb) RETURNS void LANGUAGE plpgsql AS
		$$ BEGIN PERFORM measure('large'); END $$));
foreach my $how ('', 'BEGIN')
{
	$session->run(q(DELETE FROM measured WHERE stream = 'large'));
	subscribe_all('large', of_type('large'));
	$session->run($how) if $how;
	$session->run(q(CALL factstr_deliver('large')));
	$session->run('COMMIT') if $how;
	is($session->value(q(SELECT count(*) FROM measured WHERE stream = 'large')), 40, "40 batches of a megabyte were delivered, $how");
	cmp_ok(growth('large'), '<', 4 * 1024 * 1024, 'the last takes no more memory than the first');
	$session->run(q(SELECT factstr_stream_drop('large')));
}

#
# Reading: batches that lie far apart, each of which the log is entered for.
#
$session->run(q(DO $$
	BEGIN
		FOR i IN 1 .. 6000 LOOP
			PERFORM factstr_append((
				SELECT jsonb_agg(jsonb_build_object('event_type', CASE WHEN i % 2 = 0 THEN 'far' ELSE 'near' END, 'payload', n))
				FROM generate_series(1, 17) n));
			COMMIT;
		END LOOP;
	END $$));
foreach my $read (
	q(factstr_batches('{"filters": [{"event_types": ["far"]}]}', 0, 1000000)),
	q(factstr_stream_next('far', 1000000)),
	q(factstr_export(6040, 1000000)),
	q(factstr_read('{"filters": [{"event_types": ["far", "near"]}]}')))
{
	$session->run(q(SELECT factstr_stream_open('far', '{"filters": [{"event_types": ["far"]}]}')));
	$session->run('BEGIN');
	$session->run("DECLARE c NO SCROLL CURSOR FOR SELECT $read");
	my @memory;
	foreach (1 .. 3)
	{
		$session->run('MOVE 900 c');
		push @memory, $session->value('SELECT sum(total_bytes) FROM pg_backend_memory_contexts');
	}
	is($session->value('FETCH c') ne '', 1, "$read has more");
	$session->run('ROLLBACK');
	cmp_ok($memory[2] - $memory[0], '<', 64 * 1024, "and takes no more memory for it: @memory");
}

$node->stop;
done_testing();
