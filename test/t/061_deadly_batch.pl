# A batch whose handler kills its process, and the whole server with it, in the midst of many that are delivered
# together: it is found after few crashes, and the failure is its own; the stream continues without it.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use FactstrTest;
use FactstrWorkers;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('deadly', conf => "shared_preload_libraries = 'factstr'\nrestart_after_crash = on");
my $FACTS = 3000;
my $BAD = 1024 + 700;

# The server may be about to crash, or starting again.
sub ask
{
	my ($sql) = @_;
	my ($output, $error) = ('', '');

	return $node->psql('postgres', $sql, stdout => \$output, stderr => \$error) == 0 ? $output : undef;
}

my $session = new_session($node);
create_kept($session);
$session->run(qq(DO \$\$
	BEGIN
		FOR i IN 1 .. $FACTS LOOP
			PERFORM factstr_append('[{"event_type": "old", "payload": 1}]');
		END LOOP;
	END \$\$));
create_handler($session, 'deadly', qq(
	IF first = $BAD THEN
		EXECUTE format('COPY (SELECT 1) TO PROGRAM %L', 'kill -9 ' || pg_backend_pid());
	END IF;));
subscribe($session, 'deadly', '{}', 'first');
$session->disconnect;

wait_until('the failure of the batch is recorded',
	sub { (ask(q(SELECT cursor_sequence_number || ' ' || (failure_count > 0) FROM factstr_stream_status)) // '') eq ($BAD - 1) . ' true' });
my $crashes = () = slurp_file($node->logfile) =~ /was terminated by signal 9/g;
cmp_ok($crashes, '<=', 3, "after $crashes crashes");
like(ask('SELECT last_error FROM factstr_stream_status'), qr/^57P0\d: /, 'its error says that the process ended');
is(ask(q(SELECT count(*) || ' ' || count(DISTINCT facts) || ' ' || max(facts::int) FROM kept)), join(' ', ($BAD - 1) x 3),
	'all before it were delivered once');

wait_until('it is parked', sub {
	ask(q(SELECT factstr_park_after('deadly', 1)));
	return (ask('SELECT count(*) FROM factstr_parked_batches') // '') eq '1'; });
is(ask('SELECT first_sequence_number FROM factstr_parked_batches'), $BAD, 'set aside, it is the one');
wait_until('the stream has got on', sub { (ask('SELECT lag_facts FROM factstr_stream_status') // '') eq '0' });
is(ask('SELECT count(*) FROM kept'), $FACTS - 1, 'the others are delivered');

$node->stop;
done_testing();
