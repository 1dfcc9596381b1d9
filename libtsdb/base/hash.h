/* hash.h - the only includer of xxHash: hashes of names and checksums of records (XXH3, 64 bits). */
#ifndef PM_BASE_HASH_H
#define PM_BASE_HASH_H

#include "libtsdb/pm.h"

uint64_t pm_hash(const void *p, size_t len);
uint64_t pm_hash_seed(const void *p, size_t len, uint64_t seed);

/* One hash over several strings, each preceded by its length as four bytes, little-endian, so that ("a", "bc") and
 * ("ab", "c") differ. Part of the store's format: it never changes. */
uint64_t pm_hash_strings(const struct pm_str *v, size_t count);

#endif
