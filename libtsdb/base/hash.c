/* hash.c - XXH3, compiled in whole so that short names are hashed without a call.
 *
 * Short label sets (nearly all) are laid out in a buffer on the stack and hashed in one go; longer ones are
 * streamed through XXH3's state. XXH3 promises the same result both ways. */
#include "libtsdb/base/hash.h"

#define XXH_INLINE_ALL
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wundef"
#include <xxhash.h>
#pragma GCC diagnostic pop

enum { STACK_BYTES = 1024, PREFIX_BYTES = 4 };

uint64_t pm_hash(const void *p, size_t len)
{
	return XXH3_64bits(p, len);
}

uint64_t pm_hash_seed(const void *p, size_t len, uint64_t seed)
{
	return XXH3_64bits_withSeed(p, len, seed);
}

static void put_prefix(unsigned char *p, size_t len)
{
	for (int i = 0; i < PREFIX_BYTES; i++)
		p[i] = (unsigned char)(len >> (8 * i));
}

static uint64_t hash_streamed(const struct pm_str *v, size_t count)
{
	unsigned char prefix[PREFIX_BYTES];
	XXH3_state_t state;

	XXH3_64bits_reset(&state);
	for (size_t i = 0; i < count; i++) {
		put_prefix(prefix, v[i].len);
		XXH3_64bits_update(&state, prefix, sizeof prefix);
		if (v[i].len)
			XXH3_64bits_update(&state, v[i].ptr, v[i].len);
	}
	return XXH3_64bits_digest(&state);
}

uint64_t pm_hash_strings(const struct pm_str *v, size_t count)
{
	unsigned char buf[STACK_BYTES];
	size_t used = 0;

	for (size_t i = 0; i < count; i++) {
		if (v[i].len > sizeof buf || sizeof buf - used < v[i].len + PREFIX_BYTES)
			return hash_streamed(v, count);
		put_prefix(buf + used, v[i].len);
		if (v[i].len)
			memcpy(buf + used + PREFIX_BYTES, v[i].ptr, v[i].len);
		used += v[i].len + PREFIX_BYTES;
	}
	return pm_hash(buf, used);
}
