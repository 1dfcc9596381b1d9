/* exemplars.c - exemplars in the log: records chained like the rows of a family of their own.
 *
 * Only the newest w->exemplar_max of them live. When log files are sealed, the living are copied to the log's end, and
 * the first copy is marked: a walk back ends there.
 *
 *     E1 <- E2 <- E3 <- | sealed here |    C(E2 E3) <- E4 <- E5
 */
#include "libtsdb/head/exemplars.h"

#include "libtsdb/base/mem.h"

static const char family_key[16] = "exemplars";

struct pm_str tsdb__exemplars_key(void)
{
	return (struct pm_str){ family_key, sizeof family_key };
}

/* ---- one exemplar ---- */

static uint32_t size_of(struct pm_labels labels)
{
	size_t size = sizeof(struct tsdb_exemplar_rec);
	for (size_t i = 0; i < labels.count; i++)
		size += 2 * sizeof(uint16_t) + labels.v[i].name.len + labels.v[i].value.len;
	return (uint32_t)tsdb__pad8(size);
}

/* Lengths are bounded by the caller. */
int tsdb__exemplars_put(struct tsdb__exemplars_out *out, uint32_t sid, int64_t t_ms, double v, struct pm_labels labels)
{
	static const uint8_t zeros[8];
	uint32_t size = size_of(labels);
	size_t from = out->buf.len;
	assert(size <= UINT16_MAX);
	struct tsdb_exemplar_rec e = { sid, (uint16_t)labels.count, (uint16_t)size, t_ms, v };
	pm_buf_add(&out->buf, &e, sizeof e);
	for (size_t i = 0; i < labels.count; i++) {
		uint16_t lengths[2] = { (uint16_t)labels.v[i].name.len, (uint16_t)labels.v[i].value.len };
		pm_buf_add(&out->buf, lengths, sizeof lengths);
		pm_buf_str(&out->buf, labels.v[i].name);
		pm_buf_str(&out->buf, labels.v[i].value);
	}
	pm_buf_add(&out->buf, zeros, from + size - out->buf.len);
	if (pm_buf_error(&out->buf))
		return PM_ERR_NOMEM;
	out->min_ms = out->count && out->min_ms < t_ms ? out->min_ms : t_ms;
	out->max_ms = out->count && out->max_ms > t_ms ? out->max_ms : t_ms;
	out->count++;
	return 0;
}

const struct tsdb_exemplar_rec *tsdb__exemplars_next(const struct tsdb_row *row, size_t *off)
{
	size_t size = row->rec.len - sizeof *row;
	const struct tsdb_exemplar_rec *e = (const void *)(row->body + *off);
	if (size - *off < sizeof *e || e->size < sizeof *e || e->size % 8 || e->size > size - *off)
		return NULL;
	*off += e->size;
	return e;
}

int tsdb__exemplar_labels(const struct tsdb_exemplar_rec *e, struct pm_label *ret)
{
	size_t size = e->size - sizeof *e, off = 0;
	for (uint32_t i = 0; i < e->label_count; i++) {
		uint16_t lengths[2];
		if (size - off < sizeof lengths)
			return PM_ERR_CORRUPT;
		memcpy(lengths, e->labels + off, sizeof lengths);
		off += sizeof lengths;
		if ((size_t)lengths[0] + lengths[1] > size - off)
			return PM_ERR_CORRUPT;
		const char *p = (const char *)e->labels + off;
		ret[i] = (struct pm_label){ { p, lengths[0] }, { p + lengths[0], lengths[1] } };
		off += (size_t)lengths[0] + lengths[1];
	}
	return 0;
}

/* ---- walking ---- */

void tsdb__exemplars_release(struct tsdb__exemplars_walk *w)
{
	pm_free(w->rows);
	pm_free(w->positions);
	*w = (struct tsdb__exemplars_walk){ 0 };
}

int tsdb__exemplars_walk(const struct tsdb__head *h, uint64_t pos, uint64_t until, uint64_t log_end, uint64_t max,
	struct tsdb__exemplars_walk *ret, struct pm_error *err)
{
	size_t positions_cap = 0;
	*ret = (struct tsdb__exemplars_walk){ 0 };
	while (pos > until && ret->exemplar_count < max) {
		const struct tsdb_row *row = tsdb__row_at(h, pos, log_end);
		if (!row || row->rec.kind != TSDB_REC_EXEMPLARS || row->previous >= pos ||
			!tsdb__row_sound(h, row, pos)) {
			tsdb__exemplars_release(ret);
			return tsdb__corrupt(err, "log", pos, "no exemplars there");
		}
		if (pm_grow(&ret->rows, &ret->cap, ret->count + 1) < 0 ||
			pm_grow(&ret->positions, &positions_cap, ret->count + 1) < 0) {
			tsdb__exemplars_release(ret);
			return pm_fail(err, PM_ERR_NOMEM, "out of memory");
		}
		ret->positions[ret->count] = pos;
		ret->rows[ret->count++] = row;
		ret->exemplar_count += row->width;
		if (row->rec.flags & TSDB_ROW_CARRIED)
			break;
		pos = row->previous;
	}
	return 0;
}

/* ---- writing ---- */

int tsdb__exemplars_flush(struct tsdb__write *w, struct tsdb__exemplars_out *out, bool carried, struct pm_error *err)
{
	uint32_t family;
	int rc = 0;
	if (out->count && (rc = tsdb__family_intern(w, tsdb__exemplars_key(), &family, err)) == 0)
		rc = tsdb__exemplars_add(w, family, out, carried, err);
	pm_buf_reset(&out->buf);
	out->count = 0;
	return rc;
}

bool tsdb__exemplars_read(const struct tsdb_row *row, size_t *off, struct tsdb__exemplar_view *ret)
{
	ret->e = tsdb__exemplars_next(row, off);
	if (!ret->e || ret->e->label_count > TSDB_EXEMPLAR_LABELS_MAX || tsdb__exemplar_labels(ret->e, ret->room) < 0)
		return false;
	ret->labels = (struct pm_labels){ ret->room, ret->e->label_count };
	return true;
}

/* Copies of one record's exemplars but for the first `skip`. */
static int copy_row(
	const struct tsdb_row *row, uint64_t skip, struct tsdb__exemplars_out *out, uint64_t pos, struct pm_error *err)
{
	struct tsdb__exemplar_view v;
	size_t off = 0;
	for (uint32_t i = 0; i < row->width; i++) {
		if (!tsdb__exemplars_read(row, &off, &v))
			return tsdb__corrupt(err, "log", pos, "exemplars that are none");
		if (i >= skip && tsdb__exemplars_put(out, v.e->sid, v.e->t_ms, v.e->v, v.labels) < 0)
			return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	}
	return 0;
}

int tsdb__exemplars_carry(struct tsdb__write *w, uint64_t first, struct pm_error *err)
{
	enum { RECORD_MAX = 1 << 20 };
	struct tsdb__exemplars_out out = { 0 };
	struct tsdb__exemplars_walk walk;
	bool marked = false;
	uint32_t family;
	int rc;
	if (!tsdb__family_find(&w->layouts.bytes, w->tables[TSDB_TABLE_FAMILIES], tsdb__exemplars_key(),
		    w->rec.family_count, &family))
		return 0;
	rc = tsdb__exemplars_walk(w->head, tsdb__write_last(w, family).pos, tsdb__exemplars_sealed(&w->rec),
		w->rec.log_end, tsdb__exemplar_max(w), &walk, err);
	if (rc < 0 || walk.count == 0 || walk.positions[walk.count - 1] >> TSDB_LOG_SHIFT >= first)
		goto done;
	for (size_t i = walk.count; i-- > 0 && rc == 0;) {
		uint64_t over = walk.exemplar_count - tsdb__exemplar_max(w);
		bool oldest = i == walk.count - 1 && walk.exemplar_count > tsdb__exemplar_max(w);
		rc = copy_row(walk.rows[i], oldest ? over : 0, &out, walk.positions[i], err);
		if (rc == 0 && (i == 0 || out.buf.len >= RECORD_MAX)) {
			rc = tsdb__exemplars_flush(w, &out, !marked, err);
			marked = true;
		}
	}
done:
	pm_buf_release(&out.buf);
	tsdb__exemplars_release(&walk);
	return rc;
}
