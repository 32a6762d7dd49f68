# Runs tests of any kind that print TAP, several at a time, and reports their results: a line for each as it
# ends, the failures, the skipped ones with the reason, and the sum.

package FactstrHarness;

use strict;
use warnings;

use File::Basename qw(basename);
use File::Copy qw(copy);
use File::Find ();
use File::Path qw(make_path remove_tree);
use parent 'TAP::Harness';
use Time::HiRes qw(time);

# Lines of output that are shown of a test that failed; all of it is in results/.
my $SHOWN_LINES = 300;

# The messages of servers that crash.
my $CRASH = qr/PANIC|TRAP:|was terminated by signal|stack smashing|AddressSanitizer|runtime error:|^ +#\d/;

my $begin = time;

# Options: how many jobs at a time, the seconds that a test may take, the place of their directories, and
# the place of the output of failed ones.
sub new
{
	my ($class, %options) = @_;

	open(my $nowhere, '>', '/dev/null') or die "/dev/null: $!\n";
	my $self = $class->SUPER::new({ jobs => $options{jobs}, merge => 1, stdout => $nowhere, exec => \&command });

	$self->{factstr} = { %options, tests => {}, ended => [], tried => {} };
	$self->callback(made_parser => sub {
		my ($parser, $job) = @_;
		my $test = $self->{factstr}{tests}{ $job->[0] };

		$test->{start} = time;
		$parser->callback(ALL => sub { $self->note_line($test, $_[0]) });
	});
	$self->callback(after_test => sub { $self->note_end($self->{factstr}{tests}{ $_[0][0] }, $_[1]) });
	return $self;
}

# Tests have a name, that of a suite, and a function that makes a command for a directory; that of their server, and
# the variables of its environment.  If they have a version, it is not the default one, and the suites' sums are without
# them; failures of those that are tolerated are shown, and are no failures of the run.
sub run
{
	my ($self, @tests) = @_;

	%{ $self->{factstr}{tests} } = map { ($_->{name} => { %$_, lines => [], passed => 0, failed => [], skipped => [] }) } @tests;
	$self->runtests(map { $_->{name} } @tests);
	return;
}

sub command
{
	my ($self, $name) = @_;
	my $options = $self->{factstr};
	my $test = $options->{tests}{$name};

	$test->{directory} = "$options->{files}/" . ++$options->{started};
	mkdir $test->{directory} or die "$test->{directory}: $!\n";
	my $environment = $test->{environment} // {};

	return [ 'scripts/confined', $test->{directory}, $options->{timeout}, 'env', map({ "$_=$environment->{$_}" } sort keys %$environment),
		$test->{command}->($test->{directory}) ];
}

# "Bail out!" of one test is not the end of the others.
sub _bailout { return }

sub note_line
{
	my ($self, $test, $line) = @_;

	push @{ $test->{lines} }, $line->raw . "\n";
	if ($line->is_plan)
	{
		$test->{skips_all} = $line->explanation if $line->has_skip;
	}
	elsif ($line->is_bailout || ($line->is_test && !$line->is_ok))
	{
		push @{ $test->{failed} }, $line->raw;
	}
	elsif ($line->is_test && ($line->has_skip || !$line->is_actual_ok))
	{
		push @{ $test->{skipped} }, $line->explanation || 'no reason is given';
	}
	elsif ($line->is_test)
	{
		$test->{passed}++;
	}
	elsif ($line->raw =~ /^# tried: (\d+) (.*\S)/)
	{
		$self->{factstr}{tried}{$2} += $1;
	}
	return;
}

# A test that breaks off, or has no results, has failed even if none of its results is a failure.
sub note_end
{
	my ($self, $test, $parser) = @_;
	my $failed = $test->{failed};

	if ($test->{skips_all} && !$parser->exit)
	{
		push @{ $test->{skipped} }, $test->{skips_all};
	}
	elsif (!@$failed)
	{
		push @$failed, $parser->parse_errors, $parser->exit ? 'exit status ' . $parser->exit : ();
		push @$failed, 'no results' if !@$failed && !$test->{passed} && !@{ $test->{skipped} };
	}
	push @{ $self->{factstr}{ended} }, $test;
	printf "%s %s (%.1f s)\n", $test->{name}, sum($test), time - $test->{start};
	$self->show_failure($test) if @$failed;
	remove_tree($test->{directory});
	return;
}

# The report in place of tests that cannot be run: a name, "skipped" or "failed", and the reason.
sub note_instead
{
	my ($self, $name, $outcome, $reason, %test) = @_;

	push @{ $self->{factstr}{ended} }, { %test, name => $name, passed => 0, failed => [], skipped => [], $outcome => [$reason] };
	print "$name $outcome: $reason\n";
	return;
}

# Prints the output of a test without passed results, and the messages of its servers that crashed.
sub show_failure
{
	my ($self, $test) = @_;
	my $kept = "$self->{factstr}{results}/$test->{name}";
	my @crashes;

	make_path($kept);
	open(my $output, '>', "$kept/output") or die "$kept/output: $!\n";
	print $output @{ $test->{lines} };
	close($output);
	File::Find::find({ no_chdir => 1, wanted => sub {
		return if !/\.(log|diffs|out)$/ || !-f;
		copy($_, "$kept/" . basename($_));
		push @crashes, grep { $_ =~ $CRASH } lines_of($_);
	} }, $test->{directory});
	print map { "  | $_" } excerpt(grep { !/^ok / } @{ $test->{lines} }), @crashes ? ("servers:\n", excerpt(@crashes)) : ();
	print "  failed: $_\n" foreach @{ $test->{failed} };
	return;
}

sub show
{
	my ($self, $file) = @_;

	print excerpt(lines_of($file));
	return;
}

sub lines_of
{
	my ($file) = @_;

	open(my $handle, '<', $file) or return;
	return <$handle>;
}

# Lines without their middle, if there are many.
sub excerpt
{
	my @lines = @_;
	my $half = $SHOWN_LINES / 2;

	return @lines if @lines <= $SHOWN_LINES;
	return (@lines[ 0 .. $half - 1 ], '[... ' . (@lines - $SHOWN_LINES) . " lines are left out ...]\n", @lines[ -$half .. -1 ]);
}

# "3 passed, 1 failed", and the skipped ones if there are any.
sub sum
{
	my ($passed, $failed, $skipped) = (0, 0, 0);

	foreach my $test (@_)
	{
		$passed += $test->{passed};
		$failed += @{ $test->{failed} };
		$skipped += @{ $test->{skipped} };
	}
	return "$passed passed, $failed failed" . ($skipped ? ", $skipped skipped" : '');
}

# Prints the skipped and the failed tests and, last, the sum.  Returns the exit status.  A reason explains
# why nothing could be run.
sub finish
{
	my ($self, $reason) = @_;
	my $ended = $self->{factstr}{ended};
	my $tried = $self->{factstr}{tried};

	chomp($reason //= '');
	print "\n";
	$self->note_instead('scripts/test', 'failed', $reason, suite => 'none') if $reason;
	print_sums('suite', grep { !$_->{version} } @$ended);
	print_sums('server', grep { $_->{server} } @$ended) if grep { $_->{version} } @$ended;
	print_reasons('skipped', 'skipped', @$ended);
	print_reasons('failed, not counted', 'failed', grep { $_->{tolerated} } @$ended);
	my @counted = map { $_->{tolerated} ? { %$_, failed => [] } : $_ } @$ended;
	print_reasons('failed', 'failed', @counted);
	print 'tried: ', join(', ', map { "$tried->{$_} $_" } sort keys %$tried), "\n" if %$tried;
	printf "after %.0f s\n", time - $begin;
	print sum(@counted), "\n";
	return (grep { @{ $_->{failed} } } @counted) ? 1 : 0;
}

# A line with the sum for each suite, or server.
sub print_sums
{
	my ($key, @tests) = @_;
	my %groups;

	push @{ $groups{ $_->{$key} } }, $_ foreach @tests;
	foreach my $name (sort keys %groups)
	{
		my $tolerated = grep { $_->{tolerated} && @{ $_->{failed} } } @{ $groups{$name} };

		printf "%-26s %s%s\n", $name, sum(@{ $groups{$name} }), $tolerated ? ' (not counted)' : '';
	}
	return;
}

# The skipped or failed results, each with the reason, and the number if there are several.
sub print_reasons
{
	my ($label, $outcome, @tests) = @_;
	my %times;

	$times{$_}++ foreach map { my $test = $_; map { "$test->{name}: $_" } @{ $test->{$outcome} } } @tests;
	print map { "$label: $_" . ($times{$_} > 1 ? " ($times{$_} times)" : '') . "\n" } sort keys %times;
	return;
}

# Ends the tests that still run, and waits until they have cleaned up.
sub end_tests
{
	kill 'TERM', map { m{/(\d+)/} } grep { ((lines_of($_))[0] // '') =~ /\) \S $$ / } glob '/proc/[0-9]*/stat';
	1 while wait() != -1;
	return;
}

1;
