/*
 * api/answers.h
 *		Lists that a caller gets and gives back.
 */
#ifndef FACTSTR_API_ANSWERS_H
#define FACTSTR_API_ANSWERS_H

#include "factstr.h"

#include "results/lists.h"

/* What the caller sees comes first, so that one pointer is both; see factstr_batch_list_free. */
typedef struct fs_batch_answer
{
	factstr_batch_list list;
	fs_batch_list batches;
} fs_batch_answer;

#endif							/* FACTSTR_API_ANSWERS_H */
