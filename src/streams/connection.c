/*
 * streams/connection.c
 *		The session of a worker: its database and its role.
 *
 * A worker first looks for work as no particular role.  It then becomes the role for which it works, like a
 * session in which this role has logged in: session_user, the settings of the role, its name in views.
 * PostgreSQL connects a worker as a role only if the role may log in (until 17), and otherwise applies the
 * settings of the superuser, so these are reset first.
 *
 * The authenticated user remains the superuser.  SET SESSION AUTHORIZATION and SET ROLE would return to it, so
 * they are refused while a handler and its deferred work run, as in a function with its definer's rights
 * (SECURITY_LOCAL_USERID_CHANGE).
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_db_role_setting.h"
#include "commands/async.h"
#include "commands/prepare.h"
#include "commands/sequence.h"
#include "common/hashfn.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "storage/lock.h"
#include "storage/proc.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/portal.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "streams/connection.h"
#include "streams/lock.h"

/* The version of the settings of this session. */
static uint64 version_of_settings;

/* The settings of a database and a role, each overriding the one before; for all roles if it is InvalidOid. */
static void
apply_settings(Oid role)
{
	Relation	settings = table_open(DbRoleSettingRelationId, AccessShareLock);
	Snapshot	snapshot = RegisterSnapshot(GetCatalogSnapshot(DbRoleSettingRelationId));

	if (OidIsValid(role))
	{
		ApplySetting(snapshot, MyDatabaseId, role, settings, PGC_S_DATABASE_USER);
		ApplySetting(snapshot, InvalidOid, role, settings, PGC_S_USER);
	}
	ApplySetting(snapshot, MyDatabaseId, InvalidOid, settings, PGC_S_DATABASE);
	ApplySetting(snapshot, InvalidOid, InvalidOid, settings, PGC_S_GLOBAL);
	UnregisterSnapshot(snapshot);
	table_close(settings, AccessShareLock);
}

/* A number that identifies the settings of a role in this database: it differs when some of them have changed. */
static uint64
settings_version(Oid role)
{
	Relation	settings = table_open(DbRoleSettingRelationId, AccessShareLock);
	TableScanDesc scan = table_beginscan_catalog(settings, 0, NULL);
	uint64		version = 0;
	HeapTuple	row;

	while ((row = heap_getnext(scan, ForwardScanDirection)) != NULL)
	{
		Form_pg_db_role_setting setting = (Form_pg_db_role_setting) GETSTRUCT(row);
		uint64		place = (uint64) ItemPointerGetBlockNumber(&row->t_self) << 16 |
		ItemPointerGetOffsetNumber(&row->t_self);

		if ((OidIsValid(setting->setdatabase) && setting->setdatabase != MyDatabaseId) ||
			(OidIsValid(setting->setrole) && setting->setrole != role))
			continue;
		version = hash_combine64(version, place);
		version = hash_combine64(version, HeapTupleHeaderGetRawXmin(row->t_data));
	}
	table_endscan(scan);
	table_close(settings, AccessShareLock);
	return version;
}

/* Connects to a database, with its settings and the server's. */
void
fs_connection_open(Oid database)
{
	Size		size = EstimateGUCStateSpace();
	char	   *settings = MemoryContextAlloc(TopMemoryContext, size);

	SerializeGUCState(size, settings);
	BackgroundWorkerInitializeConnectionByOid(database, InvalidOid, 0);
	StartTransactionCommand();
	RestoreGUCState(settings);
	SetConfigOption("client_encoding", GetDatabaseEncodingName(), PGC_BACKEND, PGC_S_DYNAMIC_DEFAULT);
	apply_settings(InvalidOid);
	CommitTransactionCommand();
	pfree(settings);
}

/* From now on it is this role's session. */
void
fs_connection_become(Oid role)
{
	StartTransactionCommand();
	SetSessionAuthorization(role, superuser_arg(role));
	MyProc->roleId = role;
	version_of_settings = settings_version(role);
	apply_settings(role);
	CommitTransactionCommand();
	compat_report_session_user();
}

/* Are the settings of the role still those from the start of this session?  It could not reset others. */
bool
fs_connection_is_current(Oid role)
{
	bool		is_current;

	StartTransactionCommand();
	is_current = settings_version(role) == version_of_settings;
	CommitTransactionCommand();
	return is_current;
}

/*
 * Between two subscriptions: no state of the first remains for the second.  The same as DISCARD ALL, except for
 * plans.
 */
void
fs_connection_clean(void)
{
	StartTransactionCommand();
	PortalHashTableDeleteAll();
	ResetAllOptions();
	DropAllPreparedStatements();
	Async_UnlistenAll();
	fs_stream_lock_release_all();
	LockReleaseAll(USER_LOCKMETHOD, true);
	ResetTempTableNamespace();
	ResetSequenceCaches();
	CommitTransactionCommand();
}
