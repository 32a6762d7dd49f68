# The commands that run the programs of examples/: for each language, an interpreter that has the driver.

package FactstrConsumers;

use strict;
use warnings;

use Exporter qw(import);
use Test::More;

our @EXPORT = qw(consumer_commands python_with_driver);

# The command of each program, by language; the driver of the one for Node is fetched into a directory if it is not
# installed.  Without one, a test is skipped.
sub consumer_commands
{
	my ($programs, $directory) = @_;
	my %commands = (py => [ python_with_driver(), "$programs/consumer.py" ], pl => [ 'perl', "$programs/consumer.pl" ]);
	my ($node, $reason) = node($programs, $directory);

  SKIP: {
		skip("consumer.js: $reason", 1) unless $node;
		$commands{js} = $node;
	}
	return %commands;
}

# Runs a command, without output unless it fails; returns whether it succeeded.
sub succeeds
{
	my ($command, $log) = @_;

	$log //= '/dev/null';
	return system("($command) </dev/null >'$log' 2>&1") == 0;
}

# The first Python that has the driver, which Debian's package gives to its own one.
sub python_with_driver
{
	my ($python) = grep { succeeds("$_ -c 'import psycopg'") } qw(python3 /usr/bin/python3);

	return $python // 'python3';
}

# The first line of a file.
sub first_line
{
	my ($file) = @_;

	open(my $handle, '<', $file) or return '';
	return scalar(<$handle>) // '';
}

# Node, if it has the driver or if that can be had; else the reason.
sub node
{
	my ($programs, $directory) = @_;
	my $log = "$directory/npm";
	my $command = [ 'node', "$programs/consumer.js" ];

	return (undef, 'there is no node') unless succeeds('command -v node');
	# Where Debian's packages are: only its own Node looks there by itself.
	$ENV{NODE_PATH} = join(':', grep { defined } $ENV{NODE_PATH}, '/usr/share/nodejs');
	return ($command) if succeeds("cd '$programs' && node -e 'require(\"pg\")'");
	return (undef, 'there is neither a driver for node nor npm') unless succeeds('command -v npm');

	succeeds("mkdir '$directory/node' && cp '$programs'/package*.json '$directory/node' && cd '$directory/node'"
			. " && timeout -k 5 60 npm ci --ignore-scripts --no-audit --no-fund --no-update-notifier --cache='$directory/npm-cache'",
		$log)
		or return (undef, 'npm could not fetch the driver: ' . first_line($log));
	$ENV{NODE_PATH} .= ":$directory/node/node_modules";
	return ($command);
}

1;
