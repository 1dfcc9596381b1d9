/* page_more.c - what a page has beside its row: more samples of one series, exemplars, metadata. */
#include "libtsdb/db/page.h"

#include "libtsdb/base/mem.h"

/* A row has one sample of a series. Others, if their times differ from the first one's, become loose samples. */
int tsdb__page_double(struct tsdb__work *k, uint32_t sid, size_t i, size_t first, struct pm_error *err)
{
	const struct pm_page_entry *e = &k->page->entries[i];
	int64_t t_ms = tsdb__entry_time(k, e);
	if (t_ms == tsdb__entry_time(k, &k->page->entries[first]))
		return 0;
	if (pm_grow(&k->doubles, &k->double_cap, k->double_count + 1) < 0 ||
		pm_grow(&k->extras, &k->extra_cap, k->double_count + 1) < 0)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	bool stale = e->h && pm_is_stale(e->h->sum);
	k->extras[k->double_count] = (struct tsdb__extra){ e->st_ms, stale ? NULL : e->h };
	k->doubles[k->double_count] =
		(struct tsdb__loose){ sid, (uint32_t)k->double_count + 1, t_ms, stale ? pm_stale_nan() : e->v };
	k->double_count++;
	return 0;
}

/* The series at a position of the old version; PM_REF_NEW: none. */
static uint32_t sid_at(const struct tsdb__work *k, size_t position)
{
	const struct tsdb_version *v = k->old;
	struct tsdb__block_view b;
	uint32_t i = v->block_count;
	while (i > 0 && v->blocks[i - 1].series_base > position)
		i--;
	if (i == 0 || tsdb__block(&k->w->layouts.bytes, v->blocks[i - 1].off, &b) < 0)
		return PM_REF_NEW;
	position -= v->blocks[i - 1].series_base;
	for (uint32_t s = 0; s < b.series_count; s++)
		if (b.positions[s] == position)
			return b.sids[s];
	return PM_REF_NEW;
}

static int one_exemplar(
	struct tsdb__work *k, const struct pm_page_exemplar *in, struct tsdb__exemplars_out *out, struct pm_error *err)
{
	struct tsdb_exemplar e = { in->labels, in->v, in->t_ms };
	uint32_t sid = PM_REF_NEW;
	if (k->page->values)
		sid = in->at < k->old->series_count ? sid_at(k, in->at) : PM_REF_NEW;
	else if (in->at < k->page->entry_count)
		sid = k->entries[in->at].ref;
	if (sid >= PM_REF_MAX)
		return 0;
	if (e.t_ms == PM_NO_TIME)
		e.t_ms = k->page->values ? k->page->t_ms : tsdb__entry_time(k, &k->page->entries[in->at]);
	int rc = tsdb__note_exemplar(k->db, out, sid, &e, err);
	return rc == PM_ERR_INVALID ? 0 : rc;
}

static int put_exemplars(struct tsdb__work *k, struct pm_error *err)
{
	struct tsdb__exemplars_out out = { 0 };
	int rc = 0;
	for (size_t i = 0; i < k->page->exemplar_count && rc == 0; i++)
		rc = one_exemplar(k, &k->page->exemplars[i], &out, err);
	if (rc == 0)
		rc = tsdb__exemplars_flush(k->w, &out, false, err);
	pm_buf_release(&out.buf);
	return rc;
}

static int put_metadata(struct tsdb__work *k, struct pm_error *err)
{
	int rc = 0;
	for (size_t i = 0; i < k->page->metadata_count && rc == 0; i++) {
		const struct pm_page_metadata *m = &k->page->metadata[i];
		struct tsdb_metadata in = { m->metric, m->type, m->help, m->unit };
		rc = tsdb__note_metadata(k->db, &in, err);
		rc = rc == PM_ERR_INVALID ? 0 : rc;
	}
	return rc;
}

int tsdb__page_more(struct tsdb__work *k, struct pm_error *err)
{
	int rc = tsdb__batch_add(k->w, k->doubles, k->double_count, k->extras, err);
	if (rc == 0 && k->page->exemplar_count)
		rc = put_exemplars(k, err);
	if (rc == 0 && k->page->metadata_count)
		rc = put_metadata(k, err);
	return rc;
}

void tsdb__page_release(struct tsdb__work *k)
{
	pm_free(k->doubles);
	pm_free(k->extras);
	pm_arena_release(&k->arena);
}
