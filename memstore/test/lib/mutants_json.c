/*
 * mutants_json.c
 *		Faults of the JSON boundary.
 */
#include <string.h>

#include "mutants.h"
#include "public_function.h"

PUBLIC_FUNCTION(json_append, (factstr_store *store, const char *events, const char *options,
							  char **result), (store, events, options, result))
PUBLIC_FUNCTION(json_read_next, (factstr_cursor *cursor, size_t max_count, char **result),
				(cursor, max_count, result))
PUBLIC_FUNCTION(json_export, (factstr_store *store, uint64_t after, size_t max_batches,
							  char **result), (store, after, max_batches, result))

static int
pass_over_options(factstr_store *store, const char *events, const char *options, char **result)
{
	(void) options;
	return __real_factstr_json_append(store, events, NULL, result);
}

/* The first facts of the cursor are lost. */
static int
lose_a_piece(factstr_cursor *cursor, size_t max_count, char **result)
{
	int			code = __real_factstr_json_read_next(cursor, max_count, result);

	if (code != FACTSTR_OK)
		return code;
	factstr_json_free(*result);
	return __real_factstr_json_read_next(cursor, max_count, result);
}

/* No reason in the suite has the bracket that ends the redactions of a fact. */
static int
export_without_redactions(factstr_store *store, uint64_t after, size_t max_batches, char **result)
{
	static const char key[] = ", \"redactions\": [";
	int			code = __real_factstr_json_export(store, after, max_batches, result);
	char	   *found = *result;

	while (found != NULL && (found = strstr(found, key)) != NULL)
	{
		const char *rest = strchr(found + strlen(key), ']') + 1;

		memmove(found, rest, strlen(rest) + 1);
	}
	return code;
}

const mutant mutants_of_json[] = {
	API_MUTANT("options of an append are passed over in JSON", "JSON boundary", json_append, pass_over_options),
	API_MUTANT("a cursor in JSON loses facts", "JSON boundary", json_read_next, lose_a_piece),
	API_MUTANT("an export in JSON has no redactions", "JSON boundary", json_export,
			   export_without_redactions),
	NO_MUTANT
};
