/*
 * failing_allocations.h
 *		Allocations that fail when a test wants them to.
 *
 * The linker sends the program's calls of malloc and its like here (see the Makefile); those that
 * jansson makes inside its own library are not touched.
 */
#ifndef FACTSTR_FAILING_ALLOCATIONS_H
#define FACTSTR_FAILING_ALLOCATIONS_H

#include <stdbool.h>
#include <stddef.h>

/* The allocation that fails, counted down to zero; negative: none.  Other threads have luck. */
static _Thread_local int allocations_left = -1;

void	   *__real_malloc(size_t size);
void	   *__real_calloc(size_t count, size_t size);
void	   *__real_realloc(void *memory, size_t size);
char	   *__real_strdup(const char *text);
void	   *__wrap_malloc(size_t size);
void	   *__wrap_calloc(size_t count, size_t size);
void	   *__wrap_realloc(void *memory, size_t size);
char	   *__wrap_strdup(const char *text);

static bool
allocation_fails(void)
{
	return allocations_left >= 0 && allocations_left-- == 0;
}

void *
__wrap_malloc(size_t size)
{
	return allocation_fails() ? NULL : __real_malloc(size);
}

void *
__wrap_calloc(size_t count, size_t size)
{
	return allocation_fails() ? NULL : __real_calloc(count, size);
}

char *
__wrap_strdup(const char *text)
{
	return allocation_fails() ? NULL : __real_strdup(text);
}

void *
__wrap_realloc(void *memory, size_t size)
{
	return allocation_fails() ? NULL : __real_realloc(memory, size);
}

#endif							/* FACTSTR_FAILING_ALLOCATIONS_H */
