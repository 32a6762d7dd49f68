/*
 * suggestion.h
 *		Suggestions for misspelt words.
 */
#ifndef FACTSTR_CLI_SUGGESTION_H
#define FACTSTR_CLI_SUGGESTION_H

#include <stddef.h>

/* Begins zeroed, but for the word. */
typedef struct cli_suggestion
{
	const char *word;
	const char *nearest;		/* NULL: none is near */
	size_t		distance;
} cli_suggestion;

/* Compares another word that is known, which stays the caller's. */
void		cli_consider(cli_suggestion *suggestion, const char *known);

#endif							/* FACTSTR_CLI_SUGGESTION_H */
