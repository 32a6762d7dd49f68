/*
 * sql/logs.h
 *		Logs are made and dropped by functions of factstr alone.
 */
#ifndef FACTSTR_SQL_LOGS_H
#define FACTSTR_SQL_LOGS_H

#include "store.h"

extern bool fs_logs_is_dropping(void);
extern int	fs_logs_count_others(Oid schema);
extern void fs_logs_drop_others(Oid schema);

#endif							/* FACTSTR_SQL_LOGS_H */
