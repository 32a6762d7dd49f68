/*
 * json_result.h
 *		The results of the functions of the JSON boundary.
 */
#ifndef FACTSTR_CLI_JSON_RESULT_H
#define FACTSTR_CLI_JSON_RESULT_H

#include "factstr.h"

#include "cli.h"

/*
 * Appends with a key, or NULL; *result is NULL if there was no memory.
 */
int			cli_append_json(factstr_store *store, const char *events, const char *key,
							char **result);

/* The error in a result, which may be NULL. */
void		cli_error_of_result(int code, const char *result, factstr_error *error);

/* Prints the numbers of a conflict on stdout, and an explanation on stderr.  Returns CLI_CONFLICT. */
cli_status	cli_fail_with_conflict(const char *result);

/* Prints a result on stdout, or the error in it on stderr. */
cli_status	cli_print_result(int code, const char *result);

#endif							/* FACTSTR_CLI_JSON_RESULT_H */
