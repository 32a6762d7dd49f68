/*
 * stores/memory/redact.c
 *		Erases the content of facts: the bytes are overwritten, the index entries removed, and a record is
 *		added.
 *
 * All of this happens while no other thread reads facts, after everything that can fail.
 */
#include <string.h>

#include "base/user.h"
#include "results/error.h"
#include "results/lists.h"
#include "stores/hub.h"
#include "stores/local/redactions.h"
#include "stores/memory/backend.h"

/* A fact with its new content, and the memory for it. */
typedef struct fs_new_text
{
	char	   *payload;
	char	   *metadata;		/* or NULL */
} fs_new_text;

/* All of these with the gate closed. */

static fs_memory_fact *
fs_memory_fact_of(const fs_backend *backend, uint64_t sequence_number)
{
	const fs_memory_batch *batch = fs_memory_log_batch_of(&backend->log, sequence_number);

	/* No other thread has it now. */
	return (fs_memory_fact *) &batch->facts[sequence_number - batch->first_sequence_number];
}

static char *
fs_reserve_text(fs_backend *backend, fs_text text)
{
	return fs_arena_allocate_words(&backend->pool, text.length + 1);
}

/* Allocates all memory that a change needs, and adds its records.  False if there is no memory. */
static bool
fs_reserve_change(fs_backend *backend, const fs_erasure *erasure, fs_new_text *text)
{
	const fs_append_event *event = erasure->event;

	*text = (fs_new_text) {NULL, NULL};
	if (event != NULL)
	{
		if (!fs_postings_reserve_terms(&backend->postings, &erasure->new_terms))
			return false;
		text->payload = fs_reserve_text(backend, event->payload);
		if (text->payload == NULL)
			return false;
		if (event->metadata.data != NULL &&
			(text->metadata = fs_reserve_text(backend, event->metadata)) == NULL)
			return false;
	}
	return fs_memory_redactions_add(&backend->redactions, erasure->records,
									erasure->record_count);
}

/* Overwrites a text of a batch, which belongs to the store.  NULL is harmless. */
static void
fs_overwrite(const char *text)
{
	if (text != NULL)
		explicit_bzero((void *) (uintptr_t) text, strlen(text));
}

static const char *
fs_fill_text(char *room, fs_text text)
{
	if (text.data == NULL)
		return NULL;
	memcpy(room, text.data, text.length);
	room[text.length] = '\0';
	return room;
}

/* The fact has its new content, and is found by it.  Nothing here can fail. */
static void
fs_change_fact(fs_backend *backend, const fs_erasure *erasure, const fs_new_text *text)
{
	fs_memory_fact *fact = fs_memory_fact_of(backend, erasure->sequence_number);

	fs_postings_exchange(&backend->postings, &erasure->old_terms, &erasure->new_terms,
						 erasure->sequence_number);
	fs_overwrite(fact->payload);
	fs_overwrite(fact->metadata);
	fact->payload = fs_fill_text(text->payload, erasure->event->payload);
	fact->metadata = fs_fill_text(text->metadata, erasure->event->metadata);
}

/* Makes a change that was worked out. */
static int
fs_make_change(fs_backend *backend, const fs_erasure *erasure, factstr_error *error)
{
	fs_new_text text;

	if (!fs_reserve_change(backend, erasure, &text))
		return fs_error_no_memory(error);
	if (erasure->event != NULL)
		fs_change_fact(backend, erasure, &text);
	return FACTSTR_OK;
}

static int
fs_redact_closed(fs_backend *backend, const fs_redaction *redaction, factstr_error *error)
{
	uint64_t	number = redaction->sequence_number;
	char		by[FS_USER_NAME_SIZE];
	factstr_fact fact;
	fs_erasure	erasure;
	int			code;

	if (number == 0 || number > fs_memory_log_head(&backend->log))
		return fs_error_no_such_fact(error, number);
	fact = fs_memory_batch_fact(fs_memory_log_batch_of(&backend->log, number), number);
	code = fs_erasure_of_redaction(redaction, &fact, by, &erasure, error);
	if (code == FACTSTR_OK)
		code = fs_make_change(backend, &erasure, error);
	fs_erasure_release(&erasure);
	return code;
}

int
fs_memory_redact(fs_backend *backend, const fs_redaction *redaction, bool *traces_remain,
				 factstr_error *error)
{
	int			code = fs_gate_close(&backend->gate, error);

	*traces_remain = false;
	if (code != FACTSTR_OK)
		return code;
	code = fs_redact_closed(backend, redaction, error);
	fs_gate_open(&backend->gate);
	if (code == FACTSTR_OK)
		fs_memory_stream_erase_errors(&backend->streams);
	return code;
}

/*
 * The record
 */

int
fs_memory_redaction_list(fs_backend *backend, uint64_t after, size_t max_count,
						 fs_redaction_list *redactions, factstr_error *error)
{
	const fs_memory_redactions *all = &backend->redactions;
	size_t		place;
	bool		added = true;

	fs_gate_enter(&backend->gate);
	place = fs_memory_redactions_after(all, after);
	while (added && place < all->count &&
		   (redactions->count < max_count ||
			all->redactions[place].sequence_number == all->redactions[place - 1].sequence_number))
		added = fs_redaction_list_add(redactions, &all->redactions[place++]);
	fs_gate_leave(&backend->gate);
	return added ? FACTSTR_OK : fs_error_no_memory(error);
}

bool
fs_memory_export_redactions(const fs_backend *backend, uint64_t first, uint64_t last,
							fs_batch_list *batches)
{
	const fs_memory_redactions *all = &backend->redactions;
	bool		added = true;

	for (size_t i = fs_memory_redactions_after(all, first - 1);
		 added && i < all->count && all->redactions[i].sequence_number <= last; i++)
		added = fs_batch_list_add_redaction(batches, &all->redactions[i]);
	return added;
}

/*
 * Imports
 */

static int
fs_find_known(const fs_backend *backend, uint64_t sequence_number, fs_redaction_list *known,
			  factstr_error *error)
{
	const fs_memory_redactions *all = &backend->redactions;

	for (size_t i = fs_memory_redactions_after(all, sequence_number - 1);
		 i < all->count && all->redactions[i].sequence_number == sequence_number; i++)
	{
		if (!fs_redaction_list_add(known, &all->redactions[i]))
			return fs_error_no_memory(error);
	}
	return FACTSTR_OK;
}

static int
fs_import_of_fact(fs_backend *backend, const factstr_batch *batch, const fs_append_event *events,
				  uint64_t number, fs_erasure *erasure, factstr_error *error)
{
	fs_redaction_list known = {0};
	factstr_fact fact;
	int			code;

	if (number > fs_memory_log_head(&backend->log))
		return fs_error_no_such_fact(error, number);
	fact = fs_memory_batch_fact(fs_memory_log_batch_of(&backend->log, number), number);
	code = fs_find_known(backend, number, &known, error);
	if (code == FACTSTR_OK)
		code = fs_erasure_of_import(batch, events, &fact, &known, erasure, error);
	fs_redaction_list_release(&known);
	return code;
}

/* Prepares the changes of all facts, and then makes them; in between, only a failed allocation can end it. */
static int
fs_import_closed(fs_backend *backend, const factstr_batch *batch, const fs_append_event *events,
				 uint64_t *imported_count, factstr_error *error)
{
	int			code = FACTSTR_OK;

	for (int pass = 0; pass < 2 && code == FACTSTR_OK; pass++)
	{
		uint64_t	number = 0;

		for (size_t i = 0; i < batch->redaction_count && code == FACTSTR_OK; i++)
		{
			fs_erasure	erasure = {0};

			if (batch->redactions[i].sequence_number == number)
				continue;
			number = batch->redactions[i].sequence_number;
			code = fs_import_of_fact(backend, batch, events, number, &erasure, error);
			if (code == FACTSTR_OK && pass == 1 && erasure.record_count > 0)
				code = fs_make_change(backend, &erasure, error);
			if (code == FACTSTR_OK && pass == 1)
				*imported_count += erasure.record_count;
			fs_erasure_release(&erasure);
		}
	}
	return code;
}

int
fs_memory_import_redactions(fs_backend *backend, const factstr_batch *batch,
							const fs_append_event *events, uint64_t *imported_count,
							factstr_error *error)
{
	int			code = fs_gate_close(&backend->gate, error);

	*imported_count = 0;
	if (code != FACTSTR_OK)
		return code;
	code = fs_import_closed(backend, batch, events, imported_count, error);
	fs_gate_open(&backend->gate);
	if (*imported_count > 0)
		fs_memory_stream_erase_errors(&backend->streams);
	return code;
}
