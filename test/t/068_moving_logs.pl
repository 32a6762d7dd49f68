# A log moves to another server with examples/move_log.sh, while clients append: they lose no fact, repeat none, and
# continue there with the next number.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use FactstrClients;
use FactstrTest;
use IPC::Run ();
use Test::More;

my $TOP = "$FindBin::RealBin/../..";
my $CLIENTS = 3;

# How often each client appends on the new server before it ends.
my $AFTER_THE_MOVE = 20;

my $old = new_node('old');
my $new = new_node('new');
my $source = new_session($old);
my $target = new_session($new);
my $EXPORT = q(SELECT jsonb_agg(to_jsonb(e) ORDER BY first_sequence_number) FROM factstr_export(0, 1000000, 'orders') e);

$ENV{FACTSTR} = "$TOP/memstore/build/factstr";
delete $ENV{FACTSTR_URL};

sub url
{
	my ($node) = @_;

	return sprintf('postgresql:///postgres?host=%s&port=%d', $node->host, $node->port);
}

sub move
{
	my $output = '';

	IPC::Run::run([ "$TOP/examples/move_log.sh", url($old), url($new), 'orders' ], '>', \$output, '2>', \$output);
	return ($? >> 8, $output);
}

# A client appends with a key each time. If the old server refuses because the log is sealed there, it repeats the append on
# the new one, until it gets the right there.
sub client
{
	my ($name) = @_;
	my ($n, $moved, $session) = (0, 0);

	return sub {
		my ($first, $notes) = @_;

		$session //= $first;
		my $key = "$name-" . ++$n;
		my $append = sprintf(q(SELECT first_sequence_number FROM factstr_append('%s', '%s', log => 'orders')),
			events(map { (live => { client => $name, n => $n }) } 0 .. $n % 3), $key);
		my $state = $session->state_of($append);
		if ($state eq 'FS009' && $session == $first)
		{
			$session = new_session($new);
			$session->run('SET SESSION AUTHORIZATION writer');
			wait_until('the new server lets it in', sub { ($state = $session->state_of($append)) !~ /^(42501|FS008)$/ });
			$moved = 1;
		}
		if ($state ne '00000')
		{
			note_down($notes, { error => "$state: " . $session->message });
			return 0;
		}
		note_down($notes, { key => $key, number => $session->value($append), moved => $moved });
		return !$moved || $moved++ < $AFTER_THE_MOVE;
	};
}

foreach my $session ($source, $target)
{
	$session->run('CREATE ROLE writer LOGIN');
}
$source->run(q(SELECT factstr_create_log('orders'), factstr_grant('writer', 'append', 'orders')));
$source->run(sprintf(q(SELECT factstr_append('%s', NULL, log => 'orders')), events(map { (old => { n => $_ }) } 1 .. 3))) foreach 1 .. 1500;
$source->run(q(SELECT factstr_redact(2, '"redacted"', 'before', log => 'orders')));
$source->run(q(SELECT factstr_append('[{"event_type": "main", "payload": 1}]')));

# Streams with their cursors: one, one that has not begun, one with an apostrophe, and partitions, each at another position.
$source->run(q(SELECT factstr_stream_open('of_old', $1, log => 'orders')), of_type('old'));
$source->run(q(SELECT factstr_stream_seek('of_old', 30, log => 'orders')));
$source->run(q(SELECT factstr_stream_open('it''s new', log => 'orders')));
$source->run(q(SELECT factstr_stream_open('parts', $1, 'first', 3, '$.n', 'orders')), of_type('old', 'live'));
$source->run(q(SELECT factstr_stream_seek('parts#' || i, 3 * i, log => 'orders') FROM generate_series(0, 2) i));
$source->run(q(SELECT factstr_stream_open('of_main')));

my @names = map { "client-$_" } 1 .. $CLIENTS;
seed_clients();
my @clients = map { in_background($old, $_, 'SET SESSION AUTHORIZATION writer', client($_)) } @names;
wait_for_clients(2000, @names);

my ($status, $output) = move();
is($status, 0, 'the log is moved') or diag($output);
is($target->state_of(q(SELECT factstr_redact(3, '"redacted"', 'after', log => 'orders'))), '00000', 'and is the new server\'s');
$target->run(q(SELECT factstr_grant('writer', 'append', 'orders')));
waitpid($_, 0) foreach @clients;

#
# The answers of the clients
#
my @notes = map { read_notes($_) } @names;
is(join("\n", map { $_->{error} // () } @notes), '', 'no client was refused anything but the append to a sealed log');
cmp_ok(scalar(grep { !$_->{moved} } @notes), '>', $CLIENTS, 'clients appended on the old server');
is(scalar(grep { $_->{moved} } @notes), $CLIENTS * $AFTER_THE_MOVE, 'and on the new one');
my %number_of = map { @$_ } @{ $target->run(q(
	SELECT idempotency_key, first_sequence_number FROM factstr_export(0, 1000000, 'orders') WHERE idempotency_key IS NOT NULL)) };
is_deeply(\%number_of, { map { $_->{key} => $_->{number} } @notes }, 'each append is there once, with the number that its client was told');

#
# The content of the logs
#
my $moved = $source->value(q(SELECT factstr_context_version('{}', 'orders')));
is($target->text(q(SELECT jsonb_agg(to_jsonb(e) ORDER BY first_sequence_number) FROM factstr_export(3, 1000000, 'orders') e WHERE last_sequence_number <= $1), $moved),
	$source->text(q(SELECT jsonb_agg(to_jsonb(e) ORDER BY first_sequence_number) FROM factstr_export(3, 1000000, 'orders') e)),
	'the new log begins with all batches of the old one');
is($target->text(q(SELECT reason FROM factstr_orders_redactions ORDER BY redacted_at)), "before\nafter", 'with their redactions');
is($target->text(q(SELECT * FROM factstr_check(NULL, 'orders') WHERE NOT ok)), '', 'and is sound');
is($source->state_of(q(SELECT factstr_append('[{"event_type": "a", "payload": 1}]', log => 'orders'))), 'FS009', 'the old one is sealed');
is($target->value(q(SELECT count(*) FROM factstr_read())), 0, 'other logs stay where they are');

#
# Streams
#
my $STREAMS = q(SELECT name, cursor_sequence_number, event_query FROM factstr_stream_status WHERE log = 'orders' ORDER BY 1);
is($target->text($STREAMS), $source->text($STREAMS), 'streams have their queries and cursors');
is($target->value(q(SELECT count(*) FROM factstr_stream_status)), 5, 'all of them, and no others');
is($target->value(q(SELECT first_sequence_number FROM factstr_stream_next('of_old', log => 'orders'))), 31, 'one continues');
is($target->value(q(SELECT factstr_stream_open('parts', $1, 'first', 3, '$.n', 'orders')), of_type('old', 'live')), 0,
	'partitions are partitions of one stream');

#
# A repeated move has nothing to do, and does not overwrite facts that were appended since.
#
($status, $output) = move();
isnt($status, 0, 'a second move is refused, since the new log has continued');
like($output, qr/the target has facts up to \d+, the source only up to $moved/, 'and says so');

$_->disconnect foreach $source, $target;
done_testing();
