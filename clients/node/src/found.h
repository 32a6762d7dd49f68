/*
 * found.h
 *		The facts that a call has found, and the pages in which JavaScript reads them.
 */
#ifndef FACTSTR_NODE_FOUND_H
#define FACTSTR_NODE_FOUND_H

#include <factstr.h>

/* Facts without batches, or batches with their facts. */
typedef struct fn_found
{
	void	   *owner;			/* of all other members; NULL: nothing was found, or it was freed */
	void		(*release) (void *owner);
	const factstr_fact *facts;
	size_t		fact_count;
	const factstr_batch *batches;	/* NULL: facts without batches */
	size_t		batch_count;

	/* The start of the next page: a batch, and a fact in it. */
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
 * The numbers of a page; JavaScript reads the same memory.  The batches are those that begin in the page.
 */
typedef struct fn_page
{
	uint64_t	sequence_numbers[FN_PAGE];
	uint64_t	first_of_batch[FN_PAGE];
	uint64_t	last_of_batch[FN_PAGE];
	uint32_t	count_of_batch[FN_PAGE];
	uint32_t	types[FN_PAGE]; /* for each fact, the index of its type in the text */
	uint32_t	fact_count;
	uint32_t	batch_count;
	uint32_t	is_last;
} fn_page;

/* A growing text whose memory is reused. */
typedef struct fn_text
{
	char	   *data;
	size_t		length;
	size_t		room;
	bool		failed;			/* an allocation failed */
} fn_text;

/*
 * Reads the next page.  Its text is JSON, and empty if the page has no facts:
 *
 *		["TIMES", ["type", ...], [payload, ...], [metadata or null, ...]]
 *
 * If all times have FN_TIME_LENGTH characters, they are joined without separators; otherwise they are an array.  The
 * array of metadata is missing if no fact has any.  Returns false without memory.
 */
#define FN_TIME_LENGTH 27
extern bool fn_found_read_page(fn_found *found, fn_page *page, fn_text *text);

extern void fn_text_free(fn_text *text);

#endif
