# ALTER EXTENSION UPDATE: facts stay, sessions and handlers go on, and what was updated is what would
# have been installed anew.  From each released version, of which test/releases/ has the scripts, to
# this one; and from this one to a next version that is made up here, so that there is always a case.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use FactstrCatalog;
use FactstrTest;
use FactstrWorkers;
use PostgreSQL::Test::Utils;
use Test::More;

my $TOP = "$FindBin::RealBin/../..";
my ($sharedir) = split(/\n/, qx(pg_config --sharedir));
my $scripts = "$sharedir/extension";
my @installed;

plan skip_all => "$scripts cannot be written to" if !-w $scripts;

# Other tests find the directory as it was.
END { unlink @installed }
$SIG{$_} = sub { exit 1 } foreach qw(HUP INT TERM);

# Installs a script of the extension; one that is there already stays.
sub install_script
{
	my ($versions, $text) = @_;
	my $file = "$scripts/factstr--$versions.sql";

	return if -e $file;
	push @installed, $file;
	append_to_file($file, $text);
	return;
}

my ($version) = slurp_file("$TOP/factstr.control") =~ /^default_version *= *'(.*)'/m;
my $full = slurp_file("$TOP/sql/factstr.sql");
my %released = map { m{--([^/]*)\.sql$} ? ($1 => slurp_file($_)) : () } glob("$TOP/test/releases/factstr--*.sql");
my %updated = map { m{/factstr--(.*?)--[^/]*\.sql$} ? ($1 => 1) : () } glob("$TOP/sql/factstr--*--*.sql");

install_script($_, $released{$_}) foreach keys %released;

# The next version: with another setting, function and table, in the script and in an update.
my $next = "$version.next";
my $addition = <<~'SQL';
	CREATE FUNCTION factstr_next() RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT 'next' $$;
	COMMENT ON FUNCTION factstr_next() IS 'is there in the next version only';
	REVOKE ALL ON FUNCTION factstr_next() FROM PUBLIC;
	CREATE TABLE factstr_next_table (id bigint PRIMARY KEY);
	SELECT pg_catalog.pg_extension_config_dump('factstr_next_table', '');
	SQL
my $next_full = $full =~ s/fillfactor = 50/fillfactor = 60/r;
isnt($next_full, $full, 'the next version has another setting');
install_script($next, $next_full . $addition);
install_script("$version--$next", "ALTER TABLE factstr_streams SET (fillfactor = 60);\n$addition");

my $node = new_node('update', conf => "shared_preload_libraries = 'factstr'\nmax_worker_processes = 30");
my $observer = new_session($node);

sub new_database
{
	my ($name, $extension_version) = @_;

	$observer->run("CREATE DATABASE $name");
	my $session = new_session($node, dbname => $name);

	$session->run("CREATE EXTENSION factstr VERSION '$extension_version'");
	return $session;
}

my $CONTENTS = q(SELECT (SELECT md5(string_agg(e::text, E'\n' ORDER BY sequence_number)) FROM factstr_events e),
	(SELECT string_agg(name || cursor_sequence_number, ' ' ORDER BY name) FROM factstr_streams));

# The functions that every version has work, with this library.
sub works
{
	my ($name, $session) = @_;
	my $head = head($session);

	is($session->value(append_sql(events(a => { n => $head }, b => 2), "key $head")), $head + 1, "$name: appends");
	is($session->value(append_sql(events(a => { n => $head }, b => 2), "key $head")), $head + 1, "$name: knows keys");
	is($session->state_of(append_if_sql(events(a => 1), of_payload({ n => $head }), $head)), 'FS001', "$name: checks contexts");
	is($session->value('SELECT last_returned_sequence_number FROM factstr_query()'), $head + 2, "$name: queries");
	is($session->value(q(SELECT factstr_stream_ack('consumed', last_sequence_number) FROM factstr_stream_next('consumed', 1))), $head + 2, "$name: streams");
	wait_until_at($session, 'handled', $head + 2);
	is(kept($session, 'handled'), expected_batches($session, 'true'), "$name: delivers");
	is($session->text('SELECT * FROM factstr_check(NULL) WHERE NOT ok'), '', "$name: is sound");
	return;
}

my $databases = 0;

# Updates from one version to another; returns sessions with the updated extension and with a new one.
sub update_ok
{
	my ($from, $to) = @_;
	my $name = "$from to $to";
	my $session = new_database('updated_' . ++$databases, $from);

	$session->run($_) foreach 'CREATE ROLE regress_factstr_update_' . $databases,
		"GRANT EXECUTE ON FUNCTION factstr_query(jsonb) TO regress_factstr_update_$databases";
	create_kept($session);
	create_handler($session, 'handled');
	subscribe($session, 'handled', '{}', 'first');
	$session->run(q(SELECT factstr_stream_open('consumed')));
	works("$from with this library", $session);

	# Sessions that have used it go on, and so does an append that is under way.
	my $other = new_session($node, dbname => "updated_$databases");
	my $updater = new_session($node, dbname => "updated_$databases");
	my $contents = $session->text($CONTENTS);

	$other->run('BEGIN');
	$other->run(append_sql(events(meanwhile => 1)));
	is($updater->state_of("ALTER EXTENSION factstr UPDATE TO '$to'"), '00000', "$name: the update");
	is($session->text($CONTENTS), $contents, "$name: facts and streams are as they were");
	$other->run('COMMIT');
	$session->run(q(SELECT factstr_stream_ack('consumed', last_sequence_number) FROM factstr_stream_next('consumed', 1)));
	works("$name, in a session from before", $session);
	works("$name, in a new session", $updater);
	$_->disconnect foreach $updater, $other;
	is($session->value('SELECT has_function_privilege($1, $2, $3)', "regress_factstr_update_$databases", 'factstr_query(jsonb)', 'EXECUTE'), 't', "$name: granted rights stay");
	$session->run("REVOKE ALL ON FUNCTION factstr_query(jsonb) FROM regress_factstr_update_$databases");

	my $fresh = new_database('fresh_' . $databases, $to);
	is(catalog_difference([ catalog($session) ], [ catalog($fresh) ]), '', "$name: updated and installed anew are the same");
	return ($session, $fresh);
}

#
# What was released.
#
is_deeply([ sort keys %updated ], [ grep { $updated{$_} } sort keys %released ], 'of each version that can be updated the script is kept');
foreach my $from (sort grep { $_ ne $version } keys %released)
{
	$_->disconnect foreach update_ok($from, $version);
}
SKIP:
{
	skip "version $version is not released", 1 if !$released{$version};
	is($full, $released{$version}, 'a released version is not changed');
}

#
# What will be.
#
my ($updated, $fresh) = update_ok($version, $next);
is($updated->value('SELECT factstr_next()'), 'next', 'what is new is there');
is($observer->value('SELECT extversion FROM pg_extension WHERE extname = $1', 'factstr'), $version, 'other databases keep their version');

# The comparison finds what an update might forget.
my @expected = catalog($fresh);
foreach my $difference (
	'COMMENT ON FUNCTION factstr_next() IS NULL',
	'GRANT EXECUTE ON FUNCTION factstr_next() TO PUBLIC',
	'ALTER FUNCTION factstr_next() PARALLEL UNSAFE',
	q(CREATE OR REPLACE FUNCTION factstr_next() RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT 'other' $$),
	'ALTER EXTENSION factstr DROP FUNCTION factstr_next()',
	'ALTER TABLE factstr_streams RESET (fillfactor)',
	'ALTER TABLE factstr_streams ALTER failure_count SET DEFAULT 1',
	'ALTER TABLE factstr_streams ALTER failure_count DROP NOT NULL',
	'ALTER TABLE factstr_streams ADD extra int',
	'ALTER TABLE factstr_events ADD CHECK (sequence_number > 0)',
	'ALTER TABLE factstr_events ENABLE TRIGGER factstr_events_stay',
	'DROP TRIGGER factstr_redactions_stay ON factstr_redactions',
	'CREATE INDEX ON factstr_events (occurred_at)',
	'ALTER INDEX factstr_events_payload_idx SET (fastupdate = off)',
	'COMMENT ON COLUMN factstr_status.streams IS NULL',
	'GRANT SELECT ON factstr_events TO PUBLIC',
	'ALTER VIEW factstr_status SET (security_barrier = on)',
	q(UPDATE pg_extension SET extconfig = extconfig[1:2], extcondition = extcondition[1:2] WHERE extname = 'factstr'))
{
	$fresh->run('BEGIN');
	$fresh->run($difference);
	isnt(catalog_difference([ catalog($fresh) ], \@expected), '', "found: $difference");
	$fresh->run('ROLLBACK');
}
is(catalog_difference([ catalog($fresh) ], \@expected), '', 'and nothing else');

$_->disconnect foreach $updated, $fresh, $observer;
$node->stop;
done_testing();
