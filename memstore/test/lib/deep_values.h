/*
 * deep_values.h
 *		Values nested as deep as they may be, and deeper, on a thread with a small stack.
 */
#ifndef FACTSTR_TEST_DEEP_VALUES_H
#define FACTSTR_TEST_DEEP_VALUES_H

#include <stddef.h>

/*
 * Every kind of call with such values, on the store at the URL, which is empty, by a thread with so
 * large a stack.  If it is too small, the program is killed.
 */
void		ok_deep_values(const char *url, size_t stack_bytes);

#endif							/* FACTSTR_TEST_DEEP_VALUES_H */
