/*
 * json.h
 *		A plain reader of JSON for the conformance suite, with equality and rule 12.
 *
 * The suite does not use the library's own reader, whose faults it would share.  Nothing here is
 * fast.
 */
#ifndef FACTSTR_CONFORMANCE_JSON_H
#define FACTSTR_CONFORMANCE_JSON_H

#include <stdbool.h>
#include <stddef.h>

typedef enum fc_json_kind
{
	FC_JSON_NULL,
	FC_JSON_FALSE,
	FC_JSON_TRUE,
	FC_JSON_NUMBER,
	FC_JSON_STRING,
	FC_JSON_ARRAY,
	FC_JSON_OBJECT
} fc_json_kind;

typedef struct fc_json
{
	fc_json_kind kind;
	char	   *text;			/* of a string, unescaped; of a number, one spelling a value */
	char	   *key;			/* of a member of an object */
	const char *source;			/* where it stands in the text that was parsed */
	size_t		source_length;
	struct fc_json *first;		/* of an array's elements or an object's members */
	struct fc_json *next;		/* in the same array or object */
} fc_json;

/*
 * A whole document, or NULL if the text is not one.  Of duplicate keys the last counts.  \u0000 is
 * not read.
 */
fc_json    *fc_json_parse(const char *text);
void		fc_json_free(fc_json *value);

size_t		fc_json_count(const fc_json *container);
const fc_json *fc_json_get(const fc_json *object, const char *key);
bool		fc_json_equal(const fc_json *a, const fc_json *b);

/* Do both texts mean the same JSON value? */
bool		fc_json_same(const char *a, const char *b);

/* Rule 12: does a payload match a predicate? */
bool		fc_json_matches(const fc_json *payload, const fc_json *predicate);

#endif							/* FACTSTR_CONFORMANCE_JSON_H */
