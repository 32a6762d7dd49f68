# export, import and copy: whole logs from store to store, interrupted and resumed.

use strict;
use warnings;

use Command;
use Test::More;

# A log of every kind: batches of one and of many, keys, metadata, payloads in spellings that a
# store may not keep.
my @batches = map {
	my $i = $_;
	[
		map {
			{
				event_type => "type \xc3\xa4 $_",
				payload => [ undef, $i, "t\"\n$_", { b => $i / 8, a => [ {} ] } ]->[ $_ % 4 ],
				$_ % 3 ? () : (metadata => { user => $i })
			}
		} 1 .. 1 + $i % 5
	]
} 1 .. 300;

sub fill
{
	my ($url) = @_;
	my $payload = '{"b":  1.0, "a": 1e2, "a": 12345678901234567890.10}';

	for my $i (0 .. 9)
	{
		my @key = $i % 2 ? ('-k', "key \"$i\"") : ();

		lines_of({ in => ndjson($batches[$i]) }, 'append', '-s', $url, @key);
	}
	lines_of({ in => qq([{"event_type": "s", "payload": $payload}]) }, 'append', '-s', $url);
	lines_of({ in => ndjson(map { @$_ } @batches) }, 'append', '-s', $url, '--batch', 7);
	return $url;
}

sub log_of
{
	my ($url) = @_;
	my $process = run('export', '-s', $url, '--canonical');

	die "status $process->{status}: $process->{err}" if $process->{status} ne '0';
	return $process->{buffer};
}

# A batch of one fact, as export writes it.
sub batch_line
{
	my ($number, $payload) = @_;

	$payload //= $number;
	return qq({"first_sequence_number": $number, "last_sequence_number": $number, "event_records": )
	  . qq([{"sequence_number": $number, "occurred_at": "2026-01-31T08:15:30.123456Z", )
	  . qq("event_type": "a", "payload": $payload}]}\n);
}

my @kinds = store_kinds();
my $origin = fill(new_url('sqlite'));
my $log = log_of($origin);
my $exported = run('export', '-s', $origin)->{buffer};
my @lines = split(/^/, $exported);
my $newest = (documents($lines[-1]))[0]{last_sequence_number};
my $complete = { imported_batches => scalar @lines, imported_facts => $newest,
	last_sequence_number => $newest };
my $nothing = { imported_batches => 0, imported_facts => 0, last_sequence_number => $newest };

# So large that it is imported in several steps.
my $large = new_url('sqlite');
lines_of({ in => ndjson(map { { event_type => "large $_", payload => 'x' x 100_000 } } 1 .. 30) },
	'append', '-s', $large);
my @large_lines = split(/^/, run('export', '-s', $large)->{buffer});

isnt($log, $exported, 'payloads are exported as they were given');
like($exported, qr/"payload": \{"b":  1\.0, "a": 1e2, "a": 12345678901234567890\.10\}/, 'exactly');
is(scalar(grep { exists $_->{idempotency_key} } documents($exported)), 5, 'with keys');
my $tenth = (documents($lines[9]))[0]{last_sequence_number};
is(run('export', '-s', $origin, '--after', $tenth)->{buffer},
	join('', @lines[ 10 .. $#lines ]), 'or only the batches after one');
is(run('export', '-s', new_url('sqlite'))->{buffer}, '', 'an empty log');
is(run('export', '-s', $origin, '--after', $newest)->{buffer}, '', 'nothing is after the newest fact');
fails_with(run('export', '-s', $origin, '--after', 1), 1,
	qr/\Afactstr: no batch ends with fact 1\n  hint: /, 'a number within a batch');

for my $kind (@kinds)
{
	my $url = new_url($kind);

	# There and back again.
	is_deeply([ lines_of({ in => $exported }, 'import', '-s', $url) ], [$complete],
		"$kind: import");
	is(log_of($url), $log,
		"$kind: it is the same log, in numbers, times, batches, keys and values");
	my $back = new_url('sqlite');
	lines_of('import', '-s', $back, spew("$DIRECTORY/log", run('export', '-s', $url)->{buffer}));
	is(log_of($back), $log, "$kind: and back again too");
	is_deeply([ lines_of({ in => $exported }, 'import', '-s', $url) ], [$nothing],
		"$kind: repeated: nothing to do");
	is_deeply([ lines_of({ in => $exported }, 'import', '-s', $url, '--verify') ], [$nothing],
		"$kind: all of it compared");
	is_deeply(
		[ lines_of({ in => ndjson({ event_type => 'a', payload => 1 }) }, 'append', '-s', $url) ],
		[ {
			first_sequence_number => $newest + 1,
			last_sequence_number => $newest + 1,
			committed_count => 1
		} ],
		"$kind: the log continues");
	is_deeply(
		[ lines_of({ in => ndjson($batches[1]) }, 'append', '-s', $url, '-k', 'key "1"') ],
		[ { first_sequence_number => 3, last_sequence_number => 5, committed_count => 3 } ],
		"$kind: keys that came along are known");

	# Killed in the middle, and repeated.
	$url = new_url($kind);
	my $import = start({}, 'import', '-s', $url);
	print { $import->{in} } @large_lines[ 0 .. 24 ];
	wait_until('something has been imported',
		sub { run('context-version', '-s', $url)->{buffer} ne "none\n" });
	status_is(stop($import, 'KILL'), 'signal 9', "$kind: an import is killed");
	my ($rest) = lines_of({ in => join('', @large_lines) }, 'import', '-s', $url);
	cmp_ok($rest->{imported_batches}, '<', @large_lines, "$kind: a repeated one continues");
	is($rest->{last_sequence_number}, @large_lines, "$kind: to the end");
	is(log_of($url), log_of($large), "$kind: and the log is the same");

	# Broken off by a line that is cut, as by a full disk.
	$url = new_url($kind);
	my $before_cut = (documents($lines[49]))[0]{last_sequence_number};
	my $cut = join('', @lines[ 0 .. 49 ]) . substr($lines[50], 0, -20);
	fails_with(run({ in => $cut }, 'import', '-s', $url), 1,
		qr/\Afactstr: stdin:51: invalid batch: the line is not one JSON object\n(  detail: .*\n)?  hint: The store has the facts up to $before_cut\. Repeat the command to import the rest\.\n\z/,
		"$kind: a line that is cut");
	is(run('context-version', '-s', $url)->{buffer}, "$before_cut\n",
		"$kind: the batches before it are there, as the message says");
	lines_of({ in => $exported }, 'import', '-s', $url);
	is(log_of($url), $log, "$kind: and the rest, repeated");

	# More lines than are imported together before the one at fault, and input that cannot be read.
	$url = new_url($kind);
	my @numbered = map { batch_line($_) } 1 .. 1500;
	fails_with(run({ in => join('', @numbered, "17\n") }, 'import', '-s', $url), 1,
		qr/\Afactstr: stdin:1501: .*\n(  detail: .*\n)?  hint: The store has the facts up to 1500\./,
		"$kind: the position after several steps");
	fails_with(
		run({ in => join('', map({ batch_line($_) } 1501 .. 1510), "\0\n") }, 'import', '-s', $url),
		1, qr/\Afactstr: stdin:11: .*NUL byte\n  hint: The store has the facts up to 1510\./,
		"$kind: where the input ends badly");
	is(run('context-version', '-s', $url)->{buffer}, "1510\n", "$kind: is the store's");
	my $first_malformed = run({ in => batch_line(1511, 'tru') . "17\n" }, 'import', '-s', $url);
	like($first_malformed->{err}, qr/\Afactstr: stdin:1: /, "$kind: the first error is the one that is told");
	unlike($first_malformed->{err}, qr/stdin:2/, "$kind: and the only one");
	like($first_malformed->{err}, qr/  hint: Nothing has been imported\.\n\z/,
		"$kind: nothing came before it");
  SKIP:
	{
		skip 'there is no /dev/full', 1 if !-w '/dev/full';
		fails_with(
			run({ in => batch_line(1511), out => '/dev/full' }, 'import', '-s', $url),
			1, qr/\Afactstr: cannot write "stdout": .*\n  hint: The store has the facts up to 1511\.\n\z/,
			"$kind: a result that cannot be written");
	}

	# Without a file.
	my $copy = new_url($kind);
	is_deeply([ lines_of('copy', $origin, $copy) ], [$complete], "$kind: copy");
	is(log_of($copy), $log, "$kind: it is the same log");
	is_deeply([ lines_of('copy', $origin, $copy) ], [$nothing], "$kind: repeated: nothing to do");
	is_deeply([ lines_of('copy', $copy, $origin, '--verify') ], [$nothing],
		"$kind: both have the same");
	$copy = new_url($kind);
	lines_of({ in => join('', @lines[ 0 .. 19 ]) }, 'import', '-s', $copy);
	is_deeply([ lines_of('copy', $origin, $copy) ]->[0]{imported_batches}, @lines - 20,
		"$kind: a copy continues in a store with batches");
	is(log_of($copy), $log, "$kind: and the log is the same");

	# Another log is not mistaken for this one.
	my $other = new_url($kind);
	lines_of({ in => ndjson($batches[0]) }, 'append', '-s', $other);
	my $two_logs = qr/hint: They are two logs\./;
	like(run({ in => $exported }, 'import', '-s', $other)->{err}, $two_logs,
		"$kind: import refuses another log");
	like(run('copy', $origin, $other)->{err}, $two_logs, "$kind: so does copy");
	like(run('copy', $other, $copy)->{err},
		qr/the target has facts up to $newest, the source only up to 2\n/,
		"$kind: a copy does not go backwards");
	is(run('context-version', '-s', $other)->{buffer}, "2\n", "$kind: nothing has been imported");
	my $changed = $exported =~
	  s/("sequence_number": 9, "occurred_at": ".{25})(.)/$1 . ($2 + 1) % 10/er;
	is(run({ in => $changed }, 'import', '-s', $copy)->{status}, 0,
		"$kind: a difference in the middle");
	like(run({ in => $changed }, 'import', '-s', $copy, '--verify')->{err}, $two_logs,
		"$kind: is found by --verify");
}

# Files.
my $file = "$DIRECTORY/backup";
status_is(run('export', '-s', $origin, $file), 0, 'into a file');
is(slurp($file), $exported, 'it is the same');
fails_with(run('export', '-s', $origin, $file), 1,
	qr/\Afactstr: cannot write "\Q$file\E": File exists\n  hint: /,
	'a file is not overwritten');
status_is(run('export', '-s', $origin, '--force', $file), 0, 'unless that is asked for');
my $size = length($exported);
for my $cut (0, 1, 100, length($lines[-1]), $size - length($lines[0]) - 3, $size)
{
	truncate(spew($file, $exported), $size - $cut);
	status_is(run('export', '-s', $origin, '--resume', $file), 0,
		"a file without its last $cut bytes is completed");
	is(slurp($file), $exported, 'to the same');
}
unlink($file);
status_is(run('export', '-s', $origin, '--resume', $file), 0, 'one that is not there is made');
is(slurp($file), $exported, 'to the same');
my $short = new_url('sqlite');
lines_of({ in => ndjson($batches[0]) }, 'append', '-s', $short);
fails_with(run('export', '-s', $short, '--resume', $file), 1,
	qr/\Afactstr: \Q$file\E: the store has different content for batch /,
	'one of another log is left alone');
is(slurp($file), $exported, 'as it was');
fails_with(run('export', '-s', $origin, '--resume', spew($file, 'no export')), 1,
	qr/\Afactstr: "\Q$file\E" has no complete line of an export\n/, 'and a file without one');
fails_with(run('export', '-s', $origin, '--resume', spew($file, "no export\n")), 1,
	qr/\Afactstr: \Q$file\E: invalid batch: /, 'in any way');
is(slurp($file), "no export\n", 'is left alone too');
fails_with(run('export', '-s', $origin, '--resume',
		spew($file, qq({"event_type": "a", "payload": 1, "occurred_at": "2018-02-07T01:45:21Z"}\n))), 1,
	qr/\Afactstr: \Q$file\E: invalid batch: exported batches have numbers\n/,
	'and so is history that could be imported');

# Errors of a line.
my $record = '{"sequence_number": 1, "occurred_at": "2026-01-31T08:15:30.123456Z", '
  . '"event_type": "a", "payload": 1}';
my $line = qq({"first_sequence_number": 1, "last_sequence_number": 1, "event_records": [$record]});
my @wrong = (
	[ '17', qr/the line is not one JSON object/ ],
	[ "$line $line", qr/the line is not one JSON object/ ],
	[ $line =~ s/"first_s/"firsts/r, qr/unknown key "firstsequence_number"/ ],
	[ $line =~ s/"last_sequence_number": 1, //r, qr/missing key "last_sequence_number"/ ],
	[ $line =~ s/"event_records".*\]/"idempotency_key": "k"/r, qr/missing key "event_records"/ ],
	[ $line =~ s/"event_records": /"idempotency_key": 1, "event_records": /r,
		qr/no string in key "idempotency_key"/ ],
	[ $line =~ s/"first_sequence_number": 1/"first_sequence_number": "1"/r, qr/no number in key/ ],
	[ $line =~ s/"first_sequence_number": 1/"first_sequence_number": 99999999999999999999/r,
		qr/no number in key/ ],
	[ $line =~ s/"last_sequence_number": 1/"last_sequence_number": 2/r,
		qr/do not agree with its facts/ ],
	[ $line =~ s/\[.*\]/[]/r, qr/do not agree with its facts/ ],
	[ $line =~ s/\[.*\]/{}/r, qr/"event_records" is not an array/ ],
	[ $line =~ s/\[\{/[1, {/r, qr/at \$\.event_records\[0\]: it is not an object/ ],
	[ $line =~ s/"payload": 1/"payload": , "metadata": {}/r,
		qr/at \$\.event_records\[0\]: it is not JSON/ ],
	[ $line =~ s/"payload": 1/"payload": tru/r, qr/at \$\[0\]\.facts\[0\]\.payload, / ],
	[ $line =~ s/, "payload": 1//r, qr/at \$\.event_records\[0\]: missing key "payload"/ ],
	[ $line =~ s/"payload"/"pay\tload"/r, qr/at \$\.event_records\[0\]: it has a malformed key/ ],
	[ $line =~ s/08:15/24:15/r, qr/at \$\.event_records\[0\]: no time in key "occurred_at"/ ],
	[ $line =~ s/"a"/"\\ud800"/r, qr/at \$\.event_records\[0\]: no string in key "event_type"/ ],
	[ $line =~ s/"a"/""/r, qr/event_type must not be empty/ ],
	[ $line =~ s/"sequence_number": 1/"sequence_number": 2/r, qr/its number does not follow/ ],
	[ $line =~ s/: 1, "occ/: 2, "occ/r =~ s/number": 1/number": 2/gr,
		qr/whose newest fact is 0\n  hint: Export with --after 0\./ ],
);
for my $case (@wrong)
{
	my ($text, $message) = @$case;
	my $url = new_url('sqlite');
	my $process = run({ in => "\n$text\n" }, 'import', '-s', $url);

	is($process->{status}, 1, "refused: $text");
	like($process->{err}, qr/\Afactstr: stdin:2: .*$message/, 'the line is named');
	is(run('context-version', '-s', $url)->{buffer}, "none\n", 'nothing is stored');
}
my $second = $line =~ s/: 1, "occ/: 3, "occ/r =~ s/number": 1/number": 3/gr;
fails_with(run({ in => "$line\n$second\n" }, 'import', '-s', new_url('sqlite')), 1,
	qr/\Afactstr: stdin:2: batch 3 to 3 does not follow the line before, which ends with 1\n/,
	'a gap between lines');
my $escaped = new_url('sqlite');
my $spelling = '"event\u005ftype": "\u0061\n\"\ud834\udd1e"';
lines_of({ in => $line =~ s/"event_type": "a"/$spelling/r }, 'import', '-s', $escaped);
like(log_of($escaped), qr/"event_type": "a\\u000a\\"\xf0\x9d\x84\x9e"/,
	'escapes are read as their characters');

# History from elsewhere, without numbers.
my $event = '{"event_type": "a", "payload": %s, "occurred_at": "%s"%s}';
my @history = (
	sprintf($event, '{"n": 1}', '2018-02-07T01:45:21Z', ', "idempotency_key": "h 1"'),
	'{"event_records": ['
	  . sprintf($event, 'null', '20180207T024521.1234567+0100', ', "metadata": {"by": "x"}') . ', '
	  . sprintf($event, '"2"', '2017-02-07T01:45Z', '') . '], "idempotency_key": "h 2"}',
	sprintf($event, '3', '2018-02-06T20:45:21-05:00', ''),
);

sub imported
{
	my ($batches, $facts, $last) = @_;
	return { imported_batches => $batches, imported_facts => $facts, last_sequence_number => $last };
}

# Numbers of a log, its batches, payloads, times and keys.
sub story_of
{
	my ($url) = @_;
	return [
		map {
			my $batch = $_;
			join('; ', map { "$_->{sequence_number} $_->{occurred_at}" } @{ $batch->{event_records} })
			  . ($batch->{idempotency_key} ? " $batch->{idempotency_key}" : '')
		} documents(log_of($url))
	];
}

for my $kind (@kinds)
{
	my $url = new_url($kind);
	my @story = ('1 2018-02-07T01:45:21.000000Z h 1',
		'2 2018-02-07T01:45:21.123456Z; 3 2017-02-07T01:45:00.000000Z h 2',
		'4 2018-02-07T01:45:21.000000Z');

	is_deeply([ lines_of({ in => join("\n", @history) }, 'import', '-s', $url) ], [ imported(3, 4, 4) ],
		"$kind: history is imported");
	is_deeply(story_of($url), \@story, "$kind: with numbers, times and keys");
	is_deeply([ lines_of({ in => join("\n", @history[ 0, 1 ]) }, 'import', '-s', $url) ],
		[ imported(0, 0, 4) ], "$kind: repeated, lines with a key are skipped");
	is_deeply([ lines_of({ in => join("\n", @history) }, 'import', '-s', $url) ], [ imported(1, 1, 5) ],
		"$kind: and lines without one are imported again");
	is_deeply(story_of($url), [ @story, $story[2] =~ s/4/5/r ], "$kind: after the present batches");

	# A line at fault: those before it are imported, and the error says so.
	$url = new_url($kind);
	fails_with(run({ in => join("\n", @history, '{"event_type": "a"}') }, 'import', '-s', $url), 1,
		qr/\Afactstr: stdin:4: invalid batch: missing key "occurred_at"\n.*  hint: The file is imported up to line 3\. /s,
		"$kind: a line at fault");
	is_deeply(story_of($url), \@story, "$kind: the batches before it are there");
	fails_with(run({ in => join("\n", @history[ 2, 1 ], $history[1] =~ s/"2"/"3"/r) }, 'import', '-s', $url), 1,
		qr/\Afactstr: stdin:3: idempotency key reused\n.*imported up to line 2\. /s,
		"$kind: a key that has other events");
	is(run('context-version', '-s', $url)->{buffer}, "5\n", "$kind: the batches before it are there");
	fails_with(run({ in => "$history[0]\n$line\n" }, 'import', '-s', $url), 1,
		qr/\Afactstr: stdin:2: the batch has numbers, but the line before has none\n/,
		"$kind: numbers after none");
	fails_with(run({ in => "$line\n$history[0]\n" }, 'import', '-s', new_url($kind)), 1,
		qr/\Afactstr: stdin:2: the batch has no numbers, but the line before has some\n/,
		"$kind: none after numbers");
}
for my $case (
	[ sprintf($event, 1, '2018-02-07T01:45:21', ''), qr/no time in key "occurred_at"/ ],
	[ sprintf($event, 1, '2018-02-07T01:45:21Z', ', "sequence_number": 1'), qr/unknown key "sequence_number"/ ],
	[ sprintf($event, 1, '2018-02-07T01:45:21Z', ', "event_records": []'), qr/keys of an event and of a batch/ ],
	[ '{"event_records": [], ' . substr(sprintf($event, 1, '2018-02-07T01:45:21Z', ''), 1), qr/keys of an event and of a batch/ ],
	[ sprintf($event, 1, '2018-02-07T01:45:21Z', ', "first_sequence_number": 1'), qr/keys of an event and of a batch/ ],
	[ sprintf($event, 1, '2018-02-07T01:45:21Z', '') =~ s/"payload": 1, //r, qr/missing key "payload"/ ],
	[ '{"event_records": []}', qr/at least one fact/ ],
	[ '{}', qr/missing key "event_records"/ ],
	[ $line =~ s/"(first|last)_sequence_number": 1, //gr, qr/it has a number, its batch has none/ ],
	[ $line =~ s/"sequence_number": 1, //r, qr/missing key "sequence_number"/ ])
{
	my ($text, $message) = @$case;
	my $url = new_url('sqlite');
	my $process = run({ in => "\n$text\n" }, 'import', '-s', $url);

	like($process->{err}, qr/\Afactstr: stdin:2: .*$message/, "refused: $text");
	is(run('context-version', '-s', $url)->{buffer}, "none\n", 'nothing is stored');
}

# Where a terminal would be told how far it has got, and the summary, --quiet leaves errors only.
for my $quiet ('-q', '--quiet')
{
	my $from = new_url('sqlite');
	my $batch = spew("$DIRECTORY/one batch", batch_line(1));

	for my $command ([ 'import', '-s', $from, $quiet, $batch ], [ 'copy', $quiet, $from, new_url('sqlite') ],
		[ 'export', '-s', $from, '--force', $quiet, "$DIRECTORY/quiet export" ])
	{
		my $process = run(@$command);

		is("$process->{status}$process->{buffer}$process->{err}", '0', "$command->[0] $quiet");
	}
	is(slurp("$DIRECTORY/quiet export"), run('export', '-s', $from)->{buffer}, 'has done its work');
	fails_with(run('import', '-s', $from, $quiet, spew("$DIRECTORY/gap", batch_line(3))), 1, qr/\Afactstr: .*gap:1: /, "but errors are told: $quiet");
}

done_testing();
