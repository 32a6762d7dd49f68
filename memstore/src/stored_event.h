/*
 * stored_event.h
 *		Is a stored fact what an append asks for?  For idempotency keys.
 */
#ifndef FACTSTR_STORED_EVENT_H
#define FACTSTR_STORED_EVENT_H

#include "store.h"

/*
 * *equal: same type, payloads equal as JSON values, and metadata equal or absent in both.
 * FACTSTR_NO_MEMORY if there is none to tell.
 */
int			fs_fact_is_event(const factstr_fact *fact, const fs_append_event *event, bool *equal,
							 factstr_error *error);

#endif							/* FACTSTR_STORED_EVENT_H */
