/*
 * handle.h
 *		What is behind a factstr_store: one of the stores, and what the library keeps for it.
 */
#ifndef FACTSTR_HANDLE_H
#define FACTSTR_HANDLE_H

#include "error.h"
#include "hub.h"
#include "store.h"
#include "stream_list.h"

struct factstr_store
{
	const fs_methods *methods;
	fs_backend *backend;
	fs_hub	   *hub;
	fs_streams	streams;
};

/*
 * Every public function works on an error of its own, which stores may write into while they try,
 * and gives it to the caller only when it fails.  Returns the code.
 */
static inline int
fs_report(int code, const factstr_error *found, factstr_error *error)
{
	if (code != FACTSTR_OK && error != NULL)
		*error = *found;
	return code;
}

/* Positions are kept as 64-bit signed integers, and the newest fact has a number below the last. */
int			fs_check_position(uint64_t position, const char *what, factstr_error *error);

/* Names and keys: 1 to 2000 bytes of UTF-8.  what is the argument's name. */
int			fs_check_text(const char *text, const char *what, factstr_error *error);

/* The arguments that every function about a durable stream has. */
int			fs_check_stream_call(factstr_store *store, const char *name, factstr_error *error);

/* Opens a store that is in no list; for tests. */
int			fs_open_methods(const fs_methods *methods, const char *location,
							factstr_store **store, factstr_error *error);

#endif							/* FACTSTR_HANDLE_H */
