/*
 * json/document.h
 *		JSON documents, into which the library parses payloads and queries.
 */
#ifndef FACTSTR_JSON_DOCUMENT_H
#define FACTSTR_JSON_DOCUMENT_H

#include "json/layout.h"
#include "match/input_error.h"

/*
 * Parses length bytes of UTF-8 JSON text; the root may be any value.  Returns a new document,
 * or NULL with *error filled: its path then is the line and column of the error in the text.
 * Besides invalid JSON, it refuses \u0000, which no store keeps; deeper nesting than that of a payload
 * with the levels around it; and a number with more than 131,072 digits before its point or 16,383
 * after it.
 */
fs_json		fs_json_document_load(const char *text, size_t length, fs_input_error *error);

/* The root of a document that was loaded; NULL is harmless. */
void		fs_json_document_release(fs_json document);

#endif							/* FACTSTR_JSON_DOCUMENT_H */
