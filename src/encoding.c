/*
 * encoding.c
 *		Is a text valid UTF-8?
 *
 * Every store keeps the same texts, so the database must have this encoding (sql/encoding.c), and PostgreSQL
 * ensures that texts from clients are valid.  In a database with SQL_ASCII, which 0.1.0 allowed, it does not.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "miscadmin.h"

#include "encoding.h"

bool
fs_encoding_is_valid_text(const char *bytes, int length)
{
	return pg_verify_mbstr(PG_UTF8, bytes, length, true);
}

/* All its keys and strings. */
bool
fs_encoding_is_valid_json(Jsonb *document)
{
	JsonbIterator *iterator = JsonbIteratorInit(&document->root);
	JsonbIteratorToken token;
	JsonbValue	value;

	while ((token = JsonbIteratorNext(&iterator, &value, false)) != WJB_DONE)
	{
		CHECK_FOR_INTERRUPTS();
		if ((token == WJB_KEY || token == WJB_VALUE || token == WJB_ELEM) && value.type == jbvString &&
			!fs_encoding_is_valid_text(value.val.string.val, value.val.string.len))
			return false;
	}
	return true;
}
