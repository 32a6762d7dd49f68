/*
 * conformance_memory.c
 *		The memory store keeps the contract.
 *
 * CASES="rule 12" in the environment runs only these cases; factstr_conformance.h lists the
 * possible values.
 */
#include <stdio.h>
#include <stdlib.h>

#include "factstr_conformance.h"

int
main(void)
{
	char		message[FACTSTR_CONFORMANCE_MESSAGE_SIZE];
	factstr_conformance_target *target = factstr_conformance_target_for_url("memory:", message);
	int			failed = factstr_conformance_run(target, getenv("CASES"), stdout);

	factstr_conformance_target_free(target);
	return failed == 0 ? 0 : 1;
}
