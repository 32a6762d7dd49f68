/*
 * rights.c
 *		The rights of roles on a log.
 *
 * EXECUTE on a function determines the action that a role may perform; a right on the view of a log determines the log.
 * The view has no table behind it, so a right on it alone gives nothing; rights on the log's table would lead past the
 * functions.
 *
 * Main has such a view as well, so that a right on another log is not a right on main.  In 0.1.0 EXECUTE was enough:
 * an update gives the rights on main to the roles that have EXECUTE.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "utils/acl.h"

#include "rights.h"

static const struct
{
	const char *name;
	const char *privilege;
	AclMode		mode;
}			rights[LOG_RIGHTS] =

{
	[RIGHT_TO_READ] =
	{
		"read", "SELECT", ACL_SELECT
	},
	[RIGHT_TO_APPEND] =
	{
		"append", "INSERT", ACL_INSERT
	},
	[RIGHT_TO_CONSUME] =
	{
		"consume", "UPDATE", ACL_UPDATE
	},
	[RIGHT_TO_ADMINISTER] =
	{
		"admin", "DELETE", ACL_DELETE
	},
};

const char *
fs_right_name(LogRight right)
{
	return rights[right].name;
}

/* The privileges on the log's view. */
const char *
fs_right_privilege(LogRight right)
{
	return rights[right].privilege;
}

bool
fs_right_find(const char *name, LogRight *right)
{
	for (int i = 0; i < LOG_RIGHTS; i++)
	{
		if (strcmp(rights[i].name, name) != 0)
			continue;
		*right = i;
		return true;
	}
	return false;
}

/* 0.1.0 had no other log, and no such view. */
bool
fs_right_has(Oid view, Oid role, LogRight right)
{
	return !OidIsValid(view) ||
		pg_class_aclcheck(view, role, rights[right].mode) == ACLCHECK_OK;
}

void
fs_right_require(const char *log, Oid view, Oid role, LogRight right)
{
	if (likely(fs_right_has(view, role, right)))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied for log \"%s\"", log),
			 errdetail("Role \"%s\" does not have the right \"%s\" on it.", GetUserNameFromId(role, false),
					   rights[right].name),
			 errhint("Its owner can give it with factstr_grant.")));
}
