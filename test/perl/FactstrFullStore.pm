# A store with everything in it: facts, batches, keys, redactions, cursors, subscriptions and rights; and the check
# that another database is the same store, and keeps working.

package FactstrFullStore;

use strict;
use warnings;

use Exporter qw(import);
use Test::More;

use FactstrTest;
use FactstrWorkers;

our @EXPORT = qw(fill_store store_state is_sound goes_on);

my $NEXT = q(SELECT * FROM factstr_stream_next('consumed', 3));
my $STATE = q(
	SELECT (SELECT count(*) FROM factstr_events),
		(SELECT md5(string_agg(e::text, E'\n' ORDER BY sequence_number)) FROM factstr_events e),
		(SELECT md5(string_agg(r::text, E'\n' ORDER BY redacted_at)) FROM factstr_redactions r),
		(SELECT md5(string_agg(s::text, E'\n' ORDER BY name)) FROM factstr_streams s),
		(SELECT md5(string_agg(facts, E'\n' ORDER BY id)) FROM kept),
		(SELECT md5(string_agg(proname || proacl::text, E'\n' ORDER BY oid::regprocedure::text)) FROM pg_proc WHERE proname LIKE 'factstr%'));

# In the database of a session that has the extension, on a server that has the role regress_factstr_app.
sub fill_store
{
	my ($session) = @_;

	$session->run('GRANT EXECUTE ON FUNCTION factstr_append(jsonb, text, boolean, text), factstr_batches(jsonb, bigint, int, text) TO regress_factstr_app');
	$session->run('GRANT SELECT, INSERT ON factstr_main_log TO regress_factstr_app');
	create_kept($session);
	create_handler($session, 'handled');
	subscribe($session, 'handled', of_type('a', 'during', 'next'), 'first');
	$session->run(append_sql(events(
		null => undef, number => 1.5, array => [ 1, [], {}, undef ],
			object => { a => { b => [ 1, 2 ] } }, "\x{e9}v\x{e9}nement \\. \t" => "N\n")));
	$session->run(q(SELECT * FROM factstr_append('[{"event_type": "m", "payload": [1.0, 1e3], "metadata": {"actor": "me"}}, {"event_type": "m", "payload": 2}]', 'key')));
	$session->run(q(SELECT * FROM factstr_append(('[{"event_type": "large", "payload": "' || repeat('x', 300000) || '"}]')::jsonb)));
	$session->run(append_sql(events(a => $_, a => { n => $_ }), "key-$_")) foreach 1 .. 100;
	$session->run(append_sql(events(map { (b => { n => $_ }) } 1 .. 1500)));
	$session->run('SELECT factstr_redact($1, $2, $3)', $_, '"redacted"', "request $_") foreach 1, 9, 10;
	$session->run('SELECT factstr_stream_open($1, $2)', 'consumed', of_type('a'));
	$session->run('SELECT factstr_stream_ack($1, 18)', 'consumed');
	$session->run('SELECT factstr_stream_open($1)', 'failing');
	$session->run('SELECT factstr_stream_hold($1)', 'failing');
	$session->run('SELECT factstr_stream_fail($1, $2)', 'failing', 'no reason');
	$session->run('SELECT factstr_stream_release($1)', 'failing');
	wait_until_at($session, 'handled');
	return;
}

# Its content, for goes_on.
sub store_state
{
	my ($session) = @_;

	return { all => $session->text($STATE), next => $session->text($NEXT), head => head($session) };
}

sub is_sound
{
	my ($name, $session) = @_;

	is($session->text('SELECT * FROM factstr_check(NULL) WHERE NOT ok'), '', "$name: sound");
	return;
}

# The same store, which keeps working.
sub goes_on
{
	my ($name, $session, $state) = @_;

	is($session->text($STATE), $state->{all}, "$name: facts, redactions, streams, the handler's rows, rights");
	is_sound($name, $session);
	is($session->value(append_sql(events(a => 7, a => { n => 7 }), 'key-7')), 21, "$name: a key is known");
	is($session->state_of(append_sql(events(a => 8), 'key-7')), 'FS006', "$name: with its events");
	is($session->text($NEXT), $state->{next}, "$name: a stream resumes");
	is($session->state_of(append_if_sql(events(next => 1), of_payload({ n => 1500 }), $state->{head} - 1)), 'FS001', "$name: contexts are known");
	is($session->value(append_sql(events(next => 1))), $state->{head} + 1, "$name: the next append takes the next number");
	wait_until_at($session, 'handled', $state->{head} + 1);
	is(kept($session, 'handled'), expected_batches($session, q(event_type IN ('a', 'next'))),
		"$name: the handler continues, no batch comes twice");
	$session->disconnect;
	return;
}

1;
