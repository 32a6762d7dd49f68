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
		\@events, "$kind: appended facts are read");
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
		'--max 2' => [ 1, 2 ],
		'-q {"filters":[{"event_types":["odd"]}]} -n 2' => [ 1, 3 ],
		'-q {"filters":[{"event_types":["odd"]}]} --after 5' => [ 7, 9 ],
		'{} --after 7' => [ 8, 9 ],
		'{"after":1} --after 7' => [ 8, 9 ],
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
	is(run('context-version', @store, '-q', '{"filters":[{"event_types":["even"]}]}')->{buffer}, "8\n",
		"$kind: of a query in an option");
	is((lines_of('query', @store, '--query', '{"filters":[{"event_types":["even"]}]}'))[0]{current_context_version}, 8,
		"$kind: also of query");
	my ($newest) = lines_of('newest', @store, '{"filters":[{"event_types":["even"]}]}', '{"filters":[{"event_types":["none"]}]}', '{}');
	is_deeply([ map { $_ && $_->{sequence_number} } @{ $newest->{event_records} } ], [ 8, undef, 9 ], "$kind: the newest of each");
	is_deeply($newest->{event_records}[0], $read[7], "$kind: as records");
	is($newest->{current_context_version}, 9, "$kind: with one version");
	is((lines_of('newest', @store, '-t', 'even', '-p', '{"n":4}'))[0]{event_records}[0]{sequence_number}, 4, "$kind: of one query in options");
	is((lines_of('newest', @store))[0]{event_records}[0]{sequence_number}, 9, "$kind: of all facts");
	fails_with(run('newest', @store, '{}', '{"filters": 1}'), 1, qr/\Afactstr: invalid event_queries\[1\] at \$\.filters: /,
		"$kind: a malformed one of several queries");
	fails_with(run('newest', @store, '{}', '-t', 'even'), 2, qr/\Afactstr newest: give either a QUERY or the options that replace it/,
		"$kind: a query and options for one");
	fails_with(run('read', @store, '--after', 1, '17'), 1, qr/\Afactstr: invalid event_query /, "$kind: no query to add to");
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

# The content of a store.
for my $kind (store_kinds())
{
	my @store = ('-s', new_url($kind));
	my ($empty) = lines_of('status', @store, '--json');

	is_deeply($empty, { head_sequence_number => 0, first_appended_at => undef, last_appended_at => undef, streams => [] },
		"$kind: the status of an empty store");
	like(run('status', @store)->{buffer}, qr/\AFacts +0\nStreams +none\n\z/, "$kind: in words");
	lines_of({ in => ndjson(map { { event_type => 'a', payload => $_ } } 1 .. 1200) }, 'append', @store, '--batch', 600);
	lines_of('tail', @store, '-d', 'all');
	lines_of('tail', @store, '-d', 'late');
	lines_of({ in => ndjson({ event_type => 'a', payload => 1 }) }, 'append', @store);
	lines_of('tail', @store, '-d', 'all');
	my ($status) = lines_of('status', @store, '--json');
	my @read = lines_of('read', @store);
	is($status->{head_sequence_number}, 1201, "$kind: the number of facts");
	is($status->{first_appended_at}, $read[0]{occurred_at}, "$kind: the time of the first");
	is($status->{last_appended_at}, $read[-1]{occurred_at}, "$kind: and of the last");
	is_deeply([ map { "$_->{name} $_->{lag_facts}" } sort { $a->{name} cmp $b->{name} } @{ $status->{streams} } ], [ 'all 0', 'late 1' ],
		"$kind: the streams");
	like(run('status', @store)->{buffer},
		qr/\AFacts +1,201\nFirst fact +\Q$read[0]{occurred_at}\E\nLast fact +\Q$read[-1]{occurred_at}\E\nStreams +2\n\nNAME +CURSOR .*\nall +1,201 .*\nlate +1,200 +1 /,
		"$kind: in words");
}

# Forms for human eyes: asked for, or on a terminal.
my $shown = new_url('sqlite');
my $payload = '{"n":1.50 , "s":"a\"b:,{}' . "\xc2\x9b\x7f" . '", "l" : [ true,null, -2e3,[],{} ]}';
lines_of({ in => qq([{"event_type": "sho\xc3\xa9wn\xe2\x80\xae", "payload": $payload, "metadata": {"user": 7}}]) },
	'append', '-s', $shown);
my $plain = run('read', '-s', $shown)->{buffer};
my $time_of = (documents($plain))[0]{occurred_at};
my $pretty = qq({
  "sequence_number": 1,
  "occurred_at": "$time_of",
  "event_type": "sho\xc3\xa9wn\\u202E",
  "payload": {
    "n": 1.50,
    "s": "a\\"b:,{}\\u009B\\u007F",
    "l": [
      true,
      null,
      -2e3,
      [],
      {}
    ]
  },
  "metadata": {
    "user": 7
  }
}
);
my $second = substr($time_of, 0, 10) . ' ' . substr($time_of, 11, 8);
my $values = '{"n": 1.50, "s": "a\"b:,{}\u009B\u007F", "l": [true, null, -2e3, [], {}]}  {"user": 7}';
my $row = qr/^ *1  \Q$second\E  sho\xc3\xa9wn\\u202E +\Q$values\E$/m;

is(run('read', '-s', $shown, '--pretty')->{buffer}, $pretty, 'a fact on several lines');
is(run('tail', '-s', $shown, '--pretty')->{buffer}, $pretty, 'also by tail');
is((documents(join('', split(/\n/, run('query', '-s', $shown, '--pretty')->{buffer})) . "\n"))[0]{current_context_version}, 1,
	'also by query, and it is the same document');
like(run('read', '-s', $shown, '--table')->{buffer}, qr/\A +NUMBER  RECORDED AT +TYPE +PAYLOAD\n$row\n\z/, 'as a table');
like(run('tail', '-s', $shown, '--table')->{buffer}, qr/\A +NUMBER  RECORDED AT +TYPE +PAYLOAD\n$row\n\z/, 'also by tail');
is(run('tail', '-s', $shown, '--json')->{buffer}, $plain, 'JSON, which it is in a pipe anyway');
SKIP:
{
	skip 'there is no program "script"', 8 if system('script -qec true /dev/null >/dev/null 2>&1') != 0;
	my $terminal = sub { `$_[0] script -qec '$COMMAND @_[1 .. $#_]' /dev/null </dev/null` =~ s/\r\n/\n/gr };
	my $uncoloured = sub { $_[0] =~ s/\e\[[0-9;]*m//gr };

	for my $command ('read', 'tail')
	{
		my $seen = $terminal->('TERM=xterm NO_COLOR=', $command, '-s', $shown);

		like($seen, qr/\e\[/, "$command has colours on a terminal");
		like($uncoloured->($seen), qr/^ +NUMBER .*\n$row/m, 'and is a table');
	}
	my $seen = $terminal->('TERM=xterm', 'query', '-s', $shown, '--pretty');
	like($seen, qr/\e\[/, 'so has query');
	like($uncoloured->($seen), qr/^  "current_context_version": 1$/m, 'in the same words');
	unlike($terminal->('TERM=xterm NO_COLOR=1', 'read', '-s', $shown), qr/\e\[/, 'unless NO_COLOR is set');
	unlike($terminal->('TERM=dumb', 'read', '-s', $shown), qr/\e\[/, 'or the terminal has none');
}

# Bounds in time.
for my $kind (store_kinds())
{
	my $url = new_url($kind);
	my @store = ('-s', $url);
	my @times = map { sprintf('2026-01-%02dT08:00:00.000000Z', $_) } 1 .. 5;
	my @batches = map {
		{
			first_sequence_number => $_, last_sequence_number => $_,
			event_records => [ { sequence_number => $_, occurred_at => $times[ $_ - 1 ], event_type => $_ % 2 ? 'odd' : 'even', payload => $_ } ]
		}
	} 1 .. 5;
	my $numbers = sub { join(' ', map { $_->{sequence_number} } lines_of('read', @store, @_)) };

	lines_of({ in => ndjson(@batches) }, 'import', @store);
	is($numbers->('--since', '2026-01-03T08:00:00.000000Z'), '3 4 5', "$kind: since a time, which belongs to it");
	is($numbers->('--until', '2026-01-03T08:00:00.000000Z'), '1 2', "$kind: until a time, which does not");
	is($numbers->('--since', '2026-01-02', '--until', '2026-01-04'), '2 3', "$kind: days in UTC");
	is($numbers->('--since', '2026-01-02T08:00:00Z', '--until', '2026-01-04 08:00:01'), '2 3 4', "$kind: seconds");
	is($numbers->('--since', '2026-01-03T10:00:00.5+02:00'), '4 5', "$kind: with an offset");
	is($numbers->('--since', '2026-01-03T08:00', '--until', '2026-01-03T08:00:00.000001'), '3', "$kind: parts of a second");
	is($numbers->('--since', '2026-01-02', '-t', 'odd', '-n', 1), '3', "$kind: a limit counts printed facts");
	is($numbers->('--until', '2026-01-04', '-b', '-n', 2), '3 2', "$kind: backwards");
	is($numbers->('--since', '2027-01-01'), '', "$kind: nothing");
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

# Nested as deep as a value may be: the form is the same, however small the stack is.
my @deep = ('-s', new_url('sqlite'));
my $nested = '[{"b":1,"a":' x 500 . '"x"' . '}]' x 500;
my $ordered = '[{"a":' x 500 . '"x"' . ',"b":1}]' x 500;
lines_of({ in => qq({"event_type": "d", "payload": $nested}\n) }, 'append', @deep);
like(`ulimit -s 128; $COMMAND export @deep --canonical`, qr/"payload": \Q$ordered\E\}/,
	'a value of 1,000 levels on a stack of 128 KB');

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
	is("$process->{status}$process->{err}", '0', "$command->[0]: without a reader, it ends quietly");

  SKIP:
	{
		skip 'there is no /dev/full', 1 if !-w '/dev/full';
		fails_with(run({ out => '/dev/full' }, @$command), 1,
			qr/\Afactstr: cannot write "stdout": No space left on device\n\z/,
			"$command->[0]: a full disk is an error");
	}
}

done_testing();
