/*
 * replicated_log.h
 *		Is the log one that logical replication fills?
 */
#ifndef FACTSTR_REPLICATED_LOG_H
#define FACTSTR_REPLICATED_LOG_H

#include "store.h"

extern bool log_is_replicated(const FactstrStore *store);
extern void replicated_log_refuse_append(const FactstrStore *store);

#endif							/* FACTSTR_REPLICATED_LOG_H */
