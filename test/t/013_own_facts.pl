# A transaction that reads facts of others below its own ones gets them only when they are on disk:
# its own newest fact says nothing about earlier ones.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use FactstrTest;
use Test::More;

# Hardly anything but a commit or a read flushes the log here.
my $node = new_node('own_facts', conf => "wal_writer_delay = 10s\nwal_writer_flush_after = 100MB");
my $lazy = new_session($node);
my $careful = new_session($node);

$lazy->run('SET synchronous_commit = off');

# Is the log on disk up to a position behind a record?  Where the record ends with its page, the position is
# behind the header of the next one, whose 24 bytes are fewer than any record has.
sub is_flushed
{
	my ($position) = @_;

	return $careful->value("SELECT ('$position'::pg_lsn - pg_current_wal_flush_lsn() <= 24)::int");
}

# Begins a transaction of the careful session with a fact after one of the lazy session that is not on
# disk; returns the position of the latter.  The WAL writer may be faster now and then.
sub begin_behind_unflushed
{
	foreach (1 .. 100)
	{
		$lazy->run(append_sql(events(a => 1)));
		my $position = $lazy->value('SELECT pg_current_wal_insert_lsn()');

		$careful->run('BEGIN');
		$careful->run('SAVEPOINT s');
		$careful->run(append_sql(events(b => 1)));
		return $position if !is_flushed($position);
		$careful->run('ROLLBACK');
	}
	die 'the WAL writer was always faster';
}

foreach my $read (
	"SELECT jsonb_array_length(event_records) FROM factstr_query()",
	"SELECT count(*) FROM factstr_read()",
	"SELECT count(*) FROM factstr_batches()",
	"SELECT factstr_context_version('{}')")
{
	my $position = begin_behind_unflushed();

	$careful->run($read);
	ok(is_flushed($position), "$read returns when the fact below is on disk");
	$careful->run('ROLLBACK');
}

my $position = begin_behind_unflushed();
$careful->run($_) foreach 'ROLLBACK TO s', append_sql(events(b => 2)), 'SELECT * FROM factstr_query()';
ok(is_flushed($position), 'after a rolled back savepoint as well');
$careful->run('ROLLBACK');

$node->stop;
done_testing();
