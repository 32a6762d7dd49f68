/*
 * api/structs.h
 *		The structs that a caller fills: how long they are, and what must not be in them.
 */
#ifndef FACTSTR_API_STRUCTS_H
#define FACTSTR_API_STRUCTS_H

#include "factstr.h"

/*
 * Options as this library knows them, from those that a caller built with any version of the header
 * has given; NULL stands for the defaults.  FACTSTR_MISUSE if there is something in them that this
 * library does not know.
 */
int			fs_take_append_options(const factstr_append_options *given,
								   factstr_append_options *taken, factstr_error *error);
int			fs_take_read_options(const factstr_read_options *given, factstr_read_options *taken,
								 factstr_error *error);
int			fs_take_stream_options(const factstr_stream_options *given,
								   factstr_stream_options *taken, factstr_error *error);

/* Are the reserved members 0?  FACTSTR_MISUSE if not.  NULL is left to others. */
int			fs_check_reserved_of_events(const factstr_event *events, size_t count,
										factstr_error *error);
int			fs_check_reserved_of_batches(const factstr_batch *batches, size_t count,
										 factstr_error *error);

#endif							/* FACTSTR_API_STRUCTS_H */
