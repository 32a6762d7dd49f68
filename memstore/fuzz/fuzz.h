/*
 * fuzz.h
 *		Shared by the fuzz targets.
 *
 * A target is built twice: with libFuzzer, which generates inputs ("make fuzz"), and with replay.c, which runs
 * the inputs that are kept in corpus/ ("make test").
 */
#ifndef FACTSTR_FUZZ_H
#define FACTSTR_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int			LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Stops the program, which a fuzzer takes for a finding. */
#define require(condition) \
	((condition) ? (void) 0 : \
	 (fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition), abort()))

#endif							/* FACTSTR_FUZZ_H */
