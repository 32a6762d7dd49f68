# The upgrade of PostgreSQL itself, here to the same version.

package FactstrUpgrade;

use strict;
use warnings;

use Cwd ();
use Exporter qw(import);

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;

our @EXPORT = qw(pg_upgrade_ok);

# Stops a server, and starts another one with what was in it and these settings.
sub pg_upgrade_ok
{
	my ($node, $conf) = @_;
	my $bindir = ($node->config_data('--bindir'))[0] =~ s/\n.*//sr;
	my $upgraded = PostgreSQL::Test::Cluster->new($node->name . '_upgraded');

	$upgraded->init(extra => [ '-E', 'UTF8', '--locale=C' ]);
	$upgraded->append_conf('postgresql.conf', $conf);
	my @command = ('pg_upgrade', '-d', $node->data_dir, '-D', $upgraded->data_dir, '-b', $bindir, '-B', $bindir,
		'-p', $node->port, '-P', $upgraded->port, '-s', PostgreSQL::Test::Utils::tempdir_short());
	my $here = Cwd::getcwd();

	$node->stop;
	# It writes where it is.
	chdir PostgreSQL::Test::Utils::tempdir();
	command_ok([ @command, '--check' ], 'pg_upgrade --check');
	command_ok(\@command, 'pg_upgrade');
	chdir $here;
	$upgraded->start;
	return $upgraded;
}

1;
