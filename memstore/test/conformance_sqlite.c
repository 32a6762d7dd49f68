/*
 * conformance_sqlite.c
 *		The SQLite store keeps the contract.
 *
 * CASES="rule 12" in the environment runs only these cases; factstr_conformance.h lists the
 * possible values.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "factstr_conformance.h"

int
main(void)
{
	const char *directory = getenv("TMPDIR");
	char		url[500];
	char		message[FACTSTR_CONFORMANCE_MESSAGE_SIZE];
	factstr_conformance_target *target;
	int			failed;

	(void) snprintf(url, sizeof(url), "sqlite:%s/factstr-conformance-XXXXXX", directory == NULL ?
					"/tmp" : directory);
	if (mkdtemp(url + sizeof("sqlite:") - 1) == NULL)
	{
		printf("Bail out! no directory for SQLite files\n");
		return 2;
	}
	target = factstr_conformance_target_for_url(url, message);
	if (target == NULL)
	{
		printf("Bail out! %s\n", message);
		return 2;
	}
	failed = factstr_conformance_run(target, getenv("CASES"), stdout);
	factstr_conformance_target_free(target);
	(void) rmdir(url + sizeof("sqlite:") - 1);
	return failed == 0 ? 0 : 1;
}
