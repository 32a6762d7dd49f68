/*
 * encoding.h
 *		Is a text valid UTF-8?
 */
#ifndef FACTSTR_ENCODING_H
#define FACTSTR_ENCODING_H

#include "utils/jsonb.h"

extern bool fs_encoding_is_valid_text(const char *bytes, int length);
extern bool fs_encoding_is_valid_json(Jsonb *document);

#endif							/* FACTSTR_ENCODING_H */
