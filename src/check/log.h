/*
 * check/log.h
 *		Checks of the log, fact by fact.
 */
#ifndef FACTSTR_CHECK_LOG_H
#define FACTSTR_CHECK_LOG_H

#include "check/check.h"

extern void fs_check_log(Check *check);

#endif							/* FACTSTR_CHECK_LOG_H */
