/*
 * streams/error_messages.h
 *		Messages of streams' errors, which a redaction erases.
 */
#ifndef FACTSTR_STREAMS_ERROR_MESSAGES_H
#define FACTSTR_STREAMS_ERROR_MESSAGES_H

#include "store.h"

extern text *fs_stream_error_without_message(const char *error, bool is_of_handler);
extern bool fs_stream_errors_redacted_since(const FactstrStore *store, TransactionId oldest);
extern void fs_stream_errors_erase(const FactstrStore *store);

#endif							/* FACTSTR_STREAMS_ERROR_MESSAGES_H */
