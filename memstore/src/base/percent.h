/*
 * base/percent.h
 *		Percent encoding in URLs.
 */
#ifndef FACTSTR_BASE_PERCENT_H
#define FACTSTR_BASE_PERCENT_H

#include <stdbool.h>

/*
 * Decodes %XX in place.  False if a percent sign is not followed by two hexadecimal digits, or encodes NUL; then
 * the text is partly decoded.
 */
bool		fs_percent_decode(char *text);

#endif							/* FACTSTR_BASE_PERCENT_H */
