/*
 * api/structs.c
 *		Structs that a caller fills: checks their size and their reserved members.
 *
 * A caller may have been built with another version of the header.  If its options are shorter than ours, the
 * missing ones get their defaults, which are 0.  Longer ones come from a newer header, and are accepted as long
 * as the part after ours is 0: the caller does not use it.
 */
#include <string.h>

#include "api/structs.h"
#include "results/error.h"

/* No header will have longer options.  A larger size was not set by a caller, and has no sensible limit. */
#define FS_MAX_OPTIONS_SIZE 1024

/* The options of the first version of the header with sizes; no caller's are shorter. */
#define FS_FIRST_APPEND_OPTIONS_SIZE sizeof(factstr_append_options)
#define FS_FIRST_READ_OPTIONS_SIZE sizeof(factstr_read_options)
#define FS_FIRST_STREAM_OPTIONS_SIZE sizeof(factstr_stream_options)

static bool
fs_is_zero(const void *bytes, size_t size)
{
	const unsigned char *byte = bytes;

	for (size_t i = 0; i < size; i++)
	{
		if (byte[i] != 0)
			return false;
	}
	return true;
}

static int
fs_refuse_size(const char *type, const char *initializer, size_t size, factstr_error *error)
{
	(void) fs_error(error, FACTSTR_MISUSE, "the size in %s is %zu, which no version of it has", type,
					size);
	fs_error_hint(error, "Begin with %s, or set .size = sizeof(%s).", initializer, type);
	return FACTSTR_MISUSE;
}

static int
fs_refuse_unknown_option(const char *type, size_t size, size_t known, factstr_error *error)
{
	(void) fs_error(error, FACTSTR_MISUSE, "%s has an option that this library does not know", type);
	fs_error_detail(error, "It has %zu bytes, of which version %s of the library knows %zu.", size,
					factstr_version(), known);
	fs_error_hint(error, "Use a library that is as new as the header, or leave the option out.");
	return FACTSTR_MISUSE;
}

/* The options at given begin with their size; taken is zeroed. */
static int
fs_take_options(const void *given, void *taken, size_t first_size, size_t known_size,
				const char *type, const char *initializer, factstr_error *error)
{
	size_t		size;

	memcpy(&size, given, sizeof(size));
	if (size < first_size || size > FS_MAX_OPTIONS_SIZE)
		return fs_refuse_size(type, initializer, size, error);
	if (size > known_size && !fs_is_zero((const char *) given + known_size, size - known_size))
		return fs_refuse_unknown_option(type, size, known_size, error);
	memcpy(taken, given, size < known_size ? size : known_size);
	return FACTSTR_OK;
}

/* A byte that is neither 0 nor 1 must not even be read as a bool. */
static int
fs_check_flag(const bool *flag, const char *name, factstr_error *error)
{
	unsigned char byte;

	memcpy(&byte, flag, sizeof(byte));
	if (byte <= 1)
		return FACTSTR_OK;
	return fs_error(error, FACTSTR_MISUSE, "%s must be true or false, not %d", name, byte);
}

static int
fs_check_start(const factstr_stream_options *options, factstr_error *error)
{
	switch (options->start)
	{
		case FACTSTR_FROM_DEFAULT:
		case FACTSTR_FROM_FIRST:
		case FACTSTR_FROM_NOW:
			if (options->after_sequence_number == 0)
				return FACTSTR_OK;
			return fs_error(error, FACTSTR_MISUSE, "after_sequence_number does not go with the start");
		case FACTSTR_FROM_AFTER:
			return FACTSTR_OK;
	}
	return fs_error(error, FACTSTR_MISUSE, "start must be one of factstr_stream_start, not %d",
					(int) options->start);
}

static int
fs_check_condition(factstr_append_condition condition, factstr_error *error)
{
	switch (condition)
	{
		case FACTSTR_APPEND_ALWAYS:
		case FACTSTR_APPEND_IF:
		case FACTSTR_APPEND_UNLESS:
			return FACTSTR_OK;
	}
	return fs_error(error, FACTSTR_MISUSE, "condition must be one of factstr_append_condition, not %d",
					(int) condition);
}

/* A number or a query without the condition that needs it would be ignored. */
static int
fs_check_context(const factstr_append_options *options, factstr_error *error)
{
	const char *unused = NULL;

	if (options->condition != FACTSTR_APPEND_IF && options->expected_context_version != 0)
		unused = "expected_context_version";
	else if (options->condition != FACTSTR_APPEND_UNLESS && options->after_sequence_number != 0)
		unused = "after_sequence_number";
	else if (options->condition == FACTSTR_APPEND_ALWAYS && options->context_query != NULL)
		unused = "context_query";
	if (unused == NULL)
		return FACTSTR_OK;
	return fs_error(error, FACTSTR_MISUSE, "%s does not go with the condition of the append", unused);
}

int
fs_take_read_options(const factstr_read_options *given, factstr_read_options *taken,
					 factstr_error *error)
{
	int			code;

	*taken = (factstr_read_options) FACTSTR_READ_OPTIONS_INIT;
	if (given == NULL)
		return FACTSTR_OK;
	code = fs_take_options(given, taken, FS_FIRST_READ_OPTIONS_SIZE, sizeof(*taken),
						   "factstr_read_options", "FACTSTR_READ_OPTIONS_INIT", error);
	return code != FACTSTR_OK ? code : fs_check_flag(&taken->backwards, "backwards", error);
}

int
fs_take_stream_options(const factstr_stream_options *given, factstr_stream_options *taken,
					   factstr_error *error)
{
	int			code;

	*taken = (factstr_stream_options) FACTSTR_STREAM_OPTIONS_INIT;
	if (given == NULL)
		return FACTSTR_OK;
	code = fs_take_options(given, taken, FS_FIRST_STREAM_OPTIONS_SIZE, sizeof(*taken),
						   "factstr_stream_options", "FACTSTR_STREAM_OPTIONS_INIT", error);
	if (code == FACTSTR_OK)
		code = fs_check_start(taken, error);
	if (code == FACTSTR_OK)
		code = fs_check_flag(&taken->transactional, "transactional", error);
	return code != FACTSTR_OK ? code : fs_check_flag(&taken->in_background, "in_background", error);
}

int
fs_take_append_options(const factstr_append_options *given, factstr_append_options *taken,
					   factstr_error *error)
{
	int			code;

	*taken = (factstr_append_options) FACTSTR_APPEND_OPTIONS_INIT;
	if (given == NULL)
		return FACTSTR_OK;
	code = fs_take_options(given, taken, FS_FIRST_APPEND_OPTIONS_SIZE, sizeof(*taken),
						   "factstr_append_options", "FACTSTR_APPEND_OPTIONS_INIT", error);
	if (code == FACTSTR_OK)
		code = fs_check_condition(taken->condition, error);
	return code != FACTSTR_OK ? code : fs_check_context(taken, error);
}

static int
fs_refuse_reserved(const char *type, factstr_error *error)
{
	(void) fs_error(error, FACTSTR_MISUSE, "the reserved members of %s must be 0", type);
	fs_error_hint(error, "Initialize the whole struct: unnamed members are then 0.");
	return FACTSTR_MISUSE;
}

int
fs_check_reserved_of_events(const factstr_event *events, size_t count, factstr_error *error)
{
	for (size_t i = 0; events != NULL && i < count; i++)
	{
		if (!fs_is_zero(events[i].reserved, sizeof(events[i].reserved)))
			return fs_refuse_reserved("factstr_event", error);
	}
	return FACTSTR_OK;
}

static int
fs_check_reserved_of_facts(const factstr_fact *facts, size_t count, factstr_error *error)
{
	for (size_t i = 0; facts != NULL && i < count; i++)
	{
		if (!fs_is_zero(facts[i].reserved, sizeof(facts[i].reserved)))
			return fs_refuse_reserved("factstr_fact", error);
	}
	return FACTSTR_OK;
}

static int
fs_check_reserved_of_redactions(const factstr_batch *batch, factstr_error *error)
{
	for (size_t i = 0; batch->redactions != NULL && i < batch->redaction_count; i++)
	{
		if (!fs_is_zero(batch->redactions[i].reserved, sizeof(batch->redactions[i].reserved)))
			return fs_refuse_reserved("factstr_redaction", error);
	}
	return FACTSTR_OK;
}

int
fs_check_reserved_of_batches(const factstr_batch *batches, size_t count, factstr_error *error)
{
	for (size_t i = 0; batches != NULL && i < count; i++)
	{
		if (!fs_is_zero(batches[i].reserved, sizeof(batches[i].reserved)))
			return fs_refuse_reserved("factstr_batch", error);
		if (fs_check_reserved_of_facts(batches[i].facts, batches[i].fact_count, error) != FACTSTR_OK ||
			fs_check_reserved_of_redactions(&batches[i], error) != FACTSTR_OK)
			return FACTSTR_MISUSE;
	}
	return FACTSTR_OK;
}
