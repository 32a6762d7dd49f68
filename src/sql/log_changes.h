/*
 * sql/log_changes.h
 *		Changes of the record of logs: a log was created, sealed or dropped.
 */
#ifndef FACTSTR_SQL_LOG_CHANGES_H
#define FACTSTR_SQL_LOG_CHANGES_H

#include "access/htup.h"
#include "utils/relcache.h"

#include "definition.h"

extern Relation fs_log_changes_open(Oid schema);
extern void fs_log_changes_add(Relation records, const char *log, int time_column);
extern void fs_log_changes_note(Relation records, HeapTuple record, int time_column, int64 facts);

#endif							/* FACTSTR_SQL_LOG_CHANGES_H */
