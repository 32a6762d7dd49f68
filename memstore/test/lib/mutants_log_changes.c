/*
 * mutants_log_changes.c
 *		Faults of a store that has several logs, of which one can be created.
 */
#include <string.h>

#include "results/error.h"
#include "results/lists.h"

#include "mutants.h"

/* The one log beside main; empty: there is none. */
static char made[50];
static bool is_sealed;

static int
check_name(const char *log, factstr_error *error)
{
	return log[0] != '\0' && strspn(log, "abcdefghijklmnopqrstuvwxyz_") == strlen(log) ? FACTSTR_OK :
		fs_error(error, FACTSTR_MALFORMED, "not a name");
}

static int
check_made(const char *log, factstr_error *error)
{
	int			code = check_name(log, error);

	if (code != FACTSTR_OK || strcmp(log, made) == 0)
		return code;
	return fs_error(error, FACTSTR_NO_SUCH_LOG, "no such log");
}

static int
good_logs(fs_backend *backend, fs_log_list *logs, factstr_error *error)
{
	const factstr_log_status one = {
		.log = made, .created_at = INT64_C(1769847330123456), .created_by = "ada",
		.sealed_at = is_sealed ? INT64_C(1769847330123457) : 0, .sealed_by = is_sealed ? "ada" : NULL
	};
	const factstr_log_status first = {.log = "main"};

	(void) backend;
	if ((made[0] != '\0' && !fs_log_list_add(logs, &one)) || !fs_log_list_add(logs, &first))
		return fs_error_no_memory(error);
	return FACTSTR_OK;
}

static int
good_create(fs_backend *backend, const char *log, factstr_error *error)
{
	int			code = check_name(log, error);

	(void) backend;
	if (code != FACTSTR_OK)
		return code;
	if (strcmp(log, "main") == 0 || strcmp(log, made) == 0)
		return fs_error(error, FACTSTR_LOG_EXISTS, "it exists");
	(void) snprintf(made, sizeof(made), "%s", log);
	is_sealed = false;
	return FACTSTR_OK;
}

static int
good_seal(fs_backend *backend, const char *log, bool *was_open, factstr_error *error)
{
	int			code = check_made(log, error);

	(void) backend;
	if (code != FACTSTR_OK)
		return code;
	*was_open = !is_sealed;
	is_sealed = true;
	return FACTSTR_OK;
}

static int
good_drop(fs_backend *backend, const char *log, const char *confirmation, uint64_t *dropped_facts,
		  factstr_error *error)
{
	int			code = strcmp(log, "main") == 0 ? fs_error(error, FACTSTR_UNSUPPORTED, "it stays") :
		check_made(log, error);

	(void) backend;
	if (code != FACTSTR_OK)
		return code;
	if (strcmp(log, confirmation) != 0)
		return fs_error(error, FACTSTR_MALFORMED, "not confirmed");
	*dropped_facts = 0;
	made[0] = '\0';
	return FACTSTR_OK;
}

static int
logs_without_new_ones(fs_backend *backend, fs_log_list *logs, factstr_error *error)
{
	const factstr_log_status first = {.log = "main"};

	(void) backend;
	return fs_log_list_add(logs, &first) ? FACTSTR_OK : fs_error_no_memory(error);
}

static int
logs_without_seals(fs_backend *backend, fs_log_list *logs, factstr_error *error)
{
	int			code = good_logs(backend, logs, error);

	for (size_t i = 0; i < logs->count; i++)
		logs->logs[i].sealed_at = 0;
	return code;
}

static int
create_again(fs_backend *backend, const char *log, factstr_error *error)
{
	int			code = good_create(backend, log, error);

	return code == FACTSTR_LOG_EXISTS ? FACTSTR_OK : code;
}

static int
create_any_name(fs_backend *backend, const char *log, factstr_error *error)
{
	return check_name(log, error) == FACTSTR_OK ? good_create(backend, log, error) : FACTSTR_OK;
}

static int
seal_again(fs_backend *backend, const char *log, bool *was_open, factstr_error *error)
{
	int			code = good_seal(backend, log, was_open, error);

	*was_open = true;
	return code;
}

static int
drop_unconfirmed(fs_backend *backend, const char *log, const char *confirmation, uint64_t *dropped_facts,
				 factstr_error *error)
{
	(void) confirmation;
	return good_drop(backend, log, log, dropped_facts, error);
}

static int
drop_nothing(fs_backend *backend, const char *log, const char *confirmation, uint64_t *dropped_facts,
			 factstr_error *error)
{
	char		kept[sizeof(made)];
	int			code;

	memcpy(kept, made, sizeof(made));
	code = good_drop(backend, log, confirmation, dropped_facts, error);
	memcpy(made, kept, sizeof(made));
	return code;
}

#define MUTANT_OF_CHANGES(fault, list, create, seal, drop) \
	{(fault), "rule 49", {.logs = (list), .create_log = (create), .seal_log = (seal), .drop_log = (drop)}, \
		{.append = NULL}}

const mutant mutants_of_log_changes[] = {
	MUTANT_OF_CHANGES("a created log is not listed", logs_without_new_ones, good_create, good_seal, good_drop),
	MUTANT_OF_CHANGES("a seal is not listed", logs_without_seals, good_create, good_seal, good_drop),
	MUTANT_OF_CHANGES("two logs have one name", good_logs, create_again, good_seal, good_drop),
	MUTANT_OF_CHANGES("a log has any name", good_logs, create_any_name, good_seal, good_drop),
	MUTANT_OF_CHANGES("a sealed log was open", good_logs, good_create, seal_again, good_drop),
	MUTANT_OF_CHANGES("a log is dropped without its name", good_logs, good_create, good_seal, drop_unconfirmed),
	MUTANT_OF_CHANGES("a dropped log stays", good_logs, good_create, good_seal, drop_nothing),
	MUTANT_OF_CHANGES("a store that is one log creates others", NULL, good_create, good_seal, good_drop),
	NO_MUTANT
};
