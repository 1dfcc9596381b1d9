/* bench.h - what the benchmarks share: time, the --tiny flag of `make test`, and one line a result.
 *
 * A benchmark is a program of its own. It prints its rates and a hash of its answer, which must be the same on every
 * run. */
#ifndef PM_BENCH_H
#define PM_BENCH_H

#include "libtsdb/base/clock.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static inline bool bench_tiny(int argc, char **argv)
{
	return argc > 1 && strcmp(argv[1], "--tiny") == 0;
}

static inline double bench_now_s(void)
{
	return (double)pm_monotonic_ns() / 1e9;
}

/* xorshift64: the same numbers on every run. */
static inline uint64_t bench_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static inline void bench_rate(const char *what, double rate, const char *unit)
{
	printf("%-40s %12.1f %s\n", what, rate, unit);
}

static inline void bench_hash(uint64_t hash)
{
	printf("%-40s %016llx\n", "hash of the answer", (unsigned long long)hash);
}

#endif
