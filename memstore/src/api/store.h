/*
 * api/store.h
 *		Opens a store; and the checks of arguments that several functions share.
 */
#ifndef FACTSTR_API_STORE_H
#define FACTSTR_API_STORE_H

#include "stores/handle.h"

/* Positions are 64-bit signed integers, and the number of the newest fact is below the highest one. */
int			fs_check_position(uint64_t position, const char *what, factstr_error *error);

/* Names and keys: 1 to 2000 bytes of UTF-8.  "what" is the argument's name. */
int			fs_check_text(const char *text, const char *what, factstr_error *error);

/*
 * FACTSTR_MISUSE in a handler that has a transaction of the store: it must not append there, nor open a durable
 * stream or wait for one, because the store may need the transaction's lock for that, or could not roll it back
 * with the transaction.
 */
int			fs_check_no_transaction(const factstr_store *store, const char *what,
									factstr_error *error);

/* The arguments of every function for a durable stream. */
int			fs_check_stream_call(factstr_store *store, const char *name, factstr_error *error);

/*
 * A call begins: FACTSTR_OK, and then fs_leave ends it; or FACTSTR_MISUSE or FACTSTR_CLOSED.  Between the two, the
 * store exists.
 */
int			fs_enter(factstr_store *store, fs_entered *entered, factstr_error *error);
void		fs_leave(fs_entered *entered);

/* A call of this store has committed facts up to this number. */
void		fs_note_commit(factstr_store *store, uint64_t last);

/* Opens a store that no URL names; for tests. */
int			fs_open_methods(const fs_methods *methods, const char *location,
							factstr_store **store, factstr_error *error);

#endif							/* FACTSTR_API_STORE_H */
