/* hash.h - the only includer of xxHash: hashes of names and checksums of records (XXH3, 64 bits). */
#ifndef PM_BASE_HASH_H
#define PM_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t pm_hash(const void *p, size_t len);
uint64_t pm_hash_seed(const void *p, size_t len, uint64_t seed);

#endif
