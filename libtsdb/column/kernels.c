/* kernels.c - which variant of the kernels runs: looked up once, the same for all threads. */
#include "libtsdb/column/kernels.h"

#include <stdlib.h>
#include <string.h>

static const struct tsdb__kernels *chosen;

size_t tsdb__kernels_list(const struct tsdb__kernels *ret[4])
{
	size_t n = 0;
	ret[n++] = &tsdb__kernels_scalar;
#ifdef TSDB_KERNELS_X86
	if (__builtin_cpu_supports("avx2"))
		ret[n++] = &tsdb__kernels_avx2;
	if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
		__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
		__builtin_cpu_supports("avx512vbmi"))
		ret[n++] = &tsdb__kernels_avx512;
#endif
#ifdef TSDB_KERNELS_NEON
	ret[n++] = &tsdb__kernels_neon;
#endif
	return n;
}

static const struct tsdb__kernels *choose(void)
{
	const struct tsdb__kernels *list[4];
	size_t n = tsdb__kernels_list(list);
	const char *want = getenv("PM_SIMD");
	for (size_t i = 0; want && i < n; i++)
		if (strcmp(want, list[i]->name) == 0)
			return list[i];
	return list[n - 1];
}

/* Threads that come first together choose the same. */
const struct tsdb__kernels *tsdb__kernels(void)
{
	const struct tsdb__kernels *k = __atomic_load_n(&chosen, __ATOMIC_RELAXED);
	if (!k) {
		k = choose();
		__atomic_store_n(&chosen, k, __ATOMIC_RELAXED);
	}
	return k;
}

void tsdb__kernels_force(const struct tsdb__kernels *k)
{
	__atomic_store_n(&chosen, k, __ATOMIC_RELAXED);
}
