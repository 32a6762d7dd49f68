/*
 * fact_writer.h
 *		Writes the rows of a batch into the log and its indexes.
 */
#ifndef FACTSTR_FACT_WRITER_H
#define FACTSTR_FACT_WRITER_H

#include "datatype/timestamp.h"

#include "matching.h"
#include "store.h"

typedef struct FactWriter FactWriter;

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

extern NewFacts new_facts_build(const FactstrNewEvents *events, text *idempotency_key);

extern FactWriter *fact_writer_open(const FactstrStore *store);
extern void fact_writer_prepare(FactWriter *writer, NewFacts *facts);
extern void fact_writer_shorten_pending_list(FactWriter *writer, bool under_lock);
extern void fact_writer_write(FactWriter *writer, const NewFacts *facts,
							  int64 first_sequence_number);
extern void fact_writer_close(FactWriter *writer);

#endif							/* FACTSTR_FACT_WRITER_H */
