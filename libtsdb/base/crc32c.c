/* crc32c.c - see crc32c.h. By the processor's instruction where there is one, by a table of sixteen entries elsewhere:
 * small enough to be a constant, and only old machines read it. */
#include "libtsdb/base/crc32c.h"

#include <string.h>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

/* What four bits shifted out leave; the polynomial reversed is 0x82f63b78. */
static const uint32_t nibbles[16] = {
	0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
	0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9, 0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
};

uint32_t pm_crc32c_scalar(uint32_t crc, const void *p, size_t len)
{
	const uint8_t *at = p;

	crc = ~crc;
	for (size_t i = 0; i < len; i++) {
		crc ^= at[i];
		crc = crc >> 4 ^ nibbles[crc & 15];
		crc = crc >> 4 ^ nibbles[crc & 15];
	}
	return ~crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t by_instruction(uint32_t crc, const void *p, size_t len)
{
	const uint8_t *at = p;
	uint64_t wide = ~crc, word;

	for (; len >= 8; len -= 8, at += 8) {
		memcpy(&word, at, 8);
		wide = _mm_crc32_u64(wide, word);
	}
	crc = (uint32_t)wide;
	for (; len; len--)
		crc = _mm_crc32_u8(crc, *at++);
	return ~crc;
}

uint32_t pm_crc32c(uint32_t crc, const void *p, size_t len)
{
	return __builtin_cpu_supports("sse4.2") ? by_instruction(crc, p, len) : pm_crc32c_scalar(crc, p, len);
}
#else
uint32_t pm_crc32c(uint32_t crc, const void *p, size_t len)
{
	return pm_crc32c_scalar(crc, p, len);
}
#endif
