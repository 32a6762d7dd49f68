/*
 * sql.h
 *		A statement on a PostgreSQL server, to make a database and its extension before there is a store.
 */
#ifndef FACTSTR_NODE_SQL_H
#define FACTSTR_NODE_SQL_H

/*
 * Connects, executes and disconnects.  Returns a factstr_code; *result is "{}" or the document of the error,
 * which has the "sqlstate" of the server's.  It is the caller's, for free().
 */
extern int	fn_execute_sql(const char *url, const char *sql, char **result);

#endif
