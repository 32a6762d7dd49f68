# append and append-if: input, batches, idempotency keys, conflicts, and messages of errors.

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

	# A signal ends it between two batches.
	my $stopped_url = new_url($kind);
	my $process = start({}, 'append', '-s', $stopped_url, '--batch', 2);
	print { $process->{in} } ndjson((event(a => 1)) x 5);
	is(next_line($process)->{last_sequence_number}, $_, "$kind: batches come one by one") for 2, 4;
	fails_with(stop($process, 'INT'), 1, qr/\Afactstr: interrupted\n  hint: The lines up to 4 are stored \(2 batches\)\. Continue with line 5\.\n\z/,
		"$kind: SIGINT says where to continue");
	is((lines_of('context-version', '-s', $stopped_url))[0], 4, "$kind: and stores no part of a batch");
	$stopped_url = new_url($kind);
	fails_with(stop(start({}, 'append', '-s', $stopped_url), 'TERM'), 1, qr/\Afactstr: interrupted\n  hint: Nothing is stored\.\n\z/,
		"$kind: before the first line nothing is");

	# Also while it waits: for another session, which is in the middle of an append.
	if ($kind ne 'sqlite')
	{
		my ($database) = $stopped_url =~ m{([^/?]+)(?:\?|\z)};
		my $table = $kind eq 'log' ? 'factstr_orders_events' : 'factstr_events';

		open(my $session, '|-', 'psql', '-qXAt', '-d', $database, '-o', '/dev/null') or die $!;
		$session->autoflush(1);
		print $session "BEGIN; LOCK TABLE $table;\n";
		wait_until('the table is locked', sub {
			`psql -qXAt -d $database -c "SELECT count(*) FROM pg_locks WHERE relation = '$table'::regclass AND granted"` == 1
		});
		$process = start({ in => ndjson((event(a => 1)) x 2) }, 'append', '-s', $stopped_url);
		wait_until('the append waits', sub {
			`psql -qXAt -d $database -c "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"` == 1
		});
		fails_with(stop($process, 'INT'), 1, qr/\Afactstr: stdin:1: the call was interrupted\n  hint: Nothing is stored\.\n\z/,
			"$kind: SIGINT ends an append that waits");
		close($session);
		is(run('context-version', '-s', $stopped_url)->{buffer}, "none\n", "$kind: which is not stored");
	}

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
	fails_with(run({ in => $decision }, 'append-if', @context, '-e', 'null'), 3,
		qr/\Afactstr: conditional append conflict\n  detail: The context was expected to be empty, and is at version 30\.\n/,
		"$kind: null, as query prints it, is none");
	fails_with(run({ in => $decision }, 'append-if', @context, '-e', 0), 3,
		qr/\Afactstr: conditional append conflict\n  detail: The context was expected to be empty, and is at version 30\.\n/,
		"$kind: 0 is none, too");
	is_deeply([ lines_of({ in => $decision }, 'append-if', @context, '--expect', 30) ],
		[ result(31, 31) ], "$kind: with the right version");
	is_deeply([ lines_of({ in => $decision x 2 }, 'append-if', '-s', $url, '-e', 31) ],
		[ result(32, 33) ], "$kind: the context of everything; lines are one batch");
	is_deeply(
		[ lines_of({ in => $decision }, 'append-if', '-s', $url, '-e', 'none', '-q',
			'@' . spew("$DIRECTORY/query", '{"filters": [{"event_types": ["none"]}]}')) ],
		[ result(34, 34) ], "$kind: a query from a file");
	is_deeply(
		[ lines_of({ in => $decision }, 'append-if', '-s', $url, '-t', 'null', '-e', 'null') ],
		[ result(35, 35) ], "$kind: null expects an empty context");
	test_append_unless($kind, $url, $decision);
	fails_with(run({ in => '' }, 'append-if', '-s', $url, '-e', 'none'), 1,
		qr/\Afactstr: stdin: append requires at least one event\n/, "$kind: nothing to append");
	fails_with(
		run({ in => $decision }, 'append-if', '-s', $url, '-e', 'none', '-q', '{"filter": []}'),
		1, qr/\Afactstr: invalid \S+ at \$: unknown key "filter"\n/, "$kind: a malformed context");
}

# Behind 35 facts, of which the last matches.
sub test_append_unless
{
	my ($kind, $url, $decision) = @_;
	my @context = ('-s', $url, '-t', 'c', '-p', '{"id": 1}');
	my $stale = run({ in => $decision }, 'append-unless', @context, '-a', 34);

	status_is($stale, 3, "$kind: a fact after the position");
	is_deeply([ documents($stale->{buffer}) ], [ { after_sequence_number => 34, actual_context_version => 35 } ],
		"$kind: the position and the version are printed");
	like($stale->{err},
		qr/\Afactstr: conditional append conflict\n  detail: The context has fact 35, after 34\.\n  hint: /,
		"$kind: and said");
	is_deeply([ lines_of({ in => $decision }, 'append-unless', '-s', $url, '-t', 'never', '--after', 0) ],
		[ result(36, 36) ], "$kind: no fact may match, and none does");
	is_deeply([ lines_of({ in => $decision }, 'append-unless', @context, '-a', 36, '-k', 'unless') ],
		[ result(37, 37) ], "$kind: no fact after the position");
	is_deeply([ lines_of({ in => $decision }, 'append-unless', @context, '-a', 36, '-k', 'unless') ],
		[ result(37, 37) ], "$kind: repeated with its key");
	fails_with(run({ in => $decision }, 'append-unless', @context, '-a', 99), 1,
		qr/\Afactstr: invalid after_sequence_number: 99 is beyond the newest fact, 37\n  hint: /,
		"$kind: a position that the log does not have");
	return;
}

# The library reports errors of the input; the command adds the line.
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
			'the lines before it are stored, unless it is one batch');
		like($process->{err}, qr/hint: The lines up to 1 are stored \(1 batch\)\./, 'and says so')
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

# A number that only a server finds too large.
if (grep { $_ eq 'postgresql' } store_kinds())
{
	my $url = new_url('postgresql');
	my $huge = qq({"event_type": "a", "payload": 1e140000}\n);

	fails_with(run({ in => $good . $huge }, 'append', '-s', $url), 1, qr/\Afactstr: stdin:2: /,
		'an error of the server has its line');
	fails_with(run({ in => $good x 2 . $huge }, 'append', '-s', $url, '--one-batch'), 1,
		qr/\Afactstr: stdin:(1-)?3: /, 'or its lines');
}

# On a terminal, a hint at a faster way.
SKIP:
{
	my $many = spew("$DIRECTORY/many", $good x 1000);

	skip 'there is no program "script"', 3 if system('script -qec true /dev/null >/dev/null 2>&1') != 0;
	my @seen = map { scalar `script -qec '$COMMAND append $_ $many' /dev/null </dev/null` } (map { "-s " . new_url('sqlite') . " $_" } '', '--batch 100', '--quiet');

	like($seen[0], qr/  hint: Each line was a separate batch\. --batch 100 is faster/, 'a thousand batches of a line each');
	unlike($seen[1], qr/hint/, 'larger ones');
	is($seen[2], '', 'nothing with --quiet');
}

# Messages end up in logs: they never quote a payload, with any error in it.
for my $kind (store_kinds())
{
	my $card = '4111111111111111';
	my $url = new_url($kind);
	my @payloads = (
		"${card}e9999999999", "-$card.${card}e-9999999999", "${card}e139999", "0$card", "$card$card.", "${card}x",
		qq("$card), qq("$card\x01"), qq("$card\\ud800"), qq("\\u4111$card\\x"), qq("\\u41z1$card"), qq({"$card" 1}),
		qq({$card: 1}), qq([$card $card]), qq(["$card",]), qq({"a": "$card"), qq("$card\\u0000"), qq("$card\xff"),
	);

	for my $payload (@payloads)
	{
		my $event = qq({"event_type": "a", "payload": $payload});
		my @errors = map { run({ in => $_ }, 'append', '-s', $url)->{err} } "$event\n", "[$event]\n";

		unlike(join('', @errors), qr/41[1z]1/, "$kind: not quoted: $payload");
		unlike(run('query', '-s', $url, '-p', $payload)->{err}, qr/41[1z]1/, "$kind: nor in a query");
	}
}

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

# An append does not stop if its output has no reader, or the disk is full.
for my $kind (store_kinds())
{
	my $unread = new_url($kind);
	my $process = start({}, 'append', '-s', $unread);

	close($process->{out});
	$process->{out} = undef;
	print { $process->{in} } $good x 50;
	status_is(finish($process), 0, "$kind: the results have no reader");
	is($process->{err}, '', "$kind: which is no error");
	is(run('context-version', '-s', $unread)->{buffer}, "50\n", "$kind: and everything is stored");

  SKIP:
	{
		skip 'there is no /dev/full', 1 if !-w '/dev/full';
		my $full = new_url($kind);
		my $cannot_write = qr/\Afactstr: cannot write "stdout": No space left on device\n/;

		fails_with(run({ in => $good x 50, out => '/dev/full' }, 'append', '-s', $full), 1,
			qr/$cannot_write  hint: The events are stored: 50 batches\.\n\z/,
			"$kind: results that cannot be written");
		is(run('context-version', '-s', $full)->{buffer}, "50\n", "$kind: everything is stored");
		fails_with(
			run({ in => $good, out => '/dev/full' }, 'append-if', '-s', $full, '-e', 50),
			1, qr/$cannot_write  hint: The events are stored: 1 batch\.\n\z/,
			"$kind: a conditional append");
		is(run('context-version', '-s', $full)->{buffer}, "51\n", "$kind: is stored too");
	}

	# Where it does stop, it says where to continue.
	my $stopped = new_url($kind);
	my $malformed = qq({"event_type": "a"}\n);
	my $lines = "\n" . $good x 3 . "\n" . $malformed . $good;

	fails_with(run({ in => $lines }, 'append', '-s', $stopped), 1,
		qr/  hint: The lines up to 4 are stored \(3 batches\)\. Continue with line 5\.\n\z/,
		"$kind: the line to continue with");
	fails_with(run({ in => $lines }, 'append', '-s', $stopped, '--batch', 2), 1,
		qr/  hint: The lines up to 3 are stored \(1 batch\)\. Continue with line 4\.\n\z/,
		"$kind: that of the batch");
	fails_with(run({ in => $lines }, 'append', '-s', $stopped, '-k', 'k'), 1,
		qr/  hint: The lines up to 4 are stored \(3 batches\)\. Repeat the command with the same key, which stores the rest\.\n\z/,
		"$kind: or the whole command, with a key");
	fails_with(run({ in => $good . "\0\n" }, 'append', '-s', $stopped), 1,
		qr/  hint: The lines up to 1 are stored \(1 batch\)\. Continue with line 2\.\n\z/,
		"$kind: also where the input cannot be read");
	unlike(run({ in => $malformed }, 'append', '-s', $stopped)->{err}, qr/stored/,
		"$kind: nothing was stored before the first");

	# Without results.
	my $quiet = run({ in => $good x 3 }, 'append', '-s', $stopped, '-q');
	is("$quiet->{status}$quiet->{buffer}$quiet->{err}", '0', "$kind: -q prints nothing");
	fails_with(run({ in => $malformed }, 'append', '-s', $stopped, '--quiet'), 1, qr/\Afactstr: stdin:1: /, "$kind: but errors");

	# Errors of the store have their line too.
	my $first = ndjson({ event_type => 'a', payload => 'first' });
	my $used = new_url($kind);
	lines_of({ in => $first }, 'append', '-s', $used, '-k', 'k-3', '--one-batch');
	fails_with(run({ in => $good x 4 }, 'append', '-s', $used, '-k', 'k', '--batch', 2), 1,
		qr/\Afactstr: stdin:3-4: idempotency key reused\n/, "$kind: the lines of a batch");
	fails_with(
		run({ in => $good }, 'append', '-s', $used, '-k', 'x' x 3000), 1,
		qr/\Afactstr: invalid idempotency_key: /, "$kind: but an argument has none");
}

done_testing();
