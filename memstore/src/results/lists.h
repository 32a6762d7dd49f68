/*
 * results/lists.h
 *		Lists that a store fills and a caller of the library gets: facts, batches, streams,
 *		redactions, logs.
 *
 * All that a list holds is in its arena, so one call frees it.  A list begins zeroed.  Adding
 * copies every text, and returns false if there is no memory; the list then is as it was.
 */
#ifndef FACTSTR_RESULTS_LISTS_H
#define FACTSTR_RESULTS_LISTS_H

#include "factstr.h"

#include "base/arena.h"

typedef struct fs_fact_list
{
	fs_arena	arena;
	size_t		count;
	size_t		capacity;
	factstr_fact *facts;
} fs_fact_list;

bool		fs_fact_list_add(fs_fact_list *list, const factstr_fact *fact);
void		fs_fact_list_release(fs_fact_list *list);

typedef struct fs_batch_list
{
	fs_arena	arena;
	size_t		count;
	size_t		capacity;
	factstr_batch *batches;
} fs_batch_list;

/*
 * A new batch without facts at the end of the list; the facts are added to the last batch, in
 * order.  key may be NULL.
 */
bool		fs_batch_list_begin(fs_batch_list *list, uint64_t first_sequence_number,
								uint64_t last_sequence_number, const char *idempotency_key);
bool		fs_batch_list_add(fs_batch_list *list, const factstr_fact *fact);

/* Adds a redaction of a fact in one of the batches; those of a batch in order. */
bool		fs_batch_list_add_redaction(fs_batch_list *list, const factstr_redaction *redaction);
void		fs_batch_list_release(fs_batch_list *list);

typedef struct fs_stream_list
{
	fs_arena	arena;
	size_t		count;
	size_t		capacity;
	factstr_stream_status *streams;
} fs_stream_list;

bool		fs_stream_list_add(fs_stream_list *list, const factstr_stream_status *status);
void		fs_stream_list_release(fs_stream_list *list);

typedef struct fs_redaction_list
{
	fs_arena	arena;
	size_t		count;
	size_t		capacity;
	factstr_redaction *redactions;
} fs_redaction_list;

bool		fs_redaction_list_add(fs_redaction_list *list, const factstr_redaction *redaction);
void		fs_redaction_list_release(fs_redaction_list *list);

typedef struct fs_log_list
{
	fs_arena	arena;
	size_t		count;
	size_t		capacity;
	factstr_log_status *logs;
} fs_log_list;

bool		fs_log_list_add(fs_log_list *list, const factstr_log_status *log);
void		fs_log_list_release(fs_log_list *list);

#endif							/* FACTSTR_RESULTS_LISTS_H */
