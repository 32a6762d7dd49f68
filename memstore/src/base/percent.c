/*
 * base/percent.c
 *		Percent signs in URLs.
 */
#include "base/percent.h"

static int
fs_hexadecimal_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool
fs_percent_decode(char *text)
{
	char	   *to = text;

	for (const char *from = text; *from != '\0'; from++)
	{
		int			high;
		int			low;

		if (*from != '%')
		{
			*to++ = *from;
			continue;
		}
		high = fs_hexadecimal_digit(from[1]);
		low = high < 0 ? -1 : fs_hexadecimal_digit(from[2]);
		if (low < 0 || (high == 0 && low == 0))
			return false;
		*to++ = (char) (high * 16 + low);
		from += 2;
	}
	*to = '\0';
	return true;
}
