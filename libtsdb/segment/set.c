/* set.c - a segment as a source of series, sorted by labels. */
#include "libtsdb/base/mem.h"
#include "libtsdb/segment/bitmap.h"
#include "libtsdb/segment/segment.h"

struct set {
	struct pm_series_set base;
	struct tsdb__segment *segment;
	struct tsdb__segment_reader *reader; /* NULL: labels only */
	struct tsdb__series_cursor cursor;
	struct pm_arena *labels; /* `own` when the caller gave none: good until the next call */
	struct pm_arena own;
	uint32_t *series;
	size_t count, at;
};

static int next(struct pm_series_set *base, struct pm_series *ret, struct pm_error *err)
{
	struct set *s = (struct set *)base;
	struct tsdb__series_view view;
	int rc;
	if (s->labels == &s->own)
		pm_arena_reset(&s->own);
	while (s->at < s->count) {
		uint32_t series = s->series[s->at++];
		if (!s->reader) {
			memset(ret, 0, sizeof *ret);
			if ((rc = tsdb__series_at(&s->cursor, series, &view, err)) < 0 ||
				(rc = tsdb__series_labels(s->segment, &view, s->labels, &ret->labels, err)) < 0)
				return rc;
			return 1;
		}
		if ((rc = tsdb__segment_read(s->reader, series, s->labels, ret, err)) < 0)
			return rc;
		if (ret->samples.count)
			return 1;
	}
	return 0;
}

static void set_free(struct pm_series_set *base)
{
	struct set *s = (struct set *)base;
	tsdb__segment_reader_free(s->reader);
	tsdb__series_cursor_release(&s->cursor);
	tsdb__segment_unref(s->segment);
	pm_arena_release(&s->own);
	pm_free(s->series);
	pm_free(s);
}

int tsdb__segment_set(struct tsdb__segment *segment, const struct pm_select *sel, struct pm_arena *labels,
	struct pm_series_set **ret, struct pm_error *err)
{
	struct tsdb__bitmap *found = NULL;
	struct set *s = pm_calloc(1, sizeof *s);
	int rc;
	if (!s)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	s->base = (struct pm_series_set){ next, set_free };
	s->segment = tsdb__segment_ref(segment);
	s->cursor.segment = segment;
	s->labels = labels ? labels : &s->own;
	if ((rc = tsdb__segment_select(segment, sel->matchers, sel->matcher_count, &found, err)) < 0)
		goto done;
	s->count = tsdb__bitmap_count(found);
	if (!(s->series = pm_malloc((s->count + 1) * sizeof *s->series)) ||
		(!sel->labels_only &&
			tsdb__segment_reader_new(segment, sel->min_ms, sel->max_ms, &s->reader) < 0)) {
		rc = pm_fail(err, PM_ERR_NOMEM, "out of memory");
		goto done;
	}
	if (s->reader)
		tsdb__segment_reader_windows(s->reader, &sel->windows);
	tsdb__bitmap_numbers(found, s->series);
done:
	tsdb__bitmap_free(found);
	if (rc < 0)
		set_free(&s->base);
	else
		*ret = &s->base;
	return rc;
}
