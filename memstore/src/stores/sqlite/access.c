/*
 * stores/sqlite/access.c
 *		Which access the process has to a store's file, and why not more; reading without the right to
 *		write.
 *
 * A file with a write-ahead log is read together with PATH-wal and PATH-shm, which SQLite creates if they
 * are missing.  A reader without the right to write the file must not create them: they would belong to it,
 * and shut out the writers.  So while there is a log, the reader uses the files of the writers.  While there
 * is none, nobody writes, and the file is read as if it could not change; when the answer is complete, the reader
 * checks that it has not changed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/system.h"
#include "base/json_text.h"
#include "results/error.h"
#include "stores/sqlite/backend.h"
#include "stores/sqlite/connection.h"

/* Checks access as the effective user. */
static int
fs_look(const char *path, int mode)
{
	return faccessat(AT_FDCWD, path, mode, AT_EACCESS) == 0 ? 0 : errno;
}

/* The directory that a file is in, as a new text; NULL if there is no memory. */
static char *
fs_directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		return strdup(".");
	return strndup(path, slash == path ? 1 : (size_t) (slash - path));
}

/* PATH with a suffix, as a new text; NULL if there is no memory. */
static char *
fs_with_suffix(const char *path, const char *suffix)
{
	char	   *text = malloc(strlen(path) + strlen(suffix) + 1);

	if (text != NULL)
		(void) strcat(strcpy(text, path), suffix);
	return text;
}

static int
fs_look_beside(const char *path, const char *suffix, int mode)
{
	char	   *beside = fs_with_suffix(path, suffix);
	int			result = beside == NULL ? ENOMEM : fs_look(beside, mode);

	free(beside);
	return result;
}

static int
fs_look_at_directory(const char *path, int mode)
{
	char	   *directory = fs_directory_of(path);
	int			result = directory == NULL ? ENOMEM : fs_look(directory, mode);

	free(directory);
	return result;
}

int
fs_access_writing(const char *path)
{
	int			result = fs_look(path, W_OK);

	/* The log is made beside the file, unless it is there. */
	if (result == 0 && fs_look_at_directory(path, W_OK | X_OK) != 0 &&
		(fs_look_beside(path, "-wal", W_OK) != 0 || fs_look_beside(path, "-shm", W_OK) != 0))
		result = fs_look_at_directory(path, W_OK | X_OK);
	return result;
}

const char *
fs_access_obstacle(const char *path, const char **hint)
{
	struct stat status;
	int			directory = fs_look_at_directory(path, X_OK);

	*hint = "Check the path, and the rights of the user that the program runs as.";
	if (directory == ENOENT || directory == ENOTDIR)
	{
		*hint = "Make the directory first.";
		return "its directory does not exist";
	}
	if (directory != 0)
		return "its directory is not accessible";
	if (stat(path, &status) == 0)
	{
		if (S_ISDIR(status.st_mode))
			return "it is a directory";
		return fs_look(path, R_OK) != 0 ? "it is not readable" : NULL;
	}
	directory = fs_look_at_directory(path, W_OK);
	if (directory == EROFS)
	{
		*hint = "Choose a path on a writable file system.";
		return "it does not exist, and its file system is read-only";
	}
	if (directory != 0)
		return "it does not exist, and its directory cannot be written";
	return NULL;
}

int
fs_error_obstacle(const char *path, const char *obstacle, const char *hint, factstr_error *error)
{
	(void) fs_error(error, FACTSTR_CANNOT_OPEN, "cannot open \"%s\": %s", path, obstacle);
	fs_error_hint(error, "%s", hint);
	return FACTSTR_CANNOT_OPEN;
}

static int
fs_error_read_only(const fs_backend *backend, factstr_error *error)
{
	char		words[FS_ERRNO_WORDS_SIZE];

	(void) fs_error(error, FACTSTR_READ_ONLY, "\"%s\" can only be read", backend->path);
	if (backend->reading == FS_READS_BY_CHOICE)
		fs_error_detail(error, "It was opened with mode=ro.");
	else
	{
		fs_error_detail(error, "It, or a file beside it, cannot be written: %s.",
						fs_errno_words(backend->obstacle, words));
		fs_error_hint(error, "Give the user that the program runs as the right to write the file and its "
					  "directory, and open the store again.");
	}
	return FACTSTR_READ_ONLY;
}

int
fs_check_writable(const fs_backend *backend, factstr_error *error)
{
	return backend->reading == FS_READS_AND_WRITES ? FACTSTR_OK :
		fs_error_read_only(backend, error);
}

/*
 * Reading where nothing may be written
 */

static bool
fs_file_state_equal(const fs_file_state *a, const fs_file_state *b)
{
	return a->has_log == b->has_log && a->size == b->size && a->inode == b->inode &&
		a->modified.tv_sec == b->modified.tv_sec && a->modified.tv_nsec == b->modified.tv_nsec;
}

/* Something with this suffix, and in it something. */
static bool
fs_has_beside(const char *path, const char *suffix)
{
	char	   *beside = fs_with_suffix(path, suffix);
	struct stat status;
	bool		found = beside != NULL && stat(beside, &status) == 0 && status.st_size > 0;

	free(beside);
	return found;
}

static void
fs_file_look(const char *path, fs_file_state *state)
{
	struct stat status;

	*state = (fs_file_state) {.has_log = fs_has_beside(path, "-wal")};
	if (stat(path, &status) == 0)
	{
		state->size = status.st_size;
		state->inode = status.st_ino;
		state->modified = status.st_mtim;
	}
}

/* Makes a URI for SQLite; a new text, NULL if there is no memory. */
static char *
fs_uri(const char *path, const char *option)
{
	fs_buffer	out = {0};

	fs_buffer_append_text(&out, "file:");
	for (; *path != '\0'; path++)
	{
		if (*path == '?')
			fs_buffer_append_text(&out, "%3f");
		else if (*path == '#')
			fs_buffer_append_text(&out, "%23");
		else if (*path == '%')
			fs_buffer_append_text(&out, "%25");
		else
			fs_buffer_append(&out, path, 1);
	}
	fs_buffer_append_text(&out, option);
	return fs_finish_text(&out);
}

/* A log without its index was not left by a writer that is at work. */
static int
fs_check_log(const char *path, const fs_file_state *state, factstr_error *error)
{
	const char *hint;
	const char *obstacle = fs_access_obstacle(path, &hint);

	if (obstacle != NULL)
		return fs_error_obstacle(path, obstacle, hint, error);
	if (fs_has_beside(path, "-journal") || (state->has_log && !fs_has_beside(path, "-shm")))
	{
		(void) fs_error(error, FACTSTR_CANNOT_OPEN,
						"cannot open \"%s\": the latest changes are not in the file yet", path);
		fs_error_detail(error, "They are in the write-ahead log next to it, and nothing can be written here.");
		fs_error_hint(error, "Open the store once where it can be written.");
		return FACTSTR_CANNOT_OPEN;
	}
	return FACTSTR_OK;
}

int
fs_open_unwritable(const char *path, int busy_timeout, fs_database **connection,
				   factstr_error *error)
{
	fs_file_state state;
	char	   *uri;
	int			code;

	fs_file_look(path, &state);
	code = fs_check_log(path, &state, error);
	if (code != FACTSTR_OK)
		return code;
	uri = fs_uri(path, state.has_log ? "?readonly_shm=1" : "?immutable=1");
	if (uri == NULL)
		return fs_error_no_memory(error);
	code = fs_database_open(uri, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, busy_timeout, connection,
							error);
	free(uri);
	if (code != FACTSTR_OK)
		return code;
	(*connection)->path = path;
	(*connection)->is_frozen = !state.has_log;
	(*connection)->state = state;
	code = fs_database_configure(*connection, error);
	if (code != FACTSTR_OK)
	{
		fs_database_close(*connection);
		*connection = NULL;
	}
	return code;
}

int
fs_check_frozen(const fs_database *connection, factstr_error *error)
{
	fs_file_state now;

	if (!connection->is_frozen)
		return FACTSTR_OK;
	fs_file_look(connection->path, &now);
	if (fs_file_state_equal(&now, &connection->state))
		return FACTSTR_OK;
	(void) fs_error(error, FACTSTR_BUSY, "\"%s\" was written while it was read", connection->path);
	fs_error_hint(error, "Try again.");
	return FACTSTR_BUSY;
}

int
fs_backend_limit_cache(const fs_backend *backend, fs_database *connection, factstr_error *error)
{
	char		setting[60];

	(void) snprintf(setting, sizeof(setting), "PRAGMA cache_size = -%d", backend->cache_size);
	return fs_database_execute(connection, setting, "open", error);
}

/* Connects in the way in which the store is read, except for the cache. */
static int
fs_connect(const fs_backend *backend, fs_database **connection, factstr_error *error)
{
	if (backend->reading == FS_READS_BY_NEED)
		return fs_open_unwritable(backend->path, backend->busy_timeout, connection, error);
	return fs_database_open_store(backend->path, backend->busy_timeout, connection, error);
}

int
fs_backend_connect(const fs_backend *backend, fs_database **connection, factstr_error *error)
{
	int			code = fs_connect(backend, connection, error);

	if (code != FACTSTR_OK)
		return code;
	code = fs_backend_limit_cache(backend, *connection, error);
	if (code == FACTSTR_OK && backend->reading == FS_READS_BY_CHOICE)
		code = fs_database_execute(*connection, "PRAGMA query_only = ON", "open", error);
	if (code != FACTSTR_OK)
	{
		fs_database_close(*connection);
		*connection = NULL;
	}
	return code;
}
