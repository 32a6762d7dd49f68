/*
 * append/writer.h
 *		Writes the rows of a batch into the log and its indexes.
 */
#ifndef FACTSTR_APPEND_WRITER_H
#define FACTSTR_APPEND_WRITER_H

#include "datatype/timestamp.h"
#include "storage/block.h"
#include "utils/relcache.h"

#include "match/json_jsonb.h"
#include "match/new_events.h"
#include "store.h"

typedef struct FactWriter FactWriter;

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

extern NewFacts fs_writer_new_facts(Jsonb *document);
extern NewFacts fs_writer_facts_of_events(const FactstrNewEvents *events);

extern FactWriter *fs_writer_open(const FactstrStore *store, bool under_lock, bool has_keys);
extern void fs_writer_prepare(FactWriter *writer, NewFacts *facts);
extern void fs_writer_write(FactWriter *writer, const NewFacts *facts,
							int64 first_sequence_number);
extern void fs_writer_tidy(FactWriter *writer);
extern void fs_writer_close(FactWriter *writer);

#endif							/* FACTSTR_APPEND_WRITER_H */
