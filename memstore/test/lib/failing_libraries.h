/*
 * failing_libraries.h
 *		The same as failing_allocations.h for the allocations that a shared library makes.
 */
#ifndef FACTSTR_TEST_FAILING_LIBRARIES_H
#define FACTSTR_TEST_FAILING_LIBRARIES_H

#include <stdbool.h>

#include "failing_allocations.h"

/* Do allocations of the libraries that were prepared count, and fail, like our own? */
extern bool failing_libraries;

/* name is the beginning of the library's file name, with the slash before it; it must be there. */
void		failing_prepare_library(const char *name);

#endif							/* FACTSTR_TEST_FAILING_LIBRARIES_H */
