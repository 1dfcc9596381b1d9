/* column.h - columns: many times or values of one series, in the cheapest of a few encodings.
 *
 * A column is written once and is self-contained: its count stands in it, any of its blocks of 128 decodes alone. What
 * the bytes mean: docs/format/column.md. Every kernel has a scalar reference, and gives the same bits on every machine.
 *
 *   constant            one value
 *   progression         first + i * step
 *   frame               a straight line, and what is left of it bit-packed
 *   delta, delta2       differences, and differences of these, bit-packed
 *   decimal             doubles that are integers divided by a power of ten, packed like frame or delta
 *   bits                what is left: the bits of the doubles as integers, packed like frame or delta
 *
 * Packed numbers that do not fit are patched, and so are elements that the integers do not give back (a stale marker
 * among integers). Decimals are the idea of ALP (Afroozeh, Kuffo, Boncz: SIGMOD 2023), patches that of PFOR (Zukowski,
 * Heman, Nes, Boncz: ICDE 2006).
 */
#ifndef TSDB_COLUMN_H
#define TSDB_COLUMN_H

#include "libtsdb/base/buf.h"
#include "libtsdb/pm.h"

enum {
	TSDB_COLUMN_BLOCK = 128,
	TSDB_COLUMN_MAX = 1 << 16, /* elements of one column */
	TSDB_COLUMN_SLACK = 64,    /* kernels may load so many bytes behind a column: its holder maps them */
};

/* Append a column of n (1..TSDB_COLUMN_MAX) elements to `out`, lossless to the last bit (NaN payloads, -0).
 * 0 or PM_ERR_NOMEM. */
int tsdb__column_put_values(struct pm_buf *out, const double *v, size_t n);
int tsdb__column_put_times(struct pm_buf *out, const int64_t *t, size_t n);

/* A column, checked so that decoding never leaves [ptr, ptr + len + TSDB_COLUMN_SLACK). */
struct tsdb__column {
	const uint8_t *ptr;
	size_t len;
	uint32_t count;
	uint8_t encoding;          /* map and form, as its first byte has them */
	const uint8_t *dir, *body; /* NULL where there are no blocks */
	uint64_t first, step;      /* the integer that others are relative to; of a line or progression */
	double scale;
};

/* `len` may be larger than the column: *ret_len (NULL to ignore) says where it ends. PM_ERR_CORRUPT. */
int tsdb__column_open(struct tsdb__column *c, const uint8_t *ptr, size_t len, size_t *ret_len);
/* Elements [from, to) into out, which has room for them rounded out to whole blocks, that is for
 * (to + 127) / 128 * 128 - from / 128 * 128 elements: *ret_first is where `from` stands in it. PM_ERR_CORRUPT when the
 * bytes are nothing that put() writes. */
int tsdb__column_values(const struct tsdb__column *c, size_t from, size_t to, double *out, size_t *ret_first);
int tsdb__column_times(const struct tsdb__column *c, size_t from, size_t to, int64_t *out, size_t *ret_first);
/* Name of the encoding, for people: "constant", "progression", "frame", "delta", "delta2", "decimal", "bits". */
const char *tsdb__column_encoding(const struct tsdb__column *c);

#endif
