/*
 * append/at_commit.h
 *		Appends that their transaction makes at its commit.
 */
#ifndef FACTSTR_APPEND_AT_COMMIT_H
#define FACTSTR_APPEND_AT_COMMIT_H

#include "append/append.h"

extern bool fs_append_at_commit(const AppendRequest *request, AppendOutcome *outcome);

#endif							/* FACTSTR_APPEND_AT_COMMIT_H */
