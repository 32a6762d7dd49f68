/*
 * targets.h
 *		One function for each kind of store, in a separate file.
 */
#ifndef FACTSTR_CONFORMANCE_TARGETS_H
#define FACTSTR_CONFORMANCE_TARGETS_H

#include "factstr_conformance.h"

/* Fill in a target; false with the reason in message on failure. */
bool		fc_make_sqlite_target(factstr_conformance_target *target, const char *url,
								  char *message);
bool		fc_make_postgres_target(factstr_conformance_target *target, const char *url,
									char *message);

#endif							/* FACTSTR_CONFORMANCE_TARGETS_H */
