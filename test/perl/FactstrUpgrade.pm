# The upgrade of PostgreSQL itself.

package FactstrUpgrade;

use strict;
use warnings;

use Cwd ();
use Exporter qw(import);

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;

our @EXPORT = qw(pg_upgrade_ok);

# Stops a server, and starts another one with its content and these settings: one of the same version, or of the
# version that is installed at a path.
sub pg_upgrade_ok
{
	my ($node, $conf, $install_path) = @_;
	# Nodes of 13 and 14 do not know where theirs is, which is in PATH.
	my $in_path = qx(dirname -- "\$(command -v postgres)") =~ s/\n.*//sr;
	my ($old, $new) = map { defined $_ ? "$_/bin" : $in_path } $node->{_install_path}, $install_path;
	my $upgraded = PostgreSQL::Test::Cluster->new($node->name . '_upgraded', install_path => $install_path);

	$upgraded->init(extra => [ '-E', 'UTF8', '--locale=C' ]);
	$upgraded->append_conf('postgresql.conf', $conf);
	my @command = ("$new/pg_upgrade", '-d', $node->data_dir, '-D', $upgraded->data_dir, '-b', $old, '-B', $new,
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
