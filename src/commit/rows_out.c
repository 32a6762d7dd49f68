/*
 * commit/rows_out.c
 *		Rows leave for a client only after the commits that they show are on disk.
 *
 * Every statement can see a commit in flight (in_flight.c), but a crash may undo it.  So before a row leaves that
 * was read from a relation with such a commit, the log is flushed up to its current end.  The statement's
 * snapshot is older than that, so everything that it sees is on disk then.
 *
 * Only rows that leave have to wait.  Reads that serve writes are safe without: the transaction's own commit
 * comes later in the log.  If it reads its writes again, the rows that leave wait.  Functions called by a
 * statement may read results in flight; the session then owes a flush (debt.c), which falls due when a row is
 * sent, and is paid before the row leaves (wire.c).
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_class.h"
#include "catalog/pg_largeobject.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/plannodes.h"
#include "parser/parsetree.h"
#include "tcop/utility.h"
#include "utils/lsyscache.h"

#include "commit/debt.h"
#include "commit/durability.h"
#include "commit/rows_out.h"
#include "commit/wire.h"
#include "compat.h"

static ExecutorRun_hook_type previous_run = NULL;
static ExecutorFinish_hook_type previous_finish = NULL;
static ProcessUtility_hook_type previous_utility = NULL;
static object_access_hook_type previous_object_access = NULL;

/* The number of nested statements that this session is executing. */
static int	depth = 0;

/* Is a foreign key check of PostgreSQL being executed? */
static bool within_foreign_key_check = false;

/*
 * Rows
 */

/* Receives the rows of a statement, and passes them on. */
typedef struct RowsOut
{
	DestReceiver receiver;
	DestReceiver *client;
	const List *range_table;	/* NIL if other statements read the rows */
	bool		may_see_newer;	/* than its snapshot, because it locks rows */
	bool		has_looked;
	bool		leaves_elsewhere;	/* not over the connection: into a file, or to a leader */
} RowsOut;

/* One check covers everything that the statement's snapshot sees. */
static void
before_leaving(RowsOut *out)
{
	if (!out->has_looked || out->may_see_newer)
		fs_debt_for_reading(out->range_table);
	out->has_looked = true;
	if (out->leaves_elsewhere)
		fs_debt_pay_at_once();
	else
		fs_debt_falls_due();
}

static bool
receive_row(TupleTableSlot *row, DestReceiver *self)
{
	RowsOut    *out = (RowsOut *) self;

	before_leaving(out);
	return out->client->receiveSlot(row, out->client);
}

static void
start_up(DestReceiver *self, int operation, TupleDesc descriptor)
{
	RowsOut    *out = (RowsOut *) self;

	out->client->rStartup(out->client, operation, descriptor);
}

static void
shut_down(DestReceiver *self)
{
	RowsOut    *out = (RowsOut *) self;

	/* The absence of a row, or of further rows, is information as well. */
	before_leaving(out);
	out->client->rShutdown(out->client);
}

static void
destroy(DestReceiver *self)
{
	RowsOut    *out = (RowsOut *) self;

	out->client->rDestroy(out->client);
}

/* Immediately, or after a portal has collected the rows. */
static bool
goes_over_connection(const DestReceiver *receiver)
{
	switch (receiver->mydest)
	{
		case DestRemote:
		case DestRemoteExecute:
		case DestRemoteSimple:
		case DestTuplestore:
			return true;
		default:
			return false;
	}
}

static DestReceiver *
rows_out(RowsOut *out, DestReceiver *client)
{
	memset(out, 0, sizeof(*out));
	out->receiver.receiveSlot = receive_row;
	out->receiver.rStartup = start_up;
	out->receiver.rShutdown = shut_down;
	out->receiver.rDestroy = destroy;
	out->receiver.mydest = client->mydest;
	out->client = client;
	out->leaves_elsewhere = !goes_over_connection(client);
	return &out->receiver;
}

/*
 * Do the rows leave?  A portal collects those of a cursor that outlives its transaction, and of RETURNING, before
 * it sends them.  Within another statement, a function collects its result like that.  A parallel worker sends rows
 * to its leader, and cannot pass a debt on to it.
 */
static bool
is_for_client(const DestReceiver *receiver)
{
	switch (receiver->mydest)
	{
		case DestDebug:
		case DestRemote:
		case DestRemoteExecute:
		case DestRemoteSimple:
		case DestCopyOut:
		case DestTupleQueue:
			return true;
		case DestTuplestore:
			return depth == 0;
		default:
			return false;
	}
}

/*
 * Statements
 */

static bool
has_result(const PlannedStmt *statement)
{
	return statement->commandType == CMD_SELECT || statement->hasReturning;
}

/* Is the condition true for any table that the statement writes? */
static bool
writes_any(const PlannedStmt *statement, bool (*is_true) (Oid relation))
{
	ListCell   *cell;

	foreach(cell, compat_result_relations(statement))
	{
		RangeTblEntry *entry = rt_fetch(lfirst_int(cell), statement->rtable);

		if (is_true(entry->relid))
			return true;
	}
	return false;
}

/* Changes of such a table are not in the log, so a commit flushes nothing for them. */
static bool
is_unlogged(Oid relation)
{
	return get_rel_persistence(relation) != RELPERSISTENCE_PERMANENT;
}

/* The rows of such a table are on another server. */
static bool
is_foreign(Oid relation)
{
	return get_rel_relkind(relation) == RELKIND_FOREIGN_TABLE;
}

/* Does a statement's change, or the number of changed rows, depend on rows that existed before? */
static bool
reads_to_write(const PlannedStmt *statement)
{
	const		ModifyTable *plan = (const ModifyTable *) statement->planTree;

	if (statement->commandType != CMD_INSERT || !IsA(plan, ModifyTable))
		return true;
	return plan->onConflictAction != ONCONFLICT_NONE || list_length(statement->relationOids) > 1 ||
		statement->subplans != NIL;
}

/*
 * PostgreSQL's statements for foreign keys reveal nothing, or raise an error.  The triggers that they fire run within
 * them.
 */
static bool
is_foreign_key_check(void)
{
	return InNoForceRLSOperation() && !within_foreign_key_check;
}

static void
run_within(QueryDesc *query, DestReceiver *receiver, ScanDirection direction,
		   uint64 count COMPAT_EXECUTE_ONCE)
{
	ExecutorRun_hook_type next = previous_run ? previous_run : standard_ExecutorRun;
	DestReceiver *caller = query->dest;
	bool		was_within = within_foreign_key_check;

	query->dest = receiver;
	depth++;
	within_foreign_key_check |= InNoForceRLSOperation();
	PG_TRY();
	{
		next(query, direction, count COMPAT_PASS_EXECUTE_ONCE);
	}
	PG_FINALLY();
	{
		depth--;
		within_foreign_key_check = was_within;
		query->dest = caller;
	}
	PG_END_TRY();
}

/*
 * Call after a statement whose rows do not leave.  Their number does: a function gets it, and the client sees it in the
 * command's tag.  If that is zero, no commit of this transaction
 * may follow whose flush covers the answer.
 */
static void
after_work(QueryDesc *query)
{
	const PlannedStmt *statement = query->plannedstmt;
	bool		is_of_client = depth == 0 && query->dest->mydest != DestSPI;
	bool		tells_of_none = is_of_client && query->estate->es_processed == 0;
	bool		is_explained = query->instrument_options != 0;

	if (has_result(statement) || writes_any(statement, is_unlogged))
		fs_debt_for_reading(statement->rtable);
	else if (reads_to_write(statement))
	{
		fs_debt_for_writing(statement->rtable);
		if (!is_of_client || is_explained || tells_of_none)
			fs_debt_for_reading(statement->rtable);
	}
	if (depth == 0 && (is_explained || tells_of_none))
		fs_debt_falls_due();
}

/*
 * Rows for another server leave while the statement runs, and are committed there before this transaction.  Debts
 * of functions that run meanwhile are paid afterwards.
 */
static void
before_going_elsewhere(const PlannedStmt *statement)
{
	fs_debt_for_reading(statement->rtable);
	fs_debt_pay_at_once();
}

static void
run(QueryDesc *query, ScanDirection direction, uint64 count COMPAT_EXECUTE_ONCE)
{
	const PlannedStmt *statement = query->plannedstmt;
	bool		goes_elsewhere = writes_any(statement, is_foreign);

	if (goes_elsewhere)
		before_going_elsewhere(statement);
	if (is_for_client(query->dest) && has_result(statement))
	{
		RowsOut		out;
		DestReceiver *receiver = rows_out(&out, query->dest);

		out.range_table = statement->rtable;
		out.may_see_newer = statement->rowMarks != NIL || compat_result_relations(statement) != NIL;
		run_within(query, receiver, direction, count COMPAT_PASS_EXECUTE_ONCE);
	}
	else
	{
		run_within(query, query->dest, direction, count COMPAT_PASS_EXECUTE_ONCE);
		if (!is_foreign_key_check())
			after_work(query);
	}
	if (goes_elsewhere)
		fs_debt_pay_at_once();
}

/* The triggers that fire here execute statements within this one. */
static void
finish(QueryDesc *query)
{
	ExecutorFinish_hook_type next = previous_finish ? previous_finish : standard_ExecutorFinish;

	depth++;
	PG_TRY();
	{
		next(query);
	}
	PG_FINALLY();
	{
		depth--;
	}
	PG_END_TRY();
}

/*
 * Commands
 */

/* COPY reads a table itself, with a snapshot that was taken before. */
static void
before_copy(const CopyStmt *copy)
{
	Oid			relation;

	if (copy->is_from || copy->relation == NULL)
		return;
	relation = RangeVarGetRelid(copy->relation, NoLock, true);
	fs_debt_for_reading_relation(relation);
	fs_debt_pay_at_once();
}

static void
utility(PlannedStmt *statement, const char *query COMPAT_READ_ONLY_TREE,
		ProcessUtilityContext context, ParamListInfo parameters, QueryEnvironment *environment,
		DestReceiver *receiver, QueryCompletion *completion)
{
	ProcessUtility_hook_type next = previous_utility ? previous_utility : standard_ProcessUtility;
	RowsOut		out;

	if (IsA(statement->utilityStmt, CopyStmt))
		before_copy((CopyStmt *) statement->utilityStmt);
	/* The rows of CALL, SHOW and others contain results of statements. */
	if (is_for_client(receiver))
		receiver = rows_out(&out, receiver);
	next(statement, query COMPAT_PASS_READ_ONLY_TREE, context, parameters, environment, receiver,
		 completion);
}

/* Large objects are not read like tables, and creating one leaves no lock. */
static void
access_object(ObjectAccessType access, Oid class, Oid object, int part, void *argument)
{
	if (previous_object_access)
		previous_object_access(access, class, object, part, argument);
	if (class == LargeObjectRelationId)
		fs_durability_commit_in_order();
}

/* Called if the library is preloaded: a process without these hooks would not wait for anything. */
void
fs_rows_out_init(void)
{
	previous_run = ExecutorRun_hook;
	ExecutorRun_hook = run;
	previous_finish = ExecutorFinish_hook;
	ExecutorFinish_hook = finish;
	previous_utility = ProcessUtility_hook;
	ProcessUtility_hook = utility;
	previous_object_access = object_access_hook;
	object_access_hook = access_object;
	fs_debt_init();
	fs_wire_init();
}
