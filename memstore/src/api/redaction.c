/*
 * api/redaction.c
 *		Erases the content of facts, and records it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/redaction.h"
#include "api/store.h"
#include "base/user.h"
#include "base/utf8.h"
#include "input/events.h"
#include "results/error.h"
#include "results/lists.h"
#include "streams/stream.h"

/* Years 1 to 9999, the range of times as text. */
#define FS_FIRST_TIME INT64_C(-62135596800000000)
#define FS_LAST_TIME INT64_C(253402300799999999)

static int
fs_check_reason(const char *reason, factstr_error *error)
{
	if (reason[0] == '\0')
	{
		(void) fs_error(error, FACTSTR_MALFORMED, "invalid reason: it must not be empty");
		fs_error_hint(error, "It is kept forever, so it must not repeat the erased data.");
		return FACTSTR_MALFORMED;
	}
	if (!fs_utf8_is_valid(reason, strlen(reason)))
		return fs_error(error, FACTSTR_MALFORMED, "invalid reason: it is not UTF-8");
	return FACTSTR_OK;
}

static int
fs_redact_entered(factstr_store *store, const fs_redaction *redaction, bool *traces_remain,
				  factstr_error *error)
{
	fs_entered	entered;
	int			code = fs_enter(store, &entered, error);

	if (code != FACTSTR_OK)
		return code;
	code = store->methods->redact(store->backend, redaction, traces_remain, error);
	fs_leave(&entered);
	return code;
}

static int
fs_redact_checked(factstr_store *store, uint64_t sequence_number, const char *payload,
				  const char *reason, const char *metadata, bool *traces_remain,
				  factstr_error *error)
{
	const factstr_event given = {.event_type = "-", .payload = payload, .metadata = metadata};
	fs_append_event event;
	fs_input_error input_error;
	uint64_t	size = 0;
	fs_redaction redaction = {sequence_number, &event, payload, metadata, reason};
	int			code;

	if (!fs_event_of_struct(&given, &event, &input_error))
		return fs_event_error(error, "redaction", &input_error, "$");
	if (fs_event_add_to_batch(&size, &event, &input_error))
		code = fs_redact_entered(store, &redaction, traces_remain, error);
	else
		code = fs_event_error(error, "redaction", &input_error, "$");
	fs_append_event_release(&event);
	return code;
}

int
factstr_redact(factstr_store *store, uint64_t sequence_number, const char *payload,
			   const char *reason, const char *metadata, bool *traces_remain,
			   factstr_error *error)
{
	factstr_error found;
	bool		remain = false;
	int			code;

	if (traces_remain != NULL)
		*traces_remain = false;
	if (store == NULL)
		return fs_error_misuse_null(error, "store");
	if (payload == NULL)
		return fs_error_misuse_null(error, "payload");
	if (reason == NULL)
		return fs_error_misuse_null(error, "reason");
	if (fs_within_transaction(store))
		return fs_error(error, FACTSTR_MISUSE,
						"a handler must not redact while it has a transaction");
	code = fs_check_position(sequence_number, "sequence_number", &found);
	if (code == FACTSTR_OK)
		code = fs_check_reason(reason, &found);
	if (code == FACTSTR_OK)
		code = fs_redact_checked(store, sequence_number, payload, reason, metadata, &remain, &found);
	if (code == FACTSTR_OK && traces_remain != NULL)
		*traces_remain = remain;
	return fs_report(code, &found, error);
}

/*
 * The record
 */

/* The caller's part comes first, so that one pointer is both. */
typedef struct fs_redaction_answer
{
	factstr_redaction_list list;
	fs_redaction_list redactions;
} fs_redaction_answer;

static int
fs_find_redactions(factstr_store *store, uint64_t after, size_t max_count,
				   fs_redaction_list *redactions, factstr_error *error)
{
	fs_entered	entered;
	int			code = fs_enter(store, &entered, error);

	if (code != FACTSTR_OK)
		return code;
	code = store->methods->redactions(store->backend, after, max_count, redactions, error);
	fs_leave(&entered);
	return code;
}

static int
fs_list_redactions(factstr_store *store, uint64_t after, size_t max_count,
				   factstr_redaction_list **list, factstr_error *error)
{
	fs_redaction_answer *answer = calloc(1, sizeof(fs_redaction_answer));
	int			code;

	if (answer == NULL)
		return fs_error_no_memory(error);
	code = fs_find_redactions(store, after, max_count, &answer->redactions, error);
	answer->list.count = answer->redactions.count;
	answer->list.redactions = answer->redactions.redactions;
	if (code == FACTSTR_OK)
		*list = &answer->list;
	else
		factstr_redaction_list_free(&answer->list);
	return code;
}

int
factstr_redactions(factstr_store *store, uint64_t after_sequence_number, size_t max_count,
				   factstr_redaction_list **list, factstr_error *error)
{
	factstr_error found;
	int			code;

	if (list == NULL)
		return fs_error_misuse_null(error, "list");
	*list = NULL;
	if (store == NULL)
		return fs_error_misuse_null(error, "store");
	if (max_count == 0)
		return fs_error(error, FACTSTR_MALFORMED, "invalid max_count: it must be at least 1");
	code = fs_check_position(after_sequence_number, "after_sequence_number", &found);
	if (code == FACTSTR_OK)
		code = fs_list_redactions(store, after_sequence_number, max_count, list, &found);
	return fs_report(code, &found, error);
}

void
factstr_redaction_list_free(factstr_redaction_list *list)
{
	fs_redaction_answer *answer = (fs_redaction_answer *) list;

	if (answer == NULL)
		return;
	fs_redaction_list_release(&answer->redactions);
	free(answer);
}

/*
 * Redactions that are to be imported
 */

static bool
fs_is_after(const factstr_redaction *redaction, const factstr_redaction *previous)
{
	return redaction->sequence_number > previous->sequence_number ||
		(redaction->sequence_number == previous->sequence_number &&
		 redaction->redacted_at >= previous->redacted_at);
}

static const char *
fs_problem_of_redaction(const factstr_batch *batch, size_t index)
{
	const factstr_redaction *redaction = &batch->redactions[index];
	size_t		length;

	if (redaction->sequence_number < batch->first_sequence_number ||
		redaction->sequence_number > batch->last_sequence_number ||
		redaction->sequence_number == 0)
		return "it is of no fact of the batch";
	if (index > 0 && !fs_is_after(redaction, &batch->redactions[index - 1]))
		return "it is not in the order of facts and times";
	if (redaction->redacted_at < FS_FIRST_TIME || redaction->redacted_at > FS_LAST_TIME)
		return "its time is not in the years 1 to 9999";
	length = redaction->redacted_by == NULL ? 0 : strlen(redaction->redacted_by);
	if (length == 0 || length >= FS_USER_NAME_SIZE ||
		!fs_utf8_is_valid(redaction->redacted_by, length))
		return "redacted_by is not a text of 1 to 63 bytes";
	if (redaction->reason == NULL || redaction->reason[0] == '\0' ||
		!fs_utf8_is_valid(redaction->reason, strlen(redaction->reason)))
		return "it has no reason";
	return NULL;
}

int
fs_check_redactions(const factstr_batch *batch, const char *path, factstr_error *error)
{
	if (batch->redaction_count > 0 && batch->redactions == NULL)
		return fs_error_misuse_null(error, "redactions");
	for (size_t i = 0; i < batch->redaction_count; i++)
	{
		const char *problem = fs_problem_of_redaction(batch, i);

		if (problem != NULL)
			return fs_error(error, FACTSTR_MALFORMED, "invalid batches at %s.redactions[%zu]: %s",
							path, i, problem);
	}
	return FACTSTR_OK;
}
