# The completion of the command in shells.

use strict;
use warnings;

use Command;
use Test::More;

my $file = 'cli/completion/factstr.bash';

# The completions of bash for the last of some words.
sub completed
{
	my (@words) = @_;
	my $script = 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _factstr "$1" "${@: -1}" "${@: -2:1}"; '
	  . 'printf "%s\n" "${COMPREPLY[@]}"';

	open(my $bash, '-|', 'bash', '--norc', '-c', $script, 'bash', $file, $COMMAND, @words) or die "bash: $!";
	my @found = grep { length } map { s/\n//r } <$bash>;
	close($bash);
	return join(' ', sort @found);
}

# The long options in a help, and --help itself.
sub options_of
{
	my %options = map { $_ => 1 } '--help', run('help', @_)->{buffer} =~ /(--[a-z][a-z-]*)/g;

	return join(' ', sort keys %options);
}

my @commands = run('help')->{buffer} =~ /^  ([a-z-]+)  /mg;

cmp_ok(scalar @commands, '>', 10, 'there are commands');
is(completed(''), join(' ', sort @commands), 'commands');
is(completed('ap'), 'append append-if append-unless', 'those that begin so');
is(completed('help', 'qu'), 'query', 'of which there is help');
is(completed('-s', 'x.db', 'qu'), 'query', 'behind the store');
is(completed('--store', 'x'), '', 'the store is a file');
is(completed('--ve'), '--version', 'options before the command');
is(completed($_, '--'), options_of($_), "options of $_") for @commands;
is(completed('read', '-b', '--ba'), '--backwards', 'one that begins so');
is(completed('append', 'ev'), '', 'an argument is a file');
is(completed('streams', ''), 'drop list seek', 'what can be done to streams');
is(completed('streams', 'seek', ''), '', 'to which belongs a name');

SKIP:
{
	skip 'zsh is not here', 2 if !grep { -x "$_/zsh" } split(/:/, $ENV{PATH});
	is(`zsh -n cli/completion/_factstr 2>&1`, '', 'the file for zsh is well-formed');
	my $offered = `zsh -fc '
		_call_program() { shift; "\$@"; }
		_describe() { print -l "\${(P)\@[-1]}"; }
		_files() { print files; }
		compadd() { [[ \$1 == -- ]] && shift; print -l -- "\$@"; }
		words=(\$0 streams ""); CURRENT=3; source cli/completion/_factstr
		words=(\$0 read --); CURRENT=3; _factstr
		words=(\$0 append e); CURRENT=3; _factstr
	' $COMMAND 2>&1`;
	like($offered, qr/\Alist\nseek\ndrop\n(--[a-z-]+\n)*--backwards\n(--[a-z-]+\n)*--help\nfiles\n\z/, 'and offers the same');
}

# Where make install puts them, shells look for them.
my $installed = "$DIRECTORY/installed";
my $log = `make -s install DESTDIR='$installed' prefix=/usr 2>&1`;

is($?, 0, 'make install') or diag($log);
ok(-e "$installed/usr/share/bash-completion/completions/factstr", 'completion for bash');
ok(-e "$installed/usr/share/zsh/site-functions/_factstr", 'and for zsh');
$log = `make -s uninstall DESTDIR='$installed' prefix=/usr 2>&1`;
is(`find '$installed' -type f -o -type l`, '', 'make uninstall removes everything') or diag($log);

done_testing();
