# append and append-if: input, batches, idempotency keys, conflicts, and what is said about errors.

use strict;
use warnings;

use Command;
use JSON::PP ();
use Test::More;

sub event
{
	my ($type, $payload) = @_;

	return { event_type => $type, payload => $payload };
}

sub result
{
	my ($first, $last) = @_;

	return {
		first_sequence_number => $first,
		last_sequence_number => $last,
		committed_count => $last - $first + 1
	};
}

for my $kind (store_kinds())
{
	my $url = new_url($kind);
	my @two = (event(a => 1), event(b => { x => [] }));
	my @appended;

	@appended = lines_of({ in => ndjson(@two) }, 'append', '-s', $url);
	is_deeply(\@appended, [ result(1, 1), result(2, 2) ], "$kind: each line is a batch");
	@appended = lines_of({ in => ndjson(@two, @two, $two[0]) }, 'append', '-s', $url, '--batch', 2);
	is_deeply(\@appended, [ result(3, 4), result(5, 6), result(7, 7) ], "$kind: lines by twos");
	@appended = lines_of({ in => ndjson(@two) }, 'append', '-s', $url, '--one-batch');
	is_deeply(\@appended, [ result(8, 9) ], "$kind: all lines in one batch");
	@appended = lines_of({ in => ndjson(\@two) }, 'append', '-s', $url);
	is_deeply(\@appended, [ result(10, 11) ], "$kind: an array is one batch");
	@appended = lines_of({ in => JSON::PP->new->pretty->encode(\@two) }, 'append', '-s', $url, '-');
	is_deeply(\@appended, [ result(12, 13) ], "$kind: an array on many lines");
	@appended = lines_of('append', '-s', $url, spew("$DIRECTORY/events", ndjson(@two)));
	is_deeply(\@appended, [ result(14, 14), result(15, 15) ], "$kind: from a file");
	@appended = lines_of({ in => "\xEF\xBB\xBF\r\n  \n" . ndjson(event(a => 1)) =~ s/\n/\r\n/r },
		'append', '-s', $url);
	is_deeply(\@appended, [ result(16, 16) ],
		"$kind: with a byte order mark, blank lines and CRLF");
	@appended = lines_of({ in => ndjson(event(a => 1)) =~ s/\n//r }, 'append', '-s', $url);
	is_deeply(\@appended, [ result(17, 17) ], "$kind: without a newline at the end");
	is_deeply([ lines_of({ in => '' }, 'append', '-s', $url) ], [], "$kind: no lines, no batches");

	my ($record) = lines_of(
		{ in => '{"event_type": "m", "payload": null, "metadata": {"user": 1}}' },
		'append', '-s', $url) && lines_of('read', '-s', $url, '-t', 'm');
	is_deeply([ @$record{qw(payload metadata)} ], [ undef, { user => 1 } ], "$kind: with metadata");
	is((lines_of('context-version', '-s', $url))[0], 18, "$kind: that was all");

	# Repeating.
	my $file = ndjson(map { event(k => $_) } 1 .. 5);
	my @first = lines_of({ in => $file }, 'append', '-s', $url, '-k', 'file');
	my @again = lines_of({ in => $file . ndjson(event(k => 6)) }, 'append', '-s', $url, '-k',
	'file');
	is_deeply(\@again, [ @first, result(24, 24) ], "$kind: with a key a file is stored once");
	my @all = lines_of({ in => $file }, 'append', '-s', $url, '-k', 'all', '--one-batch');
	is_deeply(
		[ lines_of({ in => $file }, 'append', '-s', $url, '-k', 'all', '--one-batch') ], \@all,
		"$kind: so is one batch");
	is_deeply([ map { $_->{idempotency_key} } lines_of('export', '-s', $url, '--after', 18) ],
		[ (map { "file-$_" } 1 .. 6), 'all' ], "$kind: keys have the line's number");
	fails_with(
		run({ in => "\n" . ndjson(event(k => 0)) . $file }, 'append', '-s', $url, '-k', 'file'),
		1, qr/\Afactstr: stdin:2: idempotency key reused\n  detail: .*\n  hint: /,
		"$kind: a key for other events");

	# Conditional.
	my $decision = ndjson(event(c => { id => 1 }));
	my @context = ('-s', $url, '-t', 'c', '-p', '{"id": 1}');

	is_deeply([ lines_of({ in => $decision }, 'append-if', @context, '-e', 'none') ],
		[ result(30, 30) ], "$kind: the context is empty");
	my $stale = run({ in => $decision }, 'append-if', @context, '-e', 'none');
	status_is($stale, 3, "$kind: now it is not");
	is_deeply([ documents($stale->{buffer}) ],
		[ { expected_context_version => undef, actual_context_version => 30 } ],
		"$kind: both versions are printed");
	like($stale->{err},
		qr/\Afactstr: conditional append conflict\n  detail: .*empty.*30\.\n  hint: /,
		"$kind: and said");
	is_deeply([ lines_of({ in => $decision }, 'append-if', @context, '--expect', 30) ],
		[ result(31, 31) ], "$kind: with the right version");
	is_deeply([ lines_of({ in => $decision x 2 }, 'append-if', '-s', $url, '-e', 31) ],
		[ result(32, 33) ], "$kind: the context of everything; lines are one batch");
	is_deeply(
		[ lines_of({ in => $decision }, 'append-if', '-s', $url, '-e', 'none', '-q',
			'@' . spew("$DIRECTORY/query", '{"filters": [{"event_types": ["none"]}]}')) ],
		[ result(34, 34) ], "$kind: a query from a file");
	fails_with(run({ in => '' }, 'append-if', '-s', $url, '-e', 'none'), 1,
		qr/\Afactstr: stdin: append requires at least one event\n/, "$kind: nothing to append");
	fails_with(
		run({ in => $decision }, 'append-if', '-s', $url, '-e', 'none', '-q', '{"filter": []}'),
		1, qr/\Afactstr: invalid \S+ at \$: unknown key "filter"\n/, "$kind: a malformed context");
}

# What is wrong with the input is the library's to say; where it is, is said here.
my $good = ndjson(event(a => 1));
my @malformed = (
	[ 'a missing key', '{"event_type": "a"}', qr/2: invalid events at \$: missing key "payload"/ ],
	[ 'an empty type', '{"event_type": "", "payload": 1}',
		qr/2: invalid events at \$\.event_type: / ],
	[ 'an unknown key', '{"event_type": "a", "payload": 1, "meta": 1}',
		qr/2: invalid events at \$: unknown key "meta"/ ],
	[ 'half an event', '{"event_type": "a",', qr/2: the line is not one JSON value/ ],
	[ 'two events', '{"event_type": "a", "payload": 1}, {"event_type": "a", "payload": 1}',
		qr/2: the line is not one JSON value/ ],
	[ 'a number', '17', qr/2: invalid events at \$: / ],
	[ 'no JSON', '{"event_type": "a", "payload": nul}', qr/2: invalid events at column 3\d: / ],
	[ 'not UTF-8', qq({"event_type": "a", "payload": "\xff"}),
		qr/2: invalid events at column 3\d: / ],
	[ 'a NUL byte', qq({"event_type": "a", \0"payload": 1}), qr/2: the line has a NUL byte/ ],
);
for my $case (@malformed)
{
	my ($name, $line, $message) = @$case;
	my $input = $good . $line . "\n" . $good;

	for my $options ([], ['--batch', 3], ['--one-batch'])
	{
		my $url = new_url('sqlite');
		my $process = run({ in => $input }, 'append', '-s', $url, @$options);

		is($process->{status}, 1, "$name @$options");
		like($process->{err}, qr/\Afactstr: stdin:$message/, 'the line is named');
		is(run('context-version', '-s', $url)->{buffer}, @$options ? "none\n" : "1\n",
			'what was before it is stored, unless it is one batch');
		like($process->{err}, qr/hint: What is before it has been stored: 1 batches\.\n/,
			'and says so')
		  if !@$options;
	}
}
fails_with(run({ in => "[\n" . '{"event_type": "a"}]' }, 'append', '-s', 'memory:'), 1,
	qr/\Afactstr: stdin: invalid events at \$\[0\]: missing key "payload"/,
	'in an array by its index');
fails_with(run({ in => "\n[\n" . '{"event_type": "a",}]' }, 'append', '-s', 'memory:'), 1,
	qr/\Afactstr: stdin: invalid events at line 3, column \d+: /, 'or by its line');
fails_with(
	run({ in => "\n$good\n\n$good {\"event_type\": 1,\n" }, 'append', '-s', 'memory:',
		'--one-batch'),
	1, qr/\Afactstr: stdin:6: the line is not one JSON value/, 'blank lines count');
fails_with(
	run({ in => "\n$good\n\n$good\n{\"event_type\": 1}\n\n$good" }, 'append', '-s', 'memory:',
		'--one-batch'),
	1, qr/\Afactstr: stdin:7: invalid events at \$\.event_type: /, 'also within a batch');
fails_with(run({ in => '[]' }, 'append', '-s', 'memory:'), 1,
	qr/\Afactstr: stdin: append requires at least one event/, 'an empty array');
fails_with(run('append', '-s', 'memory:', "$DIRECTORY/none"), 1,
	qr/\Afactstr: cannot open "\Q$DIRECTORY\E\/none": No such file or directory\n/, 'no such file');
fails_with(run('append', '-s', 'memory:', $DIRECTORY), 1,
	qr/\Afactstr: cannot read "\Q$DIRECTORY\E": Is a directory\n/, 'a directory');

# Events are appended as they come.
my $url = new_url('sqlite');
my $appending = start({}, 'append', '-s', $url);
for my $i (1 .. 3)
{
	print { $appending->{in} } $good;
	is_deeply(next_line($appending), result($i, $i),
		"line $i is answered before the next is written");
}
status_is(finish($appending), 0, 'and the end of the input ends it');

done_testing();
