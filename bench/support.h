/* support.h - what the benchmarks of the store share: a scratch directory, series, the kernel's counters. */
#ifndef PM_BENCH_SUPPORT_H
#define PM_BENCH_SUPPORT_H

#include "libtsdb/tsdb.h"

/* Leave the program when `rc` is an error. */
void bench_check(int rc, const struct pm_error *err);

double bench_cpu_s(void); /* of this process, all threads, user and system */

/* A directory that is deleted by bench_scratch_remove(). `name` stands in its name. */
struct bench_scratch {
	char path[128];
};
void bench_scratch_make(struct bench_scratch *s, const char *name);
void bench_scratch_remove(const struct bench_scratch *s);

/* Series `i` of target `target`: six labels, as an exporter of hosts has them. Good until the next call. */
struct pm_labels bench_series(uint32_t target, uint32_t i);
/* The same as sids of a transaction; `ret` has room for `count`. */
void bench_target_sids(struct tsdb_txn *txn, uint32_t target, uint32_t count, tsdb_sid *ret);

/* What the process wrote so far: bytes of write calls, and bytes of pages that were made dirty (whoever writes them to
 * disk later; nothing on tmpfs). */
struct bench_io {
	uint64_t calls, pages;
};
struct bench_io bench_io_now(void);

#endif
