/*
 * postgres_out_of_memory.c
 *		Fails every allocation of the PostgreSQL store in turn, and those of libpq and jansson under
 *		it.
 *
 * Of the latter some, or with FACTSTR_EVERY_ALLOCATION=1 all.
 */
#include "factstr.h"

#include "failing_calls.h"
#include "postgres_server.h"

int
main(void)
{
	tested		on = {0};

	if (!server_begin("out_of_memory"))
		return 0;
	on.url = server_url("");
	(void) tap_ok(let_library_fail("/libpq.so") && let_library_fail("/libjansson.so"),
				  "the libraries' allocations can fail");
	fail_all_calls(&on, 5, FACTSTR_CONNECTION_LOST);
	return server_end();
}
