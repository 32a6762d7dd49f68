/*
 * sqlite_files.h
 *		For tests of the SQLite store: a directory of the test's own, files in it, and looks into
 *		these files past the library.
 */
#ifndef FACTSTR_TEST_SQLITE_FILES_H
#define FACTSTR_TEST_SQLITE_FILES_H

#include <sqlite3.h>

#include "stores.h"

/* The directory, and the file that the functions below are about. */
extern char sqlite_directory[];
extern char sqlite_path[200];
extern char sqlite_url[300];

void		sqlite_begin(void);

/* Removes the directory; the exit status. */
int			sqlite_end(void);

/* A file that does not exist yet becomes the one that all is about; options begin with "?". */
void		sqlite_new_file(const char *name, const char *options);

factstr_store *sqlite_open(void);

/* Tries to open the file, and closes it if that succeeds. */
int			sqlite_try_open(factstr_error *error);

/* Runs SQL on the file, bypassing the library; an error ends the test. */
void		sqlite_run(const char *sql);

/* The first column of the first row, as text; empty if there is none. */
const char *sqlite_ask(const char *sql);

/* Is the file sound, the log without gaps, and every batch whole?  If not, a diagnostic says why. */
bool		sqlite_is_intact(void);

#endif							/* FACTSTR_TEST_SQLITE_FILES_H */
