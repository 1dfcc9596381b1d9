/* index.c - see index.h. */
#include "libtsdb/segment/index.h"

#include "libtsdb/base/hash.h"
#include "libtsdb/base/mem.h"
#include "libtsdb/segment/bitmap.h"
#include "libtsdb/segment/varint.h"

#include <stdlib.h>

static void numbers_release(struct tsdb__numbers *n)
{
	pm_free(n->slots);
	pm_free(n->hashes);
}

void tsdb__index_release(struct tsdb__index *x)
{
	pm_arena_release(&x->arena);
	numbers_release(&x->string_numbers);
	numbers_release(&x->pair_numbers);
	pm_free(x->strings);
	pm_free(x->pairs);
	pm_free(x->series_pairs);
	pm_free(x->series_chunks);
	pm_free(x->series_ends);
	pm_buf_release(&x->chunks);
}

/* ---- numbers ---- */

static int numbers_grow(struct tsdb__numbers *n)
{
	size_t slot_count = n->slot_count ? n->slot_count * 2 : 256;
	uint32_t *slots = pm_calloc(slot_count, sizeof *slots);
	if (!slots)
		return PM_ERR_NOMEM;
	for (size_t i = 0; i < n->count; i++) {
		size_t at = n->hashes[i] & (slot_count - 1);
		while (slots[at])
			at = (at + 1) & (slot_count - 1);
		slots[at] = (uint32_t)i + 1;
	}
	pm_free(n->slots);
	n->slots = slots;
	n->slot_count = slot_count;
	return 0;
}

/* The next number whose hash is this, from *cursor on; UINT32_MAX when there is none: *cursor is an empty slot then. */
static uint32_t numbers_next(const struct tsdb__numbers *n, uint64_t hash, size_t *cursor)
{
	for (;; *cursor = (*cursor + 1) & (n->slot_count - 1)) {
		uint32_t v = n->slots[*cursor];
		if (!v)
			return UINT32_MAX;
		if (n->hashes[v - 1] == hash) {
			*cursor = (*cursor + 1) & (n->slot_count - 1);
			return v - 1;
		}
	}
}

static int numbers_begin(struct tsdb__numbers *n, uint64_t hash, size_t *cursor)
{
	if ((n->count + 1) * 2 > n->slot_count && numbers_grow(n) < 0)
		return PM_ERR_NOMEM;
	*cursor = hash & (n->slot_count - 1);
	return 0;
}

static int numbers_put(struct tsdb__numbers *n, uint64_t hash, size_t cursor)
{
	if (n->count >= UINT32_MAX - 1)
		return PM_ERR_LIMIT;
	if (pm_grow(&n->hashes, &n->cap, n->count + 1) < 0)
		return PM_ERR_NOMEM;
	n->hashes[n->count++] = hash;
	n->slots[cursor] = (uint32_t)n->count;
	return 0;
}

static int string_number(struct tsdb__index *x, struct pm_str s, uint32_t *ret)
{
	uint64_t hash = pm_hash(s.ptr, s.len);
	size_t cursor;
	int rc;
	if (numbers_begin(&x->string_numbers, hash, &cursor) < 0)
		return PM_ERR_NOMEM;
	while ((*ret = numbers_next(&x->string_numbers, hash, &cursor)) != UINT32_MAX)
		if (pm_str_eq(x->strings[*ret], s))
			return 0;
	struct pm_str copy = pm_arena_str(&x->arena, s);
	if (!copy.ptr || pm_grow(&x->strings, &x->string_cap, x->string_numbers.count + 1) < 0)
		return PM_ERR_NOMEM;
	*ret = (uint32_t)x->string_numbers.count;
	if ((rc = numbers_put(&x->string_numbers, hash, cursor)) == 0)
		x->strings[*ret] = copy;
	return rc;
}

static int pair_number(struct tsdb__index *x, struct tsdb_pair p, uint32_t *ret)
{
	uint64_t hash = ((uint64_t)p.name << 32 | p.value) * UINT64_C(0x9e3779b97f4a7c15);
	size_t cursor;
	int rc;
	hash ^= hash >> 29;
	if (numbers_begin(&x->pair_numbers, hash, &cursor) < 0)
		return PM_ERR_NOMEM;
	while ((*ret = numbers_next(&x->pair_numbers, hash, &cursor)) != UINT32_MAX)
		if (x->pairs[*ret].name == p.name && x->pairs[*ret].value == p.value)
			return 0;
	if (pm_grow(&x->pairs, &x->pair_cap, x->pair_numbers.count + 1) < 0)
		return PM_ERR_NOMEM;
	*ret = (uint32_t)x->pair_numbers.count;
	if ((rc = numbers_put(&x->pair_numbers, hash, cursor)) == 0)
		x->pairs[*ret] = p;
	return rc;
}

/* S2: the labels of the series before are below these. */
static bool in_order(const struct tsdb__index *x, const uint32_t *pairs, size_t count)
{
	if (x->series_count == 0)
		return true;
	size_t from = x->series_count > 1 ? x->series_ends[x->series_count - 2] : 0;
	size_t n = x->series_pair_count - from;
	for (size_t i = 0; i < n && i < count; i++) {
		const struct tsdb_pair *a = &x->pairs[x->series_pairs[from + i]], *b = &x->pairs[pairs[i]];
		if (a->name != b->name)
			return pm_str_cmp(x->strings[a->name], x->strings[b->name]) < 0;
		if (a->value != b->value)
			return pm_str_cmp(x->strings[a->value], x->strings[b->value]) < 0;
	}
	return n < count;
}

int tsdb__index_add(struct tsdb__index *x, struct pm_labels labels, const struct pm_buf *chunks)
{
	int rc;
	if (pm_grow(&x->series_pairs, &x->series_pair_cap, x->series_pair_count + labels.count) < 0 ||
		pm_grow(&x->series_chunks, &x->chunks_cap, x->series_count + 1) < 0 ||
		pm_grow(&x->series_ends, &x->ends_cap, x->series_count + 1) < 0)
		return PM_ERR_NOMEM;
	for (size_t i = 0; i < labels.count; i++) {
		struct tsdb_pair p;
		if ((rc = string_number(x, labels.v[i].name, &p.name)) < 0 ||
			(rc = string_number(x, labels.v[i].value, &p.value)) < 0 ||
			(rc = pair_number(x, p, &x->series_pairs[x->series_pair_count + i])) < 0)
			return rc;
	}
	if (!in_order(x, x->series_pairs + x->series_pair_count, labels.count))
		return PM_ERR_CORRUPT;
	pm_buf_add(&x->chunks, chunks->ptr, chunks->len);
	if (pm_buf_error(&x->chunks) < 0)
		return PM_ERR_NOMEM;
	x->series_pair_count += labels.count;
	if (x->series_pair_count > UINT32_MAX || x->series_count >= UINT32_MAX - 1)
		return PM_ERR_LIMIT;
	x->series_chunks[x->series_count] = x->chunks.len;
	x->series_ends[x->series_count++] = (uint32_t)x->series_pair_count;
	return 0;
}

/* ---- writing ---- */

static int by_string(const void *a, const void *b, void *strings)
{
	const struct pm_str *s = strings;
	return pm_str_cmp(s[*(const uint32_t *)a], s[*(const uint32_t *)b]);
}

static int by_pair(const void *a, const void *b, void *pairs)
{
	const struct tsdb_pair *p = pairs, *x = &p[*(const uint32_t *)a], *y = &p[*(const uint32_t *)b];
	if (x->name != y->name)
		return x->name < y->name ? -1 : 1;
	return (x->value > y->value) - (x->value < y->value);
}

static uint32_t *identity(size_t n)
{
	uint32_t *v = pm_malloc((n ? n : 1) * sizeof *v);
	for (size_t i = 0; v && i < n; i++)
		v[i] = (uint32_t)i;
	return v;
}

static void section_begin(struct tsdb__out *out, struct tsdb_segment_footer *f, enum tsdb_section s)
{
	f->section[s].off = out->end;
}

static int section_end(struct tsdb__out *out, struct tsdb_segment_footer *f, enum tsdb_section s, struct pm_error *err)
{
	f->section[s].len = out->end - f->section[s].off;
	return tsdb__out_pad8(out, err);
}

/* Symbols in order; afterwards pairs speak of symbols. */
static int write_symbols(
	struct tsdb__index *x, struct tsdb__out *out, struct tsdb_segment_footer *f, struct pm_error *err)
{
	size_t n = x->string_numbers.count;
	uint32_t *order = identity(n), *symbol = pm_malloc((n ? n : 1) * sizeof *symbol);
	uint64_t off = 0;
	int rc = order && symbol ? 0 : pm_fail(err, PM_ERR_NOMEM, "out of memory");
	if (rc == 0)
		qsort_r(order, n, sizeof *order, by_string, x->strings);
	f->symbol_count = (uint32_t)n;
	section_begin(out, f, TSDB_SECTION_SYMBOLS);
	for (size_t i = 0; i <= n && rc == 0; i++) {
		uint32_t at = (uint32_t)off;
		if (off > UINT32_MAX)
			rc = pm_fail(err, PM_ERR_LIMIT, "a segment's label names and values are over 4 GiB");
		else
			rc = tsdb__out_add(out, &at, sizeof at, err);
		if (i < n) {
			off += x->strings[order[i]].len;
			symbol[order[i]] = (uint32_t)i;
		}
	}
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = tsdb__out_add(out, x->strings[order[i]].ptr, x->strings[order[i]].len, err);
	if (rc == 0)
		rc = section_end(out, f, TSDB_SECTION_SYMBOLS, err);
	for (size_t i = 0; i < x->pair_numbers.count && rc == 0; i++)
		x->pairs[i] = (struct tsdb_pair){ symbol[x->pairs[i].name], symbol[x->pairs[i].value] };
	pm_free(order);
	pm_free(symbol);
	return rc;
}

static void put_series(const struct tsdb__index *x, size_t i, struct pm_buf *b)
{
	size_t from = i ? x->series_ends[i - 1] : 0, count = x->series_ends[i] - from, shared = 0;
	const uint32_t *pairs = x->series_pairs + from;
	size_t chunks = i ? x->series_chunks[i - 1] : 0;
	if (i % TSDB_SERIES_BLOCK) {
		size_t before = i > 1 ? x->series_ends[i - 2] : 0, n = from - before;
		while (shared < n && shared < count && x->series_pairs[before + shared] == pairs[shared])
			shared++;
	}
	tsdb__put_varint(b, shared);
	tsdb__put_varint(b, count - shared);
	for (size_t k = shared; k < count; k++) {
		tsdb__put_varint(b, x->pairs[pairs[k]].name);
		tsdb__put_varint(b, x->pairs[pairs[k]].value);
	}
	tsdb__put_varint(b, x->series_chunks[i] - chunks);
	pm_buf_add(b, x->chunks.ptr + chunks, x->series_chunks[i] - chunks);
}

static int write_series(
	struct tsdb__index *x, struct tsdb__out *out, struct tsdb_segment_footer *f, struct pm_error *err)
{
	struct pm_buf b = { 0 }, dir = { 0 };
	int rc = 0;
	section_begin(out, f, TSDB_SECTION_SERIES);
	for (size_t i = 0; i <= x->series_count && rc == 0; i++) {
		if (i % TSDB_SERIES_BLOCK == 0 || i == x->series_count) {
			if ((rc = tsdb__out_add(out, b.ptr, b.len, err)) < 0)
				break;
			pm_buf_reset(&b);
			pm_buf_add(&dir, &out->end, sizeof out->end);
		}
		if (i < x->series_count)
			put_series(x, i, &b);
		if (pm_buf_error(&b) < 0 || pm_buf_error(&dir) < 0)
			rc = pm_fail(err, PM_ERR_NOMEM, "out of memory");
	}
	if (rc == 0 && (rc = section_end(out, f, TSDB_SECTION_SERIES, err)) == 0) {
		section_begin(out, f, TSDB_SECTION_BLOCKS);
		if ((rc = tsdb__out_add(out, dir.ptr, dir.len, err)) == 0)
			rc = section_end(out, f, TSDB_SECTION_BLOCKS, err);
	}
	pm_buf_release(&b);
	pm_buf_release(&dir);
	return rc;
}

/* Which series have each pair: counted, then filled, by pair number. */
static int invert(const struct tsdb__index *x, uint32_t **ret_first, uint32_t **ret_series)
{
	size_t pairs = x->pair_numbers.count;
	uint32_t *first = pm_calloc(pairs + 2, sizeof *first);
	uint32_t *series = pm_malloc((x->series_pair_count + 1) * sizeof *series);
	if (!first || !series) {
		pm_free(first);
		pm_free(series);
		return PM_ERR_NOMEM;
	}
	for (size_t i = 0; i < x->series_pair_count; i++)
		first[x->series_pairs[i] + 2]++;
	for (size_t p = 2; p < pairs + 2; p++)
		first[p] += first[p - 1];
	for (size_t i = 0, k = 0; i < x->series_count; i++)
		for (; k < x->series_ends[i]; k++)
			series[first[x->series_pairs[k] + 1]++] = (uint32_t)i;
	*ret_first = first;
	*ret_series = series;
	return 0;
}

static int write_list(struct tsdb__out *out, const uint32_t *series, struct tsdb_posting *p, struct pm_buf *scratch,
	struct pm_error *err)
{
	p->off = series[0];
	if (p->count == 1)
		return 0;
	pm_buf_reset(scratch);
	if (tsdb__bitmap_put(scratch, series, p->count) < 0)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	p->off = out->end;
	p->len = (uint32_t)scratch->len;
	return tsdb__out_add(out, scratch->ptr, scratch->len, err);
}

static int write_postings(
	struct tsdb__index *x, struct tsdb__out *out, struct tsdb_segment_footer *f, struct pm_error *err)
{
	size_t n = x->pair_numbers.count;
	uint32_t *order = identity(n), *first = NULL, *series = NULL;
	struct tsdb_posting *table = pm_calloc(n ? n : 1, sizeof *table);
	struct pm_buf scratch = { 0 };
	int rc = order && table && invert(x, &first, &series) == 0 ? 0 : pm_fail(err, PM_ERR_NOMEM, "out of memory");
	if (rc == 0)
		qsort_r(order, n, sizeof *order, by_pair, x->pairs);
	section_begin(out, f, TSDB_SECTION_LISTS);
	for (size_t i = 0; i < n && rc == 0; i++) {
		uint32_t p = order[i];
		table[i] = (struct tsdb_posting){ x->pairs[p].name, x->pairs[p].value, 0, 0, first[p + 1] - first[p] };
		rc = write_list(out, series + first[p], &table[i], &scratch, err);
	}
	if (rc == 0 && (rc = section_end(out, f, TSDB_SECTION_LISTS, err)) == 0) {
		section_begin(out, f, TSDB_SECTION_PAIRS);
		if ((rc = tsdb__out_add(out, table, n * sizeof *table, err)) == 0)
			rc = section_end(out, f, TSDB_SECTION_PAIRS, err);
	}
	pm_free(order);
	pm_free(first);
	pm_free(series);
	pm_free(table);
	pm_buf_release(&scratch);
	return rc;
}

int tsdb__index_write(
	struct tsdb__index *x, struct tsdb__out *out, struct tsdb_segment_footer *f, struct pm_error *err)
{
	int rc;
	if ((rc = write_symbols(x, out, f, err)) < 0 || (rc = write_series(x, out, f, err)) < 0)
		return rc;
	pm_buf_release(&x->chunks);
	return write_postings(x, out, f, err);
}
