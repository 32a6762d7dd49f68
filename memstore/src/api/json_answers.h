/*
 * api/json_answers.h
 *		The results of the functions of the JSON boundary.
 */
#ifndef FACTSTR_API_JSON_ANSWERS_H
#define FACTSTR_API_JSON_ANSWERS_H

#include "factstr.h"

#include "base/buffer.h"

/*
 * The answer of a call that only reads: its document, or that of its error.  Without memory for the document, the
 * call has failed, and can be repeated.  Returns the code.
 */
int			fs_answer(int code, char *document, const factstr_error *error, char **result);

/* The answer of a call that changes something: a change that was made is never reported as a failure. */
int			fs_answer_done(int code, char *document, const factstr_error *error, char **result);

/* The answer of a call without a result: {}. */
int			fs_answer_nothing(int code, const factstr_error *error, char **result);

/* An empty result has numbers of null. */
char	   *fs_append_document(const factstr_append_result *appended);

#endif							/* FACTSTR_API_JSON_ANSWERS_H */
