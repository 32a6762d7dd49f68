/*
 * json_text.h
 *		Writing JSON.  Payloads, metadata and queries go into it as they were given.
 */
#ifndef FACTSTR_JSON_TEXT_H
#define FACTSTR_JSON_TEXT_H

#include "factstr.h"

#include "buffer.h"

/* A string with its quotes; the text is UTF-8. */
void		fs_write_string(fs_buffer *out, const char *text);
void		fs_write_integer(fs_buffer *out, uint64_t integer);

/* 0 is written as null. */
void		fs_write_integer_or_null(fs_buffer *out, uint64_t integer);
void		fs_write_time_or_null(fs_buffer *out, int64_t time);
void		fs_write_event_record(fs_buffer *out, const factstr_fact *fact);

/* An array of them. */
void		fs_write_event_records(fs_buffer *out, const factstr_fact *facts, size_t count);

/* Ends the text.  A new text for free, or NULL if some of it had no memory. */
char	   *fs_finish_text(fs_buffer *out);

#endif							/* FACTSTR_JSON_TEXT_H */
