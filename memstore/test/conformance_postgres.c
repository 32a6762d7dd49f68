/*
 * conformance_postgres.c
 *		The PostgreSQL store keeps the contract.
 *
 * The environment leads to a server (PGHOST and so on) whose role may make databases and the
 * extension; without PGHOST there is nothing to test.  With FACTSTR_TEST_LOG=NAME, the stores are logs of
 * this name.  CASES="rule 12" runs only these cases; factstr_conformance.h lists the possible values.
 */
#include <stdio.h>
#include <stdlib.h>

#include "factstr_conformance.h"

int
main(void)
{
	const char *log = getenv("FACTSTR_TEST_LOG");
	char		url[200];
	char		message[FACTSTR_CONFORMANCE_MESSAGE_SIZE];
	factstr_conformance_target *target;
	int			failed;

	if (getenv("PGHOST") == NULL)
	{
		printf("1..0 # SKIP no PostgreSQL server is named by PGHOST\n");
		return 0;
	}
	(void) snprintf(url, sizeof(url), "postgresql:///postgres%s%s", log == NULL ? "" : "?factstr_log=",
					log == NULL ? "" : log);
	target = factstr_conformance_target_for_url(url, message);
	if (target == NULL)
	{
		printf("Bail out! %s\n", message);
		return 1;
	}
	failed = factstr_conformance_run(target, getenv("CASES"), stdout);
	factstr_conformance_target_free(target);
	return failed == 0 ? 0 : 1;
}
