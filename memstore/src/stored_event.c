/*
 * stored_event.c
 *		Is a stored fact what an append asks for?
 *
 * jansson's own comparison is the right one: the loader spells equal numbers alike.
 */
#include <string.h>

#include "error.h"
#include "stored_event.h"

/* Both or neither of them may be NULL. */
static int
fs_text_is_document(const char *text, const json_t *document, bool *equal, factstr_error *error)
{
	fs_input_error input_error;
	json_t	   *stored;

	*equal = (text == NULL) == (document == NULL);
	if (text == NULL || document == NULL)
		return FACTSTR_OK;
	stored = fs_json_document_load(text, strlen(text), &input_error);
	if (stored == NULL && input_error.code == FS_INPUT_NO_MEMORY)
		return fs_error_no_memory(error);
	*equal = stored != NULL && json_equal(stored, document);
	json_decref(stored);
	return FACTSTR_OK;
}

int
fs_fact_is_event(const factstr_fact *fact, const fs_append_event *event, bool *equal,
				 factstr_error *error)
{
	int			code = FACTSTR_OK;

	*equal = strcmp(fact->event_type, event->event_type) == 0;
	if (*equal)
		code = fs_text_is_document(fact->payload, event->payload_document, equal, error);
	if (code == FACTSTR_OK && *equal)
		code = fs_text_is_document(fact->metadata, event->metadata_document, equal, error);
	return code;
}
