/*
 * append/redaction.h
 *		Erasure: replaces the payload of a fact and records the redaction.
 */
#ifndef FACTSTR_APPEND_REDACTION_H
#define FACTSTR_APPEND_REDACTION_H

#include "utils/jsonb.h"

#include "append/import_parser.h"
#include "read/redactions.h"
#include "store.h"

extern void fs_redaction_apply(const FactstrStore *store, int64 sequence_number, Jsonb *payload,
							   Jsonb *metadata, Oid by, text *reason);
extern void fs_redaction_record(const FactstrStore *store, const List *redactions);
extern int64 fs_redaction_import(const FactstrStore *store, const ImportedBatch *batch);

#endif							/* FACTSTR_APPEND_REDACTION_H */
