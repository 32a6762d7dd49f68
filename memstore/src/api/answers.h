/*
 * api/answers.h
 *		Lists that the library returns to a caller, who releases them.
 */
#ifndef FACTSTR_API_ANSWERS_H
#define FACTSTR_API_ANSWERS_H

#include "factstr.h"

#include "results/lists.h"

/* The caller's part comes first, so that one pointer is both; see factstr_batch_list_free. */
typedef struct fs_batch_answer
{
	factstr_batch_list list;
	fs_batch_list batches;
} fs_batch_answer;

#endif							/* FACTSTR_API_ANSWERS_H */
