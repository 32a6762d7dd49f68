/*
 * out_of_memory.c
 *		Fails every allocation of ours in turn: each time a clean error, and nothing leaks.
 *
 * The linker sends this program's calls of malloc and realloc here (see the Makefile); those that
 * jansson makes inside its own library are not touched.
 */
#include "json_jansson.h"
#include "match/event_query_parser.h"
#include "match/new_events_parser.h"

#include "tap.h"

/* The allocation that fails, counted down to zero; negative: none. */
static int	allocations_left = -1;

void	   *__real_malloc(size_t size);
void	   *__real_realloc(void *memory, size_t size);
void	   *__wrap_malloc(size_t size);
void	   *__wrap_realloc(void *memory, size_t size);

static bool
allocation_fails(void)
{
	return allocations_left >= 0 && allocations_left-- == 0;
}

void *
__wrap_malloc(size_t size)
{
	return allocation_fails() ? NULL : __real_malloc(size);
}

void *
__wrap_realloc(void *memory, size_t size)
{
	return allocation_fails() ? NULL : __real_realloc(memory, size);
}

static bool
load_and_parse_query(fs_input_error *error)
{
	const char *text = "{\"filters\": ["
		"{\"event_types\": [\"a\"], \"payload_predicates\": [1.5, {}]},"
		"{\"payload_predicates\": []}], \"min_sequence_number\": 12345678901234567}";
	json_t	   *document = fs_json_document_load(text, strlen(text), error);
	fs_event_query query;
	bool		parsed;

	if (document == NULL)
		return false;
	parsed = fs_event_query_parse(document, &query, error);
	fs_event_query_release(&query);
	json_decref(document);
	return parsed;
}

static bool
load_and_parse_events(fs_input_error *error)
{
	const char *text = "[{\"event_type\": \"a\", \"payload\": {\"n\": [-1e5, \"\\u0001\"]}}]";
	json_t	   *document = fs_json_document_load(text, strlen(text), error);
	fs_new_event *events = NULL;
	size_t		count;
	bool		parsed;

	if (document == NULL)
		return false;
	parsed = fs_new_events_parse(document, &events, &count, error);
	fs_release(events);
	json_decref(document);
	return parsed;
}

static void
fail_each_allocation(const char *name, bool (*work) (fs_input_error *))
{
	int			failing = 0;
	bool		succeeded;
	bool		clean = true;
	fs_input_error error;

	do
	{
		allocations_left = failing++;
		succeeded = work(&error);
		clean = clean && (succeeded || error.code == FS_INPUT_NO_MEMORY);
	}
	while (!succeeded && failing < 1000);
	allocations_left = -1;

	(void) tap_ok(succeeded && failing > 3, "%s: several allocations, each failed once", name);
	(void) tap_ok(clean, "%s: every failure is reported as out of memory", name);
}

int
main(void)
{
	fail_each_allocation("an event query", load_and_parse_query);
	fail_each_allocation("new events", load_and_parse_events);
	return tap_finish();
}
