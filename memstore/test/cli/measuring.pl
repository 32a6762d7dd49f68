# bench and conformance.

use strict;
use warnings;

use Command;
use Test::More;

for my $kind (store_kinds())
{
	my $url = new_url($kind);
	my $bench = run('bench', '-s', $url, '--facts', 100, '--threads', 2);
	my @rows = split(/\n/, $bench->{buffer});

	status_is($bench, 0, "$kind: bench");
	like($rows[0], qr/\AOPERATION +THREADS +CALLS +CALLS\/S +FACTS\/S +MEDIAN +99 % +SLOWEST\z/,
		"$kind: a table");
	is(scalar(grep { length != length $rows[0] } @rows), 0, "$kind: whose columns are aligned");
	is(scalar @rows, 8, "$kind: of seven measurements");
	is(run('context-version', '-s', $url)->{buffer}, "400\n",
		"$kind: which appended the right facts");
	fails_with(run('bench', '-s', $url), 1, qr/\Afactstr: the store is not empty\n  hint: /,
		"$kind: it does not fill a store that is in use");
}

my $suite = run('conformance', 'memory:', 'matching');
status_is($suite, 0, 'the conformance suite passes');
like($suite->{buffer}, qr/^ok 1 - /m, 'and prints TAP');
like($suite->{buffer}, qr/^1\.\.[1-9]/m, 'with a plan');
my $list = run('conformance', '--list', 'rule 12');
status_is($list, 0, 'its cases are listed');
cmp_ok(scalar(split(/\n/, $list->{buffer})), '>', 1, 'several for a rule');
fails_with(run('conformance', 'no such case'), 1,
	qr/\Afactstr: no case matches "no such case"\n/,
	'a pattern that selects none');
fails_with(run('conformance', 'sqlite:/proc/nowhere'), 1, qr/\Afactstr: /,
	'a directory that cannot be made');

done_testing();
