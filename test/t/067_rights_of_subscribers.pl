# Missing and revoked rights of a subscribed role: which of them stop its handler, which do not, and the records
# of that.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use FactstrTest;
use FactstrWorkers;
use Test::More;

my $node = new_node('rights', conf => "shared_preload_libraries = 'factstr'\nmax_worker_processes = 20");
my ($observer, $subscriber) = map { new_session($node) } 1 .. 2;

sub append { return $observer->value(append_sql(events(@_))) }

sub end_workers
{
	wait_until('all workers are gone', sub {
		$observer->run('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = $1', 'factstr delivery');
		return workers($observer) eq ''; });
	return;
}

create_kept($observer);
$observer->run($_) foreach 'GRANT ALL ON kept TO PUBLIC', 'CREATE ROLE subscriber LOGIN', 'GRANT CREATE ON SCHEMA public TO subscriber',
	'GRANT EXECUTE ON FUNCTION factstr_subscribe(text, jsonb, regprocedure, text, integer, text, text) TO subscriber', 'GRANT UPDATE ON factstr_main_log TO subscriber';
# Of a superuser, so that the role needs a right to execute it.
create_handler($observer, 'handler');
$observer->run('REVOKE ALL ON FUNCTION handler(jsonb) FROM PUBLIC');
$observer->run('GRANT EXECUTE ON FUNCTION handler(jsonb) TO subscriber');
$subscriber->run('SET ROLE subscriber');
subscribe($subscriber, 'handler', of_type('a'));
my @delivered = (append(a => 'at first'));
wait_until_at($observer, 'handler');

#
# Nobody logs in.
#
foreach my $taken ('ALTER ROLE subscriber NOLOGIN', 'ALTER ROLE subscriber CONNECTION LIMIT 0',
	'REVOKE CONNECT ON DATABASE postgres FROM PUBLIC', 'ALTER DATABASE postgres CONNECTION LIMIT 0',
	q(ALTER ROLE subscriber SET session_preload_libraries = 'there is none'))
{
	$observer->run($taken);
	end_workers();
	push @delivered, append(a => 1);
	wait_until_at($observer, 'handler');
	is(kept($observer, 'handler'), join("\n", @delivered), "$taken: it is delivered");
}
is($observer->text('SELECT DISTINCT role FROM kept'), 'subscriber', 'each time as that role');
is(status($observer, 'handler', 'failure_count, last_error'), '0|', 'and without a failure');
$observer->run($_) foreach 'ALTER DATABASE postgres CONNECTION LIMIT -1', 'GRANT CONNECT ON DATABASE postgres TO PUBLIC';

#
# The handler is no longer its.
#
foreach my $case (
	[ 'REVOKE EXECUTE ON FUNCTION handler(jsonb) FROM subscriber', 'GRANT EXECUTE ON FUNCTION handler(jsonb) TO subscriber', '42501' ],
	[ 'REVOKE USAGE ON SCHEMA public FROM PUBLIC', 'GRANT USAGE ON SCHEMA public TO PUBLIC', '42501' ],
	[ 'ALTER ROLE subscriber RENAME TO renamed', 'ALTER ROLE renamed RENAME TO subscriber', '42704' ])
{
	my ($taken, $given, $state) = @$case;

	$observer->run($taken);
	push @delivered, append(a => 2);
	wait_for_status($observer, 'handler', 'failure_count > 0');
	like(status($observer, 'handler', 'last_error'), qr/^$state: /, "$taken: a failure");
	$observer->run($given);
	wait_until_at($observer, 'handler');
	is(kept($observer, 'handler'), join("\n", @delivered), 'given back, it continues');
}

#
# The role has been dropped; another one of its name has its own rights.
#
$observer->run('DROP OWNED BY subscriber');
$subscriber->disconnect;
$observer->run('DROP ROLE subscriber');
push @delivered, append(a => 'without a role');
wait_for_status($observer, 'handler', 'failure_count > 0');
like(status($observer, 'handler', 'last_error'), qr/^42704: role "subscriber" does not exist/, 'a role that is dropped is a failure');
$observer->run('CREATE ROLE subscriber');
wait_for_status($observer, 'handler', q(last_error LIKE '42501: %'));
pass('another one of that name has not its rights');
is($observer->value(q(SELECT factstr_unsubscribe('handler'))), 't', 'a superuser unsubscribes it');

$node->stop;
done_testing();
