/*
 * json/document.h
 *		JSON documents: what the library parses payloads and queries into.
 */
#ifndef FACTSTR_JSON_DOCUMENT_H
#define FACTSTR_JSON_DOCUMENT_H

#include "json/layout.h"
#include "match/input_error.h"

/*
 * Parses length bytes of UTF-8 JSON text; any value may stand at the root.  Returns a new document,
 * or NULL with *error filled: its path then is the line and column in the text of what offends.
 * Refused, beyond what is not JSON: \u0000, which no store keeps; nesting beyond what a payload may
 * have, and the levels around it; a number with more than 131,072 digits before its point or 16,383
 * behind it.
 */
fs_json		fs_json_document_load(const char *text, size_t length, fs_input_error *error);

/* The root of a document that was loaded; NULL is harmless. */
void		fs_json_document_release(fs_json document);

#endif							/* FACTSTR_JSON_DOCUMENT_H */
