/*
 * log_records.h
 *		The record of logs: which exist, and which are sealed.
 */
#ifndef FACTSTR_LOG_RECORDS_H
#define FACTSTR_LOG_RECORDS_H

#include "access/htup.h"
#include "utils/relcache.h"

#include "compat.h"
#include "definition.h"

extern bool fs_log_records_exist(Oid schema);
extern HeapTuple fs_log_record_get(Relation records, const char *log);
extern bool fs_log_record_find(Oid schema, const char *log, bool *is_sealed);
extern bool fs_log_exists(Oid schema, const char *log);
pg_noreturn extern void fs_log_record_refuse_missing(const char *log);
pg_noreturn extern void fs_log_record_refuse_sealed(const char *log);

#endif							/* FACTSTR_LOG_RECORDS_H */
