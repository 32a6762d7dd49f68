/*
 * row_change.c
 *		Changes one row of a table, with all that hangs on it.
 *
 * Constraints are checked, indexes kept, row triggers fired; statement triggers are not, since
 * there is no statement.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "utils/rel.h"

#include "compat.h"
#include "row_change.h"

/*
 * Replaces a row, or, if one of them is NULL, inserts or deletes it.  Nobody else may be able to
 * change the row meanwhile.
 */
void
change_row(Relation table, HeapTuple old_tuple, HeapTuple new_tuple)
{
	TupleTableSlot *old_row = table_slot_create(table, NULL);
	TupleTableSlot *new_row = MakeSingleTupleTableSlot(RelationGetDescr(table),
													   &TTSOpsHeapTuple);
	EState	   *estate = CreateExecutorState();
	ResultRelInfo *result_relation = makeNode(ResultRelInfo);
	EPQState	epq;

	InitResultRelInfo(result_relation, table, 0, NULL, 0);
	factstr_register_result_relation(estate, result_relation);
	ExecOpenIndices(result_relation, false);
	factstr_eval_plan_qual_init(&epq, estate);
	AfterTriggerBeginQuery();

	if (old_tuple != NULL)
		ExecForceStoreHeapTuple(old_tuple, old_row, false);
	if (new_tuple != NULL)
		ExecStoreHeapTuple(new_tuple, new_row, false);
	if (old_tuple == NULL)
		factstr_simple_insert(result_relation, estate, new_row);
	else if (new_tuple == NULL)
		factstr_simple_delete(result_relation, estate, &epq, old_row);
	else
		factstr_simple_update(result_relation, estate, &epq, old_row, new_row);

	AfterTriggerEndQuery(estate);
	EvalPlanQualEnd(&epq);
	ExecCloseIndices(result_relation);
	ExecDropSingleTupleTableSlot(old_row);
	ExecDropSingleTupleTableSlot(new_row);
	/* Triggers have slots of their own. */
	ExecResetTupleTable(estate->es_tupleTable, false);
	FreeExecutorState(estate);
	CommandCounterIncrement();
}
