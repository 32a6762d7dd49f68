# The objects of an extension in the catalogs, to compare an updated extension with a fresh
# installation.

package FactstrCatalog;

use strict;
use warnings;

use Exporter qw(import);

our @EXPORT = qw(catalog catalog_difference);

# Rights, with the defaults written out, in a fixed order.
sub rights
{
	my ($acl) = @_;

	return qq((SELECT string_agg(format('%s=%s%s', grantee::regrole, privilege_type, CASE WHEN is_grantable THEN '*' END), ' '
		ORDER BY grantee::regrole::text, privilege_type) FROM aclexplode($acl)));
}

sub comment_and_initial_rights
{
	my ($catalog, $object) = @_;
	my $initial = rights('initial.initprivs');

	return qq(obj_description($object, '$catalog'),
		(SELECT $initial FROM pg_init_privs initial WHERE initial.classoid = '$catalog'::regclass AND initial.objoid = $object AND initial.objsubid = 0));
}

my $function = rights("coalesce(proacl, acldefault('f', proowner))") . ', ' . comment_and_initial_rights('pg_proc', 'p.oid');
my $relation = rights("coalesce(relacl, acldefault('r', relowner))") . ', ' . comment_and_initial_rights('pg_class', 'r.oid');

# A line for each thing, with all that is said of it; of a column's options not pg_attver, in which newer
# minor versions of PostgreSQL count its changes.
my $CATALOG = qq(
	WITH extension AS (
		SELECT * FROM pg_extension WHERE extname = \$1),
	members AS (
		SELECT d.classid, d.objid FROM pg_depend d, extension e
		WHERE d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND d.deptype = 'e'),
	relations AS (
		SELECT c.* FROM pg_class c JOIN members m ON m.classid = 'pg_class'::regclass AND m.objid = c.oid)
	SELECT row('member', i.type, i.identity)::text
	FROM members m, pg_identify_object(m.classid, m.objid, 0) i
	UNION ALL
	SELECT row('extension', extnamespace::regnamespace, extowner::regrole, extrelocatable, obj_description(oid, 'pg_extension'))::text
	FROM extension
	UNION ALL
	SELECT row('dumped', c.name::regclass, c.condition)::text
	FROM extension, unnest(extconfig, extcondition) c(name, condition)
	UNION ALL
	SELECT row('function', p.oid::regprocedure, pg_get_functiondef(p.oid), proowner::regrole, procost, prorows,
		$function)::text
	FROM pg_proc p JOIN members m ON m.classid = 'pg_proc'::regclass AND m.objid = p.oid
	WHERE p.prokind <> 'a'
	UNION ALL
	SELECT row('relation', r.oid::regclass, r.relkind, r.relpersistence, r.relowner::regrole, r.relreplident, r.relrowsecurity, r.relforcerowsecurity,
		(SELECT array_agg(o ORDER BY o) FROM unnest(r.reloptions) o), (SELECT t.reloptions FROM pg_class t WHERE t.oid = r.reltoastrelid),
		$relation)::text
	FROM relations r
	UNION ALL
	SELECT row('view', r.oid::regclass, pg_get_viewdef(r.oid))::text
	FROM relations r WHERE r.relkind IN ('v', 'm')
	UNION ALL
	SELECT row('column', r.oid::regclass, a.attnum, a.attname, a.attisdropped, format_type(a.atttypid, a.atttypmod), a.attcollation::regcollation, a.attnotnull,
		pg_get_expr(d.adbin, d.adrelid), a.attidentity, a.attgenerated, a.attstorage, to_jsonb(a)->>'attcompression', a.attstattarget, a.attacl,
		(SELECT array_agg(o ORDER BY o) FROM unnest(a.attoptions) o WHERE o NOT LIKE 'pg_attver=%'),
		col_description(r.oid, a.attnum))::text
	FROM relations r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 LEFT JOIN pg_attrdef d ON (d.adrelid, d.adnum) = (a.attrelid, a.attnum)
	UNION ALL
	SELECT row('constraint', r.oid::regclass, c.conname, pg_get_constraintdef(c.oid), c.convalidated, obj_description(c.oid, 'pg_constraint'))::text
	FROM relations r JOIN pg_constraint c ON c.conrelid = r.oid
	UNION ALL
	SELECT row('index', r.oid::regclass, i.indexrelid::regclass, pg_get_indexdef(i.indexrelid), i.indisvalid, i.indisclustered, i.indisreplident,
		obj_description(i.indexrelid, 'pg_class'))::text
	FROM relations r JOIN pg_index i ON i.indrelid = r.oid
	UNION ALL
	SELECT row('trigger', r.oid::regclass, t.tgname, pg_get_triggerdef(t.oid), t.tgenabled, obj_description(t.oid, 'pg_trigger'))::text
	FROM relations r JOIN pg_trigger t ON t.tgrelid = r.oid AND NOT t.tgisinternal
	UNION ALL
	SELECT row('event trigger', e.evtname, e.evtevent, e.evtfoid::regprocedure, e.evtenabled, e.evttags, e.evtowner::regrole, obj_description(e.oid, 'pg_event_trigger'))::text
	FROM pg_event_trigger e JOIN members m ON m.classid = 'pg_event_trigger'::regclass AND m.objid = e.oid
	UNION ALL
	SELECT row('rule', r.oid::regclass, u.rulename, pg_get_ruledef(u.oid), u.ev_enabled)::text
	FROM relations r JOIN pg_rewrite u ON u.ev_class = r.oid
	UNION ALL
	SELECT row('policy', r.oid::regclass, p.polname)::text
	FROM relations r JOIN pg_policy p ON p.polrelid = r.oid);

# The lines of an extension, sorted.
sub catalog
{
	my ($session, $extension) = @_;

	return sort map { $_->[0] } @{ $session->run($CATALOG, $extension // 'factstr') };
}

# The difference of two, as text; empty if they are the same.
sub catalog_difference
{
	my ($one, $other) = @_;
	my %count;

	$count{$_}++ foreach @$one;
	$count{$_}-- foreach @$other;
	return join("\n", map { ($count{$_} > 0 ? 'only the first: ' : 'only the second: ') . $_ } grep { $count{$_} } sort keys %count);
}

1;
