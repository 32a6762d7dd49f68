/*
 * stores/postgres/libpq.h
 *		libpq, loaded when the first PostgreSQL store is opened.
 *
 * A program that keeps its facts elsewhere needs neither libpq nor its dependencies.  The list below has the functions
 * that the store's files call, and leads to the ones that were found; a missing entry is an undefined reference when
 * the shared library is linked.
 *
 * "make POSTGRES=link" links libpq instead, for programs without a dynamic linker.
 */
#ifndef FACTSTR_STORES_POSTGRES_LIBPQ_H
#define FACTSTR_STORES_POSTGRES_LIBPQ_H

#include <libpq-fe.h>

#include "factstr.h"

/* FACTSTR_CANNOT_OPEN, and the package to install, if libpq is missing.  Called before all others. */
int			fs_libpq_load(factstr_error *error);

#ifndef FACTSTR_LINKS_LIBPQ

#define FS_LIBPQ_FUNCTIONS(FUNCTION) \
	FUNCTION(PQbackendPID) \
	FUNCTION(PQcancel) \
	FUNCTION(PQclear) \
	FUNCTION(PQconnectdbParams) \
	FUNCTION(PQconninfoFree) \
	FUNCTION(PQconninfoParse) \
	FUNCTION(PQconsumeInput) \
	FUNCTION(PQdb) \
	FUNCTION(PQerrorMessage) \
	FUNCTION(PQescapeIdentifier) \
	FUNCTION(PQexec) \
	FUNCTION(PQexecParams) \
	FUNCTION(PQfinish) \
	FUNCTION(PQfreeCancel) \
	FUNCTION(PQfreemem) \
	FUNCTION(PQgetCancel) \
	FUNCTION(PQgetResult) \
	FUNCTION(PQgetisnull) \
	FUNCTION(PQgetlength) \
	FUNCTION(PQgetvalue) \
	FUNCTION(PQisBusy) \
	FUNCTION(PQnotifies) \
	FUNCTION(PQntuples) \
	FUNCTION(PQprepare) \
	FUNCTION(PQresultErrorField) \
	FUNCTION(PQresultStatus) \
	FUNCTION(PQsendQuery) \
	FUNCTION(PQsendQueryPrepared) \
	FUNCTION(PQsetNoticeReceiver) \
	FUNCTION(PQsetSingleRowMode) \
	FUNCTION(PQsocket) \
	FUNCTION(PQstatus) \
	FUNCTION(PQtransactionStatus) \
	FUNCTION(PQuser)

/* Set once, before any of them is called. */
typedef struct fs_libpq_functions
{
#define FS_LIBPQ_MEMBER(name) __typeof__(&(name)) name;
	FS_LIBPQ_FUNCTIONS(FS_LIBPQ_MEMBER)
#undef FS_LIBPQ_MEMBER
} fs_libpq_functions;

extern fs_libpq_functions fs_libpq;

#define PQbackendPID fs_libpq.PQbackendPID
#define PQcancel fs_libpq.PQcancel
#define PQclear fs_libpq.PQclear
#define PQconnectdbParams fs_libpq.PQconnectdbParams
#define PQconninfoFree fs_libpq.PQconninfoFree
#define PQconninfoParse fs_libpq.PQconninfoParse
#define PQconsumeInput fs_libpq.PQconsumeInput
#define PQdb fs_libpq.PQdb
#define PQerrorMessage fs_libpq.PQerrorMessage
#define PQescapeIdentifier fs_libpq.PQescapeIdentifier
#define PQexec fs_libpq.PQexec
#define PQexecParams fs_libpq.PQexecParams
#define PQfinish fs_libpq.PQfinish
#define PQfreeCancel fs_libpq.PQfreeCancel
#define PQfreemem fs_libpq.PQfreemem
#define PQgetCancel fs_libpq.PQgetCancel
#define PQgetResult fs_libpq.PQgetResult
#define PQgetisnull fs_libpq.PQgetisnull
#define PQgetlength fs_libpq.PQgetlength
#define PQgetvalue fs_libpq.PQgetvalue
#define PQisBusy fs_libpq.PQisBusy
#define PQnotifies fs_libpq.PQnotifies
#define PQntuples fs_libpq.PQntuples
#define PQprepare fs_libpq.PQprepare
#define PQresultErrorField fs_libpq.PQresultErrorField
#define PQresultStatus fs_libpq.PQresultStatus
#define PQsendQuery fs_libpq.PQsendQuery
#define PQsendQueryPrepared fs_libpq.PQsendQueryPrepared
#define PQsetNoticeReceiver fs_libpq.PQsetNoticeReceiver
#define PQsetSingleRowMode fs_libpq.PQsetSingleRowMode
#define PQsocket fs_libpq.PQsocket
#define PQstatus fs_libpq.PQstatus
#define PQtransactionStatus fs_libpq.PQtransactionStatus
#define PQuser fs_libpq.PQuser

#endif							/* FACTSTR_LINKS_LIBPQ */

#endif							/* FACTSTR_STORES_POSTGRES_LIBPQ_H */
