/*
 * log_names.c
 *		Names of logs, and of the objects that belong to them.
 *
 * The objects of main keep their original names.  In other logs the name of the log comes first.  No suffix is
 * the end of another, and no name in this file consists of the prefix, a possible name of another log and a
 * suffix.  So an object of a log never has the name of an object of another log, of main, or of a shared table.
 * The longest of the names has the 63 bytes that PostgreSQL allows.
 */
#include "postgres.h"

#include "log_names.h"
#include "relations.h"

typedef struct ObjectName
{
	const char *of_main;		/* or of an object that all logs share */
	const char *ending;			/* of its name in another log; NULL if it is shared */
} ObjectName;

static const ObjectName tables[TABLES] = {
	[TABLE_EVENTS] = {"factstr_events", "events"},
	[TABLE_REDACTIONS] = {"factstr_redactions", "redactions"},
	[TABLE_STREAMS] = {"factstr_streams", NULL},
	[TABLE_PARKED] = {"factstr_parked_batches", NULL},
	[TABLE_LOG_RECORDS] = {"factstr_log_records", NULL},
};

static const ObjectName indexes[] = {
	[INDEX_OF_NUMBERS] = {"factstr_events_pkey", "events_pkey"},
	[INDEX_OF_EVENT_TYPES] = {"factstr_events_event_type_idx", "types_idx"},
	[INDEX_OF_PAYLOADS] = {"factstr_events_payload_idx", "payloads_idx"},
	[INDEX_OF_KEYS] = {"factstr_events_idempotency_key_idx", "keys_idx"},
	[INDEX_OF_REDACTIONS] = {"factstr_redactions_sequence_number_idx", "redactions_idx"},
	[INDEX_OF_STREAMS] = {"factstr_streams_pkey", NULL},
	[INDEX_OF_STREAMS_0_1] = {"factstr_streams_pkey", NULL},
	[INDEX_OF_ERRORS] = {"factstr_streams_last_error_idx", NULL},
	[INDEX_OF_PARKED] = {"factstr_parked_batches_pkey", NULL},
	[INDEX_OF_LOG_RECORDS] = {"factstr_log_records_log_idx", NULL},
};

#define PREFIX "factstr_"
#define ENDING_OF_RIGHTS "log"

bool
fs_log_name_is_valid(const char *name, int length)
{
	for (int i = 0; i < length; i++)
	{
		if (name[i] == '\0' || strchr("abcdefghijklmnopqrstuvwxyz0123456789_-", name[i]) == NULL)
			return false;
	}
	return length >= 1 && length <= FACTSTR_LOG_NAME_LENGTH;
}

static bool
is_main(const char *log)
{
	return strcmp(log, FACTSTR_MAIN_LOG) == 0;
}

static char *
name_in_log(const ObjectName *name, const char *log)
{
	if (name->ending == NULL || is_main(log))
		return pstrdup(name->of_main);
	return psprintf("%s%s_%s", PREFIX, log, name->ending);
}

/* For a table that all logs share, the log does not matter. */
char *
fs_log_table_name(TableId id, const char *log)
{
	return name_in_log(&tables[id], log);
}

/* InvalidOid if there is none. */
Oid
fs_log_find_table(TableId id, const char *log, Oid schema)
{
	char	   *name = fs_log_table_name(id, log);
	Oid			table = fs_relation_named(name, schema);

	pfree(name);
	return table;
}

char *
fs_log_index_name(IndexId id, const char *log)
{
	return name_in_log(&indexes[id], log);
}

/* The view on which the rights on a log are granted, also on main. */
char *
fs_log_rights_name(const char *log)
{
	return psprintf("%s%s_%s", PREFIX, log, ENDING_OF_RIGHTS);
}

/* The other log than main that a name of this ending is made of; false if it is of none. */
static bool
parse_name(const char *name, const char *ending, char *log)
{
	int			before = (int) strlen(PREFIX);
	int			after = (int) strlen(ending) + 1;
	int			length = (int) strlen(name) - before - after;

	if (length < 1 || strncmp(name, PREFIX, before) != 0 || name[before + length] != '_' ||
		strcmp(name + before + length + 1, ending) != 0 || !fs_log_name_is_valid(name + before, length))
		return false;
	strlcpy(log, name + before, length + 1);
	return !is_main(log);
}

/* Which table of which other log than main would have this name?  False if none. */
bool
fs_log_parse_table_name(const char *name, TableId *id, char *log)
{
	for (*id = 0; *id < TABLES_OF_A_LOG; (*id)++)
	{
		if (parse_name(name, tables[*id].ending, log))
			return true;
	}
	return false;
}

bool
fs_log_parse_rights_name(const char *name, char *log)
{
	return parse_name(name, ENDING_OF_RIGHTS, log);
}
