/*
 * shared_memory.h
 *		Structures in the server's shared memory.
 */
#ifndef FACTSTR_SHARED_MEMORY_H
#define FACTSTR_SHARED_MEMORY_H

extern void *fs_shared_memory_attach(const char *name, Size size, void (*initialize) (void *structure));

#endif							/* FACTSTR_SHARED_MEMORY_H */
