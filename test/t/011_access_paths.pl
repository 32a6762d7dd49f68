# Each way to find an answer - the log, the type index, the payload index, its pending list, at any
# size, with statistics from an empty table - agrees with a plain SQL query.  And the cost
# follows the context: a small context takes the same few pages in a log of ten times the length.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use FactstrTest;
use JSON::PP ();
use Test::More;

my $node = new_node('access_paths');
my $session = new_session($node);

# Facts with known places: thousands of "visit", one "opened" in ten thousand, a "rare" now and then,
# "early" only at the beginning.
$session->run('ANALYZE factstr_events');
$session->run(q(
	CREATE FUNCTION grow(first int, last int) RETURNS bigint LANGUAGE sql AS $$
		SELECT last_sequence_number FROM factstr_append((
			SELECT jsonb_agg(jsonb_build_object(
				'event_type', CASE WHEN i <= 3000 AND i % 3 = 0 THEN 'early' WHEN i % 10000 = 7 THEN 'opened'
					WHEN i % 1500 = 11 THEN 'rare' WHEN i % 4 = 0 THEN 'paid' ELSE 'visit' END,
				'payload', CASE WHEN i % 997 = 0 THEN to_jsonb(i) WHEN i % 991 = 0 THEN jsonb_build_array(i, 'x', NULL)
					ELSE jsonb_build_object('user', i % 1000, 'day', i / 1000, 'half', CASE WHEN i <= 2000 THEN 'first' ELSE 'second' END,
						'tags', jsonb_build_array('t' || i % 7, 't' || i % 11), 'amount', (i % 50)::numeric / 10, 'unique', i) END
				) ORDER BY i)
			FROM generate_series(first, last) i))
	$$));

# A query as JSON, the condition that says the same in SQL, and a name.  No scalar predicate is among
# them: for these the operator @> and the contract differ.
sub filter
{
	my ($types, @predicates) = @_;
	my %filter;
	my @conditions;

	if ($types)
	{
		$filter{event_types} = $types;
		push @conditions, 'event_type = ANY(ARRAY[' . join(',', map { "'$_'" } @$types) . ']::text[])';
	}
	if (@predicates)
	{
		$filter{payload_predicates} = \@predicates;
		push @conditions, '(' . join(' OR ', map { "payload @> '" . json($_) . "'" } @predicates) . ')';
	}
	return [ \%filter, @conditions ? join(' AND ', @conditions) : 'true' ];
}

sub query
{
	my @filters = @_;

	return {
		json => json({ filters => [ map { $_->[0] } @filters ] }),
		sql => @filters ? join(' OR ', map { "($_->[1])" } @filters) : 'true' };
}

my @queries = (
	['every fact', query()],
	['every fact, by an empty filter', query(filter(undef))],
	['a common type', query(filter(['visit']))],
	['a type that is only old', query(filter(['early']))],
	['a rare type', query(filter(['rare']))],
	['a type that never occurred', query(filter(['never']))],
	['several types', query(filter(['rare', 'opened', 'never']))],
	['all types', query(filter(['visit', 'paid', 'opened', 'rare', 'early']))],
	['no type', query(filter([]))],
	['a small context', query(filter(undef, { user => 17 }))],
	['a single fact', query(filter(undef, { unique => 1234 }))],
	['a huge context whose newest match is old', query(filter(undef, { half => 'first' }))],
	['a huge context whose newest match is new', query(filter(undef, { half => 'second' }))],
	['a predicate that never matched', query(filter(undef, { user => 'nobody' }))],
	['an array predicate', query(filter(undef, { tags => ['t3', 't4'] }))],
	['a root array', query(filter(undef, ['x']))],
	['several predicates', query(filter(undef, { user => 1 }, { user => 2 }, { day => 0, user => 3 }))],
	['a predicate no index serves', query(filter(undef, {}))],
	['a common type and a rare predicate', query(filter(['visit'], { user => 21 }))],
	['a rare type and a common predicate', query(filter(['rare'], { half => 'second' }))],
	['a common type and a common predicate', query(filter(['paid'], { half => 'second' }))],
	['an old type and a huge old context', query(filter(['early'], { half => 'first' }))],
	['a type and a predicate that never meet', query(filter(['early'], { half => 'second', user => 9 }))],
	['several filters', query(filter(['rare']), filter(undef, { user => 5 }), filter(['paid'], { amount => 0.4, day => 2 }))],
	['filters that overlap', query(filter(['visit', 'rare']), filter(undef, { half => 'first' }), filter(['rare']))],
);

# Compares all answers of the functions to a query with plain SQL; returns the differences.
sub differences
{
	my ($query) = @_;
	my $json = $query->{json};
	my $head = $session->value('SELECT max(sequence_number) FROM factstr_events');
	my @all = map { $_->[0] } @{ $session->run("SELECT sequence_number FROM factstr_events WHERE $query->{sql} ORDER BY 1") };
	my $version = @all ? $all[-1] : undef;
	my @differences;

	my $expect = sub {
		my ($what, $got, $expected) = @_;

		push @differences, "$what: $got, not $expected" if $got ne $expected;
	};
	my $digest = sub { return scalar(@_) . ' ' . join(',', @_) };

	$expect->('factstr_context_version', $session->value('SELECT factstr_context_version($1)', $json) // 'null', $version // 'null');

	# Ranges: all, the newest few hundred, the newest fact, none.
	foreach my $minimum (0, $head - 5000, $head - 200, $head - 1, $head)
	{
		next if $minimum < 0;
		my $with_minimum = $json =~ s/\}$/,"after":$minimum}/r;
		my @expected = grep { $_ > $minimum } @all;
		my $row = $session->run(q(
			SELECT coalesce((SELECT string_agg(r->>'sequence_number', ',' ORDER BY ordinality) FROM jsonb_array_elements(event_records) WITH ORDINALITY AS r(r, ordinality)), ''),
				last_returned_sequence_number, current_context_version
			FROM factstr_query($1)), $with_minimum)->[0];

		$expect->("factstr_query from $minimum", $row->[0], join(',', @expected));
		$expect->("last returned from $minimum", $row->[1] // 'null', @expected ? $expected[-1] : 'null');
		$expect->("version from $minimum", $row->[2] // 'null', $version // 'null');
		$expect->("factstr_read from $minimum",
			$digest->(map { $_->[0] } @{ $session->run('SELECT sequence_number FROM factstr_read($1)', $with_minimum) }),
			$digest->(@expected));
	}

	# A few, from either end.
	foreach my $count (1, 10, 700)
	{
		my @newest = reverse @all;

		$expect->("$count of factstr_read",
			join(',', map { $_->[0] } @{ $session->run('SELECT sequence_number FROM factstr_read($1, $2)', $json, $count) }),
			join(',', @all > $count ? @all[0 .. $count - 1] : @all));
		$expect->("$count of factstr_read backwards",
			join(',', map { $_->[0] } @{ $session->run('SELECT sequence_number FROM factstr_read($1, $2, true)', $json, $count) }),
			join(',', @newest > $count ? @newest[0 .. $count - 1] : @newest));
	}

	# Batches with a match, and how many.
	$expect->('factstr_batches',
		$session->text('SELECT first_sequence_number, jsonb_array_length(event_records) FROM factstr_batches($1, 0, 100000)', $json),
		$session->text("SELECT batch_first_sequence_number, count(*) FROM factstr_events WHERE $query->{sql} GROUP BY 1 ORDER BY 1"));

	# The one expected version that is right, and some that are not.  0 is that of an empty context, as null is.
	my %expected_versions = map { ($_ // 'null') => $_ }
	  (undef, 0, 1, 2, $head, $head + 1, $version,
		defined $version ? ($version - 1, $version + 1) : (), @all > 1 ? ($all[0], $all[-2]) : ());
	foreach my $name (sort keys %expected_versions)
	{
		$session->run('BEGIN');
		my $row = $session->run('SELECT conflict, actual_context_version, first_sequence_number FROM factstr_try_append_if($1, $2, $3)',
			events(x => 1), $json, $expected_versions{$name})->[0];
		$session->run('ROLLBACK');

		$expect->("append_if that expects $name", join('|', map { $_ // 'null' } @$row),
			($expected_versions{$name} || 'null') eq ($version // 'null') ? 'f|' . ($version // 'null') . '|' . ($head + 1) : 't|' . ($version // 'null') . '|null');
	}
	return \@differences;
}

# Pages that a statement reads and writes, in a session that has run it before.
sub pages
{
	my ($sql) = @_;

	$session->run('BEGIN');
	$session->run($sql);
	$session->run('ROLLBACK');
	$session->run('BEGIN');
	my $plan = JSON::PP::decode_json($session->value("EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) $sql"));
	$session->run('ROLLBACK');
	return $plan->[0]{Plan}{'Shared Hit Blocks'} + $plan->[0]{Plan}{'Shared Read Blocks'};
}

# Contexts of at most ten facts, in logs of any length.
$session->run(append_sql(events(map { (order => { order => 'A', step => $_ }) } 1 .. 5)));
sub pages_of_small_contexts
{
	my $event = events(order => { order => 'B' });
	my %pages;
	my %contexts = (
		'type' => of_type('order'),
		'predicate' => of_payload({ order => 'A' }),
		'type and predicate' => json({ filters => [ { event_types => ['order'], payload_predicates => [ { order => 'A' } ] } ] }),
		'type that never occurred' => of_type('never'),
		'predicate that never matched' => of_payload({ order => 'Z' }),
		'predicate that never matched, common type' => json({ filters => [ { event_types => ['visit'], payload_predicates => [ { order => 'Z' } ] } ] }),
	);

	foreach my $name (sort keys %contexts)
	{
		my $json = $contexts{$name};
		my $version = $session->value('SELECT factstr_context_version($1)', $json);
		my $expected = $version // 'NULL';

		$pages{"factstr_query, $name"} = pages("SELECT * FROM factstr_query('$json')");
		$pages{"factstr_read, $name"} = pages("SELECT * FROM factstr_read('$json')");
		$pages{"factstr_context_version, $name"} = pages("SELECT factstr_context_version('$json')");
		$pages{"factstr_append_if, $name"} = pages("SELECT * FROM factstr_append_if('$event', '$json', $expected)");
		$pages{"conflict, $name"} = pages("SELECT * FROM factstr_try_append_if('$event', '$json', 1)") if $expected ne '1';
	}
	# Reads only the requested facts, in a log or context of any length.
	$pages{'the newest fact'} = pages("SELECT * FROM factstr_read('{}', 1, true)");
	$pages{'the newest of a common type'} = pages("SELECT * FROM factstr_read('" . of_type('visit') . "', 1, true)");
	$pages{'the version of every fact'} = pages("SELECT factstr_context_version('{}')");
	$pages{'the version of a huge context'} = pages("SELECT factstr_context_version('" . of_payload({ half => 'second' }) . "')");
	$pages{'one batch from the end'} = pages("SELECT * FROM factstr_batches('{}', (SELECT max(sequence_number) - 1 FROM factstr_events))");
	$pages{'append_if of every fact'} = pages("SELECT * FROM factstr_append_if('$event', '{}', (SELECT max(sequence_number) FROM factstr_events))");
	return \%pages;
}

# The length of the log's table in pages: the cost of a walk over all of it.
sub length_of_log
{
	return $session->value("SELECT pg_relation_size('factstr_events') / 8192");
}

my $grown = 0;
sub grow_to
{
	my ($count, $step) = @_;

	while ($grown < $count)
	{
		my $upto = $grown + $step > $count ? $count : $grown + $step;

		$session->run('SELECT grow($1, $2)', $grown + 1, $upto);
		$grown = $upto;
	}
	return;
}

sub compare_all
{
	my ($name) = @_;

	is_deeply(differences($_->[1]), [], "$name: $_->[0]") foreach @queries;
	return;
}

# Appends of single facts keep the payload index's pending list short.
sub append_some
{
	$session->run('SELECT grow($1, $1)', ++$grown) foreach 1 .. 40;
	return;
}

grow_to(100, 10);
compare_all('a hundred facts');
grow_to(6000, 1000);
append_some();
my $short = pages_of_small_contexts();
my $short_length = length_of_log();
compare_all('6,000 facts');
grow_to(60000, 9000);
compare_all('60,000 facts and a long pending list');
append_some();
my $long = pages_of_small_contexts();
my $long_length = length_of_log();
$session->run('VACUUM ANALYZE factstr_events');
compare_all('60,000 facts after VACUUM and ANALYZE');

# Many predicates exceed the memory of a bitmap, which then has whole pages.
$session->run("SET work_mem = '64kB'");
compare_all('60,000 facts with little memory');
$session->run('RESET work_mem');

cmp_ok($long_length, '>', 8 * $short_length, "the log has grown from $short_length to $long_length pages");
foreach my $name (sort keys %$long)
{
	cmp_ok($long->{$name}, '<', 100, "$name: $short->{$name} pages of the short log, $long->{$name} of the long one");
}

$node->stop;
done_testing();
