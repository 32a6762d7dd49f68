/*
 * sql.h
 *		Executes a statement on a PostgreSQL server, to create a database and its extension before a store is opened.
 */
#ifndef FACTSTR_NODE_SQL_H
#define FACTSTR_NODE_SQL_H

/*
 * Connects, executes and disconnects.  Returns a factstr_code.  *result is "{}", or the document of the error with the
 * "sqlstate" of the server.  The caller frees it with free().
 */
extern int	fn_execute_sql(const char *url, const char *sql, char **result);

#endif
