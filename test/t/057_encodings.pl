# The extension requires a database with encoding UTF8; the values of a fact are valid, and if one is
# damaged, every error about it names the fact.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use FactstrTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('encodings');
my $session = new_session($node);

#
# Other encodings: refused, with the command that makes a right database.
#
foreach my $encoding (qw(SQL_ASCII LATIN1 EUC_JP))
{
	my $database = "In_$encoding";

	$session->run(qq(CREATE DATABASE "$database" ENCODING '$encoding' LOCALE 'C' TEMPLATE template0));
	my $other = new_session($node, dbname => $database);
	is($other->state_of('CREATE EXTENSION factstr'), '0A000', "$encoding is refused");
	like($other->message, qr/Database "$database" has $encoding/, "$encoding: the error says so");
	my ($command) = $other->message =~ /HINT:  (CREATE DATABASE .*?);/;
	is($session->state_of($command), '00000', "$encoding: $command");
	is($other->value(q(SELECT count(*) FROM pg_proc WHERE proname ~ '^factstr')), 0, "$encoding: nothing is left");
	my $right = new_session($node, dbname => "${database}_utf8");
	is($right->state_of('CREATE EXTENSION factstr'), '00000', "$encoding: in which the extension is created");
	is($right->value(append_sql(events("\x{65e5}\x{672c}" => "\x{e9}"))), 1, "$encoding: and holds any text");
	$_->disconnect foreach $other, $right;
}
is($session->value(q(SELECT count(*) FROM pg_proc WHERE proname = 'factstr_require_utf8')), 0, 'the function that asks is gone');

# A client may have another encoding, as far as that goes.
$session->run("SET client_encoding = 'LATIN1'");
$session->run(qq(SELECT * FROM factstr_append('[{"event_type": "caf\xe9", "payload": {"\xe9": "\xfc"}}]')));
$session->run("SET client_encoding = 'UTF8'");
is($session->value(q(SELECT event_type || ' ' || payload FROM factstr_read())), qq(caf\xc3\xa9 {"\xc3\xa9": "\xc3\xbc"}), 'a client with LATIN1');
is($session->state_of(qq(SELECT * FROM factstr_append('[{"event_type": "caf\xe9", "payload": 1}]'))), '22021', 'bytes that are not UTF-8 are refused');

#
# Invalid values are found nevertheless.  A cast without a function accepts any bytes.
#
$session->run('CREATE CAST (bytea AS text) WITHOUT FUNCTION');
is($session->text('SELECT check_name FROM factstr_check(NULL) WHERE NOT ok'), '', 'before, all is well');
foreach my $damage (
	[ 'event_type', q(2, 2, now(), '\xe9'::bytea::text, '1', NULL, NULL) ],
	[ 'payload', q(2, 2, now(), 'a', jsonb_build_object('a', jsonb_build_array(1, '\xe9'::bytea::text)), NULL, NULL) ],
	[ 'payload', q(2, 2, now(), 'a', jsonb_build_object('\xe9'::bytea::text, 1), NULL, NULL) ],
	[ 'payload', q(2, 2, now(), 'a', to_jsonb('\xe9'::bytea::text), NULL, NULL) ],
	[ 'metadata', q(2, 2, now(), 'a', '1', jsonb_build_object('m', '\xe9'::bytea::text), NULL) ],
	[ 'idempotency_key', q(2, 2, now(), 'a', '1', NULL, '\xe9'::bytea::text) ])
{
	my ($what, $values) = @$damage;

	$session->run('BEGIN');
	$session->run("INSERT INTO factstr_events VALUES ($values)");
	is($session->text('SELECT check_name, detail FROM factstr_check(NULL) WHERE NOT ok'), "values|the $what of fact 2 is not valid in encoding UTF8", "$what: found");
	$session->run('ROLLBACK');
}

#
# A part of a large value is lost: every call that reads the fact names it.
#
$session->run(q(SELECT * FROM factstr_append(jsonb_build_array(
	jsonb_build_object('event_type', 'small', 'payload', 1),
	jsonb_build_object('event_type', 'large', 'payload', jsonb_build_object('n', 1, 'text', (SELECT string_agg(md5(i::text), '') FROM generate_series(1, 3000) i)))),
	'large')));
$session->run(q(SELECT factstr_stream_open('s')));
my $toast = $session->value(q(SELECT pg_relation_filepath(reltoastrelid) FROM pg_class WHERE oid = 'factstr_events'::regclass));
$session->run('CREATE TABLE repeated AS SELECT jsonb_agg(jsonb_build_object($1, event_type, $2, payload) ORDER BY sequence_number) AS events FROM factstr_read() WHERE sequence_number > 1', 'event_type', 'payload');
$session->disconnect;
$node->stop;
my $file = $node->data_dir . "/$toast";
open(my $pages, '+<', $file) or die "$file: $!";
print {$pages} "\0" x -s $file;
close($pages) or die "$file: $!";
$node->start;
$session = new_session($node);
foreach my $call (
	'SELECT * FROM factstr_read()',
	'SELECT * FROM factstr_read($$' . of_payload({ n => 1 }) . '$$)',
	'SELECT * FROM factstr_query()',
	'SELECT * FROM factstr_query($$' . of_type('large') . '$$)',
	'SELECT factstr_context_version($$' . of_payload({ n => 1 }) . '$$)',
	'SELECT * FROM factstr_batches()',
	'SELECT * FROM factstr_export()',
	q(SELECT * FROM factstr_stream_next('s', 10)),
	q(SELECT factstr_append(events, 'large') FROM repeated),
	append_if_sql(events(a => 1), of_payload({ n => 1 }), 3),
	'SELECT * FROM factstr_check()')
{
	isnt($session->state_of($call), '00000', "fails: $call");
	like($session->message, qr/missing chunk number.*fact 3\b/s, 'and says of which fact');
}
is($session->value(q(SELECT count(*) FROM factstr_read('{}', 2))), 2, 'the others can be read');
is($session->state_of(q(SELECT factstr_redact(3, '"lost"', 'damaged'))), '00000', 'a redaction puts something in its place');
is($session->text('SELECT check_name FROM factstr_check(NULL) WHERE NOT ok'), '', 'then all is well');

$session->disconnect;
$node->stop;
done_testing();
