/*
 * signals.h
 *		Ending a command that would run forever.
 */
#ifndef FACTSTR_CLI_SIGNALS_H
#define FACTSTR_CLI_SIGNALS_H

#include <stdbool.h>

#include "factstr.h"

/*
 * From now on SIGINT and SIGTERM ask the command to stop; the second of them ends it at once.
 * False after an error, which has been printed.
 */
bool		cli_signals_begin(void);

/* A signal ends the calls that are in the store, too; NULL: no store's.  It must not be closed before. */
void		cli_interrupt_at_stop(factstr_store *store);

/* Asks the command to stop, like a signal.  From any thread. */
void		cli_request_stop(void);
bool		cli_is_stopping(void);

/*
 * Waits until the command is asked to stop, the reader of stdout has gone, or the timeout in ms
 * ends.  Returns whether the command must stop.
 */
bool		cli_wait_for_stop(int timeout);

#endif							/* FACTSTR_CLI_SIGNALS_H */
