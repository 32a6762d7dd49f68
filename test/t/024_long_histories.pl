# A question about the newest facts takes no more than walking them, however many old facts have the value
# that is asked for: under the append lock, for batches, streams, queries and reads, in both directions.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use FactstrTest;
use Test::More;

my $node = new_node('long_histories', conf => 'fsync = off');
my ($session, $other) = map { new_session($node) } 1 .. 2;

# So many facts are new.
my $RANGE = 2_000;

# A walk over the log may be a little longer than the range: an index reads one entry beyond its end.
my $SLACK = 100;

# By region: EU has a long history, "some" one that is a little shorter than the range, "few" a short one;
# all of it is old.  Every fact has the same currency.
sub grow
{
	my ($in, $first, $last, $region) = @_;

	$in->run(qq(
		SELECT factstr_append((
			SELECT jsonb_agg(jsonb_build_object('event_type', CASE WHEN $region = 'few' THEN 'seldom' ELSE 'paid' END,
				'payload', jsonb_build_object('region', $region, 'currency', 'EUR', 'n', n)))
			FROM generate_series($first, $last) n))));
	return;
}
grow($session, $_ * 5000 + 1, $_ * 5000 + 5000,
	q(CASE WHEN n % 30 = 1 THEN 'some' WHEN n % 4000 = 2 THEN 'few' ELSE 'EU' END)) foreach 0 .. 7;
my $old = $session->value('SELECT max(sequence_number) FROM factstr_events');
$session->run(q(SELECT factstr_stream_open($1, $2, 'now')), "stream of $_", of_payload({ region => $_ })) foreach qw(EU some few);
grow($session, $old + 1, $old + $RANGE, "'US'");
$session->run(q(SELECT gin_clean_pending_list('factstr_events_payload_idx')));
my $head = $old + $RANGE;

# Entries of the log's indexes that this transaction has been given so far.
my $entries = sub
{
	my ($in) = @_;

	return $in->value(q(
		SELECT sum(pg_stat_get_xact_tuples_returned(indexrelid))
		FROM pg_index WHERE indrelid = 'factstr_events'::regclass));
};

# The number of these that a statement reads, and its result.
sub entries_of
{
	my ($sql) = @_;

	$session->run('BEGIN');
	my $before = $entries->($session);
	my $result = $session->text($sql);
	my $taken = $entries->($session) - $before;
	$session->run('ROLLBACK');
	return ($taken, $result);
}

sub version
{
	my ($query) = @_;

	return $session->value('SELECT factstr_context_version($1)', $query);
}

my %regions = (EU => of_payload({ region => 'EU' }), some => of_payload({ region => 'some' }), few => of_payload({ region => 'few' }),
	'EU, all in euros' => of_payload({ region => 'EU', currency => 'EUR' }),
	'EU, a common type' => json({ filters => [ { event_types => ['paid'], payload_predicates => [ { region => 'EU' } ] } ] }),
	'EU and a rare type' => json({ filters => [ { event_types => ['seldom'] }, { payload_predicates => [ { region => 'EU' } ] } ] }));

foreach my $region (sort keys %regions)
{
	my $json = $regions{$region};
	my $newest = $json =~ s/\}$/,"after":$old}/r;
	my %calls = (
		"factstr_batches" => "SELECT * FROM factstr_batches('$json', $old, 100)",
		"factstr_read" => "SELECT * FROM factstr_read('$newest')",
		"one of factstr_read" => "SELECT * FROM factstr_read('$newest', 1)",
		"factstr_read backwards" => "SELECT * FROM factstr_read('$newest', NULL, true)",
		"one of factstr_read backwards" => "SELECT * FROM factstr_read('$newest', 1, true)",
	);

	$calls{factstr_stream_next} = "SELECT * FROM factstr_stream_next('stream of $region')" if $region =~ /^\w+$/;
	foreach my $call (sort keys %calls)
	{
		my ($taken, $result) = entries_of($calls{$call});

		is($result, '', "$region, $call: nothing new");
		cmp_ok($taken, '<=', 1.5 * $RANGE + $SLACK, "$region, $call: no more than to walk the new facts");
		cmp_ok($taken, '<', 500, "$region, $call: no more than to list them") if $region eq 'few';
	}
}

# The wanted facts may be in the old part, but one of them is found without listing all.
my ($taken, $result) = entries_of("SELECT sequence_number FROM factstr_read('$regions{EU}', 1)");
cmp_ok($taken, '<', 500, 'the first of a long history');
($taken, $result) = entries_of("SELECT factstr_context_version('$regions{EU}')");
is($result, $old, 'the newest of a long history');
cmp_ok($taken, '<', 2 * $RANGE + 500, 'which is not far away');

#
# Under the append lock: facts that have come in while an append waited for it.
#
foreach my $region (sort keys %regions)
{
	my $append = append_if_sql(events(paid => { region => 'US' }), $regions{$region}, version($regions{$region}));
	my ($alone) = entries_of($append);

	$other->run('BEGIN');
	grow($other, 1, $RANGE, "'US'");
	$session->run('BEGIN');
	my $before = $entries->($session);
	$session->start($append);
	wait_until('the append waits for the lock', sub { !$session->is_done && append_lock_queue($other) == 1 });
	$other->run('COMMIT');
	is($session->finish->state, '00000', "$region: no fact was appended to the context meanwhile");
	my $both = $entries->($session) - $before;
	$session->run('ROLLBACK');
	# Before the lock it reads as many as it did alone, and may pass over uncommitted ones.
	cmp_ok($both, '<=', $alone + $RANGE + 1.5 * $RANGE + $SLACK, "$region: no more under the lock than to walk the facts that came in meanwhile");
}

# The answers are right: a fact that came in is found.
foreach my $region (qw(EU some few))
{
	my $expected = version($regions{$region});

	$other->run('BEGIN');
	grow($other, 1, $RANGE, "CASE WHEN n = 7 THEN '$region' ELSE 'US' END");
	$session->start(append_if_sql(events(paid => {}), $regions{$region}, $expected));
	wait_until('the append waits for the lock', sub { !$session->is_done && append_lock_queue($other) == 1 });
	$other->run('COMMIT');
	is($session->finish->state, 'FS001', "$region: an append to the context meanwhile is a conflict");
}

$node->stop;
done_testing();
