# redact, redactions, and redactions in export, import and copy.

use strict;
use warnings;

use Command;
use Test::More;

my @kinds = store_kinds();

# Three facts, of which the first two are a batch with a key.
sub fill
{
	my ($url) = @_;

	lines_of(
		{ in => qq({"event_type": "a", "payload": {"owner": "Ada-4711", "account": 1}, "metadata": {"by": "Ada-4711"}}\n)
			  . qq({"event_type": "b", "payload": {"owner": "Ada-4711"}}\n) },
		'append', '-s', $url, '--one-batch', '-k', 'key');
	lines_of({ in => qq({"event_type": "a", "payload": {"owner": "Ada-4711"}}\n) }, 'append', '-s', $url);
	return $url;
}

sub redact
{
	my ($url, $number, $payload, $reason, @more) = @_;

	return (documents(run('redact', '-s', $url, $number, '-p', $payload, '-r', $reason, @more)->{buffer}))[0];
}

sub log_of
{
	my ($url) = @_;

	return run('export', '-s', $url, '--canonical')->{buffer};
}

sub reasons_of
{
	my ($url) = @_;

	return join('; ', map { "$_->{sequence_number} $_->{reason}" } documents(run('redactions', '-s', $url)->{buffer}));
}

for my $kind (@kinds)
{
	my $url = fill(new_url($kind));
	my $before = log_of($url);

	is(reasons_of($url), '', "$kind: nothing is redacted at first");
	like(run('redact', '-s', $url, 1, '--dry-run')->{buffer}, qr/Ada-4711/, "$kind: --dry-run prints the fact");
	is(log_of($url), $before, "$kind: and changes nothing");

	my $done = redact($url, 1, '{"account": 1}', 'request 17');
	is($done->{redacted}, 1, "$kind: redact says which fact");
	is($done->{traces_remain} ? 1 : 0, $kind eq 'sqlite' ? 0 : 1, "$kind: and whether traces remain");
	redact($url, 2, 'null', 'request 18', '--metadata', '{"m": 1}');
	redact($url, 1, '{}', 'again');
	is(reasons_of($url), '1 request 17; 1 again; 2 request 18', "$kind: redactions lists them");
	my @redactions = documents(run('redactions', '-s', $url, '--after', 1)->{buffer});
	is(scalar(@redactions), 1, "$kind: --after lists those of later facts");
	like($redactions[0]{redacted_at}, qr/^\d{4}-.*Z$/, "$kind: with their time");
	like($redactions[0]{redacted_by}, qr/./, "$kind: and who did it");
	unlike(run('query', '-s', $url, '-t', 'b')->{buffer}, qr/Ada/, "$kind: the fact does not say it any more");

	fails_with(run('redact', '-s', $url, 9, '-p', '1', '-r', 'r'), 1, qr/there is no fact 9/);
	fails_with(run('redact', '-s', $url, 1, '-p', '{', '-r', 'r'), 1, qr/payload/);
	fails_with(run('redact', '-s', $url, 1, '-p', '1', '-r', ''), 1, qr/reason/);
	fails_with(run('redact', '-s', $url, 1, '-p', '1'), 2, qr/--reason/);
	fails_with(run('redact', '-s', $url, 1, '-r', 'r'), 2, qr/--payload/);
	fails_with(run('redact', '-s', $url, 0, '-p', '1', '-r', 'r'), 2, qr/N must be between/);
	fails_with(run('redact', '-s', $url, '-p', '1', '-r', 'r'), 2, qr/N, the number of the fact, is missing/);
	is(reasons_of($url), '1 request 17; 1 again; 2 request 18', "$kind: what fails is not on record");
}

# Copies, of every kind from every kind.
for my $from_kind (@kinds)
{
	for my $to_kind (@kinds)
	{
		my $what = "$from_kind to $to_kind";
		my $from = fill(new_url($from_kind));
		my $to = new_url($to_kind);

		redact($from, 1, '{}', 'before');
		status_is(run('copy', $from, $to), 0);
		is(log_of($to), log_of($from), "$what: a copy has the redactions");
		my ($again) = documents(
			run({ in => qq({"event_type": "a", "payload": 7}\n{"event_type": "b", "payload": {"owner": "Ada-4711"}}\n) },
				'append', '-s', $to, '--one-batch', '-k', 'key')->{buffer});
		is($again->{first_sequence_number}, 1, "$what: a repeated append is found in the copy");

		redact($from, 1, '{"n": 1}', 'later');
		redact($from, 3, '{"n": 3}', 'and more');
		lines_of({ in => qq({"event_type": "c", "payload": 4}\n) }, 'append', '-s', $from);
		my ($done) = documents(run('copy', $from, $to)->{buffer});
		is($done->{imported_redactions}, 2, "$what: it follows those made since, in the newest fact, too");
		is($done->{imported_facts}, 1, "$what: and continues");
		is(log_of($to), log_of($from), "$what: so that both are equal");
		status_is(run('copy', '--verify', $from, $to), 0);

		redact($to, 2, '0', 'in the copy only');
		fails_with(run('copy', '--verify', $from, $to), 1, qr/redacted/);
	}
}

# Files
for my $kind (@kinds)
{
	my $url = fill(new_url($kind));
	my $file = "$DIRECTORY/file.$kind";
	my $old = "$DIRECTORY/old.$kind";
	my $restored = new_url($kind);

	run('export', '-s', $url, $file);
	run('export', '-s', $url, $old);
	run('import', '-s', $restored, $old);
	redact($url, 1, '{"n": 1}', 'one');
	redact($url, 3, '{"n": 3}', 'three');
	lines_of({ in => qq({"event_type": "c", "payload": 4}\n) }, 'append', '-s', $url);
	chmod(0640, $file);
	status_is(run('export', '-s', $url, '--resume', $file), 0);
	is(slurp($file), run('export', '-s', $url)->{buffer}, "$kind: --resume writes facts again that were redacted since");
	is(() = slurp($file) =~ /Ada-4711/g, 1, "$kind: the file has no erased content");
	is((stat($file))[2] & 07777, 0640, "$kind: its mode stays");
	is(join(' ', glob("$file.*")), '', "$kind: nothing is left beside it");
	status_is(run('export', '-s', $url, '--resume', $file), 0);
	is(slurp($file), run('export', '-s', $url)->{buffer}, "$kind: repeated, it changes nothing");

	my ($done) = documents(run('import', '-s', $restored, $file)->{buffer});
	is($done->{imported_redactions}, 2, "$kind: an import takes over redactions of facts that are there");
	is(log_of($restored), log_of($url), "$kind: so that the logs are equal");
	fails_with(run('import', '-s', $restored, $old), 1, qr/redacted since it was exported/);
	is(log_of($restored), log_of($url), "$kind: an older file brings nothing back");

	my $other = new_url($kind);
	lines_of({ in => qq({"event_type": "x", "payload": $_}\n) }, 'append', '-s', $other) for 1 .. 3;
	redact($other, 1, '0', 'r');
	my $kept = slurp($file);
	fails_with(run('export', '-s', $other, '--resume', $file), 1, qr/different content|redacted/);
	is(slurp($file), $kept, "$kind: the file of another log is not touched");
}

done_testing();
