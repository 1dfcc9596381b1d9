/* read.c - samples of a segment's series.
 *
 * Series that were scraped together name the same time columns; what these decode to in the reader's range is kept,
 * under the list of their numbers, so that a hundred series decode their times once and share one time_id. */
#include "libtsdb/base/hash.h"
#include "libtsdb/base/mem.h"
#include "libtsdb/column/column.h"
#include "libtsdb/segment/chunk.h"
#include "libtsdb/segment/segment.h"

enum {
	ROOM = 2 * TSDB_COLUMN_BLOCK,   /* decoding rounds out to whole blocks */
	KEPT_BYTES_MAX = 64 << 20,      /* times kept; then all are forgotten */
	KEPT_SLOTS = 4096,
};

struct kept_times {
	uint64_t key[2]; /* hash of the columns' numbers */
	uint64_t id;
	size_t count;
	int64_t t[];
};

/* A chunk that overlaps the range: samples [from, to) of it are wanted. */
struct piece {
	struct tsdb__chunk_ref c;
	size_t from, to;
	size_t at; /* where they stand among the series' samples */
	bool one;  /* one sample, at the chunk's last time, stands for all */
};

struct tsdb__segment_reader {
	struct tsdb__segment *segment;
	int64_t min_ms, max_ms;
	struct pm_windows windows;
	struct tsdb__series_cursor cursor;
	struct kept_times **kept; /* KEPT_SLOTS, by key; a newcomer replaces */
	size_t kept_bytes;
	uint64_t ids;
	struct piece *pieces;
	size_t piece_count, piece_cap;
	double *v;
	size_t v_cap;
	int64_t *scratch;
	size_t scratch_cap;
	int64_t *starts;
	size_t starts_cap;
	const struct pm_histogram **h;
	size_t h_cap;
	struct pm_arena arena; /* histograms */
};

int tsdb__segment_reader_new(struct tsdb__segment *s, int64_t min_ms, int64_t max_ms, struct tsdb__segment_reader **ret)
{
	struct tsdb__segment_reader *r = pm_calloc(1, sizeof *r);
	if (!r || !(r->kept = pm_calloc(KEPT_SLOTS, sizeof *r->kept))) {
		pm_free(r);
		return PM_ERR_NOMEM;
	}
	r->segment = tsdb__segment_ref(s);
	r->cursor.segment = s;
	r->min_ms = min_ms;
	r->max_ms = max_ms;
	*ret = r;
	return 0;
}

void tsdb__segment_reader_windows(struct tsdb__segment_reader *r, const struct pm_windows *w)
{
	r->windows = *w;
}

static void forget_times(struct tsdb__segment_reader *r)
{
	for (size_t i = 0; i < KEPT_SLOTS; i++) {
		pm_free(r->kept[i]);
		r->kept[i] = NULL;
	}
	r->kept_bytes = 0;
}

void tsdb__segment_reader_free(struct tsdb__segment_reader *r)
{
	if (!r)
		return;
	forget_times(r);
	pm_free(r->kept);
	pm_free(r->pieces);
	pm_free(r->v);
	pm_free(r->scratch);
	pm_free(r->starts);
	pm_free(r->h);
	pm_arena_release(&r->arena);
	tsdb__series_cursor_release(&r->cursor);
	tsdb__segment_unref(r->segment);
	pm_free(r);
}

/* ---- columns ---- */

/* Elements [from, to) of a column of times into scratch; *ret_first is the first one's place. */
static int times_decode(struct tsdb__segment_reader *r, uint32_t number, size_t count, size_t from, size_t to,
	size_t *ret_first, struct pm_error *err)
{
	const struct tsdb__segment *s = r->segment;
	uint64_t off = s->footer->section[TSDB_SECTION_TIMES].off + number * sizeof(struct tsdb_time_column);
	const struct tsdb_time_column *tc;
	struct tsdb__column c;
	const uint8_t *p;
	if (number >= s->time_count)
		return tsdb__segment_corrupt(s, off, "no such column of times", err);
	if (!(tc = tsdb__segment_at(s, off, sizeof *tc, err)) || !(p = tsdb__segment_at(s, tc->off, tc->len, err)))
		return PM_ERR_CORRUPT;
	if (pm_grow(&r->scratch, &r->scratch_cap, to - from + ROOM) < 0)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	if (tsdb__column_open(&c, p, tc->len, NULL) < 0 || c.count != count ||
		tsdb__column_times(&c, from, to, r->scratch, ret_first) < 0)
		return tsdb__segment_corrupt(s, tc->off, "not a column of times", err);
	if ((from == 0 && to > 0 && r->scratch[0] != tc->min_ms) ||
		(to == count && to > from && r->scratch[*ret_first + to - 1 - from] != tc->max_ms))
		return tsdb__segment_corrupt(s, off, "a column of times that begins or ends elsewhere", err);
	return 0;
}

/* A window begins or ends at first_ms + i * step_ms: does one of them part the times of a chunk? */
static bool parted(const struct pm_windows *w, int64_t first_ms, const struct tsdb_time_column *tc)
{
	/* A boundary b has t <= b before it and t > b behind. */
	if (first_ms >= tc->max_ms)
		return false;
	if (first_ms >= tc->min_ms)
		return true;
	if (w->step_ms <= 0 || w->count <= 1)
		return false;
	uint64_t ahead = (uint64_t)tc->min_ms - (uint64_t)first_ms, step = (uint64_t)w->step_ms;
	uint64_t i = ahead / step + (ahead % step != 0);
	return i < w->count && (uint64_t)first_ms + i * step - (uint64_t)tc->min_ms <
				       (uint64_t)tc->max_ms - (uint64_t)tc->min_ms;
}

/* The chunk's statistics say all that the reader wants of it. */
static bool one_will_do(const struct tsdb__segment_reader *r, const struct tsdb__chunk_ref *c)
{
	const struct pm_windows *w = &r->windows;
	return w->use != PM_USE_ALL && (c->flags & TSDB_CHUNK_STATS) && c->column->min_ms >= r->min_ms &&
	       c->column->max_ms <= r->max_ms && w->start_ms >= INT64_MIN + w->range_ms &&
	       !parted(w, w->start_ms, c->column) && !parted(w, w->start_ms - w->range_ms, c->column);
}

/* Which samples of a chunk are in the range. */
static int piece_range(struct tsdb__segment_reader *r, struct piece *p, struct pm_error *err)
{
	const struct tsdb_time_column *tc = p->c.column;
	size_t n = tc->count, first;
	int rc;
	p->from = 0;
	p->to = n;
	if (tc->min_ms >= r->min_ms && tc->max_ms <= r->max_ms)
		return 0;
	if ((rc = times_decode(r, p->c.time, n, 0, n, &first, err)) < 0)
		return rc;
	while (p->from < n && r->scratch[first + p->from] < r->min_ms)
		p->from++;
	while (p->to > p->from && r->scratch[first + p->to - 1] > r->max_ms)
		p->to--;
	return 0;
}

static int find_pieces(
	struct tsdb__segment_reader *r, struct tsdb__cursor list, size_t *ret_count, struct pm_error *err)
{
	struct tsdb__chunk_ref c = { 0 };
	const struct tsdb_time_column *before = NULL;
	size_t count = 0;
	int rc;
	r->piece_count = 0;
	while ((rc = tsdb__chunk_next(r->segment, &list, &c, err)) > 0) {
		/* Before there is memory for them: a small file must not name much. */
		if (c.column->min_ms > c.column->max_ms || (before && before->max_ms >= c.column->min_ms))
			return tsdb__segment_corrupt(r->segment, c.off, "chunks out of order", err);
		before = c.column;
		if (c.column->max_ms < r->min_ms || c.column->min_ms > r->max_ms)
			continue;
		if (pm_grow(&r->pieces, &r->piece_cap, r->piece_count + 1) < 0)
			return pm_fail(err, PM_ERR_NOMEM, "out of memory");
		struct piece *p = &r->pieces[r->piece_count];
		*p = (struct piece){ .c = c, .at = count, .to = 1, .one = one_will_do(r, &c) };
		if (!p->one && (rc = piece_range(r, p, err)) < 0)
			return rc;
		if (p->from < p->to)
			r->piece_count++;
		count += p->to - p->from;
	}
	*ret_count = count;
	return rc;
}

/* ---- times ---- */

static int times_make(struct tsdb__segment_reader *r, size_t count, const uint64_t key[2], struct kept_times **slot,
	struct pm_error *err)
{
	struct kept_times *k = pm_malloc(sizeof *k + count * sizeof k->t[0]);
	int rc = 0;
	if (!k)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	*k = (struct kept_times){ { key[0], key[1] }, ++r->ids, count };
	for (size_t i = 0; i < r->piece_count && rc == 0; i++) {
		const struct piece *p = &r->pieces[i];
		size_t first;
		if (p->one)
			k->t[p->at] = p->c.column->max_ms;
		else if ((rc = times_decode(r, p->c.time, p->c.column->count, p->from, p->to, &first, err)) == 0)
			memcpy(k->t + p->at, r->scratch + first, (p->to - p->from) * sizeof k->t[0]);
	}
	for (size_t i = 1; i < count && rc == 0; i++)
		if (k->t[i] <= k->t[i - 1])
			rc = tsdb__segment_corrupt(r->segment, r->pieces[0].c.column->off, "times out of order", err);
	if (rc < 0) {
		pm_free(k);
		return rc;
	}
	r->kept_bytes += count * sizeof k->t[0];
	*slot = k;
	return 0;
}

/* The times of all pieces, kept for the next series with the same ones. */
static int times_of(
	struct tsdb__segment_reader *r, size_t count, const struct kept_times **ret, struct pm_error *err)
{
	uint64_t key[2] = { r->piece_count, count };
	for (size_t i = 0; i < r->piece_count; i++) {
		uint64_t n = r->pieces[i].c.time * UINT64_C(2) + r->pieces[i].one;
		key[0] = (key[0] ^ n) * UINT64_C(0x9e3779b97f4a7c15) ^ key[0] >> 31;
		key[1] = (key[1] + n) * UINT64_C(0xc2b2ae3d27d4eb4f) ^ key[1] >> 29;
	}
	struct kept_times **slot = &r->kept[(key[0] ^ key[0] >> 32) % KEPT_SLOTS];
	int rc;
	if (*slot && (*slot)->key[0] == key[0] && (*slot)->key[1] == key[1] && (*slot)->count == count) {
		*ret = *slot;
		return 0;
	}
	if (r->kept_bytes > KEPT_BYTES_MAX)
		forget_times(r);
	if (*slot)
		r->kept_bytes -= (*slot)->count * sizeof(*slot)->t[0];
	pm_free(*slot);
	*slot = NULL;
	if ((rc = times_make(r, count, key, slot, err)) == 0)
		*ret = *slot;
	return rc;
}

/* ---- values ---- */

static int piece_floats(
	struct tsdb__segment_reader *r, const struct piece *p, const uint8_t *bytes, struct pm_error *err)
{
	double *out = r->v + p->at;
	size_t first;
	if (tsdb__chunk_floats(bytes, p->c.len, p->c.column->count, p->from, p->to, out, &first) < 0)
		return tsdb__segment_corrupt(r->segment, p->c.off, "not a column of values", err);
	if (first)
		memmove(out, out + first, (p->to - p->from) * sizeof *out);
	return 0;
}

static int piece_histograms(
	struct tsdb__segment_reader *r, const struct piece *p, const uint8_t *bytes, struct pm_error *err)
{
	int rc = tsdb__chunk_histograms(
		bytes, p->c.len, p->c.column->count, p->from, p->to, &r->arena, r->h + p->at);
	if (rc == PM_ERR_CORRUPT)
		return tsdb__segment_corrupt(r->segment, p->c.off, "not a chunk of histograms", err);
	memset(r->v + p->at, 0, (p->to - p->from) * sizeof *r->v);
	return rc < 0 ? pm_fail(err, rc, "out of memory") : 0;
}

/* A later chunk may write over the room behind an earlier one, never before it: pieces are decoded in order. */
static int read_values(struct tsdb__segment_reader *r, size_t count, struct pm_samples *ret, struct pm_error *err)
{
	bool histograms = false;
	int rc = 0;
	if (pm_grow(&r->v, &r->v_cap, count + ROOM) < 0)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	for (size_t i = 0; i < r->piece_count; i++)
		histograms |= r->pieces[i].c.flags & TSDB_CHUNK_HISTOGRAM;
	if (histograms) {
		if (pm_grow(&r->h, &r->h_cap, count) < 0)
			return pm_fail(err, PM_ERR_NOMEM, "out of memory");
		memset(r->h, 0, count * sizeof *r->h);
		ret->h = r->h;
	}
	for (size_t i = 0; i < r->piece_count && rc == 0; i++) {
		const struct piece *p = &r->pieces[i];
		if (p->one) {
			r->v[p->at] = r->windows.use == PM_USE_MIN ? p->c.min : p->c.max;
			continue;
		}
		const uint8_t *bytes = tsdb__segment_at(r->segment, p->c.off, p->c.len, err);
		if (!bytes)
			return PM_ERR_CORRUPT;
		rc = p->c.flags & TSDB_CHUNK_HISTOGRAM ? piece_histograms(r, p, bytes, err)
						       : piece_floats(r, p, bytes, err);
	}
	ret->v = r->v;
	return rc;
}

static int read_starts(struct tsdb__segment_reader *r, size_t count, struct pm_samples *ret, struct pm_error *err)
{
	int rc = 0;
	for (size_t i = 0; i < r->piece_count && rc == 0; i++) {
		const struct piece *p = &r->pieces[i];
		size_t first;
		if (p->one || !(p->c.flags & TSDB_CHUNK_STARTS))
			continue;
		if (!ret->st_ms) {
			if (pm_grow(&r->starts, &r->starts_cap, count) < 0)
				return pm_fail(err, PM_ERR_NOMEM, "out of memory");
			memset(r->starts, 0, count * sizeof *r->starts);
			ret->st_ms = r->starts;
		}
		if ((rc = times_decode(r, p->c.starts, p->c.column->count, p->from, p->to, &first, err)) == 0)
			memcpy(r->starts + p->at, r->scratch + first, (p->to - p->from) * sizeof *r->starts);
	}
	return rc;
}

int tsdb__segment_read(struct tsdb__segment_reader *r, uint32_t series, struct pm_arena *labels, struct pm_series *ret,
	struct pm_error *err)
{
	struct tsdb__series_view view;
	const struct kept_times *times = NULL;
	size_t count = 0;
	int rc;
	memset(ret, 0, sizeof *ret);
	pm_arena_reset(&r->arena);
	if ((rc = tsdb__series_at(&r->cursor, series, &view, err)) < 0 ||
		(rc = find_pieces(r, view.chunks, &count, err)) < 0)
		return rc;
	if (count == 0)
		return 0;
	if (labels && (rc = tsdb__series_labels(r->segment, &view, labels, &ret->labels, err)) < 0)
		return rc;
	if ((rc = times_of(r, count, &times, err)) < 0 || (rc = read_values(r, count, &ret->samples, err)) < 0 ||
		(rc = read_starts(r, count, &ret->samples, err)) < 0)
		return rc;
	ret->samples.count = count;
	ret->samples.t_ms = times->t;
	ret->samples.time_id = times->id;
	return 0;
}
