/*
 * small_stack.c
 *		Tests that the content of a payload does not affect the stack that a call needs: 64 KB are enough, for
 *		the memory and the SQLite store.
 */
#include "lib/deep_values.h"
#include "lib/sqlite_files.h"

#define STACK_BYTES (64 * 1024)

int
main(void)
{
	ok_deep_values("memory:", STACK_BYTES);
	sqlite_begin();
	sqlite_new_file("deep.db", "");
	ok_deep_values(sqlite_url, STACK_BYTES);
	return sqlite_end();
}
