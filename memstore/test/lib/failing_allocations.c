/*
 * failing_allocations.c
 *		Allocations that fail when a test wants them to.
 */
#include <stdbool.h>
#include <stddef.h>

#include "failing_allocations.h"

void	   *__real_malloc(size_t size);
void	   *__real_calloc(size_t count, size_t size);
void	   *__real_realloc(void *memory, size_t size);
char	   *__real_strdup(const char *text);
void	   *__wrap_malloc(size_t size);
void	   *__wrap_calloc(size_t count, size_t size);
void	   *__wrap_realloc(void *memory, size_t size);
char	   *__wrap_strdup(const char *text);

_Thread_local int failing_left = -1;

static bool
is_to_fail(void)
{
	return failing_left >= 0 && failing_left-- == 0;
}

void *
__wrap_malloc(size_t size)
{
	return is_to_fail() ? NULL : __real_malloc(size);
}

void *
__wrap_calloc(size_t count, size_t size)
{
	return is_to_fail() ? NULL : __real_calloc(count, size);
}

void *
__wrap_realloc(void *memory, size_t size)
{
	return is_to_fail() ? NULL : __real_realloc(memory, size);
}

char *
__wrap_strdup(const char *text)
{
	return is_to_fail() ? NULL : __real_strdup(text);
}
