/*
 * match/jsonb_number.h
 *		Numbers of jsonb, spelt as the library spells them: equal ones have the same text.
 */
#ifndef FACTSTR_JSONB_NUMBER_H
#define FACTSTR_JSONB_NUMBER_H

#include "postgres.h"

#include "utils/builtins.h"
#include "utils/numeric.h"

#include "match/json_value.h"

/* Moves the digits of a plain spelling together, and says how many stood behind the point. */
static inline size_t
fs_take_out_point(char *digits, size_t *length)
{
	char	   *point = memchr(digits, '.', *length);
	size_t		behind;

	if (point == NULL)
		return 0;
	behind = *length - (size_t) (point - digits) - 1;
	memmove(point, point + 1, behind);
	(*length)--;
	return behind;
}

/*
 * Digits that neither begin nor end with a zero, with the sign before them and behind them the power of ten
 * that they are multiplied by, unless that is 0: -12e-1.  Zero is 0.  In the current memory context.
 */
static inline fs_text
fs_numeric_text(Numeric number)
{
	char	   *spelt = DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(number)));
	bool		is_negative = *spelt == '-';
	char	   *digits = spelt + (is_negative ? 1 : 0);
	size_t		length = strlen(digits);
	int64		exponent = -(int64) fs_take_out_point(digits, &length);
	fs_text		result;

	for (; length > 0 && digits[length - 1] == '0'; length--)
		exponent++;
	for (; length > 0 && *digits == '0'; length--)
		digits++;
	if (length == 0)
		result.data = "0";
	else if (exponent == 0)
		result.data = psprintf("%s%.*s", is_negative ? "-" : "", (int) length, digits);
	else
		result.data = psprintf("%s%.*se" INT64_FORMAT, is_negative ? "-" : "", (int) length, digits,
							   exponent);
	result.length = strlen(result.data);
	pfree(spelt);
	return result;
}

#endif							/* FACTSTR_JSONB_NUMBER_H */
