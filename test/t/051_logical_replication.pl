# Logical replication: another server has a copy of the log, where queries run and streams are consumed,
# and nothing is appended until it takes over.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use FactstrDocuments;
use FactstrTest;
use FactstrWorkers;
use Test::More;

my $publisher = new_node('publisher', init => { allows_streaming => 'logical' });
my $subscriber = new_node('subscriber', conf => 'max_worker_processes = 20');
my $source = new_session($publisher);
my $replica = new_session($subscriber);
my $CONTENTS = q(SELECT (SELECT md5(string_agg(e::text, E'\n' ORDER BY sequence_number)) FROM factstr_events e),
	(SELECT md5(string_agg(r::text, E'\n' ORDER BY redacted_at)) FROM factstr_redactions r));

# The SQL of docs/replication.md: each half for its server, and the trigger for notifications there.
my ($setup, $notifying, $moving, @others) = map { $_->{text} } blocks('docs/replication.md', 'sql');
my ($publishing, $subscribing) = split(/\n\n/, $setup);
is(scalar(@others), 0, 'no other block of the document');

sub wait_until_replicated
{
	my ($name) = @_;

	wait_until("$name: the replica has it all", sub { $replica->text($CONTENTS) eq $source->text($CONTENTS) });
	pass("$name: the replica has it all");
	return;
}

sub failed_checks
{
	return $replica->text('SELECT * FROM factstr_check(NULL) WHERE NOT ok');
}

# Facts of every shape, before the subscription.
$source->run(append_sql(events(
	null => undef, true => \1, number => 1.5, array => [ 1, [], {}, undef ],
		object => { a => { b => [ 1, 2 ] } }, "\x{e9}v\x{e9}nement" => 'x')));
$source->run(q(SELECT * FROM factstr_append('[{"event_type": "m", "payload": 1.50, "metadata": {"actor": "me"}}, {"event_type": "m", "payload": 2}]', 'key')));
$source->run(q(SELECT * FROM factstr_append(('[{"event_type": "large", "payload": "' || repeat('x', 300000) || '"}]')::jsonb)));
$source->run(append_sql(events(map { (many => { n => $_ }) } 1 .. 2000)));
$source->run('SELECT factstr_redact(1, $1, $2)', '"redacted"', 'before');
$publisher->safe_psql('postgres', $publishing);

# Others append while the log is copied, and afterwards.
my @appenders = map { new_session($publisher) } 1 .. 4;
my $n = 0;

sub append_more
{
	$_->start(append_sql(events(map { (live => { n => ++$n }) } 1 .. 1 + $n % 3), "live-$n")) foreach @appenders;
	foreach my $appender (@appenders)
	{
		die $appender->message if $appender->finish->state ne '00000';
	}
	return;
}

append_more() foreach 1 .. 3;
my $connection = $publisher->connstr('postgres') =~ s/'/''/gr;
$subscribing =~ s/CONNECTION '\K[^']+/$connection/;
$replica->run('DROP EXTENSION factstr');
$subscriber->safe_psql('postgres', $subscribing);
wait_until('the log is copied', sub {
	append_more();
	return !$replica->value(q(SELECT count(*) FROM pg_subscription_rel WHERE srsubstate <> 'r'));
});

# A reader there, by position.
my ($position, $gaps) = (head($replica), 0);
my $live = $position;
wait_until('live facts were read', sub {
	append_more();
	foreach my $batch (@{ $replica->run('SELECT first_sequence_number, last_sequence_number, jsonb_array_length(event_records) FROM factstr_batches(after_sequence_number => $1)',
		$position) })
	{
		$gaps++ if $batch->[0] != $position + 1 || $batch->[1] - $batch->[0] + 1 != $batch->[2];
		$position = $batch->[1];
	}
	return $position > $live + 100;
});
is($gaps, 0, 'facts arrive in order, without gaps, in whole batches');
wait_until_replicated('copied and live');
is(failed_checks(), '', 'its log is sound');

#
# Functions that read give the same answers as on the publisher.
#
foreach my $query (
	'SELECT * FROM factstr_query()',
	'SELECT * FROM factstr_query($$' . of_payload({ n => 77 }) . '$$)',
	'SELECT * FROM factstr_read($$' . of_type('m', 'live') . '$$, 20, true)',
	'SELECT * FROM factstr_batches(after_sequence_number => 5, max_batches => 1000)',
	'SELECT * FROM factstr_export(max_batches => 1000)',
	'SELECT factstr_context_version($$' . of_payload({ n => 77 }) . '$$)',
	'SELECT head_sequence_number, last_appended_at, redactions FROM factstr_status')
{
	is($replica->text($query), $source->text($query), "on the replica: $query");
}
$source->run('SELECT factstr_redact(8, $1, $2)', '"redacted too"', 'after');
wait_until_replicated('a redaction');
is($replica->value('SELECT factstr_context_version($1)', of_payload('redacted too')), 8, 'and is found by it');

#
# Nothing is appended there, by mistake or on purpose.
#
my $head = head($replica);
foreach my $call (
	append_sql(events(a => 1)),
	append_sql(events(a => 1), 'key'),
	append_if_sql(events(a => 1), '{}', $head),
	append_if_sql(events(a => 1), '{}', $head, 'factstr_try_append_if'),
	sprintf(q(SELECT * FROM factstr_import(%s)), q((SELECT jsonb_agg(to_jsonb(b)) FROM factstr_export(max_batches => 1) b))))
{
	is($replica->state_of($call), '55000', "not on the replica: $call");
	like($replica->message, qr/subscription "facts".*HINT:\s+Append on the publisher/s, 'the error says where to go');
}
is($replica->state_of($_), '42809', "nor this: $_") foreach 'DELETE FROM factstr_events',
	'TRUNCATE factstr_events', q(UPDATE factstr_events SET payload = '1');

#
# Its own streams: consumed with a cursor there, and by handlers that write there.
#
$replica->run('SELECT factstr_stream_open($1, $2)', 'own', of_type('m'));
is($replica->text(q(SELECT first_sequence_number, jsonb_array_length(event_records) FROM factstr_stream_next('own', 10))),
	'7|2', 'a durable stream of the replica');
is($replica->value(q(SELECT factstr_stream_ack('own', 8))), 8, 'has its own cursor');
create_kept($replica);
create_handler($replica, 'handled');
subscribe($replica, 'handled', of_type('live'), 'first');
append_more();
wait_until_at($replica, 'handled', head($source));
is(kept($replica, 'handled'), expected_batches($source, q(event_type = 'live')), 'a handler gets every batch once, in order');

# For sessions that LISTEN there, a trigger notifies.
$subscriber->safe_psql('postgres', $notifying);
$replica->run('LISTEN factstr');
my $first = $source->value(append_sql(events(heard => 1)));
my $notification;
wait_until('it is notified', sub { $replica->run('SELECT 1'); $notification = $replica->notification });
is($notification->[2], qq({"first_sequence_number" : $first, "last_sequence_number" : $first}), 'a trigger of the replica notifies');
$replica->run('DROP TRIGGER notify_replicated ON factstr_events');

#
# The subscriber is gone for a while, then continues.
#
$replica->disconnect;
$subscriber->stop('immediate');
append_more() foreach 1 .. 5;
$subscriber->start;
$replica = new_session($subscriber);
wait_until_replicated('after a crash of the subscriber');

#
# Streams move along, if they are published too.
#
$source->run('SELECT factstr_stream_open($1, $2)', 'moving', of_type('live'));
$source->run('ALTER PUBLICATION facts ADD TABLE factstr_streams');
$replica->run('ALTER SUBSCRIPTION facts REFRESH PUBLICATION');
my $cursor = $source->value(q(SELECT factstr_stream_ack('moving', min(last_sequence_number)) FROM factstr_stream_next('moving', 5)));
wait_until('the cursor has arrived',
	sub { ($replica->value(q(SELECT cursor_sequence_number FROM factstr_streams WHERE name = 'moving')) // 0) == $cursor });
my $next = $source->text(q(SELECT * FROM factstr_stream_next('moving', 5)));

#
# Another log moves: each part of the document's SQL on its server.
#
my ($publish_log, $subscribe_log, $seal_log, $take_log) = split(/\n\n/, $moving);
my $LOG = q(SELECT md5(string_agg(e::text, E'\n' ORDER BY sequence_number)) FROM factstr_orders_events e);
my $append_to_log = q(SELECT first_sequence_number FROM factstr_append('[{"event_type": "o", "payload": 1}, {"event_type": "o", "payload": 2}]', $1, log => 'orders'));

$source->run(q(SELECT factstr_create_log('orders')));
$source->run($append_to_log, "key-$_") foreach 1 .. 100;
$publisher->safe_psql('postgres', $publish_log);
$subscribe_log =~ s/CONNECTION '\K[^']+/$connection/;
$subscriber->safe_psql('postgres', $subscribe_log);
wait_until('the log is copied', sub {
	$source->run($append_to_log, undef);
	return $replica->text(q(SELECT srsubstate FROM pg_subscription_rel JOIN pg_subscription ON oid = srsubid WHERE subname = 'orders' AND srsubstate <> 'r')) eq '';
});
is($replica->state_of($append_to_log, undef), '55000', 'nothing is appended to a log that is being moved');
my $end = $publisher->safe_psql('postgres', $seal_log);
like($end, qr/^t\n\d+\z/, 'the seal, and the position to wait for');
$end =~ s/^t\n//;
is($source->state_of($append_to_log, undef), 'FS009', 'then nothing is appended on the old server');
wait_until('it has all facts', sub { $replica->value(q(SELECT factstr_context_version('{}', 'orders'))) == $end });
$subscriber->safe_psql('postgres', $take_log);
is($replica->text($LOG), $source->text($LOG), 'the new log is the old one');
is($replica->value($append_to_log, 'key-7'), 13, 'with its keys');
is($replica->value($append_to_log, undef), $end + 1, 'and continues with the next number');
is($replica->text(q(SELECT * FROM factstr_check(NULL, 'orders') WHERE NOT ok)), '', 'it is sound');
$source->run('DROP PUBLICATION orders');

#
# It takes over: the publisher is gone.
#
$_->disconnect foreach @appenders;
my $contents = $source->text($CONTENTS);
$head = head($source);
$source->disconnect;
$publisher->stop;
$replica->run('ALTER SUBSCRIPTION facts DISABLE');
is($replica->state_of(append_sql(events(own => 1))), '55000', 'a disabled subscription is one');
$replica->run('ALTER SUBSCRIPTION facts SET (slot_name = NONE)');
$replica->run('DROP SUBSCRIPTION facts');
is($replica->text($CONTENTS), $contents, 'without a subscription the facts are still there');
is($replica->value(append_sql(events(own => 1))), $head + 1, 'and the next append takes the next number');
is($replica->value(q(SELECT first_sequence_number FROM factstr_append('[{"event_type": "m", "payload": 1.5, "metadata": {"actor": "me"}}, {"event_type": "m", "payload": 2}]', 'key'))),
	7, 'keys are known');
is($replica->state_of(append_if_sql(events(own => 2), of_type('own'), $head)), 'FS001', 'and contexts');
is($replica->text(q(SELECT * FROM factstr_stream_next('moving', 5))), $next, 'a stream that was published continues');
is($replica->value(q(SELECT factstr_stream_ack('own', 8))), 8, 'and so do those of the replica');
is(failed_checks(), '', 'the log is sound');

$replica->disconnect;
$subscriber->stop;
all_blocks_ran();
done_testing();
