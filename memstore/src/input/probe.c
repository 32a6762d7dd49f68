/*
 * input/probe.c
 *		One fact, which is matched against any number of queries.
 */
#include <inttypes.h>
#include <string.h>

#include "input/probe.h"
#include "json/document.h"
#include "match/query_matcher.h"
#include "results/error.h"

void
fs_probe_begin(fs_probe *probe, const factstr_fact *fact)
{
	probe->fact = fact;
	probe->event_type = (fs_text) {fact->event_type, strlen(fact->event_type)};
	probe->payload = NULL;
}

void
fs_probe_end(fs_probe *probe)
{
	fs_json_document_release(probe->payload);
}

/* Stored payloads have been read once, when they were appended. */
static int
fs_refuse_payload(const factstr_fact *fact, const fs_input_error *input_error,
				  factstr_error *error)
{
	if (input_error->code == FS_INPUT_NO_MEMORY)
		return fs_error_no_memory(error);
	(void) fs_error(error, FACTSTR_STORAGE, "the payload of fact %" PRIu64 " cannot be read",
					fact->sequence_number);
	fs_error_detail(error, "At %s: %s.", input_error->path, input_error->message);
	return FACTSTR_STORAGE;
}

static int
fs_payload_decides(fs_probe *probe, const fs_query *query, bool *matches, factstr_error *error)
{
	const char *payload = probe->fact->payload;
	fs_input_error input_error;

	if (probe->payload == NULL)
		probe->payload = fs_json_document_load(payload, strlen(payload), &input_error);
	if (probe->payload == NULL)
		return fs_refuse_payload(probe->fact, &input_error, error);
	return fs_error_of_completion(error, fs_event_query_matches(&query->parsed, probe->event_type,
																probe->payload, matches));
}

int
fs_probe_matches(fs_probe *probe, const fs_query *query, bool *matches, factstr_error *error)
{
	fs_type_verdict verdict = fs_event_type_verdict(&query->parsed, probe->event_type);

	if (verdict == FS_PAYLOAD_DECIDES)
		return fs_payload_decides(probe, query, matches, error);
	*matches = verdict == FS_MATCH;
	return FACTSTR_OK;
}
