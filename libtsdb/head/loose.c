/* loose.c - loose samples in the order of a batch: by series, then by time.
 *
 * They come time by time or series by series, so that within a series times nearly always ascend: a radix sort by id,
 * which is stable, is then all there is to do. */
#include "libtsdb/head/head.h"

enum { DIGIT_BITS = 11 };

static bool is_sorted(const struct tsdb__loose *s, size_t count)
{
	for (size_t i = 1; i < count; i++)
		if (s[i - 1].sid > s[i].sid || (s[i - 1].sid == s[i].sid && s[i - 1].t_ms >= s[i].t_ms))
			return false;
	return true;
}

/* One pass: by a digit of the ids above `min`. */
static void sort_by_digit(const struct tsdb__loose *from, struct tsdb__loose *to, size_t count, uint32_t min, int shift)
{
	size_t at[1 << DIGIT_BITS] = { 0 }, sum = 0;
	for (size_t i = 0; i < count; i++)
		at[(from[i].sid - min) >> shift & ((1 << DIGIT_BITS) - 1)]++;
	for (size_t d = 0; d < sizeof at / sizeof at[0]; d++) {
		size_t n = at[d];
		at[d] = sum;
		sum += n;
	}
	for (size_t i = 0; i < count; i++)
		to[at[(from[i].sid - min) >> shift & ((1 << DIGIT_BITS) - 1)]++] = from[i];
}

static void sort_by_sid(struct tsdb__loose *s, size_t count, struct tsdb__loose *scratch)
{
	struct tsdb__loose *from = s, *to = scratch, *swap;
	uint32_t min = UINT32_MAX, max = 0;
	for (size_t i = 0; i < count; i++) {
		min = s[i].sid < min ? s[i].sid : min;
		max = s[i].sid > max ? s[i].sid : max;
	}
	for (int shift = 0; shift < 32 && (max - min) >> shift; shift += DIGIT_BITS) {
		sort_by_digit(from, to, count, min, shift);
		swap = from;
		from = to;
		to = swap;
	}
	if (from != s)
		memcpy(s, from, count * sizeof *s);
}

/* Samples of one series by time: merge sort, from the bottom up, stable. */
static void sort_by_time(struct tsdb__loose *s, size_t count, struct tsdb__loose *scratch)
{
	bool ascending = true;
	for (size_t i = 1; i < count && ascending; i++)
		ascending = s[i - 1].t_ms <= s[i].t_ms;
	for (size_t width = 1; width < count && !ascending; width *= 2) {
		for (size_t i = 0; i < count; i += 2 * width) {
			size_t mid = i + width < count ? i + width : count;
			size_t end = i + 2 * width < count ? i + 2 * width : count;
			size_t a = i, b = mid, o = i;
			while (a < mid || b < end)
				scratch[o++] = a < mid && (b >= end || s[a].t_ms <= s[b].t_ms) ? s[a++] : s[b++];
		}
		memcpy(s, scratch, count * sizeof *s);
	}
}

size_t tsdb__loose_sort(struct tsdb__loose *s, size_t count, struct tsdb__loose *scratch)
{
	size_t kept = 0;
	if (is_sorted(s, count))
		return count;
	sort_by_sid(s, count, scratch);
	for (size_t i = 0, end; i < count; i = end) {
		for (end = i + 1; end < count && s[end].sid == s[i].sid;)
			end++;
		sort_by_time(s + i, end - i, scratch);
	}
	for (size_t i = 0; i < count; i++)
		if (kept == 0 || s[kept - 1].sid != s[i].sid || s[kept - 1].t_ms != s[i].t_ms)
			s[kept++] = s[i];
	return kept;
}
