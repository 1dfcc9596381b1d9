/* quota.c - series of the head and of its jobs, counted as ids are given; see quota.h.
 *
 * Counts go up to an id: what other processes wrote since is caught up on at the next check. Of the transaction at hand
 * a list is kept, since it may be aborted. */
#include "libtsdb/head/quota.h"

#include "libtsdb/base/mem.h"
#include "libtsdb/base/utf8.h"

#include <inttypes.h>

struct job {
	uint32_t name; /* symbol; 0: series without the label */
	uint64_t count;
};

struct tsdb__quota {
	uint64_t series_max, job_series_max;
	uint64_t generation; /* of the head that was counted */
	uint32_t counted;    /* series ids below are */
	uint32_t begin_sid;  /* those from here on are of the transaction at hand */
	struct job *jobs;    /* open addressing; count 0 with name 0 is empty */
	size_t job_cap, job_count;
	uint32_t *undo; /* jobs of the transaction's series, by name */
	size_t undo_count, undo_cap;
	bool refused;
};

int tsdb__quota_new(uint64_t series_max, uint64_t job_series_max, struct tsdb__quota **ret)
{
	struct tsdb__quota *q = NULL;
	if ((series_max || job_series_max) && !(q = pm_calloc(1, sizeof *q)))
		return PM_ERR_NOMEM;
	if (q) {
		q->series_max = series_max ? series_max : UINT64_MAX;
		q->job_series_max = job_series_max ? job_series_max : UINT64_MAX;
	}
	*ret = q;
	return 0;
}

void tsdb__quota_free(struct tsdb__quota *q)
{
	if (!q)
		return;
	pm_free(q->jobs);
	pm_free(q->undo);
	pm_free(q);
}

/* ---- counts ---- */

static struct job *slot_of(struct job *jobs, size_t cap, uint32_t name)
{
	size_t at = name * UINT64_C(0x9e3779b97f4a7c15) >> 32 & (cap - 1);
	while (jobs[at].count && jobs[at].name != name)
		at = (at + 1) & (cap - 1);
	return &jobs[at];
}

static int jobs_grow(struct tsdb__quota *q)
{
	size_t cap = q->job_cap ? q->job_cap * 2 : 64;
	struct job *wide = pm_calloc(cap, sizeof *wide);
	if (!wide)
		return PM_ERR_NOMEM;
	q->job_count = 0;
	for (size_t i = 0; i < q->job_cap; i++)
		if (q->jobs[i].count) {
			*slot_of(wide, cap, q->jobs[i].name) = q->jobs[i];
			q->job_count++;
		}
	pm_free(q->jobs);
	q->jobs = wide;
	q->job_cap = cap;
	return 0;
}

/* The symbol of the value of "job"; 0, which is never one, for none. */
static uint32_t job_of(const struct tsdb__write *w, uint32_t sid)
{
	const struct tsdb_series_rec *s = tsdb__series(&w->catalog.bytes, &w->ids.bytes, sid);
	for (uint32_t i = 0; s && i < s->rec.small; i++)
		if (pm_str_eq(tsdb__symbol(&w->catalog.bytes, s->labels[i].name), PM_STR("job")))
			return s->labels[i].value;
	return 0;
}

static int count_one(struct tsdb__quota *q, const struct tsdb__write *w, uint32_t sid)
{
	uint32_t name;
	if (!tsdb__series(&w->catalog.bytes, &w->ids.bytes, sid))
		return 0; /* a hole */
	name = job_of(w, sid);
	if ((q->job_count + 1) * 2 > q->job_cap && jobs_grow(q) < 0)
		return PM_ERR_NOMEM;
	if (sid >= q->begin_sid) {
		if (pm_grow(&q->undo, &q->undo_cap, q->undo_count + 1) < 0)
			return PM_ERR_NOMEM;
		q->undo[q->undo_count++] = name;
	}
	struct job *j = slot_of(q->jobs, q->job_cap, name);
	j->name = name;
	q->job_count += j->count++ == 0;
	return 0;
}

static int catch_up(struct tsdb__quota *q, const struct tsdb__write *w)
{
	for (; q->counted < w->rec.sid_end; q->counted++)
		if (count_one(q, w, q->counted) < 0)
			return PM_ERR_NOMEM;
	return 0;
}

void tsdb__quota_begin(struct tsdb__quota *q, const struct tsdb_record *rec)
{
	if (!q)
		return;
	q->undo_count = 0;
	q->refused = false;
	if (q->generation != rec->generation) {
		q->generation = rec->generation;
		q->counted = 0;
		q->job_count = 0;
		if (q->jobs)
			memset(q->jobs, 0, q->job_cap * sizeof *q->jobs);
	}
	q->begin_sid = rec->sid_end;
}

/* A count of 0 would break the probing of others: the table is made anew without it. */
void tsdb__quota_abort(struct tsdb__quota *q)
{
	if (!q)
		return;
	for (size_t i = 0; i < q->undo_count; i++) {
		struct job *j = slot_of(q->jobs, q->job_cap, q->undo[i]);
		if (j->count == 1) {
			q->counted = 0;
			q->job_count = 0;
			memset(q->jobs, 0, q->job_cap * sizeof *q->jobs);
			break;
		}
		j->count--;
	}
	if (q->counted > q->begin_sid)
		q->counted = q->begin_sid;
	q->undo_count = 0;
}

/* ---- the check ---- */

/* Strings of labels come from anywhere: quoted, and cut. */
static int refuse(struct tsdb__quota *q, struct pm_labels labels, bool by_job, uint64_t count, struct pm_error *err)
{
	char job[128], metric[128];
	pm_quote_fixed(job, sizeof job, pm_labels_get(labels, PM_STR("job")));
	pm_quote_fixed(metric, sizeof metric, pm_labels_get(labels, PM_NAME_LABEL));
	q->refused = true;
	if (by_job)
		return pm_fail(err, PM_ERR_LIMIT,
			"job %s has %" PRIu64 " series, and may have %" PRIu64 ": no new one of metric %s", job, count,
			q->job_series_max, metric);
	return pm_fail(err, PM_ERR_LIMIT,
		"the store has %" PRIu64 " series, and may have %" PRIu64 ": no new one of job %s, metric %s", count,
		q->series_max, job, metric);
}

int tsdb__quota_check(struct tsdb__write *w, struct pm_labels labels, struct pm_error *err)
{
	struct tsdb__quota *q = w->quota;
	struct pm_str job = pm_labels_get(labels, PM_STR("job"));
	uint32_t name = 0;
	if (!q)
		return 0;
	q->refused = false;
	if (w->rec.series_count >= q->series_max)
		return refuse(q, labels, false, w->rec.series_count, err);
	if (q->job_series_max == UINT64_MAX)
		return 0;
	if (catch_up(q, w) < 0)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	if (job.len && !tsdb__symbol_find(&w->catalog.bytes, w->tables[TSDB_TABLE_SYMBOLS], job, &name))
		return 0; /* nobody has it */
	uint64_t count = q->job_cap ? slot_of(q->jobs, q->job_cap, name)->count : 0;
	return count >= q->job_series_max ? refuse(q, labels, true, count, err) : 0;
}

bool tsdb__quota_refused(const struct tsdb__quota *q)
{
	return q && q->refused;
}
