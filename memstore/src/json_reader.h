/*
 * json_reader.h
 *		The short way from JSON text to a document, for what most texts are like.
 */
#ifndef FACTSTR_JSON_READER_H
#define FACTSTR_JSON_READER_H

#include <stdbool.h>

#include <jansson.h>

/*
 * Reads a text into a document as json_document.h describes it.  NULL says nothing about the text:
 * *no_memory says whether that was all that lacked, otherwise fs_json_document_rewrite has the last
 * word.  What is read here is read as it would be there.
 */
json_t	   *fs_json_read(const char *text, size_t length, bool *no_memory);

#endif							/* FACTSTR_JSON_READER_H */
