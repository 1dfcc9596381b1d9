/* chunk_hist.c - chunks of native histograms, read. All samples of a chunk have one layout (schema, spans, bounds),
 * which stands in front; between them no counter was reset.
 *
 *     count u16 | flags u8 | zero threshold | schema | spans | spans | bounds (of custom buckets only) | samples
 *
 * Integers: each field is a difference of differences; a bucket is the difference to the bucket before it. Floats: each
 * field is a difference of bits. A stale marker is a sum of that NaN, and has no buckets. */
#include "libtsdb/blocks/bits.h"
#include "libtsdb/blocks/chunk.h"

#include <math.h>

enum { HEADER_SIZE = 3, FLAGS_SHIFT = 6, FLAG_NOT_RESET = 1, FLAG_RESET = 2, FLAG_GAUGE = 3 };
enum { ZERO_EXPONENT_BIAS = 243, ZERO_AS_DOUBLE = 255, SCHEMA_MIN = -4, SCHEMA_MAX = 8 };

/* One number of the samples, as it was last time. */
struct field {
	int64_t n, change;  /* integers */
	struct prom__xor x; /* floats */
};

struct reader {
	struct prom__bits b;
	struct pm_arena *arena;
	bool integer, sound;
	int64_t t, t_change;
	struct field count, zero_count, sum;
	struct field *pos, *neg;
	struct pm_histogram layout;
};

const char *prom__hist_check(const struct pm_histogram *h)
{
	const struct pm_span *sides[2] = { h->pos_spans, h->neg_spans };
	uint32_t span_counts[2] = { h->pos_span_count, h->neg_span_count };
	uint64_t counts[2] = { h->pos_count, h->neg_count };

	if (h->schema != PM_SCHEMA_CUSTOM && (h->schema < SCHEMA_MIN || h->schema > SCHEMA_MAX))
		return "a histogram has a schema that is not known";
	for (uint32_t i = 1; i < h->custom_count; i++)
		if (!(h->custom[i - 1] < h->custom[i]))
			return "the bounds of a histogram do not ascend";
	for (int side = 0; side < 2; side++) {
		int64_t index = 0;
		uint64_t buckets = 0;

		for (uint32_t i = 0; i < span_counts[side]; i++) {
			if (i && sides[side][i].offset < 0)
				return "the spans of a histogram go back";
			index += sides[side][i].offset;
			index += sides[side][i].length;
			buckets += sides[side][i].length;
			if (index > INT32_MAX)
				return "the spans of a histogram go too far";
		}
		if (buckets != counts[side])
			return "a histogram has more or fewer buckets than its spans say";
		if (h->schema == PM_SCHEMA_CUSTOM && buckets &&
			(side || sides[side][0].offset < 0 || index > (int64_t)h->custom_count + 1))
			return "a histogram has buckets outside of its bounds";
	}
	return NULL;
}

/* ---- the layout --------------------------------------------------------------------------------- */

static double get_zero_threshold(struct prom__bits *b)
{
	int byte = (int)prom__bits_get(b, 8);

	if (byte == ZERO_AS_DOUBLE)
		return pm_bits_double(prom__bits_get_wide(b, 64));
	return byte ? ldexp(0.5, byte - ZERO_EXPONENT_BIAS) : 0;
}

/* Counts are checked against the bits that are left, as everything counted takes one at least. */
static int get_spans(struct reader *r, const struct pm_span **ret, uint32_t *ret_count, uint32_t *ret_buckets)
{
	uint64_t count = prom__bits_uvarbit(&r->b), buckets = 0;
	struct pm_span *spans;

	if (count > prom__bits_left(&r->b))
		return PM_ERR_CORRUPT;
	spans = pm_arena_array(r->arena, count, sizeof *spans);
	if (count && !spans)
		return PM_ERR_NOMEM;
	for (uint64_t i = 0; i < count; i++) {
		uint64_t length = prom__bits_uvarbit(&r->b);
		int64_t offset = prom__bits_varbit(&r->b);

		if (r->b.over || length > prom__bits_left(&r->b) || offset > INT32_MAX || offset < INT32_MIN)
			return PM_ERR_CORRUPT;
		spans[i] = (struct pm_span){ (int32_t)offset, (uint32_t)length };
		buckets += length;
	}
	if (buckets > prom__bits_left(&r->b))
		return PM_ERR_CORRUPT;
	*ret = spans;
	*ret_count = (uint32_t)count;
	*ret_buckets = (uint32_t)buckets;
	return 0;
}

/* Bounds that are thousandths of small integers are kept as such, one more, so that 0 stands for a double. */
static int get_bounds(struct reader *r)
{
	uint64_t count = prom__bits_uvarbit(&r->b);
	double *bounds;

	if (count > prom__bits_left(&r->b))
		return PM_ERR_CORRUPT;
	bounds = pm_arena_array(r->arena, count, sizeof *bounds);
	if (count && !bounds)
		return PM_ERR_NOMEM;
	for (uint64_t i = 0; i < count; i++) {
		uint64_t thousandths = prom__bits_uvarbit(&r->b);

		bounds[i] = thousandths ? (double)(thousandths - 1) / 1000
					: pm_bits_double(prom__bits_get_wide(&r->b, 64));
	}
	r->layout.custom = bounds;
	r->layout.custom_count = (uint32_t)count;
	return 0;
}

static int get_layout(struct reader *r)
{
	struct pm_histogram *l = &r->layout;
	int64_t schema;
	int rc;

	l->integer = r->integer;
	l->zero_threshold = get_zero_threshold(&r->b);
	schema = prom__bits_varbit(&r->b);
	l->schema = schema < INT32_MIN || schema > INT32_MAX ? INT32_MAX : (int32_t)schema;
	rc = get_spans(r, &l->pos_spans, &l->pos_span_count, &l->pos_count);
	if (rc == 0)
		rc = get_spans(r, &l->neg_spans, &l->neg_span_count, &l->neg_count);
	if (rc == 0 && l->schema == PM_SCHEMA_CUSTOM)
		rc = get_bounds(r);
	if (rc < 0)
		return rc;
	r->pos = pm_arena_zalloc(r->arena, l->pos_count * sizeof *r->pos);
	r->neg = pm_arena_zalloc(r->arena, l->neg_count * sizeof *r->neg);
	return r->pos && r->neg ? 0 : PM_ERR_NOMEM;
}

/* ---- samples ------------------------------------------------------------------------------------ */

static void get_float(struct reader *r, struct field *f, bool first)
{
	if (first)
		f->x.bits = prom__bits_get_wide(&r->b, 64);
	else
		r->sound &= prom__xor_get(&r->b, &f->x);
}

/* Sums wrap: what a damaged chunk says must not be undefined. */
static void get_integer(struct reader *r, struct field *f, bool first, bool is_unsigned)
{
	if (first) {
		f->n = is_unsigned ? (int64_t)prom__bits_uvarbit(&r->b) : prom__bits_varbit(&r->b);
		return;
	}
	f->change = (int64_t)((uint64_t)f->change + (uint64_t)prom__bits_varbit(&r->b));
	f->n = (int64_t)((uint64_t)f->n + (uint64_t)f->change);
}

static void get_count(struct reader *r, struct field *f, bool first)
{
	if (r->integer)
		get_integer(r, f, first, true);
	else
		get_float(r, f, first);
}

static double count_of(const struct reader *r, const struct field *f)
{
	return r->integer ? (double)(uint64_t)f->n : pm_bits_double(f->x.bits);
}

static void get_buckets(struct reader *r, struct field *f, uint32_t count, double *out, bool first)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < count; i++) {
		if (r->integer) {
			get_integer(r, f + i, first, false);
			sum += (uint64_t)f[i].n;
			out[i] = (double)(int64_t)sum;
		} else {
			get_float(r, f + i, first);
			out[i] = pm_bits_double(f[i].x.bits);
		}
	}
}

static void get_head(struct reader *r, bool first)
{
	int64_t t = prom__bits_varbit(&r->b);

	if (first) {
		r->t = t;
	} else {
		r->t_change = (int64_t)((uint64_t)r->t_change + (uint64_t)t);
		r->t = (int64_t)((uint64_t)r->t + (uint64_t)r->t_change);
	}
	get_count(r, &r->count, first);
	get_count(r, &r->zero_count, first);
	get_float(r, &r->sum, first);
}

/* The histogram of the sample at hand, in the arena; NULL: out of memory. */
static struct pm_histogram *get_histogram(struct reader *r, bool first)
{
	struct pm_histogram *h = pm_arena_alloc(r->arena, sizeof *h);
	double *pos = pm_arena_array(r->arena, r->layout.pos_count, sizeof *pos);
	double *neg = pm_arena_array(r->arena, r->layout.neg_count, sizeof *neg);

	if (!h || !pos || !neg)
		return NULL;
	get_buckets(r, r->pos, r->layout.pos_count, pos, first);
	get_buckets(r, r->neg, r->layout.neg_count, neg, first);
	*h = r->layout;
	h->pos = pos;
	h->neg = neg;
	h->count = count_of(r, &r->count);
	h->zero_count = count_of(r, &r->zero_count);
	h->sum = pm_bits_double(r->sum.x.bits);
	return h;
}

/* That a chunk began without a reset says nothing to us: the chunk before it may be gone. */
static uint8_t hint_of(unsigned flags, size_t i)
{
	if (flags == FLAG_GAUGE)
		return PM_RESET_GAUGE;
	if (i)
		return PM_RESET_NO;
	return flags == FLAG_RESET ? PM_RESET_YES : PM_RESET_UNKNOWN;
}

static int get_sample(struct reader *r, size_t i, unsigned flags, struct prom__samples *out)
{
	struct pm_histogram *h = NULL;
	bool stale;

	get_head(r, i == 0);
	stale = r->sum.x.bits == PM_STALE_NAN_BITS;
	if (!stale || i == 0)
		h = get_histogram(r, i == 0);
	if (!h && (!stale || i == 0))
		return PM_ERR_NOMEM;
	if (r->b.over || !r->sound)
		return PM_ERR_CORRUPT;
	if (h)
		h->reset_hint = hint_of(flags, i);
	prom__samples_add(out, r->t, stale ? pm_stale_nan() : 0, stale ? NULL : h, 0);
	return 0;
}

int prom__hist_read(const uint8_t *data, size_t len, bool integer, struct prom__samples *out, const char **ret_why)
{
	size_t count = (size_t)data[0] << 8 | data[1];
	struct reader r = { .arena = &out->arena, .integer = integer, .sound = true };
	int rc = 0;

	*ret_why = "the chunk is cut short";
	if (len < HEADER_SIZE)
		return PM_ERR_CORRUPT;
	if (count == 0)
		return 0;
	prom__bits_init(&r.b, data + HEADER_SIZE, len - HEADER_SIZE);
	*ret_why = "the chunk's layout does not fit its length";
	rc = get_layout(&r);
	if (rc == 0 && r.b.over)
		rc = PM_ERR_CORRUPT;
	if (rc == 0) {
		const char *wrong = prom__hist_check(&r.layout);

		*ret_why = wrong ? wrong : "the chunk's samples do not fit its length";
		rc = wrong ? PM_ERR_CORRUPT : 0;
	}
	for (size_t i = 0; i < count && rc == 0; i++) {
		int64_t before = r.t;

		rc = get_sample(&r, i, data[2] >> FLAGS_SHIFT, out);
		if (rc == 0 && i && r.t <= before) {
			*ret_why = "times in the chunk do not ascend";
			rc = PM_ERR_CORRUPT;
		}
	}
	if (rc == PM_ERR_NOMEM) {
		rc = out->arena.over_cap ? PM_ERR_LIMIT : PM_ERR_NOMEM;
		*ret_why = out->arena.over_cap ? "the histograms are larger than 256 MiB" : "out of memory";
	}
	return rc;
}
