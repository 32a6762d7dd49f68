/*
 * base/percent.h
 *		Percent signs in URLs.
 */
#ifndef FACTSTR_BASE_PERCENT_H
#define FACTSTR_BASE_PERCENT_H

#include <stdbool.h>

/*
 * Decodes %XX in place.  False if a percent sign is not followed by two hexadecimal digits, or stands for
 * NUL; then the text is half decoded.
 */
bool		fs_percent_decode(char *text);

#endif							/* FACTSTR_BASE_PERCENT_H */
