/* times.c - see times.h. Columns are told apart by 128 bits of hash. */
#include "libtsdb/segment/times.h"

#include "libtsdb/base/hash.h"
#include "libtsdb/base/mem.h"
#include "libtsdb/column/column.h"

void tsdb__times_release(struct tsdb__times *x)
{
	pm_free(x->columns);
	pm_free(x->hashes);
	pm_free(x->slots);
	pm_buf_release(&x->buf);
}

static int slots_grow(struct tsdb__times *x)
{
	size_t slot_count = x->slot_count ? x->slot_count * 2 : 256;
	uint32_t *slots = pm_calloc(slot_count, sizeof *slots);
	if (!slots)
		return PM_ERR_NOMEM;
	for (size_t i = 0; i < x->count; i++) {
		size_t at = x->hashes[i][0] & (slot_count - 1);
		while (slots[at])
			at = (at + 1) & (slot_count - 1);
		slots[at] = (uint32_t)i + 1;
	}
	pm_free(x->slots);
	x->slots = slots;
	x->slot_count = slot_count;
	return 0;
}

int tsdb__times_put(
	struct tsdb__times *x, struct tsdb__out *out, const int64_t *t, size_t n, uint32_t *ret, struct pm_error *err)
{
	uint64_t hash[2] = { pm_hash_seed(t, n * sizeof *t, 0), pm_hash_seed(t, n * sizeof *t, n) };
	int rc;
	if ((x->count + 1) * 2 > x->slot_count && slots_grow(x) < 0)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	size_t at = hash[0] & (x->slot_count - 1);
	for (; x->slots[at]; at = (at + 1) & (x->slot_count - 1)) {
		uint32_t i = x->slots[at] - 1;
		if (x->hashes[i][0] == hash[0] && x->hashes[i][1] == hash[1] && x->columns[i].count == n) {
			*ret = i;
			return 0;
		}
	}
	pm_buf_reset(&x->buf);
	if (tsdb__column_put_times(&x->buf, t, n) < 0 || pm_grow(&x->columns, &x->cap, x->count + 1) < 0 ||
		pm_grow(&x->hashes, &x->hash_cap, x->count + 1) < 0)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	x->columns[x->count] = (struct tsdb_time_column){ .off = out->end,
		.len = (uint32_t)x->buf.len,
		.count = (uint32_t)n,
		.min_ms = t[0],
		.max_ms = t[n - 1] };
	memcpy(x->hashes[x->count], hash, sizeof hash);
	if ((rc = tsdb__out_add(out, x->buf.ptr, x->buf.len, err)) < 0)
		return rc;
	*ret = (uint32_t)x->count++;
	x->slots[at] = *ret + 1;
	return 0;
}
