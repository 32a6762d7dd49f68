/*
 * found.h
 *		The facts that a call has found, and the pages in which JavaScript reads them.
 */
#ifndef FACTSTR_NODE_FOUND_H
#define FACTSTR_NODE_FOUND_H

#include <factstr.h>

/* Facts alone, or those of batches. */
typedef struct fn_found
{
	void	   *owner;			/* of all the rest; NULL: nothing has been found, or it was freed */
	void		(*release) (void *owner);
	const factstr_fact *facts;
	size_t		fact_count;
	const factstr_batch *batches;	/* NULL: facts alone */
	size_t		batch_count;

	/* What the next page begins with: a fact, of a batch. */
	size_t		batch;
	size_t		fact;
} fn_found;

extern fn_found fn_found_in_query(factstr_query_result *result);
extern fn_found fn_found_in_list(factstr_batch_list *list);

/* The next facts of a cursor, at most count.  Returns a factstr_code; facts before an error are a success. */
extern int	fn_found_at_cursor(factstr_cursor *cursor, size_t count, fn_found *found, factstr_error *error);

extern void fn_found_free(fn_found *found);

#define FN_PAGE 256

/*
 * What a page has beside its text; JavaScript sees the same memory.  The batches are those that begin in it.
 */
typedef struct fn_page
{
	uint64_t	sequence_numbers[FN_PAGE];
	uint64_t	first_of_batch[FN_PAGE];
	uint64_t	last_of_batch[FN_PAGE];
	uint32_t	count_of_batch[FN_PAGE];
	uint32_t	types[FN_PAGE]; /* of each fact: its place among the types of the text */
	uint32_t	fact_count;
	uint32_t	batch_count;
	uint32_t	is_last;
} fn_page;

/* A text that grows, and whose memory is used again. */
typedef struct fn_text
{
	char	   *data;
	size_t		length;
	size_t		room;
	bool		failed;			/* there was no memory */
} fn_text;

/*
 * Moves on by a page.  Its text is JSON, and empty if the page has no facts:
 *
 *		["TIMES", ["type", ...], [payload, ...], [metadata or null, ...]]
 *
 * The times follow each other without anything in between if all have FN_TIME_LENGTH characters; otherwise they are
 * an array.  The metadata is missing if no fact has any.  False without memory.
 */
#define FN_TIME_LENGTH 27
extern bool fn_found_read_page(fn_found *found, fn_page *page, fn_text *text);

extern void fn_text_free(fn_text *text);

#endif
