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
 * Only where an element ends is looked at; whether it is JSON, its parser finds out.  what is the argument's
 * name for errors.  On success *elements is to be released; on failure it is empty.
 */
int			fs_elements_of_json(const char *text, const char *what, fs_elements *elements,
								factstr_error *error);
void		fs_elements_release(fs_elements *elements);

#endif							/* FACTSTR_INPUT_ELEMENTS_H */
