/*
 * append/conflict.h
 *		The error of an append whose context is not as its condition says.
 */
#ifndef FACTSTR_APPEND_CONFLICT_H
#define FACTSTR_APPEND_CONFLICT_H

#include "append/append.h"

extern void fs_append_raise_conflict(const AppendRequest *request, const AppendOutcome *outcome);

#endif							/* FACTSTR_APPEND_CONFLICT_H */
