# No message of the command contains a password from any place in the arguments.

use strict;
use warnings;

use Command;
use Test::More;

my $marker = 'wq7zj9vk';
my $nowhere = '127.0.0.1:1';

# URLs, and texts that are taken for one, or for the path of a file.
my @urls = (
	"postgresql://joe:$marker\@$nowhere/bank", "postgresql://joe:$marker/x\@$nowhere/bank", "postgresql://127.0.0.1:$marker/bank",
	"postgresql:///joe:$marker\@$nowhere/bank", "postgresql://$nowhere/bank?password=$marker&x=1", "postgresql://$nowhere/bank?sslmode=$marker",
	"postgres:/joe:$marker\@$nowhere/bank", "postgre://joe:$marker\@$nowhere/bank", "postgresql//joe:$marker\@$nowhere/bank", "joe:$marker\@$nowhere/bank",
	"//joe:$marker\@$nowhere/bank", "host=$nowhere user=joe password=$marker", "password=$marker host=$nowhere", "dbname='bank' password='$marker'",
	"PASSWORD=$marker",
);

sub tells_nothing
{
	my (@arguments) = @_;
	my $process = run({ in => '' }, @arguments);

	isnt($process->{status}, 0, "fails: @arguments");
	unlike($process->{err} . $process->{buffer}, qr/wq7|q7z|7zj|zj9|j9v|9vk/, 'and tells no password');
}

chdir($DIRECTORY) or die $!;
for my $url (@urls)
{
	tells_nothing(@$_) for (
		[ 'read', '-s', $url ], [ "--store=$url", 'append' ], [ 'status', '-s', $url ], [ 'copy', $url, 'memory:' ], [ 'copy', 'memory:', $url ],
		[ 'export', '-s', $url ], [ 'streams', 'drop', 'x', '-s', $url ], [ 'conformance', $url ], [ 'conformance', '-s', $url ]);
}

# Where no URL belongs.
my $url = $urls[0];
tells_nothing(@$_) for (
	[$url], [ $url, 'read' ], [ 'help', $url ], [ 'read', $url ], [ 'append', '-s', 'memory:', $url ], [ 'import', '-s', 'memory:', $url ],
	[ "--stroe=$url", 'read' ], [ 'read', "--stroe=$url" ], [ 'read', "--help=$url" ], [ 'copy', 'memory:', 'memory:', $url ], [ "--password=$marker", 'read' ],
	[ 'read', "--password=$marker" ], [ 'read', '-s', 'memory:', '--max', $url ], [ 'read', '-s', 'memory:', '--since', $url ],
	[ 'read', '-s', 'memory:', '--query', $url ], [ 'append', '-s', 'memory:', '--batch', $url ], [ 'export', '-s', 'memory:', "$url/backup" ]);
opendir(my $directory, '.') or die $!;
is(join(' ', grep { /\Q$marker\E|joe|host=/ } readdir($directory)), '', 'and no file is made for one');

# A file may have such a name all the same.
is(run({ in => '{"event_type": "a", "payload": 1}' }, 'append', '-s', './host=1 password=2.db')->{status}, 0, 'a path that begins with a directory');
is(run('context-version', '-s', 'sqlite:host=1 password=2.db')->{buffer}, "1\n", 'or with sqlite: is one');

done_testing();
