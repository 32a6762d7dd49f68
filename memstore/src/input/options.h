/*
 * input/options.h
 *		Options in a JSON object.
 *
 * A table has a row for each key, with the function that reads its value.  null is the same as absent.
 */
#ifndef FACTSTR_INPUT_OPTIONS_H
#define FACTSTR_INPUT_OPTIONS_H

#include "factstr.h"

#include "json/binding.h"
#include "match/input_error.h"

struct fs_option;

/* A value that was given. */
typedef struct fs_given
{
	const struct fs_option *option;
	const char *shape;			/* which options there are, for errors */
	fs_json		value;
	fs_text		text;			/* as it is spelt */
} fs_given;

typedef struct fs_option
{
	const char *key;			/* NULL ends a table */
	bool		(*take) (const fs_given *given, void *member, fs_input_error *error);
	size_t		offset;			/* of the member, in the struct of the options */
	bool		takes_null;
} fs_option;

/* A number that may be absent. */
typedef struct fs_optional_number
{
	bool		is_given;
	uint64_t	number;
} fs_optional_number;

/*
 * Reads the options in text, which may be NULL, into target, which contains the defaults.  After a failure, some
 * may have been set.
 */
int			fs_options_of_json(const char *text, const fs_option *options, const char *shape,
							   void *target, factstr_error *error);

/* Rejects a value; "what" is the requirement, such as "must be a number". */
bool		fs_refuse_option(const fs_given *given, const char *what, fs_input_error *error);

/*
 * Takers, with the type of the member.
 */
bool		fs_take_text(const fs_given *given, void *member, fs_input_error *error);	/* char *, to be freed */
bool		fs_take_query(const fs_given *given, void *member, fs_input_error *error);	/* the same, as spelt */
bool		fs_take_flag(const fs_given *given, void *member, fs_input_error *error);	/* bool */
bool		fs_take_int64(const fs_given *given, void *member, fs_input_error *error);
bool		fs_take_uint64(const fs_given *given, void *member, fs_input_error *error);
bool		fs_take_uint32(const fs_given *given, void *member, fs_input_error *error);	/* to INT32_MAX */
bool		fs_take_size(const fs_given *given, void *member, fs_input_error *error);

/* fs_optional_number; null, where it is taken, is 0. */
bool		fs_take_optional_number(const fs_given *given, void *member, fs_input_error *error);

#endif							/* FACTSTR_INPUT_OPTIONS_H */
