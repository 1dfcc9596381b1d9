/* number.h - inside libscrape: the numbers that pages are made of, read inline.
 *
 * A decimal of up to 19 digits whose digits fit a double exactly, with a power of ten that does too, is one exact
 * multiplication or division (Clinger 1990); anything else is left to pm_double_parse(). */
#ifndef SCRAPE_EXPO_NUMBER_H
#define SCRAPE_EXPO_NUMBER_H

#include "libtsdb/pm.h"

extern const double scrape__pow10[23];

/* Eight ASCII digits, the first in the lowest byte? */
static inline bool eight_digits(uint64_t w)
{
	return ((w & 0xf0f0f0f0f0f0f0f0) | (((w + 0x0606060606060606) & 0xf0f0f0f0f0f0f0f0) >> 4)) ==
	       0x3333333333333333;
}

/* Their value: pairs, then fours, then all eight at once. */
static inline uint32_t eight_value(uint64_t w)
{
	w = (w & 0x0f0f0f0f0f0f0f0f) * 2561 >> 8;
	w = (w & 0x00ff00ff00ff00ff) * 6553601 >> 16;
	return (uint32_t)((w & 0x0000ffff0000ffff) * 42949672960001 >> 32);
}

/* Digits from `s` on, added to *m. At most 19 in all are good; the caller counts them. */
static inline const char *digits(const char *s, const char *end, uint64_t *m)
{
	uint64_t w, v = *m;

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	while (end - s >= 8 && (memcpy(&w, s, 8), eight_digits(w))) {
		v = v * 100000000 + eight_value(w);
		s += 8;
	}
#else
	(void)w;
#endif
	for (; s < end && (unsigned char)(*s - '0') < 10; s++)
		v = v * 10 + (uint64_t)(*s - '0');
	*m = v;
	return s;
}

/* The byte behind the number at `s`, or NULL when the fast way can't tell its value. What stands there is for the
 * caller to judge: unless it ends the token, the token is no plain number. */
static inline const char *fast_number(const char *s, const char *end, double *ret)
{
	const char *start, *point;
	uint64_t m = 0;
	int exp10 = 0;
	bool neg = s < end && *s == '-';
	double v;

	start = s += neg;
	s = digits(s, end, &m);
	point = s;
	if (s < end && *s == '.') {
		s = digits(s + 1, end, &m);
		exp10 = -(int)(s - point - 1 < 64 ? s - point - 1 : 64);
	}
	if (s - start > 19 || s - start - (s != point) < 1)
		return NULL;
	if (s < end && (*s == 'e' || *s == 'E')) {
		bool eneg = ++s < end && *s == '-';
		uint64_t e = 0;
		const char *e0 = s += s < end && (*s == '-' || *s == '+');

		s = digits(s, end, &e);
		if (s == e0 || s - e0 > 4)
			return NULL;
		exp10 += eneg ? -(int)e : (int)e;
	}
	if (m > (UINT64_C(1) << 53) || exp10 < -22 || exp10 > 22)
		return NULL;
	v = (double)m;
	v = exp10 < 0 ? v / scrape__pow10[-exp10] : v * scrape__pow10[exp10];
	*ret = neg ? -v : v;
	return s;
}

#endif
