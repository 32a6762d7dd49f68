/*
 * sql/encoding.c
 *		The first check of the scripts: does the database have the required encoding?
 */
#include "postgres.h"

#include "commands/dbcommands.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

PG_FUNCTION_INFO_V1(factstr_require_utf8);

/*
 * factstr_require_utf8(), which exists while a script runs.  An export of one store is an import of another, and
 * the length of event types is limited in bytes, so a text must have the same bytes everywhere.
 */
Datum
factstr_require_utf8(PG_FUNCTION_ARGS)
{
	char	   *database = get_database_name(MyDatabaseId);
	int			encoding = GetDatabaseEncoding();

	if (encoding == PG_UTF8)
		PG_RETURN_VOID();
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("extension factstr needs a database with encoding UTF8"),
			 encoding == PG_SQL_ASCII ?
			 errdetail("Database \"%s\" has SQL_ASCII, which takes any bytes for text.", database) :
			 errdetail("Database \"%s\" has %s, which has no place for some of the texts that a fact may hold.",
					   database, GetDatabaseEncodingName()),
			 errhint("CREATE DATABASE %s ENCODING 'UTF8' LOCALE 'C' TEMPLATE template0; any locale for UTF8 will do.",
					 quote_identifier(psprintf("%s_utf8", database)))));
}
