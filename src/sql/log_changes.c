/*
 * sql/log_changes.c
 *		Changes of the record of logs: a log was created, sealed or dropped.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "log_records.h"
#include "rows.h"
#include "sql/log_changes.h"
#include "streams/group.h"

/*
 * One transaction at a time creates, seals or drops logs; reads continue.  Take this lock before that of a log: in the
 * other order, two calls could wait for each other.
 */
Relation
fs_log_changes_open(Oid schema)
{
	return table_open(fs_definition_require_table(TABLE_LOG_RECORDS, FACTSTR_MAIN_LOG, schema),
					  ShareUpdateExclusiveLock);
}

/* The role and the time, in two columns next to each other. */
static void
set_deed(Datum *values, bool *nulls, int time_column)
{
	Name		by = palloc0(sizeof(NameData));

	namestrcpy(by, GetUserNameFromId(fs_group_login_user(), false));
	values[time_column - 1] = TimestampTzGetDatum(GetCurrentTimestamp());
	values[time_column] = NameGetDatum(by);
	nulls[time_column - 1] = nulls[time_column] = false;
}

/* Adds a record of the log for its first change; the column receives the time of the change. */
void
fs_log_changes_add(Relation records, const char *log, int time_column)
{
	Datum		values[FACTSTR_RECORD_COLUMNS] = {0};
	bool		nulls[FACTSTR_RECORD_COLUMNS];

	memset(nulls, true, sizeof(nulls));
	values[FACTSTR_RECORD_LOG - 1] = CStringGetTextDatum(log);
	nulls[FACTSTR_RECORD_LOG - 1] = false;
	set_deed(values, nulls, time_column);
	fs_row_change_as_owner(records, NULL, heap_form_tuple(RelationGetDescr(records), values, nulls));
}

/* The same in a record that exists; the number of facts if it is not negative. */
void
fs_log_changes_note(Relation records, HeapTuple record, int time_column, int64 facts)
{
	Datum		values[FACTSTR_RECORD_COLUMNS] = {0};
	bool		nulls[FACTSTR_RECORD_COLUMNS] = {false};
	bool		replaced[FACTSTR_RECORD_COLUMNS] = {false};

	set_deed(values, nulls, time_column);
	replaced[time_column - 1] = replaced[time_column] = true;
	if (facts >= 0)
	{
		values[FACTSTR_RECORD_DROPPED_FACTS - 1] = Int64GetDatum(facts);
		replaced[FACTSTR_RECORD_DROPPED_FACTS - 1] = true;
	}
	fs_row_change_as_owner(records, record,
						   heap_modify_tuple(record, RelationGetDescr(records), values, nulls, replaced));
}
