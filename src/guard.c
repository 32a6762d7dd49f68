/*
 * guard.c
 *		Keeps statements from changing what is there to stay.
 *
 * Rights do not keep the owner, nor a superuser.  A trigger does, for statements that update,
 * delete or truncate; inserts, and with them appends and restores, do not know of it.  It is a
 * trigger for statements: the functions of factstr, and the workers of logical replication, change
 * rows without one.
 */
#include "postgres.h"

#include "commands/trigger.h"
#include "fmgr.h"
#include "utils/rel.h"

PG_FUNCTION_INFO_V1(factstr_refuse_change);

static const char *
command_of_event(TriggerEvent event)
{
	if (TRIGGER_FIRED_BY_UPDATE(event))
		return "UPDATE";
	return TRIGGER_FIRED_BY_DELETE(event) ? "DELETE" : "TRUNCATE";
}

/* The trigger's argument is the hint: what to do instead. */
Datum
factstr_refuse_change(PG_FUNCTION_ARGS)
{
	TriggerData *call = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo) || call->tg_trigger->tgnargs != 1)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("factstr_refuse_change is a trigger function with one argument")));
	ereport(ERROR,
			(errcode(ERRCODE_WRONG_OBJECT_TYPE),
			 errmsg("cannot execute %s on append-only table \"%s\"",
					command_of_event(call->tg_event), RelationGetRelationName(call->tg_relation)),
			 errhint("%s", call->tg_trigger->tgargs[0])));
}
