/*
 * append/import.h
 *		Batches of another log: their parsed form, and how they are written.
 */
#ifndef FACTSTR_APPEND_IMPORT_H
#define FACTSTR_APPEND_IMPORT_H

#include "append/append.h"
#include "append/import_parser.h"

extern AppendOutcome fs_import_append(const FactstrStore *store, ImportedBatch *batches, int count);

#endif							/* FACTSTR_APPEND_IMPORT_H */
