/* columns.c - the fast way from rows to series: rows of one family, transposed.
 *
 *   rows, as written            columns, as read
 *   t0 | a0 b0 c0 d0 |          a: a0 a1 a2 ...
 *   t1 | a1 b1 c1 d1 |    ->    b: b0 b1 b2 ...     t: t0 t1 t2 ... shared by all
 *   t2 | a2 b2 c2 d2 |          c: c0 c1 c2 ...
 *
 * It goes by tiles of eight rows and all series of the call: the lines of a tile stay in the first cache, and what is
 * written to each column is one line of eight values. Rows that lack some of their positions are read one by one; a
 * series that is absent in a row gets a column of times of its own. */
#include "libtsdb/db/reader.h"

enum { TILE = 8 };

/* One series on its way. */
struct column {
	double *v;
	int64_t *t;  /* NULL while the family's column serves */
	int64_t *st; /* NULL: the family has no start timestamps */
	size_t count;
	bool started; /* has a start timestamp */
};

/* Full rows of one version: every series of `c` has a value in each at its position. */
struct span {
	struct tsdb__family *f;
	size_t from, to;
	struct column *c;
	const int64_t *positions;
	size_t count; /* of columns */
};

static void tile(const struct span *s, size_t row)
{
	const double *rows[TILE];
	for (size_t k = 0; k < TILE; k++)
		rows[k] = s->f->views[row + k].values;
	for (size_t i = 0; i < s->count; i++) {
		size_t at = (size_t)s->positions[i];
		double *to = s->c[i].v + s->c[i].count + (row - s->from);
		for (size_t k = 0; k < TILE; k++)
			to[k] = rows[k][at];
	}
}

/* Ask for the lines of a tile before they are needed: rows are too far apart for the machine to guess. */
static void prefetch(const struct span *s, size_t row)
{
	for (size_t k = row; k < row + TILE && k < s->to; k++)
		for (size_t i = 0; i < s->count; i += 8)
			__builtin_prefetch(s->f->views[k].values + s->positions[i], 0, 2);
}

static void span_starts(const struct span *s)
{
	for (size_t row = s->from; row < s->to; row++) {
		const int64_t *starts = s->f->views[row].starts;
		for (size_t i = 0; i < s->count; i++) {
			int64_t st = starts ? starts[s->positions[i]] : 0;
			s->c[i].st[s->c[i].count + (row - s->from)] = st;
			s->c[i].started |= st != 0;
		}
	}
}

static void span_read(const struct span *s)
{
	size_t row = s->from;
	for (; row + TILE <= s->to; row += TILE) {
		prefetch(s, row + TILE);
		tile(s, row);
	}
	for (; row < s->to; row++)
		for (size_t i = 0; i < s->count; i++)
			s->c[i].v[s->c[i].count + (row - s->from)] = s->f->views[row].values[s->positions[i]];
	if (s->f->has_starts)
		span_starts(s);
	for (size_t i = 0; i < s->count; i++) {
		if (s->c[i].t)
			memcpy(s->c[i].t + s->c[i].count, s->f->times + s->from, (s->to - s->from) * sizeof(int64_t));
		s->c[i].count += s->to - s->from;
	}
}

/* ---- rows with gaps ---- */

/* A sample is missing: from here on the column needs times of its own. */
static int own_times(struct tsdb__reader *r, struct tsdb__family *f, struct column *c)
{
	if (c->t)
		return 0;
	if (!(c->t = pm_arena_array(&r->arena, f->count, sizeof *c->t)))
		return PM_ERR_NOMEM;
	memcpy(c->t, f->times, c->count * sizeof *c->t);
	return 0;
}

/* The number of present positions before each word of a row's bitmap, so that places are found without counting. */
static void count_words(const uint64_t *present, uint32_t width, uint32_t *ret)
{
	uint32_t before = 0;
	for (uint32_t i = 0; i < (width + 63) / 64; i++) {
		ret[i] = before;
		before += (uint32_t)__builtin_popcountll(present[i]);
	}
}

static int64_t place_of(const struct tsdb__row_view *v, const uint32_t *before, int64_t position)
{
	if (!v->present)
		return position;
	uint64_t word = v->present[position / 64], bit = UINT64_C(1) << (position % 64);
	return word & bit ? (int64_t)before[position / 64] + __builtin_popcountll(word & (bit - 1)) : -1;
}

static int row_read(struct tsdb__reader *r, struct tsdb__family *f, size_t row, const uint32_t *before,
	struct column *c, int64_t position)
{
	const struct tsdb__row_view *v = &f->views[row];
	int64_t at = position >= 0 && position < f->rows[row]->width ? place_of(v, before, position) : -1;
	if (at < 0)
		return own_times(r, f, c);
	if (c->t)
		c->t[c->count] = f->times[row];
	if (c->st) {
		c->st[c->count] = v->starts ? v->starts[at] : 0;
		c->started |= c->st[c->count] != 0;
	}
	c->v[c->count++] = v->values[at];
	return 0;
}

static bool is_full(const struct tsdb__family *f, size_t row, int64_t position_max)
{
	return !f->views[row].present && position_max < f->rows[row]->width;
}

/* Rows [from, to) of one version. `before`: scratch, see count_words(). */
static int version_read(struct tsdb__reader *r, struct tsdb__family *f, size_t from, size_t to, uint32_t *before,
	struct column *c, const int64_t *positions, size_t n)
{
	int64_t max = -1;
	bool all = true;
	for (size_t i = 0; i < n; i++) {
		all &= positions[i] >= 0;
		max = positions[i] > max ? positions[i] : max;
	}
	while (from < to) {
		size_t end = from;
		while (all && end < to && is_full(f, end, max))
			end++;
		if (end > from)
			span_read(&(struct span){ f, from, end, c, positions, n });
		if (end < to && f->views[end].present)
			count_words(f->views[end].present, f->rows[end]->width, before);
		for (size_t i = 0; end < to && i < n; i++)
			if (row_read(r, f, end, before, &c[i], positions[i]) < 0)
				return PM_ERR_NOMEM;
		from = end + 1;
	}
	return 0;
}

/* ---- the call ---- */

static int columns_new(struct tsdb__reader *r, const struct tsdb__family *f, struct column *c, size_t n)
{
	size_t rows = f->count ? f->count : 1;
	double *v = pm_arena_array(&r->arena, n * rows, sizeof *v);
	int64_t *st = f->has_starts ? pm_arena_array(&r->arena, n * rows, sizeof *st) : NULL;
	if (!v || (f->has_starts && !st))
		return PM_ERR_NOMEM;
	for (size_t i = 0; i < n; i++)
		c[i] = (struct column){ .v = v + i * rows, .st = st ? st + i * rows : NULL };
	return 0;
}

int tsdb__read_columns(struct tsdb__reader *r, struct tsdb__family *f, const struct tsdb__want *w, size_t n,
	const uint32_t *sids, struct pm_samples *ret, struct pm_error *err)
{
	struct column c[TSDB_READ_SERIES];
	int64_t positions[TSDB_READ_SERIES];
	uint32_t width = 0;
	assert(n <= TSDB_READ_SERIES);
	for (size_t i = 0; i < f->count; i++)
		width = f->rows[i]->width > width ? f->rows[i]->width : width;
	uint32_t *before = pm_arena_array(&r->arena, width / 64 + (size_t)1, sizeof *before);
	if (!before || columns_new(r, f, c, n) < 0)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	for (size_t from = 0, to; from < f->count; from = to) {
		to = tsdb__family_same_version(f, from);
		const struct tsdb_version *v = tsdb__version(&r->snap->layouts, f->rows[from]->version);
		if (!v)
			return tsdb__corrupt(err, "layouts", f->rows[from]->version, "no version there");
		for (size_t i = 0; i < n; i++)
			positions[i] = tsdb__version_position(&r->snap->layouts, v, sids[w[i].index]);
		if (version_read(r, f, from, to, before, c, positions, n) < 0)
			return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	}
	for (size_t i = 0; i < n; i++)
		ret[w[i].index] = (struct pm_samples){ .count = c[i].count,
			.v = c[i].v,
			.t_ms = c[i].t ? c[i].t : f->times,
			.st_ms = c[i].started ? c[i].st : NULL,
			.time_id = c[i].t ? ++r->time_ids : f->time_id };
	return 0;
}
