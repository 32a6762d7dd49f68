/*
 * base/json_number.c
 *		Numbers of JSON, spelt so that two are equal if, and only if, their spellings are.
 */
#include <string.h>

#include "base/buffer.h"
#include "base/json_number.h"

/*
 * Reading an exponent stops here: no count of digits brings it back into range, and one more digit
 * or all the digits of a text do not overflow it.
 */
#define FS_HUGE_EXPONENT INT64_C(100000000000000000)

/* PostgreSQL's numeric has so many digits before the point and behind it, and takes no larger exponent. */
#define FS_MOST_INTEGER_DIGITS 131072
#define FS_MOST_FRACTION_DIGITS 16383
#define FS_LARGEST_EXPONENT (INT32_MAX / 2)

/* Takes a run of digits off the front of *rest. */
static fs_text
fs_take_digits(fs_text *rest)
{
	fs_text		digits = {rest->data, 0};

	while (digits.length < rest->length &&
		   rest->data[digits.length] >= '0' && rest->data[digits.length] <= '9')
		digits.length++;
	rest->data += digits.length;
	rest->length -= digits.length;
	return digits;
}

static bool
fs_take_character(fs_text *rest, const char *choice)
{
	if (rest->length == 0 || *rest->data == '\0' || strchr(choice, *rest->data) == NULL)
		return false;
	rest->data++;
	rest->length--;
	return true;
}

/* After the letter e: an optional sign and at least one digit. */
static bool
fs_scan_exponent(fs_text *rest, int64_t *exponent)
{
	bool		negative = rest->length > 0 && *rest->data == '-';
	fs_text		digits;

	(void) fs_take_character(rest, "+-");
	digits = fs_take_digits(rest);
	*exponent = 0;
	for (size_t i = 0; i < digits.length && *exponent < FS_HUGE_EXPONENT; i++)
		*exponent = *exponent * 10 + (digits.data[i] - '0');
	if (negative)
		*exponent = -*exponent;
	return digits.length > 0;
}

bool
fs_scan_number(fs_text token, fs_number *number)
{
	fs_text		rest = token;

	number->fraction = (fs_text) {NULL, 0};
	number->exponent = 0;
	number->negative = fs_take_character(&rest, "-");
	number->integer = fs_take_digits(&rest);
	if (number->integer.length == 0 ||
		(number->integer.length > 1 && number->integer.data[0] == '0'))
		return false;
	if (fs_take_character(&rest, "."))
	{
		number->fraction = fs_take_digits(&rest);
		if (number->fraction.length == 0)
			return false;
	}
	if (fs_take_character(&rest, "eE") && !fs_scan_exponent(&rest, &number->exponent))
		return false;
	return rest.length == 0;
}

/* Writes the digits of a number without zeros at either end, and sets the exponent they need. */
static void
fs_write_digits(fs_buffer *out, const fs_number *number, int64_t *exponent)
{
	size_t		start = out->length;
	size_t		zeros = 0;

	fs_buffer_append(out, number->integer.data, number->integer.length);
	fs_buffer_append(out, number->fraction.data, number->fraction.length);
	*exponent = number->exponent - (int64_t) number->fraction.length;
	while (out->length > start && out->data[out->length - 1] == '0')
	{
		out->length--;
		(*exponent)++;
	}
	while (start + zeros < out->length && out->data[start + zeros] == '0')
		zeros++;
	if (zeros > 0)
		memmove(out->data + start, out->data + start + zeros, out->length - start - zeros);
	out->length -= zeros;
}

/* The letter e and an integer of 32 bits. */
static void
fs_write_exponent(fs_buffer *out, int64_t exponent)
{
	char		text[16];
	size_t		start = sizeof(text);
	int64_t		rest = exponent < 0 ? -exponent : exponent;

	do
	{
		text[--start] = (char) ('0' + rest % 10);
		rest /= 10;
	}
	while (rest > 0);
	if (exponent < 0)
		text[--start] = '-';
	text[--start] = 'e';
	fs_buffer_append(out, text + start, sizeof(text) - start);
}

/*
 * Can every store keep it as it is written?  The digits stand in a canonical form with this exponent; PostgreSQL
 * keeps zeros behind the point as well.
 */
static bool
fs_is_in_range(const fs_number *number, size_t digits, int64_t exponent)
{
	return number->exponent < FS_LARGEST_EXPONENT && number->exponent > -FS_LARGEST_EXPONENT &&
		(int64_t) number->fraction.length - number->exponent <= FS_MOST_FRACTION_DIGITS &&
		(digits == 0 || (int64_t) digits + exponent <= FS_MOST_INTEGER_DIGITS);
}

bool
fs_write_number(fs_buffer *out, const fs_number *number)
{
	size_t		start = out->length;
	size_t		digits_start;
	int64_t		exponent;

	if (number->negative)
		fs_buffer_append_text(out, "-");
	digits_start = out->length;
	fs_write_digits(out, number, &exponent);
	if (!fs_is_in_range(number, out->length - digits_start, exponent))
		return false;
	if (out->length == digits_start)
	{
		/* Zero has neither sign nor exponent. */
		out->length = start;
		fs_buffer_append_text(out, "0e0");
		return true;
	}
	fs_write_exponent(out, exponent);
	return true;
}

/* Well-formed or not, it ends at the first byte that no number can contain. */
fs_text
fs_number_token(const char *text, const char *end)
{
	const char *c = text;

	while (c < end &&
		   ((*c >= '0' && *c <= '9') || (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
			*c == '+' || *c == '-' || *c == '.' || *c == '_'))
		c++;
	return (fs_text) {text, (size_t) (c - text)};
}
