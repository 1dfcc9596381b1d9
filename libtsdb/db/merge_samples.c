/* merge_samples.c - samples of one series that stand in several places.
 *
 * Nearly always the parts follow one another in time: then values are copied, and the joined column of times is kept
 * for the next series with the same parts. */
#include "libtsdb/db/merge.h"

#include "libtsdb/base/mem.h"

enum { KEPT_SLOTS = 1024, KEPT_BYTES_MAX = 64 << 20 };

struct kept {
	uint64_t key[2], id;
	size_t count;
	int64_t t[];
};

struct columns {
	int64_t *t, *st;
	double *v;
	const struct pm_histogram **h;
	size_t t_cap, st_cap, v_cap, h_cap;
};

struct tsdb__merge_samples {
	struct kept *kept[KEPT_SLOTS];
	size_t kept_bytes;
	uint64_t ids;
	struct columns out, other; /* the general way goes to and fro between them */
	const struct pm_samples **order;
	size_t order_cap;
};

/* Ids of merged columns are told from those that pass through by their topmost bit. */
#define MERGED_ID (UINT64_C(1) << 63)

int tsdb__merge_samples_new(struct tsdb__merge_samples **ret)
{
	*ret = pm_calloc(1, sizeof **ret);
	return *ret ? 0 : PM_ERR_NOMEM;
}

static void forget(struct tsdb__merge_samples *m)
{
	for (size_t i = 0; i < KEPT_SLOTS; i++) {
		pm_free(m->kept[i]);
		m->kept[i] = NULL;
	}
	m->kept_bytes = 0;
}

static void columns_release(struct columns *c)
{
	pm_free(c->t);
	pm_free(c->st);
	pm_free(c->v);
	pm_free(c->h);
}

void tsdb__merge_samples_free(struct tsdb__merge_samples *m)
{
	if (!m)
		return;
	forget(m);
	columns_release(&m->out);
	columns_release(&m->other);
	pm_free(m->order);
	pm_free(m);
}

static int columns_room(struct columns *c, size_t n)
{
	if (pm_grow(&c->t, &c->t_cap, n) < 0 || pm_grow(&c->st, &c->st_cap, n) < 0 ||
		pm_grow(&c->v, &c->v_cap, n) < 0 || pm_grow(&c->h, &c->h_cap, n) < 0)
		return PM_ERR_NOMEM;
	return 0;
}

/* ---- parts that follow one another ---- */

static int join_times(
	struct tsdb__merge_samples *m, const struct pm_samples **parts, size_t count, size_t total, struct kept **ret)
{
	uint64_t key[2] = { count, total };
	bool known = true;
	for (size_t i = 0; i < count; i++) {
		known &= parts[i]->time_id != 0;
		key[0] = (key[0] ^ parts[i]->time_id) * UINT64_C(0x9e3779b97f4a7c15) ^ key[0] >> 31;
		key[1] = (key[1] + parts[i]->time_id) * UINT64_C(0xc2b2ae3d27d4eb4f) ^ key[1] >> 29;
	}
	struct kept **slot = &m->kept[(key[0] ^ key[0] >> 32) % KEPT_SLOTS], *k = *slot;
	if (known && k && k->key[0] == key[0] && k->key[1] == key[1] && k->count == total) {
		*ret = k;
		return 0;
	}
	if (m->kept_bytes > KEPT_BYTES_MAX)
		forget(m);
	if (*slot)
		m->kept_bytes -= (*slot)->count * sizeof k->t[0];
	pm_free(*slot);
	*slot = k = pm_malloc(sizeof *k + total * sizeof k->t[0]);
	if (!k)
		return PM_ERR_NOMEM;
	*k = (struct kept){ { key[0], key[1] }, ++m->ids | MERGED_ID, total };
	m->kept_bytes += total * sizeof k->t[0];
	size_t at = 0;
	for (size_t i = 0; i < count; at += parts[i++]->count)
		memcpy(k->t + at, parts[i]->t_ms, parts[i]->count * sizeof k->t[0]);
	*ret = k;
	return 0;
}

static void copy_part(struct columns *c, size_t at, const struct pm_samples *p, bool hists, bool starts)
{
	memcpy(c->v + at, p->v, p->count * sizeof *c->v);
	if (hists && p->h)
		memcpy(c->h + at, p->h, p->count * sizeof *c->h);
	else if (hists)
		memset(c->h + at, 0, p->count * sizeof *c->h);
	if (starts && p->st_ms)
		memcpy(c->st + at, p->st_ms, p->count * sizeof *c->st);
	else if (starts)
		memset(c->st + at, 0, p->count * sizeof *c->st);
}

static int join(
	struct tsdb__merge_samples *m, size_t count, size_t total, bool hists, bool starts, struct pm_samples *ret)
{
	struct kept *times;
	size_t at = 0;
	if (join_times(m, m->order, count, total, &times) < 0 || columns_room(&m->out, total) < 0)
		return PM_ERR_NOMEM;
	for (size_t i = 0; i < count; at += m->order[i++]->count)
		copy_part(&m->out, at, m->order[i], hists, starts);
	*ret = (struct pm_samples){ .count = total,
		.t_ms = times->t,
		.v = m->out.v,
		.h = hists ? m->out.h : NULL,
		.st_ms = starts ? m->out.st : NULL,
		.time_id = times->id };
	return 0;
}

/* ---- parts that overlap ---- */

static void put_one(struct columns *to, size_t at, const struct pm_samples *from, size_t i)
{
	to->t[at] = from->t_ms[i];
	to->v[at] = from->v[i];
	to->h[at] = from->h ? from->h[i] : NULL;
	to->st[at] = from->st_ms ? from->st_ms[i] : 0;
}

/* Both are in time order; where times are equal a's sample counts. */
static size_t merge_two(const struct pm_samples *a, const struct pm_samples *b, struct columns *to)
{
	size_t i = 0, k = 0, n = 0;
	while (i < a->count || k < b->count) {
		bool from_a = k == b->count || (i < a->count && a->t_ms[i] <= b->t_ms[k]);
		if (from_a && k < b->count && a->t_ms[i] == b->t_ms[k])
			k++;
		if (from_a)
			put_one(to, n++, a, i++);
		else
			put_one(to, n++, b, k++);
	}
	return n;
}

static int interleave(struct tsdb__merge_samples *m, const struct pm_samples *parts, size_t count, size_t total,
	bool hists, bool starts, struct pm_samples *ret)
{
	struct pm_samples so_far = { 0 };
	if (columns_room(&m->out, total) < 0 || columns_room(&m->other, total) < 0)
		return PM_ERR_NOMEM;
	for (size_t i = 0; i < count; i++) {
		struct columns swap = m->other;
		m->other = m->out;
		m->out = swap;
		size_t n = merge_two(&so_far, &parts[i], &m->out);
		so_far = (struct pm_samples){
			.count = n, .t_ms = m->out.t, .v = m->out.v, .h = m->out.h, .st_ms = m->out.st
		};
	}
	if (!hists)
		so_far.h = NULL;
	if (!starts)
		so_far.st_ms = NULL;
	so_far.time_id = ++m->ids | MERGED_ID;
	*ret = so_far;
	return 0;
}

/* Sort the parts by time into m->order; true when none overlaps another. */
static bool in_sequence(struct tsdb__merge_samples *m, const struct pm_samples *parts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		size_t at = i;
		for (; at > 0 && m->order[at - 1]->t_ms[0] > parts[i].t_ms[0]; at--)
			m->order[at] = m->order[at - 1];
		m->order[at] = &parts[i];
	}
	for (size_t i = 1; i < count; i++)
		if (m->order[i - 1]->t_ms[m->order[i - 1]->count - 1] >= m->order[i]->t_ms[0])
			return false;
	return true;
}

int tsdb__merge_samples(
	struct tsdb__merge_samples *m, const struct pm_samples *parts, size_t count, struct pm_samples *ret)
{
	size_t total = 0;
	bool hists = false, starts = false;
	if (count == 1) {
		*ret = parts[0];
		return 0;
	}
	for (size_t i = 0; i < count; i++) {
		total += parts[i].count;
		hists |= parts[i].h != NULL;
		starts |= parts[i].st_ms != NULL;
	}
	if (pm_grow(&m->order, &m->order_cap, count) < 0)
		return PM_ERR_NOMEM;
	if (in_sequence(m, parts, count))
		return join(m, count, total, hists, starts, ret);
	return interleave(m, parts, count, total, hists, starts, ret);
}
