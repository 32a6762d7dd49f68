# query, read, context-version and canonical texts, and readers of stdout that go away.

use strict;
use warnings;

use Command;
use Test::More;

my $time = qr/\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z\z/;

for my $kind (store_kinds())
{
	my @store = ('-s', new_url($kind));
	my @events = map { { event_type => $_ % 2 ? 'odd' : 'even', payload => { n => $_ } } } 1 .. 9;

	is(run('context-version', @store)->{buffer}, "none\n", "$kind: an empty store has no version");
	is_deeply([ lines_of('query', @store) ],
		[ { event_records => [], last_returned_sequence_number => undef,
			current_context_version => undef } ], "$kind: and no facts");
	is_deeply([ lines_of('read', @store) ], [], "$kind: nothing to read");

	lines_of({ in => ndjson(@events) }, 'append', @store, '--batch', 4);
	my @read = lines_of('read', @store);
	is_deeply(
		[ map { { event_type => $_->{event_type}, payload => $_->{payload} } } @read ],
		\@events, "$kind: what was appended is read");
	is(scalar(grep { $_->{occurred_at} =~ $time } @read), 9, "$kind: with times");
	is_deeply([ lines_of('query', @store) ],
		[ { event_records => \@read, last_returned_sequence_number => 9,
			current_context_version => 9 } ], "$kind: a query gives the same records");

	my %numbers = (
		'-t odd' => [ 1, 3, 5, 7, 9 ],
		'-t odd -t even -n 3' => [ 1 .. 3 ],
		'--type odd --backwards' => [ 9, 7, 5, 3, 1 ],
		'-b -n 2' => [ 9, 8 ],
		'-p {"n":4}' => [4],
		'-p {"n":4} -p {"n":5.0} -t odd' => [5],
		'--after 7' => [ 8, 9 ],
		'-t even --after 7' => [8],
		'-t none' => [],
		'{"filters":[{"event_types":["odd"]},{"payload_predicates":[{"n":2}]}]}' =>
		  [ 1, 2, 3, 5, 7, 9 ],
	);
	for my $arguments (sort keys %numbers)
	{
		my @found = lines_of('read', @store, split(/ /, $arguments));

		is_deeply([ map { $_->{sequence_number} } @found ], $numbers{$arguments}, "$kind: read $arguments");
	}
	my ($answer) = lines_of('query', @store, '-t', 'odd', '--after', 7);
	is_deeply([ map { $_->{sequence_number} } @{ $answer->{event_records} } ], [9],
		"$kind: a query after a number");
	is($answer->{current_context_version}, 9, "$kind: its version is that of the whole context");
	is(run('context-version', @store, '-t', 'even')->{buffer}, "8\n",
		"$kind: the version of a context");
	fails_with(run('context-version', @store, '{"filters": {}}'), 1,
		qr/\Afactstr: invalid event_query at \$\.filters: /, "$kind: a malformed query");
	fails_with(run('read', @store, '@' . "$DIRECTORY/none"), 1, qr/\Afactstr: cannot open /,
		"$kind: a query from no file");

	# A fact is one line, however it was given.
	lines_of({ in => qq([{"event_type": "lines", "payload": {"a":\r\n [1,\n2], "b": "\\n"}}]) },
		'append', @store);
	is_deeply([ map { $_->{payload} } lines_of('read', @store, '-t', 'lines') ],
		[ { a => [ 1, 2 ], b => "\n" } ], "$kind: a payload on several lines is printed on one");
}

# Spellings of a value, and the canonical one.
my @spellings = (
	[ '{"b": 1, "a": {"d": [], "c": null}}', '{"a":{"c":null,"d":[]},"b":1}' ],
	[ '{"a": 1, "a": 2}', '{"a":2}' ],
	[ '{"aa": 1, "a": 2, "b": 3, "": 4, "ä": 5}', '{"":4,"a":2,"aa":1,"b":3,"ä":5}' ],
	[ '"\u00e4\/\u0022\u0009\u0001\ud834\udd1e"', qq("ä/\\"\\u0009\\u0001\xf0\x9d\x84\x9e") ],
	[ '[ true , false ]', '[true,false]' ],
	[ '-0.0', '0' ], [ '0e5', '0' ], [ '1.0', '1' ], [ '1e2', '100' ], [ '-1.50', '-1.5' ],
	[ '12.50e-1', '1.25' ], [ '0.000001', '0.000001' ], [ '0.0000001', '0.0000001' ],
	[ '0.00000001', '1e-8' ], [ '123e-10', '1.23e-8' ],
	[ '100000000000000000000', '100000000000000000000' ], [ '1e21', '1e+21' ],
	[ '1234567890123456789012.5', '1.2345678901234567890125e+21' ],
	[ '9007199254740993', '9007199254740993' ], [ '0.1', '0.1' ],
	[ '100000000000000000000000000000000000001', '1.00000000000000000000000000000000000001e+38' ],
);
for my $kind (store_kinds())
{
	my @store = ('-s', new_url($kind));
	my @lines = map { qq({"event_type": "s", "payload": $_->[0]}\n) } @spellings;

	lines_of({ in => join('', @lines) }, 'append', @store, '--one-batch');
	my $exported = run('export', @store, '--canonical')->{buffer};
	is(join("\n", $exported =~ /"payload": (.*?)\}(?:, \{"sequence_number"|\]\}\n)/g),
		join("\n", map { $_->[1] } @spellings), "$kind: canonical spellings");
}

# Output that cannot be written.
my @many = ('-s', new_url('sqlite'));
lines_of({ in => ndjson(map { { event_type => 'a', payload => 'x' x 1000 } } 1 .. 500) },
	'append', @many, '--one-batch');
for my $command (map { [ $_, @many, $_ eq 'tail' ? ('-n', 500) : () ] } qw(read query export tail))
{
	my $process = start({ in => '' }, @$command);

	close($process->{out});
	$process->{out} = undef;
	finish($process);
	is("$process->{status}$process->{err}", '0', "$command->[0]: nobody reads: ends quietly");

  SKIP:
	{
		skip 'there is no /dev/full', 1 if !-w '/dev/full';
		fails_with(run({ out => '/dev/full' }, @$command), 1,
			qr/\Afactstr: cannot write "stdout": No space left on device\n\z/,
			"$command->[0]: a full disk is an error");
	}
}

done_testing();
