/*
 * memory_append.h
 *		Adding facts to the memory store: all that can fail first, then what cannot.
 */
#ifndef FACTSTR_MEMORY_APPEND_H
#define FACTSTR_MEMORY_APPEND_H

#include "memory_backend.h"

int			fs_memory_append(fs_backend *backend, const fs_append *append,
							 factstr_append_result *result, factstr_error *error);
int			fs_memory_import(fs_backend *backend, const factstr_batch *batches,
							 fs_append_event *const *events, size_t count, factstr_error *error);

#endif							/* FACTSTR_MEMORY_APPEND_H */
