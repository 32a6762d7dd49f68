# The whole server is killed, several times, while clients append and others read: every acknowledged
# append is there as one whole batch, there are no others but whole batches, no gap, and no reader
# has ever seen a fact that is gone or different afterwards.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use FactstrClients;
use FactstrSlowDisk;
use FactstrTest;
use Test::More;
use Time::HiRes ();

my $WRITERS = 16;
my $READERS = 4;
my @ROUNDS = qw(facts_only facts_only always off);

my $disk = FactstrSlowDisk->new;
my $node = new_node('crash', conf => 'fsync = on', preload => $disk->library);

seed_clients();

# A writer notes each call before and after.
sub writer
{
	my ($round, $number) = @_;
	my $calls = 0;

	return sub {
		my ($session, $file) = @_;
		my $id = "$round-$number-" . ++$calls;
		my $count = 1 + int(rand(5));
		my $shared = int(rand(4));
		my @events = map { ('crash',
			{ id => $id, index => $_, count => $count, shared => $shared, rest => 'x' x int(rand(300)) }) } 1 .. $count;
		my %call = (id => $id, count => $count, events => events(@events));
		my $kind = int(rand(3));

		$call{key} = "key-$id" if $kind == 2;
		note_down($file, { called => \%call });
		if ($kind == 1)
		{
			my $context = of_payload({ shared => $shared });

			answer($session, $file, 'SELECT factstr_context_version($1)', $context) // return 0;
			my $version = $session->rows->[0][0];
			my $state = answer($session, $file, 'SELECT * FROM factstr_append_if($1, $2, $3)',
				$call{events}, $context, $version) // return 0;
			if ($state eq 'FS001')
			{
				note_down($file, { refused => $id });
				return 1;
			}
		}
		else
		{
			answer($session, $file, 'SELECT * FROM factstr_append($1, $2)', $call{events}, $call{key}) // return 0;
		}
		my ($first, $last) = @{ $session->rows->[0] };
		note_down($file, { acknowledged => $id, first => $first, last => $last });
		return 1;
	};
}

my $RECORD = q((r->>'sequence_number')::bigint, r->>'event_type', md5((r->'payload')::text));

# A reader by position notes each fact, and whether one was missing.
sub reader_by_position
{
	my ($position) = @_;

	return sub {
		my ($session, $file) = @_;

		answer($session, $file, qq(
			SELECT $RECORD, b.last_sequence_number
			FROM factstr_batches(after_sequence_number => \$1, max_batches => 20) b, jsonb_array_elements(b.event_records) r
			ORDER BY 1), $position) // return 0;
		foreach my $row (@{ $session->rows })
		{
			note_down($file, { error => "fact $row->[0] after $position" }) if $row->[0] != $position + 1;
			$position = $row->[0];
			note_down($file, { seen => [ @$row[0 .. 2] ] });
		}
		return 1;
	};
}

# A reader of the newest facts notes these.
sub reader_of_newest
{
	my $newest = 0;

	return sub {
		my ($session, $file) = @_;

		answer($session, $file, qq(
			SELECT $RECORD FROM factstr_query(jsonb_build_object('after', \$1::bigint)) q, jsonb_array_elements(q.event_records) r
			ORDER BY 1), $newest) // return 0;
		foreach my $row (@{ $session->rows })
		{
			note_down($file, { seen => $row });
			$newest = $row->[0];
		}
		return 1;
	};
}

# The log as it is after the crash: by number, by the id of the call that wrote it.
my (%facts, %batches);

sub read_log
{
	my ($session) = @_;

	%facts = %batches = ();
	foreach my $row (@{ $session->run(q(
		SELECT sequence_number, batch_first_sequence_number, event_type, md5(payload::text),
			payload->>'id', payload->>'index', payload->>'count'
		FROM factstr_events ORDER BY 1)) })
	{
		my ($number, $first, $type, $hash, $id, $index, $count) = @$row;

		$facts{$number} = [ $number, $type, $hash ];
		push @{ $batches{$id} }, { number => $number, first => $first, index => $index, count => $count };
	}
	return;
}

# A batch is whole if its facts are all there, in their order, under consecutive numbers.
sub is_whole
{
	my ($batch) = @_;
	my $first = $batch->[0]{number};
	my $expected = 0;

	return 0 if @$batch != $batch->[0]{count};
	foreach my $fact (@$batch)
	{
		return 0 if $fact->{number} != $first + $expected || $fact->{first} != $first || $fact->{index} != ++$expected;
	}
	return 1;
}

my $total_acknowledged = 0;

foreach my $round (0 .. $#ROUNDS)
{
	my $mode = $ROUNDS[$round];
	my $name = "round $round, $mode";
	my $setting = "SET factstr.early_lock_release = $mode";
	my @writers = map { "writer-$round-$_" } 1 .. $WRITERS;
	my @readers = map { "reader-$round-$_" } 1 .. $READERS;
	my @children;

	# Slow writes are more likely to be lost.
	$disk->slow if $round != 1;
	my $from = keys %facts;
	push @children, in_background($node, $writers[$_ - 1], $setting, writer($round, $_)) foreach 1 .. $WRITERS;
	push @children, in_background($node, $readers[$_], $setting, $_ % 2 ? reader_of_newest() : reader_by_position($from)) foreach 0 .. $READERS - 1;
	wait_for_clients(2000, @writers, @readers);
	# Not to wait for anything, but to interrupt them at any point.
	Time::HiRes::usleep(200_000 + int(rand(1_000_000)));
	crash($node);
	waitpid($_, 0) foreach @children;
	$disk->release;
	start_node($node, $disk->library);

	my $session = new_session($node);
	read_log($session);
	my $count = keys %facts;

	is(numbers($session), "1-$count", "$name: no gap");
	is(scalar(grep { !is_whole($_) } values %batches), 0, "$name: whole batches only");

	my @written = map { read_notes($_) } @writers;
	my @read = map { read_notes($_) } @readers;

	is_deeply([ grep { $_->{error} } @written, @read ], [], "$name: no client met an error other than the crash");

	my @acknowledged = grep { $_->{acknowledged} } @written;
	$total_acknowledged += @acknowledged;
	is_deeply(
		[ grep {
			my $batch = $batches{ $_->{acknowledged} };
			!$batch || $batch->[0]{number} != $_->{first} || $batch->[-1]{number} != $_->{last}
		} @acknowledged ],
		[], "$name: all " . @acknowledged . ' acknowledged appends are there');
	is_deeply([ grep { $batches{ $_->{refused} } } grep { $_->{refused} } @written ], [], "$name: no refused append is");

	my @seen = grep { $_->{seen} } @read;
	is_deeply(
		[ grep {
			my $seen = $_->{seen};
			!$facts{ $seen->[0] } || "@$seen" ne "@{ $facts{$seen->[0]} }"
		} @seen ],
		[], "$name: every fact that was read (" . @seen . ') is there, unchanged');

	# Calls with a key are repeated, whether they were answered or not.
	my @keyed = grep { $_->{key} } map { $_->{called} // () } @written;
	my %first = map { $_->{acknowledged} => $_->{first} } @acknowledged;
	my @wrong;
	foreach my $call (@keyed)
	{
		my $known = $first{ $call->{id} } // ($batches{ $call->{id} } ? $batches{ $call->{id} }[0]{number} : undef);
		my $got = $session->value('SELECT first_sequence_number FROM factstr_append($1, $2)', $call->{events}, $call->{key});

		push @wrong, $call->{id} if defined $known && $known != $got;
	}
	is_deeply(\@wrong, [], "$name: " . @keyed . ' calls with a key, repeated, return the first result');
	read_log($session);
	is_deeply([ grep { !$batches{ $_->{id} } || !is_whole($batches{ $_->{id} }) } @keyed ], [], "$name: and each is there once");
	is(numbers($session), '1-' . keys %facts, "$name: still no gap");
}

cmp_ok($total_acknowledged, '>=', 2 * $WRITERS, 'the clients got something done');
note('tried: ' . @ROUNDS . ' servers killed');
note("tried: $total_acknowledged acknowledged appends looked for");
$node->stop;
done_testing();
