/* crc32c.h - CRC-32 with Castagnoli's polynomial, as Prometheus's blocks and logs and snappy's framing use it. */
#ifndef PM_BASE_CRC32C_H
#define PM_BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Of `len` bytes behind those whose checksum is `crc` (0: none). */
uint32_t pm_crc32c(uint32_t crc, const void *p, size_t len);
/* The same without the processor's instruction: what it is tested against. */
uint32_t pm_crc32c_scalar(uint32_t crc, const void *p, size_t len);

#endif
