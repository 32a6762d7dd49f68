/*
 * new_events.c
 *		Fuzz target: any bytes as the events of an append.
 *
 * Beyond "no crash": accepted input has at least one event, and each event a type and, if any, metadata that
 * is an object.
 */
#include "fuzz.h"

#include "json/binding.h"
#include "match/new_events_parser.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fs_input_error error;
	fs_json		document = fs_json_document_load((const char *) data, size, &error);
	fs_new_event *events = NULL;
	size_t		count = 0;

	if (document == NULL)
	{
		require(error.code != FS_INPUT_OK);
		return 0;
	}
	if (fs_new_events_parse(document, 0, &events, &count, &error))
	{
		require(count > 0);
		for (size_t i = 0; i < count; i++)
		{
			require(events[i].event_type.length > 0);
			require(events[i].event_type.length <= FS_EVENT_TYPE_MAX_BYTES);
			require(!events[i].has_metadata ||
					fs_json_kind_of(events[i].metadata) == FS_JSON_OBJECT);
		}
	}
	else
		require(events == NULL && error.code != FS_INPUT_OK);
	fs_release(events);
	fs_json_document_release(document);
	return 0;
}
