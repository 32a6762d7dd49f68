/*
 * append/writer.h
 *		Writes the rows of a batch into the log and its indexes.
 */
#ifndef FACTSTR_APPEND_WRITER_H
#define FACTSTR_APPEND_WRITER_H

#include "append/new_facts.h"
#include "store.h"

typedef struct FactWriter FactWriter;

extern FactWriter *fs_writer_open(const FactstrStore *store, bool under_lock, bool has_keys);
extern void fs_writer_prepare(FactWriter *writer, NewFacts *facts);
extern void fs_writer_write(FactWriter *writer, const NewFacts *facts,
							int64 first_sequence_number);
extern void fs_writer_tidy(FactWriter *writer);
extern void fs_writer_close(FactWriter *writer);

#endif							/* FACTSTR_APPEND_WRITER_H */
