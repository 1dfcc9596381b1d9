/* merge_segments.c - see merge_segments.h.
 *
 * All segments are walked at once in the order of labels. A chunk that is copied needs the number of its time column in
 * the new segment: each column is decoded once for that. */
#include "libtsdb/db/merge_segments.h"

#include "libtsdb/base/mem.h"
#include "libtsdb/column/column.h"
#include "libtsdb/db/merge.h"

enum { STEP_SERIES = 256 };

struct input {
	struct tsdb__segment *segment;
	struct tsdb__series_cursor cursor;
	struct tsdb__segment_reader *reader;
	struct tsdb__series_view view; /* of the series it stands at */
	struct pm_labels labels;
	struct pm_arena arena; /* of labels */
	uint32_t next;         /* the series behind */
	bool live;
	uint32_t *times; /* number of a time column in the new segment + 1; 0: not known yet */
};

struct chunk {
	struct tsdb__chunk_ref ref;
	uint32_t input;
};

struct job {
	struct input *in;
	size_t count;
	struct tsdb__segment_writer *out;
	struct tsdb__merge_samples *samples;
	struct pm_samples *parts;
	uint32_t *group; /* inputs that have the series at hand */
	size_t group_count;
	struct chunk *chunks; /* of the series at hand */
	size_t chunk_count, chunk_cap;
	struct tsdb__chunk_ref *refs;
	size_t ref_cap;
	const void **values;
	size_t value_cap;
	int64_t *t;
	size_t t_cap;
};

/* ---- walking ---- */

static int advance(struct input *in, struct pm_error *err)
{
	int rc;
	in->live = in->next < in->segment->footer->series_count;
	if (!in->live)
		return 0;
	pm_arena_reset(&in->arena);
	if ((rc = tsdb__series_at(&in->cursor, in->next++, &in->view, err)) < 0)
		return rc;
	return tsdb__series_labels(in->segment, &in->view, &in->arena, &in->labels, err);
}

/* The inputs with the smallest labels. */
static void find_group(struct job *j)
{
	j->group_count = 0;
	for (size_t i = 0; i < j->count; i++) {
		if (!j->in[i].live)
			continue;
		int c = j->group_count ? pm_labels_cmp(j->in[i].labels, j->in[j->group[0]].labels) : 0;
		if (c < 0)
			j->group_count = 0;
		if (c <= 0)
			j->group[j->group_count++] = (uint32_t)i;
	}
}

/* ---- copying ---- */

static int gather_chunks(struct job *j, struct pm_error *err)
{
	int rc = 0;
	j->chunk_count = 0;
	for (size_t i = 0; i < j->group_count && rc >= 0; i++) {
		struct input *in = &j->in[j->group[i]];
		struct tsdb__cursor list = in->view.chunks;
		struct tsdb__chunk_ref c = { 0 };
		while ((rc = tsdb__chunk_next(in->segment, &list, &c, err)) > 0) {
			if (pm_grow(&j->chunks, &j->chunk_cap, j->chunk_count + 1) < 0)
				return pm_fail(err, PM_ERR_NOMEM, "out of memory");
			size_t at = j->chunk_count++;
			for (; at > 0 && j->chunks[at - 1].ref.column->min_ms > c.column->min_ms; at--)
				j->chunks[at] = j->chunks[at - 1];
			j->chunks[at] = (struct chunk){ c, j->group[i] };
		}
	}
	return rc < 0 ? rc : 0;
}

/* One after the other, and together no more chunks than encoding anew would make by much. */
static bool may_copy(const struct job *j)
{
	uint64_t samples = 0;
	for (size_t i = 0; i < j->chunk_count; i++) {
		samples += j->chunks[i].ref.column->count;
		if (i && j->chunks[i].ref.column->min_ms <= j->chunks[i - 1].ref.column->max_ms)
			return false;
	}
	return j->chunk_count == 1 || j->group_count == 1 || samples / j->chunk_count >= TSDB_CHUNK_SAMPLES / 4;
}

/* The number of an input's time column in the new segment. */
static int map_time(struct job *j, struct input *in, uint32_t time, uint32_t *ret, struct pm_error *err)
{
	const struct tsdb__segment *s = in->segment;
	const struct tsdb_time_column *tc;
	struct tsdb__column c;
	const uint8_t *bytes;
	size_t first;
	int rc;
	if (time < s->time_count && in->times[time]) {
		*ret = in->times[time] - 1;
		return 0;
	}
	uint64_t off = s->footer->section[TSDB_SECTION_TIMES].off + time * sizeof *tc;
	if (time >= s->time_count)
		return tsdb__segment_corrupt(s, off, "no such column of times", err);
	if (!(tc = tsdb__segment_at(s, off, sizeof *tc, err)) || !(bytes = tsdb__segment_at(s, tc->off, tc->len, err)))
		return PM_ERR_CORRUPT;
	if (pm_grow(&j->t, &j->t_cap, tc->count + (size_t)TSDB_COLUMN_BLOCK) < 0)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	if (tsdb__column_open(&c, bytes, tc->len, NULL) < 0 || c.count != tc->count ||
		tsdb__column_times(&c, 0, tc->count, j->t, &first) < 0)
		return tsdb__segment_corrupt(s, tc->off, "not a column of times", err);
	if ((rc = tsdb__segment_writer_time(j->out, j->t + first, tc->count, ret, err)) == 0)
		in->times[time] = *ret + 1;
	return rc;
}

static int copy_series(struct job *j, struct pm_error *err)
{
	int rc = 0;
	if (pm_grow(&j->refs, &j->ref_cap, j->chunk_count) < 0 ||
		pm_grow(&j->values, &j->value_cap, j->chunk_count) < 0)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	for (size_t i = 0; i < j->chunk_count && rc == 0; i++) {
		const struct tsdb__chunk_ref *c = &j->chunks[i].ref;
		struct input *in = &j->in[j->chunks[i].input];
		j->refs[i] = *c;
		if (!(j->values[i] = tsdb__segment_at(in->segment, c->off, c->len, err)))
			return PM_ERR_CORRUPT;
		rc = map_time(j, in, c->time, &j->refs[i].time, err);
		if (rc == 0 && c->flags & TSDB_CHUNK_STARTS)
			rc = map_time(j, in, c->starts, &j->refs[i].starts, err);
	}
	if (rc == 0)
		rc = tsdb__segment_writer_copy(
			j->out, j->in[j->group[0]].labels, j->refs, j->values, j->chunk_count, err);
	return rc;
}

/* ---- encoding anew ---- */

static int write_series(struct job *j, struct pm_error *err)
{
	struct pm_samples merged;
	size_t parts = 0;
	int rc;
	for (size_t i = 0; i < j->group_count; i++) {
		struct input *in = &j->in[j->group[i]];
		struct pm_series series;
		if ((rc = tsdb__segment_read(in->reader, in->next - 1, NULL, &series, err)) < 0)
			return rc;
		if (series.samples.time_id)
			series.samples.time_id |= (uint64_t)(j->group[i] + 1) << 40;
		if (series.samples.count)
			j->parts[parts++] = series.samples;
	}
	if (parts == 0)
		return 0;
	if (tsdb__merge_samples(j->samples, j->parts, parts, &merged) < 0)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	return tsdb__segment_writer_add(j->out, j->in[j->group[0]].labels, &merged, err);
}

/* ---- all of it ---- */

static int one_series(struct job *j, uint64_t *samples, struct pm_error *err)
{
	int rc = gather_chunks(j, err);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < j->chunk_count; i++)
		*samples += j->chunks[i].ref.column->count;
	if (j->chunk_count)
		rc = may_copy(j) ? copy_series(j, err) : write_series(j, err);
	for (size_t i = 0; i < j->group_count && rc == 0; i++)
		rc = advance(&j->in[j->group[i]], err);
	return rc;
}

static int job_open(struct job *j, struct tsdb__segment *const *in, struct pm_error *err)
{
	int rc = 0;
	if (!(j->in = pm_calloc(j->count + 1, sizeof *j->in)) ||
		!(j->parts = pm_calloc(j->count + 1, sizeof *j->parts)) ||
		!(j->group = pm_calloc(j->count + 1, sizeof *j->group)) || tsdb__merge_samples_new(&j->samples) < 0)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	for (size_t i = 0; i < j->count && rc == 0; i++) {
		j->in[i].segment = tsdb__segment_ref(in[i]);
		j->in[i].cursor.segment = in[i];
		if (!(j->in[i].times = pm_calloc(in[i]->time_count + 1u, sizeof *j->in[i].times)) ||
			tsdb__segment_reader_new(in[i], PM_TIME_MIN, PM_TIME_MAX, &j->in[i].reader) < 0)
			return pm_fail(err, PM_ERR_NOMEM, "out of memory");
		rc = advance(&j->in[i], err);
	}
	return rc;
}

static void job_release(struct job *j)
{
	for (size_t i = 0; j->in && i < j->count; i++) {
		tsdb__segment_reader_free(j->in[i].reader);
		tsdb__series_cursor_release(&j->in[i].cursor);
		pm_arena_release(&j->in[i].arena);
		pm_free(j->in[i].times);
		tsdb__segment_unref(j->in[i].segment);
	}
	tsdb__merge_samples_free(j->samples);
	pm_free(j->in);
	pm_free(j->parts);
	pm_free(j->group);
	pm_free(j->chunks);
	pm_free(j->refs);
	pm_free(j->values);
	pm_free(j->t);
}

int tsdb__merge_segments(struct tsdb__segment *const *in, size_t count, struct tsdb__segment_writer *out,
	tsdb__merge_step *step, void *arg, struct pm_error *err)
{
	struct job j = { .count = count, .out = out };
	uint64_t samples = 0, series = 0;
	int rc = job_open(&j, in, err);
	while (rc == 0) {
		find_group(&j);
		if (j.group_count == 0)
			break;
		rc = one_series(&j, &samples, err);
		if (rc == 0 && ++series % STEP_SERIES == 0)
			rc = step(arg, samples, err);
	}
	job_release(&j);
	return rc;
}
