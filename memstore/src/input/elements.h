/*
 * input/elements.h
 *		Splits a JSON array into the texts of its elements.
 */
#ifndef FACTSTR_INPUT_ELEMENTS_H
#define FACTSTR_INPUT_ELEMENTS_H

#include "factstr.h"

typedef struct fs_elements
{
	size_t		count;
	char	  **texts;
} fs_elements;

/*
 * Finds only the end of each element; its parser checks whether it is JSON.  "what" is the argument's
 * name for errors.  On success the caller releases *elements; on failure it is empty.
 */
int			fs_elements_of_json(const char *text, const char *what, fs_elements *elements,
								factstr_error *error);
void		fs_elements_release(fs_elements *elements);

#endif							/* FACTSTR_INPUT_ELEMENTS_H */
