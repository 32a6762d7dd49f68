/*
 * public_function.h
 *		A public function that a mutant may replace.
 *
 * The linker sends the suite's calls of it to the one that is defined here (see the Makefile).
 */
#ifndef FACTSTR_TEST_PUBLIC_FUNCTION_H
#define FACTSTR_TEST_PUBLIC_FUNCTION_H

/* The library's own functions, and those that the suite calls in their place. */
#define PUBLIC_FUNCTION(member, parameters, arguments) \
	int			__real_factstr_##member parameters; \
	int			__wrap_factstr_##member parameters; \
	int \
	__wrap_factstr_##member parameters \
	{ \
		return mutant_of_api != NULL && mutant_of_api->member != NULL ? \
			mutant_of_api->member arguments : __real_factstr_##member arguments; \
	}

#endif							/* FACTSTR_TEST_PUBLIC_FUNCTION_H */
