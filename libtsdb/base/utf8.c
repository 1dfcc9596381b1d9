/* utf8.c - reading and writing UTF-8. */
#include "libtsdb/base/utf8.h"

static bool continues(struct pm_str s, size_t i)
{
	return i < s.len && ((unsigned char)s.ptr[i] & 0xc0) == 0x80;
}

static uint32_t bits(struct pm_str s, size_t i)
{
	return (unsigned char)s.ptr[i] & 0x3f;
}

uint32_t pm_utf8_decode(struct pm_str s, size_t *ret_len)
{
	uint32_t c = (unsigned char)s.ptr[0], r;

	*ret_len = 1;
	if (c < 0x80)
		return c;
	if (c >= 0xc2 && c < 0xe0 && continues(s, 1)) {
		*ret_len = 2;
		return (c & 0x1f) << 6 | bits(s, 1);
	}
	if (c >= 0xe0 && c < 0xf0 && continues(s, 1) && continues(s, 2)) {
		r = (c & 0x0f) << 12 | bits(s, 1) << 6 | bits(s, 2);
		if (r < 0x800 || (r >= 0xd800 && r < 0xe000))
			return PM_RUNE_ERROR;
		*ret_len = 3;
		return r;
	}
	if (c >= 0xf0 && c < 0xf5 && continues(s, 1) && continues(s, 2) && continues(s, 3)) {
		r = (c & 0x07) << 18 | bits(s, 1) << 12 | bits(s, 2) << 6 | bits(s, 3);
		if (r < 0x10000 || r > 0x10ffff)
			return PM_RUNE_ERROR;
		*ret_len = 4;
		return r;
	}
	return PM_RUNE_ERROR;
}

size_t pm_utf8_encode(char *out, uint32_t r)
{
	if (r > 0x10ffff || (r >= 0xd800 && r < 0xe000))
		r = PM_RUNE_ERROR;
	if (r < 0x80) {
		out[0] = (char)r;
		return 1;
	}
	if (r < 0x800) {
		out[0] = (char)(0xc0 | r >> 6);
		out[1] = (char)(0x80 | (r & 0x3f));
		return 2;
	}
	if (r < 0x10000) {
		out[0] = (char)(0xe0 | r >> 12);
		out[1] = (char)(0x80 | (r >> 6 & 0x3f));
		out[2] = (char)(0x80 | (r & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | r >> 18);
	out[1] = (char)(0x80 | (r >> 12 & 0x3f));
	out[2] = (char)(0x80 | (r >> 6 & 0x3f));
	out[3] = (char)(0x80 | (r & 0x3f));
	return 4;
}

bool pm_utf8_valid(struct pm_str s)
{
	size_t i = 0, n;

	while (i < s.len) {
		if (pm_utf8_decode((struct pm_str){ s.ptr + i, s.len - i }, &n) == PM_RUNE_ERROR && n == 1)
			return false;
		i += n;
	}
	return true;
}
