/*
 * failing_allocations.h
 *		Allocations that fail when a test wants them to.
 *
 * The linker sends the program's calls of malloc and its like here (see the Makefile); those that a
 * shared library makes inside itself are not touched, unless failing_libraries.h is asked to.
 */
#ifndef FACTSTR_TEST_FAILING_ALLOCATIONS_H
#define FACTSTR_TEST_FAILING_ALLOCATIONS_H

/*
 * The allocation of this thread that fails, counted down to zero; negative: none.  After a call it
 * says whether one has failed.
 */
extern _Thread_local int failing_left;

#endif							/* FACTSTR_TEST_FAILING_ALLOCATIONS_H */
