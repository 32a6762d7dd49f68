/*
 * sqlite_out_of_memory.c
 *		Fails every allocation of the SQLite store in turn, and those of SQLite under it.
 *
 * Of the latter some, or with FACTSTR_EVERY_ALLOCATION=1 all.
 */
#include "lib/failing_calls.h"
#include "lib/failing_libraries.h"
#include "lib/sqlite_files.h"

int
main(void)
{
	failing_prepare_library("/libsqlite3.so");
	sqlite_begin();
	sqlite_new_file("facts.db", "");
	ok_failing_calls(sqlite_url, 23, NULL);
	ok(sqlite_is_intact(), "the file is sound");
	return sqlite_end();
}
