/*
 * first_allocation.c
 *		Makes the address sanitizer start before any other library does.
 *
 * It starts at the first allocation, and asks the dynamic linker for a symbol that is not there, whose
 * error is translated.  In a server of Debian the first allocation is that of libgpg-error, inside
 * bindtextdomain(), under the very lock that the translation takes: the server hangs.  So this is
 * preloaded, linked with "-z initfirst".
 */
#include <stdlib.h>

static void __attribute__((constructor))
allocate(void)
{
	void	   *volatile chunk = malloc(1);

	free(chunk);
}
