/*
 * mutants.h
 *		The memory store with one fault each, to see whether the conformance suite notices.
 *
 * A mutant is the memory store's table of functions with one or two of them replaced by functions
 * that do almost the same; or, for rules that apply above the stores, the library with one of its public
 * functions replaced.  Their lists, one for each subject, are in separate files.
 */
#ifndef FACTSTR_TEST_MUTANTS_H
#define FACTSTR_TEST_MUTANTS_H

#include <sys/types.h>

#include "stores/store.h"

#define GOOD (&fs_memory_store)

/* Public functions that the suite calls; NULL: the library's own. */
typedef struct mutant_api
{
	int			(*append) (factstr_store *store, const factstr_event *events, size_t count,
						   const factstr_append_options *options, factstr_append_result *result,
						   factstr_error *error);
	int			(*query) (factstr_store *store, const char *event_query,
						  factstr_query_result **result, factstr_error *error);
	int			(*import) (factstr_store *store, const factstr_batch *batches, size_t count,
						   factstr_append_result *result, factstr_error *error);
	int			(*stream_open) (factstr_store *store, const char *name, const char *event_query,
								factstr_handler handler, void *context,
								const factstr_stream_options *options, factstr_stream **stream,
								factstr_error *error);
	int			(*stream_next) (factstr_stream *stream, size_t max_batches, int64_t timeout_ms,
								factstr_batch_list **list, factstr_error *error);
	int			(*stream_ack) (factstr_stream *stream, uint64_t sequence_number,
							   factstr_error *error);
	int			(*stream_fail) (factstr_stream *stream, const char *message, factstr_error *error);
	int			(*json_append) (factstr_store *store, const char *events, const char *options,
								char **result);
	int			(*json_read_next) (factstr_cursor *cursor, size_t max_count, char **result);
	int			(*json_export) (factstr_store *store, uint64_t after, size_t max_batches,
								char **result);
} mutant_api;

typedef struct mutant
{
	const char *fault;
	const char *pattern;		/* the cases that must notice */
	fs_methods	changed;		/* members that are not NULL replace the memory store's */
	mutant_api	api;			/* for faults above the store */
} mutant;

/* That of the mutant that this process runs; NULL: none. */
extern const mutant_api *mutant_of_api;
extern pid_t mutant_process;	/* which this is */

/* A line of a list, and its last one. */
#define MUTANT(fault, pattern, member, function) {fault, pattern, {.member = function}, {.append = NULL}}
#define API_MUTANT(fault, pattern, member, function) \
	{fault, pattern, {.open = NULL}, {.member = function}}
#define NO_MUTANT {NULL, NULL, {.open = NULL}, {.append = NULL}}

extern const mutant mutants_of_appends[];
extern const mutant mutants_of_matching[];
extern const mutant mutants_of_reading[];
extern const mutant mutants_of_deliveries[];
extern const mutant mutants_of_durable_streams[];
extern const mutant mutants_of_partitions[];
extern const mutant mutants_of_import_export[];
extern const mutant mutants_of_api[];
extern const mutant mutants_of_pulling[];
extern const mutant mutants_of_redaction[];
extern const mutant mutants_of_logs[];
extern const mutant mutants_of_log_changes[];
extern const mutant mutants_of_json[];

/* Number i of all of them; NULL beyond the last. */
const mutant *mutant_at(size_t i);

/* The memory store's functions with the mutant's in place of some. */
fs_methods	mutant_methods(const mutant *of);

/*
 * Shared by several mutants.  The caller releases the query for every fact.
 */
fs_query	mutant_every_fact(void);
uint64_t	mutant_version_of(fs_backend *backend, const fs_query *query);
uint64_t	mutant_head_of(fs_backend *backend);

#endif							/* FACTSTR_TEST_MUTANTS_H */
