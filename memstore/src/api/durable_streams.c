/*
 * api/durable_streams.c
 *		Durable streams from outside: lists, moves and drops them.
 */
#include <stdlib.h>

#include "api/store.h"
#include "results/error.h"
#include "results/lists.h"
#include "streams/stream.h"

/* The caller's part comes first, so that one pointer is both. */
typedef struct fs_stream_answer
{
	factstr_stream_status_list list;
	fs_stream_list streams;
} fs_stream_answer;

static int
fs_list_streams(factstr_store *store, factstr_stream_status_list **list, factstr_error *error)
{
	fs_stream_answer *answer = calloc(1, sizeof(fs_stream_answer));
	fs_entered	entered;
	int			code;

	if (answer == NULL)
		return fs_error_no_memory(error);
	code = fs_enter(store, &entered, error);
	if (code == FACTSTR_OK)
	{
		code = store->methods->streams(store->backend, &answer->streams, error);
		fs_leave(&entered);
	}
	answer->list.count = answer->streams.count;
	answer->list.streams = answer->streams.streams;
	if (code == FACTSTR_OK)
		*list = &answer->list;
	else
		factstr_stream_status_list_free(&answer->list);
	return code;
}

int
factstr_streams(factstr_store *store, factstr_stream_status_list **list, factstr_error *error)
{
	factstr_error found;

	if (list == NULL)
		return fs_error_misuse_null(error, "list");
	*list = NULL;
	if (store == NULL)
		return fs_error_misuse_null(error, "store");
	return fs_report(fs_list_streams(store, list, &found), &found, error);
}

void
factstr_stream_status_list_free(factstr_stream_status_list *list)
{
	fs_stream_answer *answer = (fs_stream_answer *) list;

	if (answer == NULL)
		return;
	fs_stream_list_release(&answer->streams);
	free(answer);
}

/* A handler's own stream is active as long as the handler runs. */
static int
fs_check_stream_change(factstr_store *store, const char *name, factstr_error *error)
{
	int			code = fs_check_stream_call(store, name, error);

	if (code == FACTSTR_OK && fs_within_handler_of_name(store, name))
		code = fs_error_stream_active(error, name);
	return code;
}

int
factstr_stream_seek(factstr_store *store, const char *name, uint64_t sequence_number,
					factstr_error *error)
{
	factstr_error found;
	fs_entered	entered;
	int			code = fs_check_stream_change(store, name, &found);

	if (code == FACTSTR_OK)
		code = fs_check_position(sequence_number, "sequence_number", &found);
	if (code == FACTSTR_OK)
		code = fs_enter(store, &entered, &found);
	if (code == FACTSTR_OK)
	{
		code = store->methods->stream_seek(store->backend, fs_transaction_of(store), name,
										   sequence_number, &found);
		fs_leave(&entered);
	}
	return fs_report(code, &found, error);
}

int
factstr_stream_drop(factstr_store *store, const char *name, factstr_error *error)
{
	factstr_error found;
	fs_entered	entered;
	int			code = fs_check_stream_change(store, name, &found);

	if (code == FACTSTR_OK)
		code = fs_enter(store, &entered, &found);
	if (code == FACTSTR_OK)
	{
		code = store->methods->stream_drop(store->backend, fs_transaction_of(store), name, &found);
		fs_leave(&entered);
	}
	return fs_report(code, &found, error);
}
