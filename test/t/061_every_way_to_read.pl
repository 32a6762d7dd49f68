# On a disk that can be stopped, with each setting of factstr.early_lock_release, with the library preloaded and without:
# no way to read shows facts and rows of a commit that is not on disk yet.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use FactstrSlowDisk;
use FactstrTest;
use POSIX ();
use PostgreSQL::Test::Utils;
use Test::More;

my $disk = FactstrSlowDisk->new;
my $CONF = "fsync = on\nwal_writer_delay = 10s\nfactstr.background_delivery = off\nwal_buffers = 16MB\nwal_level = logical\nmax_connections = 100";
my $count = 1000;
my ($node, $observer, $writer);

# Each as the statements before, and the one that would show the number, if it showed the commit.
my $file = PostgreSQL::Test::Utils::tempdir_short() . '/copy';
my %WAYS = (
	'SELECT on another table' => [[], sub { 'SELECT max(n) FROM other' }],
	'COPY TO' => [[], sub { "COPY other TO '$file'" }],
	'a cursor' => [[ 'BEGIN', 'DECLARE c CURSOR FOR SELECT max(n) FROM other' ], sub { 'FETCH 1 FROM c' }],
	'a function of ours' => [[], sub { "SELECT payload FROM factstr_read('{}', 1, true)" }],
	'a foreign key check' => [[], sub { "INSERT INTO child VALUES ($count) RETURNING id" }],
	'EXPLAIN ANALYZE' => [[], sub { "EXPLAIN (ANALYZE, TIMING off, COSTS off, SUMMARY off) SELECT n FROM other WHERE n = $count" }],
	'logical decoding' => [[], sub { q(SELECT data FROM pg_logical_slot_peek_changes('decoded', NULL, NULL)) }],
);

# Without preloading it may show a fact before it is on disk, as docs/sql-reference.md says.
my %DIRECT = ('SELECT on the events table' => [[], sub { 'SELECT payload FROM factstr_events ORDER BY sequence_number DESC LIMIT 1' }]);

# A reader that repeats itself: psql's \watch.
sub start_watching
{
	my ($output) = @_;
	my $pid = fork;

	die $! if !defined $pid;
	return $pid if $pid;
	open(STDOUT, '>', $output) or POSIX::_exit(1);
	exec('psql', '-XAt', '-d', $node->connstr('postgres'), '-c', 'SET application_name = watching', '-f', watching_script())
		or POSIX::_exit(1);
}

sub watching_script
{
	my $script = "$file.sql";

	PostgreSQL::Test::Utils::append_to_file($script, "SELECT max(n) FROM other \\watch 0.05\n") if !-e $script;
	return $script;
}

# The answer of a reader, or its output.
sub told
{
	my ($reader) = @_;

	# The condition has the number anyway.
	return $reader->text =~ s/^ *Filter:.*//mr . (-e $file ? PostgreSQL::Test::Utils::slurp_file($file) : '');
}

sub waits
{
	my ($session) = @_;

	return (wait_event($observer, $session) // '') =~ /^(WALWrite|transactionid)$/;
}

# A commit with a fact and rows hangs, and is read in each of these ways.
sub ok_not_shown
{
	my ($name, $setting, %ways) = @_;
	my %readers;

	$count++;
	foreach my $way (sort keys %ways)
	{
		$readers{$way} = new_session($node);
	}
	$writer->run('BEGIN');
	$writer->run("SET LOCAL factstr.early_lock_release = $setting");
	$writer->run($_) foreach "INSERT INTO other VALUES ($count)", "INSERT INTO parent VALUES ($count)", append_sql(events(new => $count));
	$disk->hold;
	$writer->start('COMMIT');
	wait_for_event($observer, $writer, 'WALWrite');
	foreach my $way (sort keys %ways)
	{
		my ($before, $statement) = @{ $ways{$way} };

		unlink $file;
		$readers{$way}->run($_) foreach @$before;
		$readers{$way}->start($statement->());
		wait_until('an answer, or a wait', sub { $readers{$way}->is_done || waits($readers{$way}) });
		unlike($readers{$way}->is_done ? told($readers{$way}->finish) : '', qr/\b$count\b|rows=1 /, "$name, $setting: not shown by $way");
	}
	$disk->release;
	$writer->finish;
	die $writer->message if $writer->state ne '00000';
	foreach my $reader (values %readers)
	{
		$reader->finish if !defined $reader->rows;
		$reader->disconnect;
	}
	return;
}

sub start
{
	my ($name, $conf) = @_;

	$node = new_node($name, conf => "$CONF\n$conf", preload => $disk->library);
	($observer, $writer) = map { new_session($node) } 1 .. 2;
	$observer->run($_) foreach 'CREATE TABLE other (n int)', 'CREATE TABLE parent (id int PRIMARY KEY)',
		'CREATE TABLE child (id int REFERENCES parent)', append_sql(events(old => 1)),
		q(SELECT pg_create_logical_replication_slot('decoded', 'test_decoding'));
	return;
}

start('preloaded', "shared_preload_libraries = 'factstr'");
ok_not_shown('preloaded', $_, %WAYS, %DIRECT) foreach qw(auto facts_only always off);

my $output = "$file.watched";
my $watching = start_watching($output);
wait_until('psql watches', sub { -s $output });
$count++;
$writer->run('BEGIN');
$writer->run($_) foreach "INSERT INTO other VALUES ($count)", append_sql(events(new => $count));
$disk->hold;
$writer->start('COMMIT');
wait_for_event($observer, $writer, 'WALWrite');
wait_until('psql waits for the disk',
	sub { $observer->value(q(SELECT wait_event FROM pg_stat_activity WHERE application_name = 'watching')) =~
		/^(WALWrite|factstr_group_flush)$/ });
unlike(PostgreSQL::Test::Utils::slurp_file($output), qr/\b$count\b/, 'preloaded, auto: not shown by \watch');
$disk->release;
$writer->finish;
wait_until('psql shows it', sub { PostgreSQL::Test::Utils::slurp_file($output) =~ /\b$count\b/ });
kill 'TERM', $watching;
waitpid($watching, 0);
$_->disconnect foreach $observer, $writer;
$node->stop;

start('not_preloaded', '');
ok_not_shown('not preloaded', $_, %WAYS) foreach qw(auto facts_only off);
$node->stop;
done_testing();
