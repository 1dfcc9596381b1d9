/* compact.c - merging segments, and retention.
 *
 * A span of a level is merged when it has several segments, is past, and merging pays: what is rewritten is not much
 * more than what is new. So each sample is written once a level, and a late one costs a share of its span. */
#include "libtsdb/db/long.h"
#include "libtsdb/db/merge.h"
#include "libtsdb/db/merge_segments.h"

#include "libtsdb/base/mem.h"

enum {
	LATE_MS = 3600 * 1000, /* a span is past when there are samples so much newer */
	PIECES_MAX = 8,        /* so many new segments are merged even when they are small */
	LEVELS_MERGED = 3,     /* a day, 12 days, 144 days */
	RETENTION_SHARE = 4,   /* no span longer than this part of the retention */
	PROGRESS_SERIES = 256,
};

struct members {
	size_t *v; /* indices in the manifest, in order of commitment */
	size_t count, cap;
	uint32_t level;
};

/* ---- what to merge ---- */

static bool inside(const struct tsdb__segment_info *s, int64_t span, uint32_t level)
{
	return tsdb__span_of(s->min_ms, level) == span && tsdb__span_of(s->max_ms, level) == span;
}

int64_t tsdb__long_newest(const struct tsdb__long *w)
{
	const struct tsdb__manifest *m = tsdb__manifest_of(w->snap);
	int64_t max_ms = w->snap->rec.max_ms;
	for (size_t i = 0; i < m->count; i++)
		max_ms = m->v[i].info.max_ms > max_ms ? m->v[i].info.max_ms : max_ms;
	return max_ms;
}

/* Of equal times the sample committed first counts: a segment of others that was committed between members and overlaps
 * them would change sides. */
static bool order_kept(const struct tsdb__manifest *m, const struct members *x)
{
	const struct tsdb__segment_info *first = &m->v[x->v[0]].info, *last = &m->v[x->v[x->count - 1]].info;
	int64_t min_ms = PM_TIME_MAX, max_ms = PM_TIME_MIN;
	for (size_t i = 0; i < x->count; i++) {
		const struct tsdb__segment_info *s = &m->v[x->v[i]].info;
		min_ms = s->min_ms < min_ms ? s->min_ms : min_ms;
		max_ms = s->max_ms > max_ms ? s->max_ms : max_ms;
	}
	for (size_t i = 0, k = 0; i < m->count; i++) {
		const struct tsdb__segment_info *s = &m->v[i].info;
		if (k < x->count && x->v[k] == i)
			k++;
		else if (s->order > first->order && s->order < last->order && s->min_ms <= max_ms &&
			 s->max_ms >= min_ms)
			return false;
	}
	return true;
}

static bool pays(const struct tsdb__manifest *m, const struct members *x)
{
	uint64_t all = 0, largest = 0;
	for (size_t i = 0; i < x->count; i++) {
		uint64_t size = m->v[x->v[i]].info.size;
		all += size;
		largest = size > largest ? size : largest;
	}
	return x->count > PIECES_MAX || all - largest >= largest / 4;
}

static bool has_tombstone(const struct tsdb__manifest *m, const struct tsdb__segment_info *s)
{
	for (size_t i = 0; i < m->tombstone_count; i++)
		if (s->number < m->tombstones[i].before && s->min_ms <= m->tombstones[i].max_ms &&
			s->max_ms >= m->tombstones[i].min_ms)
			return true;
	return false;
}

static int collect(struct tsdb__manifest *m, int64_t span, uint32_t level, struct members *x)
{
	x->count = 0;
	x->level = level;
	for (size_t i = 0; i < m->count; i++) {
		if (!inside(&m->v[i].info, span, level))
			continue;
		if (tsdb__manifest_set_aside(m, i, 0)) { /* it stays as it is, and the span with it */
			x->count = 0;
			return 0;
		}
		if (pm_grow(&x->v, &x->cap, x->count + 1) < 0)
			return PM_ERR_NOMEM;
		x->v[x->count++] = i;
	}
	return 0;
}

static bool level_allowed(const struct tsdb__long *w, const struct members *x, const struct tsdb__manifest *m)
{
	if (x->level == 0 || w->opts->retention_ms == 0 ||
		tsdb__level_ms(x->level) <= w->opts->retention_ms / RETENTION_SHARE)
		return true;
	for (size_t i = 0; i < x->count; i++)
		if (m->v[x->v[i]].info.level >= x->level) /* it was sealed so long */
			return true;
	return false;
}

static bool due(const struct tsdb__long *w, const struct tsdb__manifest *m, int64_t span, const struct members *x)
{
	int64_t end, late;
	bool past = !__builtin_mul_overflow(span + 1, tsdb__level_ms(x->level), &end) &&
		    !__builtin_add_overflow(end, LATE_MS, &late) && late <= tsdb__long_newest(w);
	if (x->count == 1)
		return w->opts->force && has_tombstone(m, &m->v[x->v[0]].info) && m->v[x->v[0]].info.level == x->level;
	return x->count > 1 && level_allowed(w, x, m) && order_kept(m, x) &&
	       (w->opts->force || (past && pays(m, x)) || x->count > 2 * PIECES_MAX);
}

/* Small spans first: what they save in the larger ones. */
static int choose(const struct tsdb__long *w, struct members *x, struct pm_error *err)
{
	struct tsdb__manifest *m = tsdb__manifest_of(w->snap);
	for (uint32_t level = 0; level <= TSDB_LEVEL_MAX; level++)
		for (size_t i = 0; i < m->count; i++) {
			const struct tsdb__segment_info *s = &m->v[i].info;
			int64_t span = tsdb__span_of(s->min_ms, level);
			if (s->level > level || (level >= LEVELS_MERGED && s->level < level))
				continue;
			if (collect(m, span, level, x) < 0)
				return pm_fail(err, PM_ERR_NOMEM, "out of memory");
			if (due(w, m, span, x))
				return 1;
		}
	return 0;
}

/* ---- merging ---- */

struct merging {
	struct tsdb__long *work;
	struct tsdb__segment **segments;
	size_t count;
	uint64_t all; /* samples */
	bool filtered; /* a tombstone covers some of it */
};

static int step(void *arg, uint64_t samples, struct pm_error *err)
{
	struct merging *k = arg;
	if (tsdb__long_progress(k->work, "merging", samples, k->all))
		return pm_fail(err, PM_ERR_CANCELED, "stopped while merging");
	return 0;
}

/* With tombstones: series by series, without what is deleted. */
static int write_filtered(struct merging *k, struct tsdb__segment_writer *out, struct pm_error *err)
{
	struct pm_select all = { .min_ms = PM_TIME_MIN, .max_ms = PM_TIME_MAX };
	struct pm_series_set **sets = pm_malloc((k->count + 1) * sizeof(struct pm_series_set *)), *merged = NULL;
	struct pm_series series;
	uint64_t count = 0, samples = 0;
	size_t opened = 0;
	int rc = sets ? 0 : pm_fail(err, PM_ERR_NOMEM, "out of memory");
	for (; opened < k->count && rc == 0; opened += rc == 0)
		rc = tsdb__source_set(k->work->snap, k->segments[opened], &all, NULL, &sets[opened], err);
	if (rc < 0)
		while (opened)
			opened--, sets[opened]->free(sets[opened]);
	else if ((rc = tsdb__merge_sets(sets, opened, 0, &merged)) < 0)
		pm_fail(err, rc, "out of memory");
	while (rc == 0 && (rc = merged->next(merged, &series, err)) > 0) {
		rc = tsdb__segment_writer_add(out, series.labels, &series.samples, err);
		samples += series.samples.count;
		if (rc == 0 && ++count % PROGRESS_SERIES == 0)
			rc = step(k, samples, err);
	}
	if (merged)
		merged->free(merged);
	pm_free(sets);
	return rc;
}

static int open_members(struct merging *k, const struct members *x, struct pm_error *err)
{
	struct tsdb__manifest *m = tsdb__manifest_of(k->work->snap);
	int rc = 0;
	if (!(k->segments = pm_calloc(x->count + 1, sizeof(struct tsdb__segment *))))
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	for (; k->count < x->count && rc == 0; k->count += rc == 0) {
		rc = tsdb__manifest_segment(m, x->v[k->count], &k->segments[k->count], err);
		k->all += m->v[x->v[k->count]].info.sample_count;
		k->filtered |= has_tombstone(m, &m->v[x->v[k->count]].info);
	}
	return rc;
}

/* Tombstones that no segment needs any more. */
static void forget_tombstones(struct tsdb__manifest *m)
{
	size_t kept = 0;
	for (size_t i = 0; i < m->tombstone_count; i++) {
		const struct tsdb__tombstone *t = &m->tombstones[i];
		bool needed = false;
		for (size_t k = 0; k < m->count && !needed; k++) {
			const struct tsdb__segment_info *s = &m->v[k].info;
			needed = s->number < t->before && s->min_ms <= t->max_ms && s->max_ms >= t->min_ms;
		}
		if (needed)
			m->tombstones[kept++] = *t;
	}
	m->tombstone_count = kept;
}

static int merge(struct tsdb__long *w, const struct members *x, struct tsdb__manifest *next, struct pm_error *err)
{
	const struct tsdb__manifest *m = tsdb__manifest_of(w->snap);
	struct tsdb__segment_info info = { .number = next->next_segment++,
		.order = m->v[x->v[0]].info.order,
		.level = x->level };
	struct merging k = { .work = w };
	struct tsdb__segment_writer *out = NULL;
	int rc = open_members(&k, x, err);
	if (rc == 0 && (rc = tsdb__segment_writer_new(w->db->dirfd, &info, &out, err)) == 0) {
		rc = k.filtered ? write_filtered(&k, out, err)
				: tsdb__merge_segments(k.segments, k.count, out, step, &k, err);
		if (rc == 0)
			rc = tsdb__segment_writer_finish(out, &info, err);
		else
			tsdb__segment_writer_abort(out);
	}
	while (k.count)
		tsdb__segment_unref(k.segments[--k.count]);
	pm_free(k.segments);
	if (rc == 0 && info.series_count && tsdb__manifest_add(next, &info) < 0)
		rc = pm_fail(err, PM_ERR_NOMEM, "out of memory");
	if (rc == 0) {
		w->stats->bytes_written += info.size;
		w->stats->merged_samples += info.sample_count;
		w->stats->merged_segments += x->count;
		w->stats->merged_into += info.series_count != 0;
	}
	return rc;
}

/* Segments that could not be merged for damage: they are left alone, and served as far as they can be. */
static void leave_alone(struct tsdb__long *w, const struct members *x, const struct pm_error *why)
{
	bool said = false;
	for (size_t i = 0; i < x->count; i++)
		said |= tsdb__manifest_set_aside(tsdb__manifest_of(w->snap), x->v[i], why->code) != 0;
	if (!said && w->db->damaged)
		w->db->damaged(w->db->damaged_arg, why);
}

int tsdb__merge_some(struct tsdb__long *w, struct pm_error *err)
{
	struct pm_error why = { 0 };
	struct tsdb__manifest *next = NULL;
	struct members x = { 0 };
	int rc = choose(w, &x, err);
	if (rc > 0 && (rc = tsdb__manifest_copy(tsdb__manifest_of(w->snap), &next)) < 0)
		pm_fail(err, rc, "out of memory");
	if (next) {
		for (size_t i = 0; i < x.count; i++)
			tsdb__manifest_remove(next, tsdb__manifest_of(w->snap)->v[x.v[i]].info.number);
		if ((rc = merge(w, &x, next, &why)) == 0) {
			forget_tombstones(next);
			rc = tsdb__long_publish(w, next, 0, err);
		} else {
			tsdb__manifest_unref(next);
			/* Stale: a file is gone that the store names. */
			if (rc == PM_ERR_CORRUPT || rc == PM_ERR_VERSION || rc == PM_ERR_STALE) {
				leave_alone(w, &x, &why);
				rc = 0;
			} else if (err) {
				*err = why;
			}
		}
		rc = rc < 0 ? rc : 1;
	}
	pm_free(x.v);
	return rc;
}

/* ---- retention ---- */

static uint64_t store_bytes(const struct tsdb__long *w, const struct tsdb__manifest *m)
{
	const struct tsdb_record *r = &w->snap->rec;
	uint64_t bytes =
		r->log_end - (r->log_first << TSDB_LOG_SHIFT) + r->catalog_len + r->layouts_len + r->postings_len;
	for (size_t i = 0; i < m->count; i++)
		bytes += m->v[i].info.size;
	return bytes;
}

/* The segment whose newest sample is the oldest. */
static const struct tsdb__segment_info *oldest(const struct tsdb__manifest *m)
{
	const struct tsdb__segment_info *o = NULL;
	for (size_t i = 0; i < m->count; i++)
		if (!o || m->v[i].info.max_ms < o->max_ms)
			o = &m->v[i].info;
	return o;
}

int tsdb__retention(struct tsdb__long *w, struct pm_error *err)
{
	const struct tsdb_compact_opts *o = w->opts;
	struct tsdb__manifest *next;
	const struct tsdb__segment_info *s;
	uint64_t deleted = 0, for_bytes = 0;
	int rc = tsdb__manifest_copy(tsdb__manifest_of(w->snap), &next);
	if (rc < 0)
		return pm_fail(err, rc, "out of memory");
	while ((s = oldest(next))) {
		bool old = o->retention_ms && s->max_ms < w->now_ms - o->retention_ms;
		if (!old && !(o->retention_bytes && store_bytes(w, next) > o->retention_bytes))
			break;
		for_bytes += !old;
		tsdb__manifest_remove(next, s->number);
		deleted++;
	}
	if (deleted == 0) {
		tsdb__manifest_unref(next);
		return 0;
	}
	forget_tombstones(next);
	if ((rc = tsdb__long_publish(w, next, 0, err)) == 0) {
		w->stats->deleted_segments += deleted;
		w->stats->deleted_for_bytes += for_bytes;
	}
	return rc;
}
