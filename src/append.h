/*
 * append.h
 *		One append or import, from checked input to its outcome.
 */
#ifndef FACTSTR_APPEND_H
#define FACTSTR_APPEND_H

#include "fact_scan.h"
#include "fact_writer.h"
#include "imported_batches.h"
#include "store.h"

typedef struct AppendRequest
{
	FactstrStore store;
	NewFacts	facts;

	/* Only with a context query: the version of the context, 0 standing for "empty". */
	const fs_event_query *context_query;
	bool		expects_empty_context;
	int64		expected_context_version;
} AppendRequest;

/* On a conflict nothing is written, and the actual version is that of the context, 0 if empty. */
typedef struct AppendOutcome
{
	bool		conflict;
	int64		actual_context_version;
	int64		first_sequence_number;
	int64		last_sequence_number;
} AppendOutcome;

extern AppendOutcome append_facts(AppendRequest *request);
extern AppendOutcome append_imported(const FactstrStore *store, ImportedBatch *batches, int count);

#endif							/* FACTSTR_APPEND_H */
