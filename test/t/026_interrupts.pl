# No loop over a caller's input ignores a cancel, and two long queries, or two long arrays, are compared quickly.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use FactstrTest;
use Test::More;

# Lists of so many.
my $MANY = 100_000;

# When the cancel comes, in milliseconds.
my @MOMENTS = (2, 10, 30, 60, 100, 200, 400, 1000);

my $node = new_node('interrupts', conf => 'fsync = off');
my $session = new_session($node);

$session->run(append_sql(events(map { ("t$_" => $_) } 1 .. 300)));
$session->run('CREATE TEMP TABLE queries (name text, query jsonb)');
$session->run('ALTER TABLE queries ALTER COLUMN query SET STORAGE EXTERNAL');
$session->run(q(INSERT INTO queries VALUES ($1, '{"filters": [{"event_types": ["t1"]}]}')), 'one type');
sub keep
{
	my ($name, $sql) = @_;

	$session->run("INSERT INTO queries SELECT \$1, ($sql) FROM generate_series(1, $MANY) n", $name);
	return;
}
keep('types', q(jsonb_build_object('filters', jsonb_build_array(jsonb_build_object('event_types', jsonb_agg('t' || n))))));
keep('the same types', q(jsonb_build_object('filters', jsonb_build_array(jsonb_build_object('event_types', jsonb_agg('t' || n ORDER BY n DESC))))));
keep('predicates', q(jsonb_build_object('filters', jsonb_build_array(jsonb_build_object('payload_predicates', jsonb_agg(jsonb_build_object('id', n)))))));
keep('filters', q(jsonb_build_object('filters', jsonb_agg(jsonb_build_object('event_types', jsonb_build_array('t' || n))))));
keep('an array', 'jsonb_agg(n)');
keep('its numbers in another order', 'jsonb_agg(n::numeric(10, 2) ORDER BY n DESC)');
keep('its texts', 'jsonb_agg(n::text)');
keep('objects', q(jsonb_agg(jsonb_build_object('n', n))));
keep('objects in another order', q(jsonb_agg(jsonb_build_object('n', n) ORDER BY n DESC)));
keep('events', q(jsonb_agg(jsonb_build_object('event_type', 't', 'payload', n))));

#
# The second time a stream is opened its query is compared with the first one.
#
foreach my $name ('types', 'predicates', 'filters')
{
	is($session->value('SELECT factstr_stream_open($1, query) FROM queries WHERE name = $1', $name), 0, "a stream of $MANY $name is opened");
	is($session->value('SELECT factstr_stream_open($1, query) FROM queries WHERE name = $1', $name), 0, 'and again');
}
is($session->value(q(SELECT factstr_stream_open('types', query) FROM queries WHERE name = 'the same types')), 0, 'in another order too');
is($session->state_of(q(SELECT factstr_stream_open('types', query) FROM queries WHERE name = 'one type')), 'FS003', 'another query is told from it');

#
# Arrays of scalars do not take the product of their lengths.
#
sub matches_sql
{
	my ($payload) = @_;

	return qq(factstr_matches(jsonb_build_object('filters', jsonb_build_array(jsonb_build_object('payload_predicates', jsonb_build_array(query)))),
		't', (SELECT query FROM queries WHERE name = '$payload')));
}

sub ok_matches
{
	my ($predicate, $payload, $expected) = @_;

	is($session->value('SELECT ' . matches_sql($payload) . ' FROM queries WHERE name = $1', $predicate), $expected, "$MANY elements: $predicate, in $payload");
	return;
}
$session->run(q(SET statement_timeout = '60s'));
ok_matches('its numbers in another order', 'an array', 't');
ok_matches('an array', 'its numbers in another order', 't');
ok_matches('its texts', 'an array', 'f');
ok_matches('objects', 'objects', 't');
$session->run('RESET statement_timeout');

#
# A cancel that arrives while a function runs ends it: the next expression is not reached. Rarely the cancel
# arrives between the function's end and the statement's, so a moment counts as deaf only if it is so each time.
#
$session->run('CREATE TEMP SEQUENCE reached');
$session->run(q(SELECT nextval('reached')));
my $TRIES = 3;

# So short a timeout may end the statement that resets it, or, if it fires at its end, the one after that.
sub reset_timeout
{
	1 while $session->state_of('RESET statement_timeout') eq '57014';
	$session->state_of('SELECT 1');
	return;
}

# Whether the call, cancelled after so many milliseconds, ended before the next expression: undef if it had finished by then.
sub ends_at_once
{
	my ($name, $call, $moment) = @_;
	my $before = $session->value('SELECT last_value FROM reached');

	$session->run("SET statement_timeout = $moment");
	my $state = $session->state_of("SELECT $call IS NULL, nextval('reached') FROM queries WHERE name = \$1", $name);
	reset_timeout();
	return undef if $state ne '57014';
	return $session->value('SELECT last_value FROM reached') == $before ? 1 : 0;
}

sub is_deaf
{
	my ($name, $call, $moment) = @_;

	foreach (1 .. $TRIES)
	{
		my $ended = ends_at_once($name, $call, $moment);

		return 0 if !defined $ended || $ended;
	}
	return 1;
}

sub ok_cancelled
{
	my ($name, $call) = @_;
	my ($cancelled, @deaf);

	foreach my $moment (@MOMENTS)
	{
		my $ended = ends_at_once($name, $call, $moment);

		next unless defined $ended;
		$cancelled = 1;
		push @deaf, $moment if !$ended && is_deaf($name, $call, $moment);
	}
	ok($cancelled, "$call was cancelled with $MANY $name");
	is("@deaf", '', 'and not when it was through already');
	return;
}
ok_cancelled($_, 'factstr_context_version(query)') foreach 'types', 'predicates', 'filters';
ok_cancelled($_, q(factstr_matches(query, 't', '1'))) foreach 'types', 'predicates', 'filters';
ok_cancelled('types', q(factstr_stream_open('types', query)));
ok_cancelled('predicates', q(factstr_stream_open('predicates', query)));
ok_cancelled('filters', q(factstr_stream_open('filters', query)));
ok_cancelled('an array', matches_sql('its numbers in another order'));
ok_cancelled('objects in another order', matches_sql('objects'));
ok_cancelled('events', 'factstr_append(query)');

done_testing();
