/*
 * stores/local/redactions.c
 *		Redactions of a fact, in the memory and the SQLite store.
 */
#include <stdlib.h>
#include <string.h>

#include "base/times.h"
#include "base/user.h"
#include "results/error.h"
#include "stores/local/redactions.h"

/* The terms of the current content. */
static int
fs_find_old_terms(const factstr_fact *fact, fs_term_list *terms, factstr_error *error)
{
	const factstr_event stored = {.event_type = fact->event_type, .payload = fact->payload};
	fs_append_event event;
	fs_input_error input_error;
	bool		found;

	if (!fs_event_of_struct(&stored, &event, &input_error))
		return fs_error_of_input(error, "stored fact", &input_error);
	found = fs_terms_add_fact(terms, event.event_type, event.payload_document);
	fs_append_event_release(&event);
	return found ? FACTSTR_OK : fs_error_no_memory(error);
}

/* Replaces the content of the fact. */
static int
fs_replace(const factstr_fact *fact, const fs_append_event *event, fs_erasure *erasure,
		   factstr_error *error)
{
	const fs_text event_type = {fact->event_type, strlen(fact->event_type)};
	int			code = fs_find_old_terms(fact, &erasure->old_terms, error);

	if (code == FACTSTR_OK &&
		!fs_terms_add_fact(&erasure->new_terms, event_type, event->payload_document))
		code = fs_error_no_memory(error);
	erasure->event = event;
	return code;
}

int
fs_erasure_of_redaction(const fs_redaction *redaction, const factstr_fact *fact, char *by,
						fs_erasure *erasure, factstr_error *error)
{
	*erasure = (fs_erasure) {.sequence_number = redaction->sequence_number};
	erasure->records = calloc(1, sizeof(factstr_redaction));
	if (erasure->records == NULL)
		return fs_error_no_memory(error);
	erasure->records[0] = (factstr_redaction) {
		.sequence_number = redaction->sequence_number,
		.redacted_at = fs_now(),
		.redacted_by = fs_user_name(by),
		.reason = redaction->reason
	};
	erasure->record_count = 1;
	return fs_replace(fact, redaction->event, erasure, error);
}

static bool
fs_is_known(const factstr_redaction *redaction, const fs_redaction_list *known)
{
	for (size_t i = 0; i < known->count; i++)
	{
		const factstr_redaction *other = &known->redactions[i];

		if (other->sequence_number == redaction->sequence_number &&
			other->redacted_at == redaction->redacted_at &&
			strcmp(other->redacted_by, redaction->redacted_by) == 0 &&
			strcmp(other->reason, redaction->reason) == 0)
			return true;
	}
	return false;
}

/* The redactions of a fact are in order, so the last one is the newest. */
static bool
fs_is_newest(const factstr_redaction *redaction, const fs_redaction_list *known)
{
	return known->count == 0 ||
		known->redactions[known->count - 1].redacted_at <= redaction->redacted_at;
}

static void
fs_collect_new_records(const factstr_batch *batch, const fs_redaction_list *known,
					   fs_erasure *erasure)
{
	for (size_t i = 0; i < batch->redaction_count; i++)
	{
		if (batch->redactions[i].sequence_number == erasure->sequence_number &&
			!fs_is_known(&batch->redactions[i], known))
			erasure->records[erasure->record_count++] = batch->redactions[i];
	}
}

int
fs_erasure_of_import(const factstr_batch *batch, const fs_append_event *events,
					 const factstr_fact *fact, const fs_redaction_list *known,
					 fs_erasure *erasure, factstr_error *error)
{
	size_t		index = (size_t) (fact->sequence_number - batch->first_sequence_number);

	*erasure = (fs_erasure) {.sequence_number = fact->sequence_number};
	if (strcmp(fact->event_type, batch->facts[index].event_type) != 0 ||
		fact->occurred_at != batch->facts[index].occurred_at)
		return fs_error_other_fact(error, fact->sequence_number);
	erasure->records = calloc(batch->redaction_count, sizeof(factstr_redaction));
	if (erasure->records == NULL)
		return fs_error_no_memory(error);
	fs_collect_new_records(batch, known, erasure);
	if (erasure->record_count == 0 ||
		!fs_is_newest(&erasure->records[erasure->record_count - 1], known))
		return FACTSTR_OK;
	return fs_replace(fact, &events[index], erasure, error);
}

void
fs_erasure_release(fs_erasure *erasure)
{
	fs_term_list_release(&erasure->old_terms);
	fs_term_list_release(&erasure->new_terms);
	free(erasure->records);
	*erasure = (fs_erasure) {0};
}

bool
fs_term_list_holds(const fs_term_list *list, fs_term term)
{
	size_t		low = 0;
	size_t		high = list->count;

	while (low < high)
	{
		size_t		middle = low + (high - low) / 2;

		if (fs_term_is_before(list->terms[middle], term))
			low = middle + 1;
		else
			high = middle;
	}
	return low < list->count && list->terms[low] == term;
}
