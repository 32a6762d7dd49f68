# Erasure and the server: a redaction that was answered or seen survives a crash, also of a
# fact that is not on disk yet; prepared transactions, dumps, standbys and logical replication carry it.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use FactstrSlowDisk;
use FactstrTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $disk = FactstrSlowDisk->new;
my $node = new_node('redaction',
	init => { allows_streaming => 'logical' },
	conf => "fsync = on\nwal_writer_delay = 10s\nmax_prepared_transactions = 5",
	preload => $disk->library);
my ($a, $b, $observer);

sub connect_all
{
	($a, $b, $observer) = map { new_session($node) } 1 .. 3;
	return;
}

sub redact_sql
{
	my ($number, $payload, $reason) = @_;

	return sprintf(q(SELECT factstr_redact(%d, '%s', '%s')), $number, json($payload), $reason // 'a test');
}

sub payload_sql
{
	my ($number) = @_;

	return sprintf(q(SELECT payload FROM factstr_read('{"after": %d}', 1)), $number - 1);
}

sub restart_after_crash
{
	crash($node);
	$disk->release;
	start_node($node, $disk->library);
	connect_all();
	return;
}

connect_all();
$observer->run(append_sql(events(map { (a => "secret $_") } 1 .. 5), 'first'));

#
# An answered redaction survives a crash with any synchronous_commit.
#
$a->run(redact_sql(1, 'erased 1'));
$b->run('SET synchronous_commit = off');
$b->run(redact_sql(2, 'erased 2'));
# Later facts that did not wait for the disk may be lost.
$b->run('CREATE TABLE not_flushed ()');
restart_after_crash();
is($observer->value(payload_sql(1)), '"erased 1"', 'a redaction survives a crash');
is($observer->value(payload_sql(2)), '"erased 2"', 'also one with synchronous_commit = off');
is($observer->value('SELECT count(*) FROM factstr_redactions'), 2, 'and so does its record');
is($observer->value('SELECT factstr_context_version($1)', of_payload('secret 1', 'secret 2')), undef, 'nothing is found by the old content');
is($observer->value('SELECT factstr_context_version($1)', of_payload('erased 1', 'erased 2')), 2, 'everything by the new content');

#
# No session sees a redaction before it is on disk.
#
$b->run('SET synchronous_commit = off');
$disk->hold;
$b->start(redact_sql(3, 'erased 3'));
wait_for_event($observer, $b, 'WALWrite');
is($observer->value('SELECT payload FROM factstr_events WHERE sequence_number = 3'), '"secret 3"',
	'a redaction that waits for the disk is not visible');
restart_after_crash();
is($observer->value(payload_sql(3)), '"secret 3"', 'and a crash takes it back');
is($observer->value('SELECT count(*) FROM factstr_redactions'), 2, 'with its record');

# Not even together with an append whose locks may be released early.
foreach my $mode (qw(facts_only always off))
{
	my $head = $observer->value('SELECT max(sequence_number) FROM factstr_events');

	$a->run("SET factstr.early_lock_release = $mode");
	$a->run('BEGIN');
	$a->run(redact_sql(3, "with $mode"));
	$a->run(append_sql(events(redacted => 3)));
	$disk->hold;
	$a->start('COMMIT');
	wait_for_event($observer, $a, 'WALWrite');
	is($observer->value('SELECT max(sequence_number) FROM factstr_events'), $head,
		"$mode: neither the redaction nor the fact about it is visible yet");
	ok(!$a->is_done, "$mode: and the client has no answer");
	$disk->release;
	is($a->finish->state, '00000', "$mode: answered when the disk is back");
	is($observer->value(payload_sql(3)), json("with $mode"), "$mode: redacted");
}
$a->run('RESET factstr.early_lock_release');

#
# A fact that is visible but not on disk yet is made durable before it is redacted.
#
$disk->hold;
my $head = $observer->value('SELECT max(sequence_number) FROM factstr_events');
$a->start(append_sql(events(new => 'secret')));
wait_for_event($observer, $a, 'WALWrite');
is($observer->value('SELECT max(sequence_number) FROM factstr_events'), $head + 1, 'a fact is visible and not on disk');
$b->run('BEGIN');
$b->start(redact_sql($head + 1, 'erased'));
wait_for_event($observer, $b, 'WALWrite');
ok(!$b->is_done, 'its redaction waits for the disk');
$disk->release;
is($a->finish->state, '00000', 'the fact is on disk');
is($b->finish->state, '00000', 'it is redacted');
$disk->hold;
is($b->value(payload_sql($head + 1)), '"erased"', 'and read in the same transaction, with no more waiting');
$disk->release;
$b->run('COMMIT');
restart_after_crash();
is($observer->value(payload_sql($head + 1)), '"erased"', 'a crash after that changes nothing');
is(numbers($observer), '1-' . ($head + 1), 'no gap');

#
# A crash in the middle of appends and redactions: answered ones are there, and none is half done.
#
foreach my $round (1 .. 2)
{
	my @redacted;

	$b->run(append_sql(events(map { (storm => "secret $_") } 1 .. 200)));
	my $first = $observer->value('SELECT max(sequence_number) FROM factstr_events') - 199;
	foreach my $i (0 .. 99)
	{
		$a->start(append_sql(events(storm => $i)));
		$b->start(redact_sql($first + $i, "erased $i"));
		$observer->start(redact_sql($first + 199 - $i, "erased $i"));
		push @redacted, $first + $i if $b->finish->state eq '00000';
		push @redacted, $first + 199 - $i if $observer->finish->state eq '00000';
		$a->finish;
	}
	$a->start(append_sql(events(storm => 'last')));
	$b->start('SELECT factstr_redact(sequence_number, $1, $2) FROM factstr_read()', json("all $round"), "all $round");
	restart_after_crash();
	my $not_erased = $observer->value(q(SELECT count(*) FROM factstr_events WHERE sequence_number = ANY ($1) AND payload::text !~ '^"(erased|all)'),
		'{' . join(',', @redacted) . '}');
	is(scalar(@redacted) . ", $not_erased", '200, 0', "round $round: every redaction that was answered survives a crash");
	is($observer->text('SELECT check_name, detail FROM factstr_check(NULL) WHERE NOT ok'), '',
		"round $round: and nothing is wrong with the log");
	is($observer->value('SELECT count(*) FROM factstr_events WHERE payload = $1', json("all $round")),
		$observer->value('SELECT count(*) FROM factstr_redactions WHERE reason = $1', "all $round"),
			"round $round: the one that was not answered is on record if it was made");
	$observer->run(redact_sql(3, 'with off'));
}
$head = $observer->value('SELECT max(sequence_number) - 1 FROM factstr_events');
$observer->run(redact_sql(4, 'secret 4'));
my $redactions_of_4 = $observer->value('SELECT count(*) FROM factstr_redactions WHERE sequence_number = 4');

#
# Prepared transactions.
#
$a->run('BEGIN');
$a->run(redact_sql(4, 'prepared'));
is($a->state_of("PREPARE TRANSACTION 'p'"), '00000', 'a redaction can be prepared');
is($b->value(append_sql(events(meanwhile => 1))), $head + 2, 'appends continue');
is($b->value(payload_sql(4)), '"secret 4"', 'and readers see the old payload');
$b->run("SET lock_timeout = '20ms'");
is($b->state_of(redact_sql(4, 'other')), '55P03', 'another redaction of the fact waits');
restart_after_crash();
$observer->run("COMMIT PREPARED 'p'");
is($observer->value(payload_sql(4)), '"prepared"', 'it is committed after a crash');
restart_after_crash();
is($observer->value(payload_sql(4)), '"prepared"', 'and survives the next');
$a->run('BEGIN');
$a->run(redact_sql(4, 'never'));
$a->run("PREPARE TRANSACTION 'p'");
$a->run("ROLLBACK PREPARED 'p'");
is($observer->value(payload_sql(4)), '"prepared"', 'one that is rolled back changes nothing');
is($observer->value("SELECT count(*) FROM factstr_redactions WHERE sequence_number = 4"), $redactions_of_4 + 1, 'and records nothing');

#
# Dumps, in every format; the key of a redacted batch is known in the restored database too.
#
my $directory = PostgreSQL::Test::Utils::tempdir();
my $contents = q(SELECT (SELECT md5(string_agg(e::text, E'\n' ORDER BY sequence_number)) FROM factstr_events e),
	(SELECT md5(string_agg(r::text, E'\n' ORDER BY redacted_at)) FROM factstr_redactions r), (SELECT count(*) FROM factstr_redactions));

foreach my $format (qw(plain custom directory))
{
	my $database = "restored_$format";

	$node->command_ok([ 'pg_dump', '-F', substr($format, 0, 1), '-f', "$directory/$format", '-d', $node->connstr('postgres') ],
		"$format dump");
	$observer->run("CREATE DATABASE $database");
	$node->command_ok(
		[ $format eq 'plain' ? ('psql', '-qX', '-v', 'ON_ERROR_STOP=1', '-f', "$directory/$format") :
			('pg_restore', '--exit-on-error', $format eq 'directory' ? ('-j', 2) : (), "$directory/$format"),
			'-d', $node->connstr($database) ], "$format: restored");
	my $restored = new_session($node, dbname => $database);
	is($restored->text($contents), $observer->text($contents), "$format: the same facts and redactions");
	is($restored->value(append_sql(events(map { (a => "secret $_") } 1 .. 5), 'first')), 1,
		"$format: the key of a redacted batch is known");
	is($restored->state_of(append_sql(events(map { (a => "secret $_") } 1 .. 4), 'first')), 'FS006', "$format: and belongs to that batch");
	is($restored->state_of('DELETE FROM factstr_events'), '42809', "$format: no role deletes a fact");
	$restored->disconnect;
}
# Data alone, into an extension that is there, with triggers disabled meanwhile: PostgreSQL enables them again.
$observer->run('CREATE DATABASE data_only');
$node->safe_psql('data_only', 'CREATE EXTENSION factstr');
$node->command_ok([ 'pg_restore', '--exit-on-error', '--data-only', '--disable-triggers', '-d', $node->connstr('data_only'), "$directory/custom" ],
	'data restored alone');
my $data_only = new_session($node, dbname => 'data_only');
is($data_only->text($contents), $observer->text($contents), 'data alone: the same facts and redactions');
is($data_only->state_of('DELETE FROM factstr_events'), '42809', 'data alone: no role deletes a fact');
$data_only->disconnect;

#
# A standby.
#
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('redaction_standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
my $reader = new_session($standby);
$a->run(redact_sql(5, 'replicated'));
$node->wait_for_catchup($standby, 'replay', $node->lsn('flush'));
is($reader->value(payload_sql(5)), '"replicated"', 'a standby shows the new content');
is($reader->value('SELECT factstr_context_version($1)', of_payload('replicated')), 5, 'and finds it');
is($reader->state_of(redact_sql(5, 'there')), '25006', 'where no role can redact');
$standby->promote;
is($reader->state_of(redact_sql(5, 'promoted')), '00000', 'until it is promoted');
is($reader->value(payload_sql(5)), '"promoted"', 'and then it can');
$reader->disconnect;
$standby->stop;

#
# Logical replication: the subscriber's worker passes on a redaction, and statements there stay refused.
#
$observer->run('CREATE DATABASE replica');
my $replica = new_session($node, dbname => 'replica');
$replica->run('CREATE EXTENSION factstr');
$observer->run('CREATE PUBLICATION facts FOR TABLE factstr_events, factstr_redactions');
$observer->run(q(SELECT pg_create_logical_replication_slot('facts', 'pgoutput')));
$replica->run(sprintf(q(CREATE SUBSCRIPTION facts CONNECTION '%s' PUBLICATION facts WITH (create_slot = false, slot_name = facts)),
	$node->connstr('postgres') =~ s/'/''/gr));
wait_until('the facts are copied', sub { $replica->text($contents) eq $observer->text($contents) });
$a->run(redact_sql(5, 'published'));
$a->run(append_sql(events(published => 1)));
wait_until('the redaction is replicated', sub { $replica->text($contents) eq $observer->text($contents) });
is($replica->value(payload_sql(5)), '"published"', 'a redaction is replicated');
is($replica->state_of('DELETE FROM factstr_events'), '42809', 'no role deletes a fact of the replica');
$replica->run('DROP SUBSCRIPTION facts');

#
# VACUUM takes the old versions away, unless a snapshot still sees them.
#
$observer->run('CREATE EXTENSION pageinspect');
my $traces = sub {
	my ($text) = @_;

	$observer->run('CHECKPOINT');
	return $observer->value(q(SELECT count(*) FROM generate_series(0, pg_relation_size('factstr_events') / 8192 - 1) page,
		heap_page_items(get_raw_page('factstr_events', page::int)) item WHERE position($1::bytea IN item.t_data) > 0), $text);
};
$a->run(append_sql(events(traced => 'traced secret')));
$head = $observer->value('SELECT max(sequence_number) FROM factstr_events');
$a->run(redact_sql($head, 'erased'));
is($traces->('traced secret'), 1, 'the old version is in the table as long as it is not vacuumed');
$observer->run('VACUUM factstr_events');
is($traces->('traced secret'), 0, 'VACUUM takes it away');

$node->stop;
done_testing();
