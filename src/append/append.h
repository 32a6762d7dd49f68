/*
 * append/append.h
 *		One append, from checked input to its outcome.
 */
#ifndef FACTSTR_APPEND_APPEND_H
#define FACTSTR_APPEND_APPEND_H

#include "append/writer.h"
#include "read/facts.h"
#include "store.h"

/* The condition of an append on its context. */
typedef enum AppendCondition
{
	APPEND_UNCONDITIONALLY,
	APPEND_IF_VERSION,			/* the version of the context is exactly this number; 0: it is
								 * empty */
	APPEND_UNLESS_NEWER			/* no fact of the context has a higher number */
} AppendCondition;

typedef struct AppendRequest
{
	FactstrStore store;
	NewFacts	facts;

	AppendCondition condition;
	const fs_event_query *context_query;	/* NULL if unconditional */
	int64		context_number; /* the number in the condition */
	int64		checked_up_to;	/* up to here the condition holds; 0 at first */
} AppendRequest;

/*
 * On a conflict nothing is written, the numbers are 0, and the actual version is that of the context, 0 if it is
 * empty. The numbers are also 0 when an import finds that all of its batches exist.
 */
typedef struct AppendOutcome
{
	bool		conflict;
	int64		actual_context_version;
	int64		first_sequence_number;
	int64		last_sequence_number;
} AppendOutcome;

extern AppendOutcome fs_append_facts(AppendRequest *request);
extern bool fs_append_answer_early(AppendRequest *request, AppendOutcome *outcome);

/* The functions that an import uses, too. */
extern void fs_append_refuse_replicated(const FactstrStore *store);
extern void fs_append_require_visible_head(const FactstrStore *store, int64 head);
extern FactPosition fs_append_head(const FactstrStore *store);
extern void fs_append_write_batch(const FactstrStore *store, FactWriter *writer,
								  const NewFacts *facts, const FactPosition *head,
								  AppendOutcome *outcome);

#endif							/* FACTSTR_APPEND_APPEND_H */
