/*
 * mutants_redaction.c
 *		Faults of redactions.
 */
#include <string.h>

#include "results/error.h"

#include "mutants.h"

/* Only the record: the fact keeps its content. */
static int
redact_nothing(fs_backend *backend, const fs_redaction *redaction, bool *traces_remain,
			   factstr_error *error)
{
	const fs_range range = {redaction->sequence_number - 1, redaction->sequence_number, 1, false};
	fs_query	every = mutant_every_fact();
	fs_fact_list facts = {0};
	fs_append_event event;
	fs_input_error input_error;
	fs_redaction changed = *redaction;
	int			code = GOOD->read(backend, &every, &range, &facts, error);

	fs_query_release(&every);
	if (code != FACTSTR_OK || facts.count == 0 ||
		!fs_event_of_struct(&(factstr_event) {.event_type = "-", .payload = facts.facts[0].payload},
							&event, &input_error))
		return GOOD->redact(backend, redaction, traces_remain, error);
	changed.event = &event;
	changed.payload = facts.facts[0].payload;
	code = GOOD->redact(backend, &changed, traces_remain, error);
	fs_append_event_release(&event);
	fs_fact_list_release(&facts);
	return code;
}

static bool
was_redacted(fs_backend *backend, uint64_t number)
{
	fs_redaction_list list = {0};
	factstr_error error;
	bool		found = GOOD->redactions(backend, number - 1, 1, &list, &error) == FACTSTR_OK &&
		list.count > 0 && list.redactions[0].sequence_number == number;

	fs_redaction_list_release(&list);
	return found;
}

/* The index does not learn the new terms, so nothing but its type finds the fact. */
static int
query_by_old_terms(fs_backend *backend, const fs_query *query, fs_fact_list *facts,
				   uint64_t *version, factstr_error *error)
{
	int			code = GOOD->query(backend, query, facts, version, error);
	size_t		kept = 0;

	if (strstr(query->text, "predicates") == NULL)
		return code;
	for (size_t i = 0; i < facts->count; i++)
	{
		if (!was_redacted(backend, facts->facts[i].sequence_number))
			facts->facts[kept++] = facts->facts[i];
	}
	facts->count = kept;
	return code;
}

/* Metadata is forgotten: that of the call is not stored. */
static int
redact_without_metadata(fs_backend *backend, const fs_redaction *redaction, bool *traces_remain,
						factstr_error *error)
{
	fs_append_event event = *redaction->event;
	fs_redaction changed = *redaction;

	event.metadata = (fs_text) {NULL, 0};
	changed.event = &event;
	return GOOD->redact(backend, &changed, traces_remain, error);
}

static int
no_record(fs_backend *backend, uint64_t after, size_t max_count, fs_redaction_list *redactions,
		  factstr_error *error)
{
	(void) backend;
	(void) after;
	(void) max_count;
	(void) redactions;
	(void) error;
	return FACTSTR_OK;
}

/* Only the first of a fact is told. */
static int
record_of_first(fs_backend *backend, uint64_t after, size_t max_count,
				fs_redaction_list *redactions, factstr_error *error)
{
	int			code = GOOD->redactions(backend, after, max_count, redactions, error);
	size_t		kept = 0;

	for (size_t i = 0; i < redactions->count; i++)
	{
		if (kept == 0 || redactions->redactions[kept - 1].sequence_number !=
			redactions->redactions[i].sequence_number)
			redactions->redactions[kept++] = redactions->redactions[i];
	}
	redactions->count = kept;
	return code;
}

/* The redacted fact takes the place behind the newest: an order by the time of the change. */
static int
query_in_order_of_changes(fs_backend *backend, const fs_query *query, fs_fact_list *facts,
						  uint64_t *version, factstr_error *error)
{
	int			code = GOOD->query(backend, query, facts, version, error);

	for (size_t i = 0; i + 1 < facts->count; i++)
	{
		factstr_fact fact = facts->facts[i];

		if (!was_redacted(backend, fact.sequence_number))
			continue;
		memmove(&facts->facts[i], &facts->facts[i + 1],
				(facts->count - i - 1) * sizeof(factstr_fact));
		facts->facts[facts->count - 1] = fact;
		break;
	}
	return code;
}

/* A repeated append is compared with the current content of the fact. */
static int
append_compares_erased(fs_backend *backend, const fs_append *append, factstr_append_result *result,
					   factstr_error *error)
{
	int			code = GOOD->append(backend, append, result, error);

	if (code == FACTSTR_OK && append->idempotency_key != NULL &&
		was_redacted(backend, result->first_sequence_number))
		return fs_error_idempotency_key_reused(error);
	return code;
}

static int
export_without_redactions(fs_backend *backend, uint64_t after, size_t max_batches,
						  fs_batch_list *batches, factstr_error *error)
{
	int			code = GOOD->export_batches(backend, after, max_batches, batches, error);

	for (size_t i = 0; i < batches->count; i++)
		batches->batches[i].redaction_count = 0;
	return code;
}

/* The records are imported, but the facts keep their content. */
static int
import_records_only(fs_backend *backend, const factstr_batch *batch, const fs_append_event *events,
					uint64_t *imported_count, factstr_error *error)
{
	(void) backend;
	(void) events;
	(void) error;
	*imported_count = batch->redaction_count;
	return FACTSTR_OK;
}

const mutant mutants_of_redaction[] = {
	MUTANT("a redaction leaves the text", "redaction", redact, redact_nothing),
	MUTANT("a redaction loses the new metadata", "redaction", redact, redact_without_metadata),
	MUTANT("a redacted fact is not found by its new content", "redaction", query, query_by_old_terms),
	MUTANT("a redaction is not recorded", "redaction", redactions, no_record),
	MUTANT("only the first redaction of a fact is recorded", "redaction", redactions, record_of_first),
	MUTANT("a redaction breaks the order", "redaction", query, query_in_order_of_changes),
	MUTANT("a repeated append is compared with the redacted payload", "redaction", append,
		   append_compares_erased),
	MUTANT("an export has no redactions", "redaction", export_batches, export_without_redactions),
	MUTANT("a copy does not follow redactions", "redaction", import_redactions, import_records_only),
	NO_MUTANT
};
