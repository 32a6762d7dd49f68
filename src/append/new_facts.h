/*
 * append/new_facts.h
 *		The facts of an append, from checked arguments to columns.
 */
#ifndef FACTSTR_APPEND_NEW_FACTS_H
#define FACTSTR_APPEND_NEW_FACTS_H

#include "datatype/timestamp.h"

#include "match/json_jsonb.h"
#include "match/new_events.h"

/* Parsed events; their texts and values borrow from the document. */
typedef struct FactstrNewEvents
{
	size_t		count;
	fs_new_event *events;
} FactstrNewEvents;

/* The columns of new facts that are known before they have numbers. */
typedef struct NewFacts
{
	size_t		count;
	Datum	   *event_types;
	Datum	   *payloads;
	Datum	   *metadata;		/* 0 where a fact has none */
	Datum		idempotency_key;	/* of the batch, or 0 */
	TimestampTz *occurred_at;	/* NULL: when they are written */
} NewFacts;

extern NewFacts fs_new_facts_of_document(Jsonb *document);
extern NewFacts fs_new_facts_of_events(const FactstrNewEvents *events);
extern NewFacts fs_new_facts_of_event(text *event_type, Jsonb *payload, Jsonb *metadata);

#endif							/* FACTSTR_APPEND_NEW_FACTS_H */
