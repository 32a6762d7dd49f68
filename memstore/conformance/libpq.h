/*
 * libpq.h
 *		The functions of libpq that the suite calls.  It loads libpq for a PostgreSQL store only, as the library does.
 */
#ifndef FACTSTR_CONFORMANCE_LIBPQ_H
#define FACTSTR_CONFORMANCE_LIBPQ_H

#include <stdbool.h>

#include <libpq-fe.h>

/* False, with the reason in message, of FACTSTR_CONFORMANCE_MESSAGE_SIZE bytes. */
bool		fc_libpq_load(char *message);

#ifndef FACTSTR_LINKS_LIBPQ

typedef struct fc_libpq_functions
{
	__typeof__(&PQclear) PQclear;
	__typeof__(&PQconnectdb) PQconnectdb;
	__typeof__(&PQerrorMessage) PQerrorMessage;
	__typeof__(&PQexec) PQexec;
	__typeof__(&PQfinish) PQfinish;
	__typeof__(&PQgetvalue) PQgetvalue;
	__typeof__(&PQresultStatus) PQresultStatus;
	__typeof__(&PQstatus) PQstatus;
} fc_libpq_functions;

extern fc_libpq_functions fc_libpq;

#define PQclear fc_libpq.PQclear
#define PQconnectdb fc_libpq.PQconnectdb
#define PQerrorMessage fc_libpq.PQerrorMessage
#define PQexec fc_libpq.PQexec
#define PQfinish fc_libpq.PQfinish
#define PQgetvalue fc_libpq.PQgetvalue
#define PQresultStatus fc_libpq.PQresultStatus
#define PQstatus fc_libpq.PQstatus

#endif							/* FACTSTR_LINKS_LIBPQ */

#endif							/* FACTSTR_CONFORMANCE_LIBPQ_H */
