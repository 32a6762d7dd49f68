/*
 * postgres_small_stack.c
 *		The same as small_stack.c for the PostgreSQL store, where libpq needs some stack as well.
 */
#include "lib/deep_values.h"
#include "lib/postgres_server.h"

#define STACK_BYTES (128 * 1024)

int
main(void)
{
	if (!server_begin("small_stack"))
		return 0;
	ok_deep_values(server_store_url(""), STACK_BYTES);
	return server_end();
}
