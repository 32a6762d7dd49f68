/*
 * stream_table.h
 *		Durable streams as a table.
 */
#ifndef FACTSTR_CLI_STREAM_TABLE_H
#define FACTSTR_CLI_STREAM_TABLE_H

#include "factstr.h"

/* Prints it on stdout.  False if there is no memory. */
bool		cli_print_streams(const factstr_stream_status_list *list);

#endif							/* FACTSTR_CLI_STREAM_TABLE_H */
