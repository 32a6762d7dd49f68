/*
 * postgres_out_of_memory.c
 *		Fails every allocation of the PostgreSQL store in turn, and those of libpq under it.
 *
 * Of the latter some, or with FACTSTR_EVERY_ALLOCATION=1 all.
 */
#include "lib/failing_calls.h"
#include "lib/failing_libraries.h"
#include "lib/postgres_server.h"

int
main(void)
{
	/* libpq tells that it had no memory as it tells that there is no connection. */
	static const int codes_of_libpq[] = {
		FACTSTR_CONNECTION_LOST, FACTSTR_NOT_CONNECTED, FACTSTR_OK
	};

	if (!server_begin("out_of_memory"))
		return 0;
	failing_prepare_library("/libpq.so");
	ok_failing_calls(server_store_url(""), 5, codes_of_libpq);
	return server_end();
}
