# Failover: a synchronous standby takes the place of a primary that is killed under load.  No acknowledged
# fact is lost or stored twice, the numbers continue; streams resume, and the workers of subscriptions
# start on the new primary.  Before that, clients read from the standby.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use FactstrTest;
use FactstrWorkers;
use Test::More;
use Time::HiRes ();

my $APPENDERS = 8;
my $ACKNOWLEDGED = 400;

my $primary = new_node('primary', init => { allows_streaming => 1 }, conf => "shared_preload_libraries = 'factstr'");
my $observer = new_session($primary);

create_kept($observer);
create_handler($observer, 'handled');
subscribe($observer, 'handled', of_type('load', 'after'), 'first');
$observer->run('SELECT factstr_stream_open($1, $2)', 'consumed', of_type('load'));
$observer->run(append_sql(events(before => { n => $_ }, before => 'x'), "before-$_")) foreach 1 .. 20;
$observer->run('SELECT factstr_redact(1, $1, $2)', '"redacted"', 'test');

my $standby = new_synchronous_standby($primary, $observer);

#
# Functions that read work there; functions that write name the primary.
#
my $reader = new_session($standby);

$observer->run('SET synchronous_commit = remote_apply');
$observer->run(append_sql(events(last => 1)));
wait_until_at($observer, 'handled');
foreach my $query (
	'SELECT * FROM factstr_query()',
	'SELECT * FROM factstr_query($$' . of_payload({ n => 7 }) . '$$)',
	'SELECT * FROM factstr_read(max_count => 5, backwards => true)',
	'SELECT * FROM factstr_batches(after_sequence_number => 10)',
	'SELECT * FROM factstr_export(after_sequence_number => 10)',
	'SELECT factstr_context_version($$' . of_payload({ n => 7 }) . '$$)',
	'SELECT factstr_position_at(now())',
	'SELECT head_sequence_number, last_appended_at, redactions, streams FROM factstr_status',
	'SELECT name, event_query, cursor_sequence_number, handler, subscriber FROM factstr_stream_status ORDER BY name',
	'SELECT check_name, ok FROM factstr_check(NULL)')
{
	is($reader->text($query), $observer->text($query), "on the standby: $query");
}
foreach my $call (
	append_sql(events(a => 1)),
	append_if_sql(events(a => 1), '{}', 41),
	append_if_sql(events(a => 1), '{}', 41, 'factstr_try_append_if'),
	q(SELECT * FROM factstr_import('[]')),
	q(SELECT factstr_redact(1, '1', 'reason')),
	q(SELECT * FROM factstr_stream_next('consumed')),
	q(SELECT factstr_stream_ack('consumed', 1)),
	q(SELECT factstr_stream_hold('consumed')),
	q(SELECT factstr_stream_seek('consumed', 0)),
	q(SELECT factstr_stream_drop('consumed')))
{
	is($reader->state_of($call), '25006', "not on the standby: $call");
	like($reader->message, qr/ on a standby\b.*HINT:\s+Connect to the primary/s, 'the error says where to go');
}

#
# Killed under load.  Appenders note their answers with the numbers; unanswered appends are repeated with
# their keys.
#
my $first_of_load = $observer->value(append_sql(events(before => 'the load'))) + 1;
my @appenders = map { { session => new_session($primary) } } 1 .. $APPENDERS;
my %acknowledged;
my %events_of;
my $calls = 0;

sub start_call
{
	my ($appender) = @_;
	my $id = ++$calls;

	$appender->{id} = $id;
	$events_of{$id} = events(map { (load => { id => $id, index => $_ }) } 1 .. 1 + $id % 3);
	$appender->{session}->start('SELECT first_sequence_number FROM factstr_append($1, $2)', $events_of{$id}, "call-$id");
	return;
}

# Notes down an answer, if there is one.
sub take_answer
{
	my ($appender) = @_;
	my $session = $appender->{session}->finish;
	my $id = delete $appender->{id};

	return $acknowledged{$id} = $session->rows->[0][0] if $session->state eq '00000' && @{ $session->rows };
	$appender->{unanswered} = $id;
	return;
}

sub take_answers
{
	take_answer($_) foreach grep { $_->{id} && $_->{session}->is_done } @_;
	return;
}

# A reader by position on the standby, meanwhile.
my ($position, $gaps) = ($reader->value('SELECT head_sequence_number FROM factstr_status'), 0);

sub read_on
{
	foreach my $batch (@{ $reader->run('SELECT first_sequence_number, last_sequence_number, jsonb_array_length(event_records) FROM factstr_batches(after_sequence_number => $1)',
		$position) })
	{
		$gaps++ if $batch->[0] != $position + 1 || $batch->[1] - $batch->[0] + 1 != $batch->[2];
		$position = $batch->[1];
	}
	return;
}

while (keys %acknowledged < $ACKNOWLEDGED)
{
	start_call($_) foreach grep { !$_->{id} } @appenders;
	take_answers(@appenders);
	read_on() if $calls % 20 == 0;
	die 'an appender failed' if grep { $_->{unanswered} } @appenders;
	Time::HiRes::usleep(200);
}
start_call($_) foreach grep { !$_->{id} } @appenders;
crash($primary);
take_answer($_) foreach @appenders;
my @unanswered = map { $_->{unanswered} // () } @appenders;

$standby->promote;
my $session = new_session($standby);
my %log = map { $_->[0] => $_ } @{ $session->run(q(
	SELECT payload->>'id', min(sequence_number), count(*), max(batch_first_sequence_number)
	FROM factstr_events WHERE event_type = 'load' GROUP BY 1)) };

cmp_ok($position, '>', $first_of_load, 'the standby was read meanwhile');
is($gaps, 0, 'in order, without gaps, in whole batches');
is_deeply([ grep { !$log{$_} || $log{$_}[1] != $acknowledged{$_} } sort keys %acknowledged ], [],
	'every acknowledged append (' . keys(%acknowledged) . ') is there, with its number');
is_deeply([ grep { $_->[2] != 1 + $_->[0] % 3 || $_->[1] != $_->[3] } values %log ], [], 'every batch is whole');
is_deeply([ grep { !$acknowledged{$_} && !{ map { $_ => 1 } @unanswered }->{$_} } keys %log ], [], 'there are no others');
my $head = head($session);
is(numbers($session), "1-$head", 'the log has no gap');
is($session->text('SELECT check_name FROM factstr_check(NULL) WHERE NOT ok'), '', 'nor any other fault');

# Calls without an answer are repeated with their keys; so may be the others.
$session->run('SET synchronous_commit = local');
my %first = map { $_ => $session->value('SELECT first_sequence_number FROM factstr_append($1, $2)',
	$events_of{$_}, "call-$_") } keys %events_of;
is_deeply([ grep { $log{$_} && $first{$_} != $log{$_}[1] } keys %first ], [], 'a repeated call finds its batch');
my @new = sort { $a <=> $b } map { $first{$_} } grep { !$log{$_} } keys %first;
is($new[0] // $head + 1, $head + 1, 'or takes the next number');
is($session->value(q(SELECT count(DISTINCT payload->>'id') FROM factstr_events WHERE event_type = 'load')),
	keys %events_of, 'each is there once');
is($session->state_of(append_if_sql(events(after => 1), of_type('load'), $acknowledged{1})), 'FS001', 'contexts are known');

#
# Consumers continue at their positions.
#
$head = $session->value(append_sql(events(after => 1)));
wait_for_worker($session);
wait_until_at($session, 'handled', $head);
is(kept($session, 'handled'), expected_batches($session, q(event_type IN ('load', 'after'))),
	'the handler has got every batch once, in order, from both servers');
is($session->text(q(
	SELECT string_agg(r->>'sequence_number', ' ' ORDER BY n)
	FROM factstr_stream_next('consumed', 100000) b, jsonb_array_elements(b.event_records) WITH ORDINALITY e(r, n)
	GROUP BY first_sequence_number ORDER BY first_sequence_number)),
	expected_batches($session, q(event_type = 'load')), 'a durable stream continues from its cursor');

$session->disconnect;
$reader->disconnect;
$standby->stop;
# Only a restart releases the shared memory of a server that was killed.
$primary->start;
$primary->stop;
done_testing();
