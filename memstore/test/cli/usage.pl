# Help, usage errors and the manual page.

use strict;
use warnings;

use Command;
use Test::More;

my @commands = qw(append append-if query read context-version tail streams export import copy bench
  conformance);

my $help = run('--help');
status_is($help, 0, 'there is help');
like($help->{buffer}, qr/^  \Q$_\E  /m, "it lists $_") for @commands;
is($help->{err}, '', 'and says nothing on stderr');
is(run('-h')->{buffer}, $help->{buffer}, '-h is the same');
is(run()->{err}, $help->{buffer}, 'without arguments help is on stderr');
is(run()->{status}, 2, 'and the status is that of wrong usage');
like(run('--version')->{buffer}, qr/\Afactstr \d+\.\d+\.\d+\n\z/, 'the version');

for my $command (@commands)
{
	my $own = run($command, '--help');
	my @lines = split(/\n/, $own->{buffer});

	status_is($own, 0, "$command has help");
	like($lines[0], qr/\Ausage: factstr \Q$command\E( |\z)/, "$command begins with its usage");
	cmp_ok(scalar @lines, '<=', 24, "$command fits a screen");
	is(scalar(grep { length > 84 } @lines), 0, "$command fits its width");
	fails_with(run($command, '--nonsense'), 2,
		qr/\Afactstr \Q$command\E: option --nonsense is unknown, or short for several\n/,
		"$command refuses an unknown option");
}

my @wrong = (
	[ qr/there is no command "nonsense"/, 'nonsense' ],
	[ qr/option --nonsense is unknown/, '--nonsense', 'read' ],
	[ qr/option --store needs a value/, '--store' ],
	[ qr/which store\?/, 'read' ],
	[ qr/option -s needs a value/, 'read', '-s' ],
	[ qr/option --max needs a value/, 'read', '--max' ],
	[ qr/option -x is unknown/, 'read', '-x' ],
	[ qr/option --backwards takes no value/, 'read', '--backwards=1' ],
	[ qr/--max must be a number, not "many"/, 'read', '--max', 'many' ],
	[ qr/--max must be a number, not "-1"/, 'read', '--max=-1' ],
	[ qr/--max must be between 1 and /, 'read', '--max', '0' ],
	[ qr/--max must be between 1 and /, 'read', '--max', '99999999999999999999' ],
	[ qr/one argument too many: "b"/, 'read', 'a', 'b' ],
	[ qr/either a QUERY or options/, 'read', '-t', 'a', '{}' ],
	[ qr/--payload is not JSON at line 1, column 2/, 'read', '-p', '{a' ],
	[ qr/--batch must be between/, 'append', '--batch', '0' ],
	[ qr/--expect VERSION is missing/, 'append-if' ],
	[ qr/--expect must be a number, not "some"/, 'append-if', '-e', 'some' ],
	[ qr/none of list, seek and drop/, 'streams', 'nonsense' ],
	[ qr/NAME is missing/, 'streams', 'drop' ],
	[ qr/N is missing/, 'streams', 'seek', 'name' ],
	[ qr/--json is for the list/, 'streams', '--json', 'drop', 'name' ],
	[ qr/--resume and --force are for a FILE/, 'export', '--resume' ],
	[ qr/--resume goes neither/, 'export', '--resume', '--after', '1', 'file' ],
	[ qr/--wait and --from-now are for --durable/, 'tail', '--wait' ],
	[ qr/--lines does not go with --durable/, 'tail', '-n', '1', '-d', 'name' ],
	[ qr/--batches is for --follow or --durable/, 'tail', '--batches' ],
	[ qr/the URLs of two stores/, 'copy', 'memory:' ],
	[ qr/both stores are named by arguments/, '-s', 'memory:', 'copy', 'memory:', 'memory:' ],
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

fails_with(run('-s', 'nonsense:', 'read'), 1,
	qr/\Afactstr: the URL of the store is not understood\n/,
	'a URL that is none');
fails_with(run('-s', "sqlite:$DIRECTORY/no/such/directory", 'read'), 1, qr/\Afactstr: /,
	'a store that cannot be opened');

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
