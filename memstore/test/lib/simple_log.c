/*
 * simple_log.c
 *		A log for tests of the search that the memory and the SQLite store share.
 */
#include <string.h>

#include "results/error.h"

#include "simple_log.h"
#include "tap.h"

simple_log	simple = {.calls_left = -1};

static int
count_call(simple_log *log, factstr_error *error)
{
	if (log->calls_left == 0)
		return fs_error(error, FACTSTR_STORAGE, "no more calls");
	if (log->calls_left > 0)
		log->calls_left--;
	return FACTSTR_OK;
}

static bool
has_term(const simple_fact *fact, fs_term term)
{
	for (size_t i = 0; i < fact->terms.count; i++)
	{
		if (fact->terms.terms[i] == term)
			return true;
	}
	return false;
}

static int
seek_fact(void *store, fs_term term, uint64_t position, bool backwards, uint64_t *found,
		  factstr_error *error)
{
	simple_log   *log = store;

	log->seeks++;
	*found = 0;
	while (position >= 1 && position <= log->count)
	{
		if (has_term(&log->facts[position - 1], term))
		{
			*found = position;
			break;
		}
		position += backwards ? -1 : 1;
	}
	return count_call(log, error);
}

/* The next call overwrites its result: a caller that kept it would notice. */
static int
fetch_fact(void *store, uint64_t sequence_number, fs_stored_fact *fact, factstr_error *error)
{
	static char event_type[16];
	static char payload[SIMPLE_MAX_TEXT];
	simple_log   *log = store;
	const simple_fact *stored = &log->facts[sequence_number - 1];

	log->fetches++;
	(void) strcpy(event_type, stored->event_type);
	(void) strcpy(payload, stored->payload);
	*fact = (fs_stored_fact) {
		.fact = {
			.sequence_number = sequence_number,
			.occurred_at = (int64_t) sequence_number * 1000,
			.event_type = event_type,
			.payload = payload
		},
		.batch_first = stored->batch_first
	};
	return count_call(log, error);
}

static int
find_batch_last(void *store, uint64_t batch_first, uint64_t *batch_last, factstr_error *error)
{
	simple_log   *log = store;

	*batch_last = log->facts[batch_first - 1].batch_last;
	return count_call(log, error);
}

fs_local_log
simple_local_log(void)
{
	return (fs_local_log) {
		.store = &simple,
		.head = simple.count,
		.seek = seek_fact,
		.fetch = fetch_fact,
		.batch_last = find_batch_last
	};
}

void
simple_clear(void)
{
	for (size_t i = 0; i < simple.count; i++)
	{
		fs_json_document_release(simple.facts[i].document);
		fs_term_list_release(&simple.facts[i].terms);
	}
	simple.count = 0;
	simple.calls_left = -1;
}

/* Adds a fact whose type and payload are filled in. */
void
simple_add(uint64_t batch_first, uint64_t batch_last)
{
	simple_fact  *fact = &simple.facts[simple.count++];
	fs_input_error error;

	fact->batch_first = batch_first;
	fact->batch_last = batch_last;
	fact->terms = (fs_term_list) {0};
	fact->document = fs_json_document_load(fact->payload, strlen(fact->payload), &error);
	if (fact->document == NULL ||
		!fs_terms_add_fact(&fact->terms, (fs_text) {fact->event_type, strlen(fact->event_type)},
						   fact->document))
		tap_bail_out("a payload cannot be read: %s", fact->payload);
}

void
simple_parse(const char *text, fs_query *query)
{
	factstr_error error;

	if (fs_query_parse(text, query, &error) != FACTSTR_OK)
		tap_bail_out("%s: %s", text, error.message);
}
