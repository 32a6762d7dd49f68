/*
 * append/import_parser.h
 *		Parses the batches of an import.
 */
#ifndef FACTSTR_APPEND_IMPORT_PARSER_H
#define FACTSTR_APPEND_IMPORT_PARSER_H

#include "nodes/pg_list.h"
#include "utils/jsonb.h"

#include "append/writer.h"
#include "read/redactions.h"

typedef struct ImportedBatch
{
	int64		first_sequence_number;	/* 0: the log gives it a number */
	NewFacts	facts;			/* with their times, and the batch's key */
	List	   *redactions;		/* by fact and then by time */
} ImportedBatch;

extern ImportedBatch *fs_import_parse(Jsonb *document, int *count);

#endif							/* FACTSTR_APPEND_IMPORT_PARSER_H */
