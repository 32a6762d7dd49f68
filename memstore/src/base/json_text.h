/*
 * base/json_text.h
 *		Writes JSON.  Payloads, metadata and queries are copied as they were given.
 */
#ifndef FACTSTR_BASE_JSON_TEXT_H
#define FACTSTR_BASE_JSON_TEXT_H

#include <stdint.h>

#include "base/buffer.h"
#include "match/json_value.h"

/* A string with its quotes; the text is UTF-8. */
void		fs_write_string(fs_buffer *out, const char *text);
void		fs_write_text(fs_buffer *out, fs_text text);
void		fs_write_integer(fs_buffer *out, uint64_t integer);

/* 0 is written as null. */
void		fs_write_integer_or_null(fs_buffer *out, uint64_t integer);

/* A time with its quotes; 0 may be written as null. */
void		fs_write_time(fs_buffer *out, int64_t time);
void		fs_write_time_or_null(fs_buffer *out, int64_t time);

/* Ends the text.  A new text for free, or NULL if some of it had no memory. */
char	   *fs_finish_text(fs_buffer *out);

#endif							/* FACTSTR_BASE_JSON_TEXT_H */
