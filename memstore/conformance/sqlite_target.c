/*
 * sqlite_target.c
 *		SQLite files as a target: each case creates one, in a separate directory.
 */
#include "targets.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

typedef struct place
{
	bool		made;			/* the directory did not exist before */
	int			count;			/* of files made, for their names */
	char		url[1000];		/* of the newest */
	char		directory[900];
} place;

static void
fail(char *message, const char *what, const char *directory)
{
	(void) snprintf(message, FACTSTR_CONFORMANCE_MESSAGE_SIZE, "%s \"%.900s\": %s", what, directory,
					strerror(errno));
}

static const char *
fresh(void *context, char *message)
{
	place	   *here = context;
	char		directory[sizeof(here->url)];

	(void) snprintf(directory, sizeof(directory), "%s/%d", here->directory, ++here->count);
	if (mkdir(directory, 0700) != 0)
	{
		fail(message, "cannot make directory", directory);
		return NULL;
	}
	(void) snprintf(here->url, sizeof(here->url), "sqlite:%s/%d/facts.db", here->directory,
					here->count);
	return here->url;
}

/* Includes the files that the store has created beside its own. */
static void
remove_directory(const char *directory)
{
	DIR		   *listing = opendir(directory);
	const struct dirent *entry;

	while (listing != NULL && (entry = readdir(listing)) != NULL)
		(void) unlinkat(dirfd(listing), entry->d_name, 0);	/* fails for "." and ".." */
	if (listing != NULL)
		(void) closedir(listing);
	(void) rmdir(directory);
}

static void
discard(void *context, const char *url)
{
	char		directory[1000];

	(void) context;
	(void) snprintf(directory, sizeof(directory), "%s", url + strlen("sqlite:"));
	*strrchr(directory, '/') = '\0';
	remove_directory(directory);
}

static bool
effect(void *context, void *transaction, int number)
{
	char		statement[200];

	(void) context;
	(void) snprintf(statement, sizeof(statement),
					"CREATE TABLE IF NOT EXISTS conformance_effects (number INTEGER);"
					"INSERT INTO conformance_effects VALUES (%d)", number);
	return sqlite3_exec(transaction, statement, NULL, NULL, NULL) == SQLITE_OK;
}

/* A table that is not there yet holds nothing. */
static long
count_rows(sqlite3 *database, int number)
{
	sqlite3_stmt *statement = NULL;
	long		count = 0;

	if (sqlite3_prepare_v2(database, "SELECT count(*) FROM conformance_effects WHERE number = ?1",
						   -1, &statement, NULL) != SQLITE_OK)
		return 0;
	if (sqlite3_bind_int(statement, 1, number) != SQLITE_OK ||
		sqlite3_step(statement) != SQLITE_ROW)
		count = -1;
	else
		count = (long) sqlite3_column_int64(statement, 0);
	(void) sqlite3_finalize(statement);
	return count;
}

static long
effects(void *context, const char *url, int number)
{
	sqlite3    *database = NULL;
	long		count = -1;

	(void) context;
	if (sqlite3_open_v2(url + strlen("sqlite:"), &database, SQLITE_OPEN_READWRITE,
						NULL) == SQLITE_OK)
	{
		(void) sqlite3_busy_timeout(database, 10000);
		count = count_rows(database, number);
	}
	(void) sqlite3_close(database);
	return count;
}

static void
free_place(void *context)
{
	place	   *here = context;

	if (here->made)
		(void) rmdir(here->directory);
	free(here);
}

static bool
is_empty(const char *directory)
{
	DIR		   *listing = opendir(directory);
	const struct dirent *entry;
	bool		empty = listing != NULL;

	while (empty && (entry = readdir(listing)) != NULL)
		empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
	if (listing != NULL)
		(void) closedir(listing);
	return empty;
}

/* Makes the directory, or takes it if it is there and empty. */
static bool
take_directory(place *here, char *message)
{
	here->made = mkdir(here->directory, 0700) == 0;
	if (!here->made && errno != EEXIST)
	{
		fail(message, "cannot make directory", here->directory);
		return false;
	}
	if (!here->made && !is_empty(here->directory))
	{
		(void) snprintf(message, FACTSTR_CONFORMANCE_MESSAGE_SIZE,
						"\"%s\" is not an empty directory", here->directory);
		return false;
	}
	return true;
}

bool
fc_make_sqlite_target(factstr_conformance_target *target, const char *url, char *message)
{
	const char *directory = url + strlen("sqlite:");
	place	   *here = calloc(1, sizeof(place));

	if (here == NULL)
		abort();
	if (*directory == '\0' || strlen(directory) >= sizeof(here->directory) ||
		strpbrk(directory, "?%") != NULL)
	{
		(void) snprintf(message, FACTSTR_CONFORMANCE_MESSAGE_SIZE,
						"sqlite: is followed by the name of an empty or new directory");
		free(here);
		return false;
	}
	(void) strcpy(here->directory, directory);
	if (!take_directory(here, message))
	{
		free(here);
		return false;
	}
	*target = (factstr_conformance_target) {
		.name = "SQLite", .context = here, .fresh = fresh, .discard = discard, .persistent = true,
		.effect = effect, .effects = effects, .read_only = "mode=ro",
		.free = free_place,
	};
	return true;
}
