/*
 * api/structs.h
 *		Structs that a caller fills: checks their size and their reserved members.
 */
#ifndef FACTSTR_API_STRUCTS_H
#define FACTSTR_API_STRUCTS_H

#include "factstr.h"

/*
 * Converts options from any version of the header to those of this library; NULL means the defaults.
 * FACTSTR_MISUSE if they contain something that this library does not know.
 */
int			fs_take_append_options(const factstr_append_options *given,
								   factstr_append_options *taken, factstr_error *error);
int			fs_take_read_options(const factstr_read_options *given, factstr_read_options *taken,
								 factstr_error *error);
int			fs_take_stream_options(const factstr_stream_options *given,
								   factstr_stream_options *taken, factstr_error *error);

/* Are the reserved members 0?  FACTSTR_MISUSE if not.  NULL is not checked here. */
int			fs_check_reserved_of_events(const factstr_event *events, size_t count,
										factstr_error *error);
int			fs_check_reserved_of_batches(const factstr_batch *batches, size_t count,
										 factstr_error *error);

#endif							/* FACTSTR_API_STRUCTS_H */
