/*
 * shared_memory.c
 *		Structures in the server's shared memory.
 *
 * If the library is preloaded, room for them is reserved when the server starts.  Otherwise the first process that
 * uses a structure creates it in PostgreSQL's own reserve, which is large enough for the small ones.
 */
#include "postgres.h"

#include "storage/lwlock.h"
#include "storage/shmem.h"

#include "shared_memory.h"

/*
 * The server's structure of this name, created if there is none: filled with zeros, then initialized.  A server may go
 * on with the structure when another version of the library has been installed: one of another size needs another
 * name.
 */
void *
fs_shared_memory_attach(const char *name, Size size, void (*initialize) (void *structure))
{
	bool		found;
	void	   *structure;

	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	structure = ShmemInitStruct(name, size, &found);
	if (!found)
	{
		memset(structure, 0, size);
		initialize(structure);
	}
	LWLockRelease(AddinShmemInitLock);
	return structure;
}
