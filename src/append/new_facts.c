/*
 * append/new_facts.c
 *		The facts of an append, from checked arguments to columns.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "append/new_facts.h"
#include "encoding.h"
#include "match/new_events_parser.h"
#include "read/matching.h"

/* For a database that accepts any bytes as text (encoding.c). */
static void
refuse_invalid_text(const NewFacts *facts, size_t index)
{
	text	   *event_type = DatumGetTextPP(facts->event_types[index]);

	if (fs_encoding_is_valid_text(VARDATA_ANY(event_type), VARSIZE_ANY_EXHDR(event_type)) &&
		fs_encoding_is_valid_json(DatumGetJsonbP(facts->payloads[index])) &&
		(facts->metadata[index] == (Datum) 0 ||
		 fs_encoding_is_valid_json(DatumGetJsonbP(facts->metadata[index]))))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_CHARACTER_NOT_IN_REPERTOIRE),
			 errmsg("invalid events: [%zu] has bytes that are not valid in encoding UTF8", index)));
}

/* Facts without a key and without values, in the current memory context. */
static NewFacts
allocate(size_t count)
{
	NewFacts	facts = {0};
	Size		size = count * sizeof(Datum);

	facts.count = count;
	facts.event_types = MemoryContextAllocHuge(CurrentMemoryContext, size);
	facts.payloads = MemoryContextAllocHuge(CurrentMemoryContext, size);
	facts.metadata = MemoryContextAllocHuge(CurrentMemoryContext, size);
	return facts;
}

/* The facts of checked events, without a key, in the current memory context. */
NewFacts
fs_new_facts_of_events(const FactstrNewEvents *events)
{
	NewFacts	facts = allocate(events->count);

	for (size_t i = 0; i < events->count; i++)
	{
		const fs_new_event *event = &events->events[i];

		CHECK_FOR_INTERRUPTS();
		facts.event_types[i] = PointerGetDatum(cstring_to_text_with_len(event->event_type.data,
																		(int) event->event_type.length));
		facts.payloads[i] = JsonbPGetDatum(fs_json_to_jsonb(event->payload));
		facts.metadata[i] = event->has_metadata ?
			JsonbPGetDatum(fs_json_to_jsonb(event->metadata)) : (Datum) 0;
		if (GetDatabaseEncoding() == PG_SQL_ASCII)
			refuse_invalid_text(&facts, i);
	}
	return facts;
}

/* The same for the events of an append, a document that is checked first. */
NewFacts
fs_new_facts_of_document(Jsonb *document)
{
	FactstrNewEvents events;
	fs_input_error error;

	if (!fs_new_events_parse(fs_json_of_jsonb(document), VARSIZE(document), &events.events,
							 &events.count, &error))
		fs_input_raise_error(&error, "events");
	return fs_new_facts_of_events(&events);
}

/* Errors have no JSON path: the parts of the event are arguments of their own. */
static bool
check_event(text *event_type, Jsonb *payload, Jsonb *metadata, fs_new_event *event, fs_input_error *error)
{
	size_t		bytes = VARSIZE(payload) + (metadata == NULL ? 0 : VARSIZE(metadata));
	uint64_t	size = 0;

	event->event_type.data = VARDATA_ANY(event_type);
	event->event_type.length = VARSIZE_ANY_EXHDR(event_type);
	event->payload = fs_json_of_jsonb(payload);
	event->has_metadata = false;
	return fs_check_event_type(event->event_type, "", error) &&
		fs_check_nesting(event->payload, "", "payload", error) &&
		(metadata == NULL || fs_parse_metadata(fs_json_of_jsonb(metadata), "", event, error)) &&
		(!fs_batch_may_be_too_large(1, bytes) || fs_add_to_batch(&size, event, "", error));
}

/*
 * The fact of one event, whose parts are checked first, and borrowed.  The metadata may be NULL.  Databases without an
 * encoding have only version 0.1.0, which does not have this function.
 */
NewFacts
fs_new_facts_of_event(text *event_type, Jsonb *payload, Jsonb *metadata)
{
	NewFacts	facts;
	fs_new_event event;
	fs_input_error error;

	if (!check_event(event_type, payload, metadata, &event, &error))
		fs_input_raise_error(&error, "event");
	facts = allocate(1);
	facts.event_types[0] = PointerGetDatum(event_type);
	facts.payloads[0] = JsonbPGetDatum(payload);
	facts.metadata[0] = event.has_metadata ? JsonbPGetDatum(metadata) : (Datum) 0;
	return facts;
}
