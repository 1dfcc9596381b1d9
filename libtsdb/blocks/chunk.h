/* chunk.h - the bytes of one chunk of a Prometheus block, to samples and back. Private to libtsdb/blocks.
 *
 * A chunk is at most 65535 samples of one series and one kind. Chunks come from foreign files: a reader never leaves
 * the bytes it was given, makes nothing larger than PROM__SAMPLES_BYTES_MAX, and says in a few words what is wrong. */
#ifndef TSDB_BLOCKS_CHUNK_H
#define TSDB_BLOCKS_CHUNK_H

#include "libtsdb/base/arena.h"
#include "libtsdb/base/buf.h"
#include "libtsdb/pm.h"

/* Encodings as they stand in the files. */
enum { PROM__CHUNK_XOR = 1, PROM__CHUNK_HISTOGRAM = 2, PROM__CHUNK_FLOAT_HISTOGRAM = 3, PROM__CHUNK_XOR2 = 4 };

enum { PROM__CHUNK_SAMPLES_MAX = 65535, PROM__SAMPLES_BYTES_MAX = 256 << 20 };

/* Samples of one series, collected from chunks. */
struct prom__samples {
	int64_t *t, *st;
	double *v;
	const struct pm_histogram **h;
	size_t count, t_cap, st_cap, v_cap, h_cap;
	bool has_h, has_st;
	struct pm_arena arena; /* histograms and their buckets */
};

void prom__samples_init(struct prom__samples *s);
void prom__samples_reset(struct prom__samples *s);
void prom__samples_release(struct prom__samples *s);
/* Room for `more` samples. 0 or PM_ERR_NOMEM. */
int prom__samples_reserve(struct prom__samples *s, size_t more);
/* Append where room was reserved; `h` NULL for the float v. */
void prom__samples_add(struct prom__samples *s, int64_t t_ms, double v, const struct pm_histogram *h, int64_t st_ms);
/* Forget those in [from, to]. */
void prom__samples_delete(struct prom__samples *s, int64_t from_ms, int64_t to_ms);
struct pm_samples prom__samples_view(const struct prom__samples *s); /* good until the next change */

/* Append the samples of a chunk to `out`. PM_ERR_CORRUPT, PM_ERR_UNSUPPORTED (an encoding that is not known),
 * PM_ERR_NOMEM, PM_ERR_LIMIT, each with `*ret_why`; then `out` holds what was read before. Times ascend strictly
 * inside a chunk. */
int prom__chunk_read(
	uint8_t encoding, const uint8_t *data, size_t len, struct prom__samples *out, const char **ret_why);

/* chunk_xor.c, chunk_xor2.c, chunk_hist.c: one encoding each; `data` begins with the count, and room is reserved. */
int prom__xor_read(const uint8_t *data, size_t len, struct prom__samples *out, const char **ret_why);
int prom__xor2_read(const uint8_t *data, size_t len, struct prom__samples *out, const char **ret_why);
int prom__hist_read(const uint8_t *data, size_t len, bool integer, struct prom__samples *out, const char **ret_why);

/* A chunk of a kind that was cut from samples. */
struct prom__chunk {
	uint8_t encoding;
	size_t count; /* samples that went into it */
};

/* Write as many samples from the front of `s` as one chunk takes (`max` at most) behind what `out` holds: they are
 * of one kind and, for histograms, of one layout without a counter reset in between. `previous`: the histogram
 * before them, NULL when there is none. `s` has one sample at least. Errors stick in `out`. */
struct prom__chunk prom__chunk_write(
	const struct pm_samples *s, size_t max, const struct pm_histogram *previous, struct pm_buf *out);
size_t prom__xor_write(const struct pm_samples *s, size_t max, struct pm_buf *out);
size_t prom__hist_write(
	const struct pm_samples *s, size_t max, const struct pm_histogram *previous, struct pm_buf *out);
/* Every count of it is an integer that a chunk of integers keeps. */
bool prom__hist_is_integer(const struct pm_histogram *h);
/* What is wrong with a histogram from outside (its schema, spans that go back, bounds that do not ascend), or NULL. */
const char *prom__hist_check(const struct pm_histogram *h);

#endif
