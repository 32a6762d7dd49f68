/*
 * sql/logs.h
 *		Logs are made and dropped by functions of factstr alone.
 */
#ifndef FACTSTR_SQL_LOGS_H
#define FACTSTR_SQL_LOGS_H

#include "store.h"

extern bool fs_logs_is_dropping(void);

#endif							/* FACTSTR_SQL_LOGS_H */
