/* seal.c - the head's log becomes segments.
 *
 *   writers' lock    begin a new log file, number B
 *   no lock          all rows before B, series by series in the order of labels, into a segment for each span of time
 *   writers' lock    carry the layouts' last rows over, publish: these segments, and a log that begins with B */
#include "libtsdb/db/long.h"

#include "libtsdb/base/mem.h"

enum { SPANS_MAX = 64, PROGRESS_SERIES = 256 };

struct seal {
	struct tsdb__long *work;
	struct tsdb__snap bounded; /* the snapshot, its log cut at the boundary */
	uint64_t log_first;        /* the boundary */
	struct tsdb__manifest *manifest;
	uint32_t level;
	int64_t first_span;
	struct tsdb__segment_writer *writers[SPANS_MAX]; /* by span; NULL: nothing there yet */
};

/* A snapshot with a log that ends earlier: a view of `of`, without its count of users and its place in the list,
 * which others change meanwhile. */
static void bound(struct tsdb__snap *ret, const struct tsdb__snap *of, uint64_t log_end)
{
	*ret = (struct tsdb__snap){ .attached = of->attached,
		.rec = of->rec,
		.head = of->head,
		.catalog = of->catalog,
		.ids = of->ids,
		.layouts = of->layouts,
		.postings = of->postings,
		.last = of->last };
	memcpy(ret->tables, of->tables, sizeof ret->tables);
	ret->rec.log_end = log_end;
}

/* A log file that is left alone, and a snapshot that knows it. */
static int find_boundary(struct seal *s, struct pm_error *err)
{
	struct tsdb__long *w = s->work;
	struct tsdb *db = w->db;
	struct tsdb_record published;
	int rc = tsdb__writer_lock(db, &published, err);
	if (rc < 0)
		return rc;
	if ((rc = tsdb__log_roll(&db->write, err)) < 0) {
		tsdb__writer_abort(db, &published);
		return rc;
	}
	s->log_first = db->write.log_number;
	if ((rc = tsdb__writer_publish(db, &published, err)) < 0)
		return rc;
	tsdb__snap_unref(w->snap);
	w->snap = NULL;
	if ((rc = tsdb__snap_get(db, &w->snap, err)) < 0)
		return rc;
	bound(&s->bounded, w->snap, s->log_first << TSDB_LOG_SHIFT);
	return 0;
}

/* Spans as short as gives at most SPANS_MAX of them. */
static void choose_level(struct seal *s)
{
	const struct tsdb_record *r = &s->bounded.rec;
	while (s->level < TSDB_LEVEL_MAX &&
		tsdb__span_of(r->max_ms, s->level) - tsdb__span_of(r->min_ms, s->level) >= SPANS_MAX)
		s->level++;
	s->first_span = tsdb__span_of(r->min_ms, s->level);
}

/* Which of the writers takes a time. Spans are as long as they get when times are very far apart: the last one takes
 * all that is behind it. */
static size_t slot_of(const struct seal *s, int64_t t_ms)
{
	int64_t at = tsdb__span_of(t_ms, s->level) - s->first_span;
	return at < 0 ? 0 : at >= SPANS_MAX ? SPANS_MAX - 1 : (size_t)at;
}

static int writer_at(struct seal *s, size_t at, struct tsdb__segment_writer **ret, struct pm_error *err)
{
	int rc = 0;
	if (!s->writers[at]) {
		uint64_t number = s->manifest->next_segment++;
		struct tsdb__segment_info info = { .number = number, .order = number, .level = s->level };
		rc = tsdb__segment_writer_new(s->work->db->dirfd, &info, &s->writers[at], err);
	}
	*ret = s->writers[at];
	return rc;
}

/* Samples of one series, to the segments of their spans. */
static int add_series(struct seal *s, const struct pm_series *series, struct pm_error *err)
{
	const struct pm_samples *in = &series->samples;
	int rc = 0;
	for (size_t from = 0, to; from < in->count && rc == 0; from = to) {
		size_t slot = slot_of(s, in->t_ms[from]);
		struct tsdb__segment_writer *writer;
		for (to = from + 1; to < in->count && slot_of(s, in->t_ms[to]) == slot;)
			to++;
		struct pm_samples part = { .count = to - from,
			.t_ms = in->t_ms + from,
			.v = in->v + from,
			.h = in->h ? in->h + from : NULL,
			.st_ms = in->st_ms ? in->st_ms + from : NULL };
		if ((rc = writer_at(s, slot, &writer, err)) == 0)
			rc = tsdb__segment_writer_add(writer, series->labels, &part, err);
	}
	s->work->stats->sealed_samples += in->count;
	return rc;
}

static int write_segments(struct seal *s, struct pm_error *err)
{
	struct pm_select all = { .min_ms = PM_TIME_MIN, .max_ms = PM_TIME_MAX };
	struct pm_arena labels = { 0 };
	struct pm_series_set *set;
	struct pm_series series;
	uint64_t count = 0;
	int rc = tsdb__head_set(&s->bounded, &all, &labels, &set, err);
	if (rc < 0)
		return rc;
	while ((rc = set->next(set, &series, err)) > 0 && (rc = add_series(s, &series, err)) == 0) {
		pm_arena_reset(&labels); /* nobody looks back */
		if (++count % PROGRESS_SERIES == 0 &&
			tsdb__long_progress(
				s->work, "sealing", s->work->stats->sealed_samples, s->bounded.rec.sample_count)) {
			rc = pm_fail(err, PM_ERR_CANCELED, "stopped while sealing");
			break;
		}
	}
	set->free(set);
	pm_arena_release(&labels);
	return rc;
}

static int finish(struct seal *s, struct pm_error *err)
{
	int rc = 0;
	for (size_t i = 0; i < SPANS_MAX && rc == 0; i++) {
		struct tsdb__segment_info info;
		if (!s->writers[i])
			continue;
		rc = tsdb__segment_writer_finish(s->writers[i], &info, err);
		s->writers[i] = NULL;
		if (rc == 0 && info.series_count && tsdb__manifest_add(s->manifest, &info) < 0)
			rc = pm_fail(err, PM_ERR_NOMEM, "out of memory");
		s->work->stats->bytes_written += info.size;
		s->work->stats->sealed_segments += info.series_count != 0;
	}
	return rc;
}

/* All rows that the bounded snapshot shows. */
static int seal_rows(struct seal *s, struct pm_error *err)
{
	int rc;
	choose_level(s);
	if ((rc = write_segments(s, err)) == 0)
		rc = finish(s, err);
	for (size_t i = 0; i < SPANS_MAX; i++)
		tsdb__segment_writer_abort(s->writers[i]);
	return rc;
}

int tsdb__seal_all(struct tsdb__long *w, const struct tsdb__snap *snap, struct tsdb__manifest *m, struct pm_error *err)
{
	struct seal s = { .work = w, .bounded = *snap, .manifest = m };
	return snap->rec.min_ms > snap->rec.max_ms ? 0 : seal_rows(&s, err);
}

int tsdb__seal(struct tsdb__long *w, struct pm_error *err)
{
	struct seal s = { .work = w };
	int rc = find_boundary(&s, err);
	if (rc < 0)
		return rc;
	if ((rc = tsdb__manifest_copy(tsdb__manifest_of(w->snap), &s.manifest)) < 0)
		return pm_fail(err, rc, "out of memory");
	if ((rc = seal_rows(&s, err)) < 0) {
		tsdb__manifest_unref(s.manifest);
		return rc;
	}
	return tsdb__long_publish(w, s.manifest, s.log_first, err);
}
