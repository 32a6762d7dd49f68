/*
 * log_names.h
 *		Names of logs, and of the objects that belong to them.
 */
#ifndef FACTSTR_LOG_NAMES_H
#define FACTSTR_LOG_NAMES_H

/* The log that exists from the start; the extension's script creates its tables. */
#define FACTSTR_MAIN_LOG "main"

/* The maximum length of a log's name, in bytes; every name derived from it fits. */
#define FACTSTR_LOG_NAME_LENGTH 40

/*
 * The extension's tables.  Each log has the first two; all logs share the others, which have a column for the log.
 */
typedef enum TableId
{
	TABLE_EVENTS,
	TABLE_REDACTIONS,
	TABLES_OF_A_LOG,
	TABLE_STREAMS = TABLES_OF_A_LOG,
	TABLE_PARKED,
	TABLE_LOG_RECORDS,
	TABLES
} TableId;

/* Their indexes.  Each log has its own copy of the first ones. */
typedef enum IndexId
{
	INDEX_OF_NUMBERS,
	INDEX_OF_EVENT_TYPES,
	INDEX_OF_PAYLOADS,
	INDEX_OF_KEYS,
	INDEX_OF_REDACTIONS,
	INDEXES_OF_A_LOG,
	INDEX_OF_STREAMS = INDEXES_OF_A_LOG,
	INDEX_OF_STREAMS_0_1,		/* as 0.1.0 had it, without the log */
	INDEX_OF_ERRORS,
	INDEX_OF_PARKED,
	INDEX_OF_LOG_RECORDS
} IndexId;

extern bool fs_log_name_is_valid(const char *name, int length);
extern char *fs_log_table_name(TableId id, const char *log);
extern Oid	fs_log_find_table(TableId id, const char *log, Oid schema);
extern char *fs_log_index_name(IndexId id, const char *log);
extern char *fs_log_rights_name(const char *log);
extern bool fs_log_parse_table_name(const char *name, TableId *id, char *log);
extern bool fs_log_parse_rights_name(const char *name, char *log);

#endif							/* FACTSTR_LOG_NAMES_H */
