# Help, usage errors and the manual page.

use strict;
use warnings;

use Command;
use Cwd qw(getcwd);
use File::Basename qw(dirname);
use Test::More;

my $HERE = getcwd();

my @commands = qw(append append-if append-unless query read context-version tail streams export import copy logs create-log seal-log
  drop-log bench conformance help status);

my $help = run('--help');
status_is($help, 0, 'there is help');
like($help->{buffer}, qr/^  \Q$_\E  /m, "it lists $_") for @commands;
is($help->{err}, '', 'and says nothing on stderr');
is(run('-h')->{buffer}, $help->{buffer}, '-h is the same');
is(run()->{err}, $help->{buffer}, 'without arguments help is on stderr');
is(run()->{status}, 2, 'and the status is that of wrong usage');
like(run('--version')->{buffer}, qr/\Afactstr \d+\.\d+\.\d+\n\z/, 'the version');

is(run('help')->{buffer}, $help->{buffer}, 'so is "help"');
is(run('--help', 'read')->{buffer}, run('read', '--help')->{buffer}, '--help before a command');
for my $command (@commands)
{
	is(run('help', $command)->{buffer}, run($command, '--help')->{buffer}, "help $command");
	my $own = run($command, '--help');
	my @lines = split(/\n/, $own->{buffer});

	status_is($own, 0, "$command has help");
	like($lines[0], qr/\Ausage: factstr \Q$command\E( |\z)/, "$command begins with its usage");
	cmp_ok(scalar @lines, '<=', 24, "$command fits a screen");
	is(scalar(grep { length > 84 } @lines), 0, "$command fits its width");
	fails_with(run($command, '--nonsense'), 2,
		qr/\Afactstr \Q$command\E: unknown or ambiguous option --nonsense\n/,
		"$command refuses an unknown option");
}

my @wrong = (
	[ qr/unknown command "nonsense"/, 'nonsense' ],
	[ qr/unknown option --nonsense/, '--nonsense', 'read' ],
	[ qr/option --store requires a value/, '--store' ],
	[ qr/no store given/, 'read' ],
	[ qr/option -s requires a value/, 'read', '-s' ],
	[ qr/option --max requires a value/, 'read', '--max' ],
	[ qr/unknown option -x/, 'read', '-x' ],
	[ qr/option --backwards takes no value/, 'read', '--backwards=1' ],
	[ qr/--max must be a number, not "many"/, 'read', '--max', 'many' ],
	[ qr/--max must be a number, not "-1"/, 'read', '--max=-1' ],
	[ qr/--max must be between 1 and /, 'read', '--max', '0' ],
	[ qr/--max must be between 1 and /, 'read', '--max', '99999999999999999999' ],
	[ qr/too many arguments: "b"/, 'read', 'a', 'b' ],
	[ qr/either a QUERY or the options/, 'read', '-t', 'a', '{}' ],
	[ qr/either a QUERY or the options/, 'read', '-t', 'a', '-q', '{}' ],
	[ qr/only one QUERY is allowed/, 'read', '-q', '{}', '{}' ],
	[ qr/--payload is not JSON at line 1, column 2: /, 'read', '-p', '{a' ],
	[ qr/--batch must be between/, 'append', '--batch', '0' ],
	[ qr/--expect VERSION is missing/, 'append-if' ],
	[ qr/--after N is missing/, 'append-unless' ],
	[ qr/--after must be a number, not "some"/, 'append-unless', '-a', 'some' ],
	[ qr/--expect must be a number, not "some"/, 'append-if', '-e', 'some' ],
	[ qr/is not list, seek or drop/, 'streams', 'nonsense' ],
	[ qr/NAME is missing/, 'streams', 'drop' ],
	[ qr/N is missing/, 'streams', 'seek', 'name' ],
	[ qr/--json requires list/, 'streams', '--json', 'drop', 'name' ],
	[ qr/--resume and --force require a FILE/, 'export', '--resume' ],
	[ qr/--resume cannot be combined/, 'export', '--resume', '--after', '1', 'file' ],
	[ qr/--timeout-ms and --from-now require --durable/, 'tail', '--timeout-ms', -1 ],
	[ qr/--timeout-ms must be a number, not "-2"/, 'tail', '--durable', 's', '--timeout-ms', -2 ],
	[ qr/--partitions and --partition-key require each other/, 'tail', '-d', 'name', '--partitions', '2' ],
	[ qr/--partitions and --partition-key require each other/, 'tail', '-d', 'name', '--partition-key', '$.k' ],
	[ qr/--partitions requires --durable/, 'tail', '--partitions', '2', '--partition-key', '$.k' ],
	[ qr/--partition must be less than --partitions/, 'tail', '-d', 'name', '--partition', '0' ],
	[ qr/--partition must be less than --partitions/, 'tail', '-d', 'n', '--partitions', '2', '--partition-key', '$.k', '--partition', '2' ],
	[ qr/--lines cannot be combined with --durable/, 'tail', '-n', '1', '-d', 'name' ],
	[ qr/--after cannot be combined with --lines, --durable/, 'tail', '--after', '1', '-n', '1' ],
	[ qr/--after cannot be combined/, 'tail', '--after', '1', '-d', 'a' ],
	[ qr/--since must be a time like 2026-01-31 or 2026-01-31T08:15:30Z, not "soon"/, 'read', '--since', 'soon' ],
	[ qr/--until must be a time/, 'read', '--until', '2026-02-30' ],
	[ qr/--batches requires --follow or --durable/, 'tail', '--batches' ],
	[ qr/the URLs of two stores/, 'copy', 'memory:' ],
	[ qr/name both stores as arguments/, '-s', 'memory:', 'copy', 'memory:', 'memory:' ],
	[ qr/NAME, the name of the log, is missing/, 'create-log' ],
	[ qr/NAME, the name of the log, is missing/, 'seal-log' ],
	[ qr/NAME, the name of the log, is missing/, 'drop-log' ],
	[ qr/NAME must be given twice/, 'drop-log', 'orders' ],
	[ qr/too many arguments: "orders"/, 'create-log', 'orders', 'orders' ],
	[ qr/too many arguments: "c"/, 'drop-log', 'a', 'b', 'c' ],
	[ qr/too many arguments: "orders"/, 'logs', 'orders' ],
	[ qr/--log is not allowed here/, 'logs', '-s', 'memory:', '--log', 'orders' ],
	[ qr/no store given/, 'create-log', 'orders' ],
	[ qr/--threads must be between/, 'bench', '-c', '0' ],
);
for my $case (@wrong)
{
	my ($message, @arguments) = @$case;
	my $process = run(@arguments);

	is($process->{status}, 2, "wrong usage: @arguments");
	like($process->{err}, qr/\Afactstr.*$message.*\n  hint: Try "factstr.*--help"\.\n\z/,
		'says so, and how to get help');
	is($process->{buffer}, '', 'and prints nothing');
}

# The examples in the helps work.
{
	local $ENV{FACTSTR_URL} = new_url('sqlite');
	local $ENV{PATH} = dirname($COMMAND) . ":$ENV{PATH}";
	my @events = (
		{ event_type => 'course-defined', payload => { course => 'c1' } },
		map { { event_type => 'student-subscribed', payload => $_ } } { course => 'c1' }, { student => 'ada' }, { student => 'bob' });

	lines_of({ in => ndjson(@events) }, 'append');
	my @versions = map { s/\n//r } map { scalar `$_` } run('help', 'context-version')->{buffer} =~ /^  (factstr (?:.|\n   )*)/mg;
	is("@versions", '4 2 3', 'examples of queries');
	my @examples = run('help')->{buffer} =~ /^  ((?:echo|factstr) (?:.|\n   )*)/mg;
	my $found = `cd '$DIRECTORY' && $examples[0] && $examples[1]`;
	like($found, qr/\A\{"first.*\}\n\{"sequence_number": 1, .*"account": "A-1"/, 'and of the command');
}

# A misspelt word gets a suggestion, if one is similar enough.
my @misspelt = (
	[ 'query', 'qeury' ], [ 'query', 'quer' ], [ 'append-if', 'apend-if' ], [ 'context-version', 'context_version' ],
	[ 'streams', 'stream' ], [ 'create-log', 'crate-log' ], [ 'read', 'help', 'raed' ], [ '--backwards', 'read', '--backward-' ], [ '--query', 'read', '--qurey' ],
	[ '--store', 'tail', '--stroe=x' ], [ '--one-batch', 'append', '--onebatch' ], [ '--help', 'bench', '--hlep' ],
	[ '--store', '--stroe', 'x', 'read' ],
	[ 'seek', 'streams', 'seke' ],
);
for my $case (@misspelt)
{
	my ($right, @arguments) = @$case;

	fails_with(run(@arguments), 2, qr/\n  hint: Did you mean "\Q$right\E"\? Try "factstr.*--help"\.\n\z/, "misspelt: @arguments");
}

# A path by itself is a file.
for my $path ("$DIRECTORY/bare.db", "$DIRECTORY/50%25?.db")
{
	status_is(run({ in => '{"event_type": "a", "payload": 1}' }, 'append', '-s', $path), 0, "a path: $path");
	is(-e $path, 1, 'is the name of the file');
	is(run('context-version', '-s', $path)->{buffer}, "1\n", 'and is read as well');
}
chdir($DIRECTORY) or die $!;
is(run('context-version', '-s', 'bare.db')->{buffer}, "1\n", 'a name in the working directory');
status_is(run('copy', 'bare.db', './bare copy.db'), 0, 'copy takes paths');
chdir($HERE) or die $!;

# Rights that are missing.
if (grep { $_ eq 'postgresql' } store_kinds())
{
	my $url = new_url('postgresql');
	my ($database) = $url =~ m{([^/]+)\z};
	my $role = "regress_factstr_$$";

	Command::psql($database, "CREATE ROLE $role LOGIN") or die 'cannot make a role';
	fails_with(run('context-version', '-s', "postgresql://$role\@/$database"), 1,
		qr/\Afactstr: permission denied for function factstr_context_version\n  detail: Role "$role" needs the right EXECUTE on function factstr_context_version\.\n  hint: .*GRANT; "Rights" in docs\/sql-reference\.md /,
		'an error of rights names the role and the way out');
	Command::psql($database, "GRANT EXECUTE ON FUNCTION factstr_context_version(jsonb, text) TO $role; GRANT SELECT ON factstr_main_log TO $role") or die 'cannot grant';
	is(run('context-version', '-s', "postgresql://$role\@/$database")->{buffer}, "none\n", 'which is one');
	Command::psql($database, "DROP OWNED BY $role; DROP ROLE $role") or die 'cannot drop the role';
}

# Events are no names of files.
for my $events ('{"event_type": "a", "payload": 1}', ' [{"event_type": "a", "payload": 1}]')
{
	for my $command ([qw(append)], [qw(append-if -e none)], [qw(import)])
	{
		fails_with(run(@$command, '-s', 'memory:', $events), 1,
			qr/\Afactstr: cannot open .*\n  hint: Input comes from a file or from standard input: echo '\.\.\.' \| factstr $command->[0]\n\z/,
			"@$command: JSON as an argument");
	}
}

fails_with(run('-s', 'nonsense:', 'read'), 1,
	qr/\Afactstr: invalid URL of the store\n/,
	'a URL that is none');
fails_with(run('-s', "sqlite:$DIRECTORY/no/such/directory", 'read'), 1, qr/\Afactstr: /,
	'a store that cannot be opened');

# A path that is mistyped is no empty store.  Commands that append or import make one.
my @reading = ([qw(read)], [qw(query)], [qw(context-version)], [qw(tail)], [qw(tail -f)], [qw(tail -d name)],
	[qw(streams)], [qw(streams --json)], [qw(streams seek name 0)], [qw(streams drop name)], [qw(export)], [qw(status)],
	[ 'export', "$DIRECTORY/backup" ]);
for my $arguments (@reading)
{
	for my $file ('mistyped.db', 'mistyped.db?busy_timeout_ms=1')
	{
		fails_with(run(@$arguments, '-s', "sqlite:$DIRECTORY/$file"), 1,
			qr/\Afactstr: cannot open "\S+mistyped\.db": No such file or directory\n  hint: Check the path\. /,
			"@$arguments: no such store");
	}
	is(join(' ', glob("$DIRECTORY/mistyped* $DIRECTORY/backup*")), '', 'and nothing is made');
}
fails_with(run('copy', "sqlite:$DIRECTORY/mistyped.db", "sqlite:$DIRECTORY/target.db"), 1,
	qr/\Afactstr: cannot open "\S+mistyped\.db": No such file or directory\n/, 'copy: no such store');
is(join(' ', glob("$DIRECTORY/mistyped* $DIRECTORY/target*")), '', 'copy makes none of both');
fails_with(run('read', '-s', 'sqlite:' . spew("$DIRECTORY/empty.db", '')), 1,
	qr/\Afactstr: cannot open "\S+empty\.db": the file is empty\n/, 'an empty file is no store');
is(-s "$DIRECTORY/empty.db", 0, 'and stays as it is');
my $event = '{"event_type": "a", "payload": 1}';
status_is(run({ in => $event }, 'append', '-s', "sqlite:$DIRECTORY/empty.db"), 0, 'until something is appended');
status_is(run('copy', "sqlite:$DIRECTORY/empty.db", "sqlite:$DIRECTORY/copied.db"), 0, 'copy makes the target');
my $batches = run('export', '-s', "sqlite:$DIRECTORY/copied.db")->{buffer};
status_is(run({ in => $batches }, 'import', '-s', "sqlite:$DIRECTORY/imported.db"), 0, 'import makes a store');
status_is(run({ in => $event }, 'append-if', '-e', 'none', '-s', "sqlite:$DIRECTORY/decided.db"), 0,
	'so does append-if');
status_is(run('read', '-s', "sqlite:$DIRECTORY/asked.db?mode=rwc"), 0, 'and whatever is told to');
fails_with(run({ in => $event }, 'append', '-s', "sqlite:$DIRECTORY/mistyped.db?mode=rw"), 1,
	qr/\Afactstr: cannot open "\S+mistyped\.db": No such file or directory\n/, 'append does not if it must not');

$ENV{FACTSTR_URL} = 'memory:';
is(run('context-version')->{buffer}, "none\n", 'the environment names the store');
$ENV{FACTSTR_URL} = 'nonsense:';
is(run('context-version', '--store', 'memory:')->{buffer}, "none\n", 'an option goes before');
is(run('--store=memory:', 'context-version')->{buffer}, "none\n", 'also in front of the command');
is(run('-smemory:', 'context-version')->{buffer}, "none\n", 'and joined to its letter');
delete $ENV{FACTSTR_URL};

SKIP:
{
	my $groff = (grep { -x "$_/groff" } split(/:/, $ENV{PATH}))[0];

	skip 'groff is not here', 2 if !defined $groff;
	my $page = slurp('cli/factstr.1');
	my $complaints = `groff -mandoc -Tutf8 -ww -z cli/factstr.1 2>&1`;

	is($complaints, '', 'the manual page renders without warnings');
	is(join(' ', grep { $page !~ /^\.Ss \Q$_\E( |$)/m } @commands), '',
		'and has a section for each command');
}

done_testing();
