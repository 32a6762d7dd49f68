# The option --log, in front of the command and behind it; and the commands that list, create, seal and drop logs.

use strict;
use warnings;

use Command;
use Test::More;

my $event = '{"event_type": "a", "payload": 1}';
my $names = qr/--log must have 1 to 40 of the characters a to z, 0 to 9, "_" and "-"\n/;

fails_with(run('status', '-s', 'memory:', '--log', $_), 2, qr/\Afactstr status: $names/, "not a name: \"$_\"")
  for '', 'Orders', "or'ders", 'a&b', 'a' x 41;
fails_with(run('--log=a%20b', 'status', '-s', 'memory:'), 2, qr/$names/, 'nor in front of the command');
fails_with(run('--log'), 2, qr/\Afactstr: option --log requires a value\n/, 'without a value');
fails_with(run('status', '-s', 'memory:', '--log', 'orders'), 1, qr/\Afactstr: a memory store has no name and no options\n  hint: .*open several stores/,
	'a memory store is one log');
status_is(run({ in => $event }, 'append', '-s', "$DIRECTORY/one.db"), 0, 'a file');
fails_with(run($_, '-s', "$DIRECTORY/one.db", '--log', 'orders'), 1, qr/\Afactstr: a SQLite file is one log, so it has no option "factstr_log"\n  hint: .*several files/,
	"$_: so is a SQLite file")
  for qw(status read);
fails_with(run('copy', '--log', 'orders', 'memory:', 'memory:'), 2, qr/name logs in the URLs, as \?factstr_log=NAME, not with --log/,
	'a copy has two stores');
fails_with(run('conformance', '--log', 'orders', 'memory:'), 2, qr/--log requires a URL that begins with postgresql:/, 'a suite of logs needs a server');

# One log has no others.
foreach my $store ('memory:', "$DIRECTORY/one.db")
{
	fails_with(run(@$_, '-s', $store), 1, qr/\Afactstr: this store is one log, and has no others\n  hint: .*PostgreSQL/, "@$_ on $store")
	  for [ 'logs' ], [ 'logs', '--json' ], [ 'create-log', 'orders' ], [ 'seal-log', 'orders' ], [ 'drop-log', 'orders', 'orders' ];
}
fails_with(run('logs', '-s', "$DIRECTORY/none.db"), 1, qr/\Afactstr: .*none\.db/, 'they create no file');
ok(!-e "$DIRECTORY/none.db", 'indeed');

# A connection string with keywords is no URL, and no file either.
foreach my $string ('dbname=bank factstr_log=orders', 'host=localhost dbname=bank', 'factstr_log=orders', 'user=ada password=secret dbname=bank')
{
	my $refused = run({ in => $event }, 'append', '-s', $string);

	fails_with($refused, 1, qr/\Afactstr: invalid URL of the store: it is a connection string with keywords\n  detail: .*\n  hint: Write .*factstr_log=LOG/, $string);
	unlike($refused->{err}, qr/secret/, 'and the message quotes no password');
	ok(!-e $string, 'no file has this name');
}

if (grep { $_ eq 'log' } store_kinds())
{
	my $url = new_url('postgresql');
	my $date = qr/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z/;
	my $role = $ENV{PGUSER} // getpwuid($<);

	is(run('logs', '-s', $url)->{buffer}, "NAME  CREATED AT  BY  SEALED AT  BY\nmain\n", 'a database has one log');
	is(run('create-log', '-s', $url, 'orders')->{buffer}, '', 'another is created');
	fails_with(run('create-log', '-s', $url, 'orders'), 1, qr/\Afactstr: log "orders" already exists\n/, 'once');
	fails_with(run('create-log', '-s', $url, 'Orders'), 1, qr/\Afactstr: invalid log: "Orders" is not the name of a log\n/, 'under a name that is one');
	status_is(run({ in => $event }, 'append', '-q', '-s', $url, '--log', 'orders'), 0, 'it is appended to');
	like(run('logs', '-s', $url)->{buffer}, qr/\ANAME    CREATED AT                   BY  +SEALED AT  BY\nmain\norders  $date  \Q$role\E\n\z/, 'it is listed');
	is_deeply([ map { $_->{log} } @{ (documents(run('logs', '-j', '-s', $url)->{buffer}))[0] } ], [ 'main', 'orders' ], 'as JSON, too');
	{
		local $ENV{FACTSTR_URL} = "$url?connect_timeout=5&factstr_log=payments";

		is(run('create-log', 'payments')->{buffer}, '', 'a log that the URL names already');
		is(run('context-version')->{buffer}, "none\n", 'is there then');
		is(run('seal-log', 'orders')->{buffer}, qq({"was_open": true}\n), 'a store of one log can seal another');
		is(run('seal-log', 'orders')->{buffer}, qq({"was_open": false}\n), 'again');
		is(run('drop-log', 'payments', 'payments')->{buffer}, qq({"dropped_facts": 0}\n), 'and it is dropped');
	}
	is(run('logs', '-s', "$url?factstr_log=payments&connect_timeout=5")->{status}, 0, 'the log is taken out of the options');
	fails_with(run({ in => $event }, 'append', '-s', $url, '--log', 'orders'), 1, qr/log "orders" is sealed/, 'nothing is appended to a sealed log');
	fails_with(run('drop-log', '-s', $url, 'orders', 'order'), 1, qr/\Afactstr: invalid confirmation: /, 'a drop is confirmed');
	is(run('drop-log', '-s', $url, 'orders', 'orders')->{buffer}, qq({"dropped_facts": 1}\n), 'a log is dropped with its facts');
	fails_with(run('drop-log', '-s', $url, 'orders', 'orders'), 1, qr/\Afactstr: log "orders" does not exist\n/, 'once');
	fails_with(run('drop-log', '-s', $url, 'main', 'main'), 1, qr/\Afactstr: cannot drop log "main"\n  hint: /, 'main stays');
	is(run('logs', '-s', $url)->{buffer}, "NAME  CREATED AT  BY  SEALED AT  BY\nmain\n", 'and is left');
}

if (grep { $_ eq 'log' } store_kinds())
{
	my $orders = new_url('log');
	my ($url) = $orders =~ /\A([^?]+)/;

	fails_with(run('status', '-s', $url, '--log', 'no-such-log'), 1,
		qr/\Afactstr: log "no-such-log" does not exist\n  hint: .*factstr_create_log makes one/, 'a log that there is not');
	status_is(run({ in => "$event\n" x 2 }, 'append', '-s', $url, '--log', 'orders', '-q'), 0, 'an append to another log');
	status_is(run({ in => $event }, 'append', '-q', '-s', $url), 0, 'and to main');
	is(run('context-version', '-s', $orders)->{buffer}, "2\n", 'the URL names the log');
	is(run('context-version', '-s', $url, '--log=orders')->{buffer}, "2\n", 'or the option');
	is(run('--log', 'orders', '--store', $url, 'context-version')->{buffer}, "2\n", 'in front of the command');
	is(run('--log=orders', "-s$url", 'context-version')->{buffer}, "2\n", 'joined to their values');
	is(run('--log=orders', 'context-version', '-s', $url, '--log', 'main')->{buffer}, "1\n", 'the last one counts');
	is(run('context-version', '-s', "$url?connect_timeout=5", '--log', 'orders')->{buffer}, "2\n", 'behind options');
	is(run('context-version', '-s', "postgresql://$ENV{PGUSER}:no?pass?word\@" . $url =~ s{postgresql://}{}r, '--log', 'orders')->{buffer}, "2\n",
		'and behind a password with question marks');
	local $ENV{FACTSTR_URL} = $url;
	is(run('context-version', '--log', 'orders')->{buffer}, "2\n", 'with the store of the environment');
	$ENV{FACTSTR_URL} = $orders;
	is(run('context-version')->{buffer}, "2\n", 'which names the log, too');
	fails_with(run('context-version', '--log', 'main'), 1, qr/\Afactstr: option "factstr_log" in the URL of the server is given twice\n/, 'but not both');
	status_is(run('copy', '-q', "$url?factstr_log=main", new_url('sqlite')), 0, 'a copy names the log in its URLs');
	Command::psql($url, "SELECT factstr_seal_log('orders')") or die 'cannot seal the log';
	fails_with(run({ in => $event }, 'append'), 1, qr/\Afactstr: stdin:1: log "orders" is sealed\n  detail: .*\n  hint: /, 'nothing is appended to a sealed log');
	is(run('conformance', $url, '--log', 'orders', 'rule 6')->{buffer}, run('conformance', $url, 'rule 6')->{buffer},
		'a suite of logs has the same cases');
}

done_testing();
