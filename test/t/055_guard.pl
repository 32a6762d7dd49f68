# The protection of facts and PostgreSQL's tools: restores of every kind leave it as it was, none drops a
# log with facts, and factstr_check finds changes that bypassed it.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use FactstrTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('guard', init => { allows_streaming => 'logical' });
my $source = new_session($node);
my $directory = PostgreSQL::Test::Utils::tempdir();
my $CONTENTS = q(SELECT md5(string_agg(e::text, E'\n' ORDER BY sequence_number)) FROM factstr_events e);
my @sessions;

sub new_database
{
	my ($name, $with_extension) = @_;

	$source->run("CREATE DATABASE $name");
	$node->safe_psql($name, 'CREATE EXTENSION factstr') if $with_extension;
	push @sessions, new_session($node, dbname => $name);
	return $sessions[-1];
}

# The protection is complete, and statements are refused, in a replica too.
sub is_guarded
{
	my ($name, $session) = @_;

	is($session->value(q(SELECT detail FROM factstr_check() WHERE check_name = 'guard' AND NOT ok)), undef, "$name: the guard is complete");
	is($session->text(q(SELECT check_name FROM factstr_check(NULL) WHERE NOT ok)), '', "$name: the log is sound");
	foreach my $role ('origin', 'replica')
	{
		$session->run("SET session_replication_role = $role");
		is($session->state_of($_), '42809', "$name, $role: $_") foreach 'DELETE FROM factstr_events', 'TRUNCATE factstr_redactions',
			'ALTER TABLE factstr_events SET UNLOGGED', 'ALTER TABLE factstr_events INHERIT parent';
		is($session->state_of('DROP EXTENSION factstr'), '2BP01', "$name, $role: DROP EXTENSION");
	}
	$session->run('RESET session_replication_role');
	return;
}

$source->run(append_sql(events(map { (a => { n => $_ }) } 1 .. 100), 'key'));
$source->run('SELECT factstr_redact(1, $1, $2)', '"redacted"', 'a test');
$source->run('CREATE TABLE parent (LIKE factstr_events)');
$source->run('CREATE VIEW mine AS SELECT sequence_number FROM factstr_events');
is_guarded('at first', $source);

#
# Restores.
#
my $connection = $node->connstr('postgres');
$node->command_ok([ 'pg_dump', '-Fd', '-f', "$directory/dump", '-d', $connection ], 'a dump');
$node->command_ok([ 'pg_dump', '--clean', '--if-exists', '-f', "$directory/clean.sql", '-d', $connection ], 'a dump that drops first');

my $whole = new_database('whole');
$node->command_ok([ 'pg_restore', '--exit-on-error', '-j', 3, '-d', $node->connstr('whole'), "$directory/dump" ], 'restored in parallel');
is($whole->value($CONTENTS), $source->value($CONTENTS), 'in parallel: the same facts');
is_guarded('in parallel', $whole);

# Data alone: pg_restore disables the triggers, and enables them in the ordinary way.
my $data = new_database('data', 1);
$data->run('CREATE TABLE parent (LIKE factstr_events)');
$node->command_ok([ 'pg_restore', '--exit-on-error', '--data-only', '--disable-triggers', '-d', $node->connstr('data'), "$directory/dump" ],
	'data restored alone');
is($data->value($CONTENTS), $source->value($CONTENTS), 'data alone: the same facts');
is_guarded('data alone', $data);

# With --clean a restore drops the extension, as long as there are no facts.
foreach my $format ('directory', 'plain')
{
	my $database = "clean_$format";
	my $clean = new_database($database, 1);
	my @restore = $format eq 'plain' ? ('psql', '-qX', '-v', 'ON_ERROR_STOP=1', '-f', "$directory/clean.sql") :
		('pg_restore', '--exit-on-error', '--clean', '--if-exists', "$directory/dump");

	$node->command_ok([ @restore, '-d', $node->connstr($database) ], "$format, --clean: over an empty log");
	is($clean->value($CONTENTS), $source->value($CONTENTS), "$format, --clean: the same facts");
	$node->command_fails_like([ @restore, '-d', $node->connstr($database) ],
		qr/cannot drop extension factstr because its log has facts/,
		"$format, --clean: not over facts");
	is($clean->value($CONTENTS), $source->value($CONTENTS), "$format, --clean: which are still there");
	$clean->run('DROP EXTENSION factstr CASCADE');
	$node->command_ok([ @restore, '-d', $node->connstr($database) ], "$format, --clean: after DROP EXTENSION ... CASCADE");
	is($clean->value($CONTENTS), $source->value($CONTENTS), "$format, --clean: the same facts again");
	is_guarded("$format, --clean", $clean);
}

#
# Where the log is kept is no matter.
#
mkdir "$directory/elsewhere" or die $!;
$source->run("CREATE TABLESPACE elsewhere LOCATION '$directory/elsewhere'");
my $contents = $source->value($CONTENTS);
is($source->state_of('ALTER TABLE factstr_events SET TABLESPACE elsewhere'), '00000', 'the log moves to a tablespace');
is($source->state_of('ALTER INDEX factstr_events_payload_idx SET TABLESPACE elsewhere'), '00000', 'and an index');
is($source->value($CONTENTS), $contents, 'with its facts');
is($source->value(append_sql(events(b => 1))), 101, 'which continue');
is_guarded('in a tablespace', $source);

#
# A drop that waits for an append deletes nothing that it has not seen.
#
my $empty = new_database('empty', 1);
my $dropper = new_session($node, dbname => 'empty');
push @sessions, $dropper;
$empty->run('BEGIN');
$empty->run(append_sql(events(a => 1)));
$dropper->start('DROP EXTENSION factstr');
wait_for_event($source, $dropper, 'relation');
$empty->run('COMMIT');
is($dropper->finish->state, '2BP01', 'a fact that is committed meanwhile is seen');
is(numbers($empty), '1-1', 'and stays');
is($empty->state_of(append_sql(events(a => 2))), '00000', 'appends continue');

#
# Logical replication applies changes of the publisher's owner; factstr_check finds them.
#
my $replica = new_database('replica', 1);
$source->run('CREATE PUBLICATION facts FOR TABLE factstr_events');
$source->run(q(SELECT pg_create_logical_replication_slot('facts', 'pgoutput')));
$replica->run(sprintf(q(CREATE SUBSCRIPTION facts CONNECTION '%s' PUBLICATION facts WITH (create_slot = false, slot_name = facts)),
	$connection =~ s/'/''/gr));
wait_until('the facts are copied', sub { ($replica->value($CONTENTS) // '') eq $source->value($CONTENTS) });
$replica->run('CREATE TABLE parent (LIKE factstr_events)');
is_guarded('a replica', $replica);
$source->run('ALTER TABLE factstr_events DISABLE TRIGGER factstr_events_stay');
$source->run('DELETE FROM factstr_events WHERE sequence_number = 50');
$source->run('ALTER TABLE factstr_events ENABLE TRIGGER factstr_events_stay');
wait_until('the deletion is replicated', sub { $replica->value('SELECT count(*) FROM factstr_events') == 100 });
is($_->value(q(SELECT detail FROM factstr_check() WHERE check_name = 'numbers' AND NOT ok)),
	'fact 51 follows fact 49', 'a fact that is gone is noticed')
	foreach $source, $replica;
is($source->value(q(SELECT tgenabled FROM pg_trigger WHERE tgname = 'factstr_events_stay')), 'A', 'the trigger always fires again');
$replica->run('DROP SUBSCRIPTION facts');

$_->disconnect foreach @sessions, $source;
$node->stop;
done_testing();
