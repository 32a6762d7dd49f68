/*
 * commit/wire.c
 *		Messages to the client, and the flush that precedes them.
 *
 * PostgreSQL collects messages in a buffer, and sends it when it is full, when the client requests it, and at the
 * end of a statement, after its commit.  So rows of commits in flight may be put into the buffer, but before it
 * leaves, the debt that has fallen due is paid (debt.c).  The flush of the statement's own commit has often paid
 * it by then.
 *
 * Rows make the debt due where they are sent (rows_out.c).  This file covers the other messages.
 */
#include "postgres.h"

/* Headers of the libraries that encrypt connections are not needed here, and may be missing. */
#undef ENABLE_GSS
#undef ENABLE_SSPI
#undef USE_OPENSSL
#undef USE_SSL
#include "libpq/libpq.h"

#include "commit/debt.h"
#include "commit/wire.h"

/* As in pqcomm.c.  When the buffer has this size, it is sent without a request. */
#define BUFFER_SIZE 8192

/* The header of a message: its type and its length. */
#define HEADER_SIZE 5

static const PQcommMethods *connection = NULL;
static PQcommMethods methods;

/* The largest number of bytes that the buffer can contain. */
static size_t buffered = 0;

/*
 * An error or a notice may name results in flight, such as a key that already exists.  A notification may come from a
 * commit in flight.  The result of a function call comes from the rows that the function has read.
 */
static void
look_at(char type)
{
	switch (type)
	{
		case 'E':
		case 'N':
		case 'A':
			fs_debt_for_anything();
			fs_debt_falls_due();
			break;
		case 'V':
			fs_debt_falls_due();
			break;
		default:
			break;
	}
}

/* If the debt cannot be paid here, the buffer is enlarged, and not sent. */
static int
put_message(char type, const char *content, size_t length)
{
	look_at(type);
	buffered += HEADER_SIZE + length;
	if (buffered < BUFFER_SIZE || fs_debt_pay())
		return connection->putmessage(type, content, length);
	connection->putmessage_noblock(type, content, length);
	return 0;
}

static void
put_message_without_waiting(char type, const char *content, size_t length)
{
	look_at(type);
	buffered += HEADER_SIZE + length;
	connection->putmessage_noblock(type, content, length);
}

static int
flush(void)
{
	if (!fs_debt_pay())
		return 0;
	buffered = 0;
	return connection->flush();
}

/* Bytes may remain in the buffer after this call. */
static int
flush_if_writable(void)
{
	return fs_debt_pay() ? connection->flush_if_writable() : 0;
}

/* When preloaded.  A parallel worker, which has no client, gets other methods later. */
void
fs_wire_init(void)
{
	connection = PqCommMethods;
	methods = *connection;
	methods.putmessage = put_message;
	methods.putmessage_noblock = put_message_without_waiting;
	methods.flush = flush;
	methods.flush_if_writable = flush_if_writable;
	PqCommMethods = &methods;
}
