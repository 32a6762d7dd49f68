/*
 * stores/sqlite/lock.c
 *		The consumers of durable streams: locks that end with the process that holds them.
 *
 * Beside the database PATH there is an empty file PATH-streams.  The consumer of the stream with
 * number N holds a lock on byte N of it.  The kernel releases it when the process ends in any
 * way, so a dead process never holds a stream, and no timeout is needed after which a holder is considered dead.
 *
 * The locks are those that belong to an open file (F_OFD_SETLK), not those of a process: two
 * consumers in one process exclude each other like any others, and closing the file elsewhere in
 * the process takes nothing back.  They are never taken on the database itself, where closing a
 * descriptor would take back SQLite's own locks.  A child that a process forks without exec shares
 * the open file, and so keeps a lock until it ends too.
 *
 * The file stays when the store is closed: deleting it might take it from under another's lock.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/system.h"
#include "results/error.h"
#include "stores/sqlite/backend.h"

#define FS_LOCK_FILE_SUFFIX "-streams"

#ifdef F_OFD_SETLK

/* A new text, or NULL. */
static char *
fs_lock_file_path(const char *path)
{
	size_t		size = strlen(path) + sizeof(FS_LOCK_FILE_SUFFIX);
	char	   *lock_path = malloc(size);

	if (lock_path != NULL)
		(void) snprintf(lock_path, size, "%s" FS_LOCK_FILE_SUFFIX, path);
	return lock_path;
}

/* Users who may write the database may lock a stream. */
static int
fs_lock_file_make(const char *path, const char *lock_path)
{
	struct stat status;
	int			file;

	if (stat(path, &status) != 0)
		return -1;
	file = open(lock_path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, status.st_mode & 0777);
	if (file >= 0)
		(void) fchmod(file, status.st_mode & 0777);	/* regardless of the umask */
	else if (errno == EEXIST)
		file = open(lock_path, O_RDWR | O_CLOEXEC);
	return file;
}

/* -1 in *file, if it does not exist and is not to be made. */
static int
fs_lock_file_open(const char *path, bool makes, int *file, factstr_error *error)
{
	char	   *lock_path = fs_lock_file_path(path);
	char		words[FS_ERRNO_WORDS_SIZE];
	int			code = FACTSTR_OK;

	if (lock_path == NULL)
		return fs_error_no_memory(error);
	*file = open(lock_path, O_RDWR | O_CLOEXEC);
	if (*file < 0 && errno == ENOENT && makes)
		*file = fs_lock_file_make(path, lock_path);
	if (*file < 0 && (makes || errno != ENOENT))
		code = fs_error(error, FACTSTR_STORAGE, "cannot open \"%s\": %s", lock_path,
						fs_errno_words(errno, words));
	free(lock_path);
	return code;
}

static struct flock
fs_lock_of_stream(int64_t stream_id)
{
	return (struct flock)
	{
		.l_type = F_WRLCK,
		.l_whence = SEEK_SET,
		.l_start = (off_t) stream_id,
		.l_len = 1
	};
}

static int
fs_error_cannot_lock(const char *path, factstr_error *error)
{
	char		words[FS_ERRNO_WORDS_SIZE];

	return fs_error(error, FACTSTR_STORAGE, "cannot lock \"%s" FS_LOCK_FILE_SUFFIX "\": %s", path,
					fs_errno_words(errno, words));
}

int
fs_lock_take(const char *path, int64_t stream_id, const char *name, fs_lock *lock,
			 factstr_error *error)
{
	struct flock wanted = fs_lock_of_stream(stream_id);
	int			code = fs_lock_file_open(path, true, lock, error);

	if (code != FACTSTR_OK || fcntl(*lock, F_OFD_SETLK, &wanted) == 0)
		return code;
	code = errno == EAGAIN || errno == EACCES ? fs_error_stream_active(error, name) :
		fs_error_cannot_lock(path, error);
	fs_lock_release(lock);
	return code;
}

void
fs_lock_release(fs_lock *lock)
{
	struct flock all = {.l_type = F_UNLCK, .l_whence = SEEK_SET};

	if (*lock < 0)
		return;

	/* Closing does not do it while a forked child has the file, too. */
	(void) fcntl(*lock, F_OFD_SETLK, &all);
	(void) close(*lock);
	*lock = -1;
}

int
fs_lock_is_held(const char *path, int64_t stream_id, bool *is_held, factstr_error *error)
{
	struct flock wanted = fs_lock_of_stream(stream_id);
	int			file;
	int			code = fs_lock_file_open(path, false, &file, error);

	*is_held = false;
	if (code != FACTSTR_OK || file < 0)
		return code;
	if (fcntl(file, F_OFD_GETLK, &wanted) != 0)
		code = fs_error_cannot_lock(path, error);
	*is_held = code == FACTSTR_OK && wanted.l_type != F_UNLCK;
	(void) close(file);
	return code;
}

#else

static int
fs_error_no_locks(factstr_error *error)
{
	(void) fs_error(error, FACTSTR_UNSUPPORTED,
					"durable streams of a SQLite store are not supported on this system");
	fs_error_detail(error, "The system has no locks that belong to an open file (F_OFD_SETLK).");
	return FACTSTR_UNSUPPORTED;
}

int
fs_lock_take(const char *path, int64_t stream_id, const char *name, fs_lock *lock,
			 factstr_error *error)
{
	(void) path;
	(void) stream_id;
	(void) name;
	*lock = -1;
	return fs_error_no_locks(error);
}

void
fs_lock_release(fs_lock *lock)
{
	(void) lock;
}

int
fs_lock_is_held(const char *path, int64_t stream_id, bool *is_held, factstr_error *error)
{
	(void) path;
	(void) stream_id;
	*is_held = false;
	return fs_error_no_locks(error);
}

#endif
