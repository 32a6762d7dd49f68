/*
 * stores/postgres/libpq.c
 *		Loads libpq when it is needed first; it stays until the process ends.
 */
#include "stores/postgres/libpq.h"

#ifdef FACTSTR_LINKS_LIBPQ

int
fs_libpq_load(factstr_error *error)
{
	(void) error;
	return FACTSTR_OK;
}

#else

#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>

#include "results/error.h"

/* The version of libpq's interface, which its file is called after since PostgreSQL 8.2. */
#define FS_LIBPQ_FILE "libpq.so.5"

/*
 * Tells packagers which library is loaded, as a dependency in the dynamic section would: a note as
 * systemd's "dlopen metadata for ELF files" describes it, of which Debian's dh_dlopenlibdeps and
 * others make dependencies of a package.
 */
#define FS_DLOPEN_NOTE \
	"[{\"feature\":\"postgres\",\"description\":\"Stores in PostgreSQL databases\"," \
	"\"priority\":\"suggested\",\"soname\":[\"" FS_LIBPQ_FILE "\"]}]"

static const struct
{
	uint32_t	owner_size;
	uint32_t	text_size;
	uint32_t	type;
	char		owner[4];
	_Alignas(uint32_t) char text[sizeof(FS_DLOPEN_NOTE)];
}			fs_dlopen_note __attribute__((used, section(".note.dlopen"), aligned(4))) =
{
	4, sizeof(FS_DLOPEN_NOTE), 0x407c0c0a, "FDO", FS_DLOPEN_NOTE
};

fs_libpq_functions fs_libpq;

/* The members of fs_libpq, in their order: each is a pointer. */
static const char *const fs_function_names[] = {
#define FS_LIBPQ_NAME(name) #name,
	FS_LIBPQ_FUNCTIONS(FS_LIBPQ_NAME)
#undef FS_LIBPQ_NAME
};

#define FS_FUNCTION_COUNT (sizeof(fs_function_names) / sizeof(fs_function_names[0]))

_Static_assert(sizeof(fs_libpq_functions) == FS_FUNCTION_COUNT * sizeof(void *),
			   "a function's address is as large as an object's");

static pthread_mutex_t fs_loading = PTHREAD_MUTEX_INITIALIZER;
static bool fs_is_loaded;

static int
fs_refuse_missing(const char *reason, factstr_error *error)
{
	(void) fs_error(error, FACTSTR_CANNOT_OPEN, "cannot load libpq, the client library of PostgreSQL");
	fs_error_detail(error, "%s.", reason != NULL ? reason : "The dynamic linker gives no reason");
	fs_error_hint(error, "Install it (Debian, Ubuntu: libpq5; Fedora, Alpine: libpq), or name its "
				  "directory in LD_LIBRARY_PATH.");
	return FACTSTR_CANNOT_OPEN;
}

static int
fs_find_functions(void *library, factstr_error *error)
{
	void	   *found[FS_FUNCTION_COUNT];

	for (size_t i = 0; i < FS_FUNCTION_COUNT; i++)
	{
		found[i] = dlsym(library, fs_function_names[i]);
		if (found[i] == NULL)
			return fs_refuse_missing(dlerror(), error);
	}
	memcpy(&fs_libpq, found, sizeof(fs_libpq));
	return FACTSTR_OK;
}

static int
fs_load(factstr_error *error)
{
	void	   *library = dlopen(FS_LIBPQ_FILE, RTLD_NOW | RTLD_LOCAL);
	int			code;

	if (library == NULL)
		return fs_refuse_missing(dlerror(), error);
	code = fs_find_functions(library, error);
	if (code != FACTSTR_OK)
		(void) dlclose(library);
	return code;
}

int
fs_libpq_load(factstr_error *error)
{
	int			code = FACTSTR_OK;

	(void) pthread_mutex_lock(&fs_loading);
	if (!fs_is_loaded)
		code = fs_load(error);
	fs_is_loaded = code == FACTSTR_OK;
	(void) pthread_mutex_unlock(&fs_loading);
	return code;
}

#endif							/* FACTSTR_LINKS_LIBPQ */
