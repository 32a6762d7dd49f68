/*
 * redaction.h
 *		Erasure: what a fact said is replaced, and that it was is recorded.
 */
#ifndef FACTSTR_REDACTION_H
#define FACTSTR_REDACTION_H

#include "utils/snapshot.h"

#include "store.h"

extern bool fact_is_redacted(const FactstrStore *store, Snapshot snapshot, int64 sequence_number);

#endif							/* FACTSTR_REDACTION_H */
