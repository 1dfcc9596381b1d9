/* family.c - walking a family's chain of rows; see family.h. */
#include "libtsdb/db/family.h"

#include "libtsdb/base/mem.h"

/* Follow the chain back from the last row to the range, and turn it round. */
static int walk(
	const struct tsdb__snap *snap, int64_t min_ms, int64_t max_ms, struct tsdb__family *f, struct pm_error *err)
{
	uint64_t end = snap->rec.log_end, pos = tsdb__snap_last(snap, f->id);
	while (pos >> TSDB_LOG_SHIFT >= snap->rec.log_first) { /* what was before is sealed; 0 is no position */
		const struct tsdb_row *row = tsdb__row_at(snap->head, pos, end);
		if (!row || row->family != f->id || row->previous >= pos)
			return tsdb__corrupt(err, "log", pos, "no row of this layout there");
		if (row->chain_max_ms < min_ms)
			break;
		/* A row that was carried over stands for itself where the sealing was lost with the power. */
		bool copy = row->rec.flags & TSDB_ROW_CARRIED;
		if (!copy && row->min_ms <= max_ms && row->max_ms >= min_ms) {
			if (!tsdb__row_sound(snap->head, row, pos))
				return tsdb__corrupt(err, "log", pos, "the row there is not what was written");
			if (pm_grow(&f->rows, &f->cap, f->count + 1) < 0 ||
				pm_grow(&f->positions, &f->positions_cap, f->count + 1) < 0)
				return pm_fail(err, PM_ERR_NOMEM, "out of memory");
			f->positions[f->count] = pos;
			f->rows[f->count++] = row;
		}
		pos = row->previous;
	}
	for (size_t i = 0; i < f->count / 2; i++) {
		size_t k = f->count - 1 - i;
		const struct tsdb_row *row = f->rows[i];
		uint64_t at = f->positions[i];
		f->rows[i] = f->rows[k];
		f->positions[i] = f->positions[k];
		f->rows[k] = row;
		f->positions[k] = at;
	}
	return 0;
}

/* Views and, while rows are regular, the shared column of times. */
static int columns(struct tsdb__family *f, struct pm_error *err)
{
	size_t n = f->count ? f->count : 1;
	f->views = pm_calloc(n, sizeof *f->views);
	f->times = pm_calloc(n, sizeof *f->times);
	if (!f->views || !f->times)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	f->regular = f->id != 0;
	for (size_t i = 0; i < f->count; i++) {
		const struct tsdb_row *row = f->rows[i];
		if (row->rec.kind != TSDB_REC_ROW) {
			f->regular = false;
			continue;
		}
		f->views[i] = tsdb__row_view(row);
		f->has_starts |= f->views[i].starts != NULL;
		f->has_hists |= f->views[i].hists != NULL;
		f->times[i] = row->t_ms;
		if (f->views[i].times || (i && row->t_ms <= f->times[i - 1]))
			f->regular = false;
	}
	return 0;
}

int tsdb__family_new(const struct tsdb__snap *snap, uint32_t id, int64_t min_ms, int64_t max_ms,
	struct tsdb__family **ret, struct pm_error *err)
{
	struct tsdb__family *f = pm_calloc(1, sizeof *f);
	int rc;
	if (!f)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	f->id = id;
	if ((rc = walk(snap, min_ms, max_ms, f, err)) < 0 || (rc = columns(f, err)) < 0)
		tsdb__family_free(f);
	else
		*ret = f;
	return rc;
}

void tsdb__family_free(struct tsdb__family *f)
{
	if (!f)
		return;
	pm_free(f->rows);
	pm_free(f->positions);
	pm_free(f->views);
	pm_free(f->times);
	pm_free(f);
}

size_t tsdb__family_same_version(const struct tsdb__family *f, size_t from)
{
	size_t to = from + 1;
	while (to < f->count && f->rows[to]->version == f->rows[from]->version)
		to++;
	return to;
}
