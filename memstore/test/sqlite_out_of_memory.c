/*
 * sqlite_out_of_memory.c
 *		Fails every allocation of the SQLite store in turn, and those of SQLite and jansson under
 *		it.
 *
 * Of the latter some, or with FACTSTR_EVERY_ALLOCATION=1 all.
 */
#include "factstr.h"

#include "failing_calls.h"
#include "sqlite_files.h"

int
main(void)
{
	tested		on = {.url = sqlite_url};

	(void) tap_ok(let_library_fail("/libsqlite3.so") && let_library_fail("/libjansson.so"),
				  "the libraries' allocations can fail");
	make_directory();
	new_file("facts.db", "");
	fail_all_calls(&on, 23, 0);
	(void) tap_ok(is_intact(), "the file is sound");
	remove_directory();
	return tap_finish();
}
