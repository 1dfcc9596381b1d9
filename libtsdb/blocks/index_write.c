/* index_write.c - see index_write.h. What newer Prometheus reads is written, and an empty table of label indices for
 * older readers that look for one. */
#include "libtsdb/blocks/index_write.h"

#include "libtsdb/base/mem.h"
#include "libtsdb/blocks/out.h"

#include <stdlib.h>

enum { VERSION = 2, POSTINGS_ALIGN = 4, LEN_SIZE = 4, PAIR_STRINGS = 2 };

/* ---- collecting --------------------------------------------------------------------------------- */

int prom__index_add_series(struct prom__index_out *x, struct pm_labels labels, struct pm_error *err)
{
	int rc = pm_grow(&x->series, &x->series_cap, x->series_count + 1);

	if (rc == 0)
		rc = pm_grow(&x->labels, &x->labels_cap, x->label_count + labels.count);
	if (x->label_count + labels.count > UINT32_MAX)
		return pm_fail(err, PM_ERR_LIMIT, "the block has too many labels");
	if (rc == 0)
		x->series[x->series_count++] =
			(struct prom__index_series){ (uint32_t)x->label_count, x->chunk_count, 0 };
	for (size_t i = 0; i < labels.count && rc == 0; i++) {
		uint32_t name, value, pair;

		rc = prom__intern(&x->strings, labels.v[i].name, &name);
		if (rc == 0)
			rc = prom__intern(&x->strings, labels.v[i].value, &value);
		if (rc == 0)
			rc = prom__intern_pair(&x->pairs, name, value, &pair);
		if (rc == 0) {
			x->pairs.v[pair].uses++;
			x->labels[x->label_count++] = pair;
		}
	}
	return rc < 0 ? pm_fail(err, rc, "out of memory") : 0;
}

int prom__index_add_chunk(struct prom__index_out *x, const struct prom__chunk_ref *chunk, struct pm_error *err)
{
	if (pm_grow(&x->chunks, &x->chunks_cap, x->chunk_count + 1) < 0)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	x->chunks[x->chunk_count++] = *chunk;
	return 0;
}

void prom__index_out_release(struct prom__index_out *x)
{
	prom__strings_release(&x->strings);
	prom__pairs_release(&x->pairs);
	pm_free(x->series);
	pm_free(x->labels);
	pm_free(x->chunks);
	*x = (struct prom__index_out){ 0 };
}

/* ---- writing ------------------------------------------------------------------------------------ */

struct writer {
	struct prom__index_out *x;
	struct prom__out out;
	uint32_t *order, *rank;  /* strings in order, and where in it each is */
	uint32_t *pairs;         /* in order of name and value */
	uint32_t *members;       /* series of each pair, pair after pair in that order */
	uint64_t *postings;      /* where the list of each is in the file; all series last */
	uint64_t symbols_at, series_at, postings_at, indices_at, table_at;
};

static int by_bytes(const void *a, const void *b, void *arg)
{
	const struct pm_str *v = arg;

	return pm_str_cmp(v[*(const uint32_t *)a], v[*(const uint32_t *)b]);
}

static int by_rank(const void *a, const void *b, void *arg)
{
	const struct writer *w = arg;
	const struct prom__pair *x = &w->x->pairs.v[*(const uint32_t *)a], *y = &w->x->pairs.v[*(const uint32_t *)b];

	if (x->name != y->name)
		return w->rank[x->name] < w->rank[y->name] ? -1 : 1;
	return w->rank[x->value] < w->rank[y->value] ? -1 : w->rank[x->value] > w->rank[y->value];
}

static int sort_all(struct writer *w, struct pm_error *err)
{
	size_t strings = w->x->strings.table.count, pairs = w->x->pairs.table.count;

	w->order = pm_calloc(strings + 1, sizeof *w->order);
	w->rank = pm_calloc(strings + 1, sizeof *w->rank);
	w->pairs = pm_calloc(pairs + 1, sizeof *w->pairs);
	w->members = pm_calloc(w->x->label_count + 1, sizeof *w->members);
	w->postings = pm_calloc(pairs + 1, sizeof *w->postings);
	if (!w->order || !w->rank || !w->pairs || !w->members || !w->postings)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	for (uint32_t i = 0; i < strings; i++)
		w->order[i] = i;
	qsort_r(w->order, strings, sizeof *w->order, by_bytes, w->x->strings.v);
	for (uint32_t i = 0; i < strings; i++)
		w->rank[w->order[i]] = i;
	for (uint32_t i = 0; i < pairs; i++)
		w->pairs[i] = i;
	qsort_r(w->pairs, pairs, sizeof *w->pairs, by_rank, w);
	return 0;
}

/* The length of a section that is in the buffer whole: four bytes were left for it at `from`. */
static int end_section(struct writer *w, size_t from, struct pm_error *err)
{
	struct pm_buf *b = &w->out.buf;
	size_t len = b->len - from - LEN_SIZE;

	if (len > UINT32_MAX)
		return pm_fail(err, PM_ERR_LIMIT, "the index is too large: a section passes 4 GiB");
	if (!pm_buf_error(b)) {
		for (int i = 0; i < LEN_SIZE; i++)
			b->ptr[from + (size_t)i] = (char)(len >> (24 - 8 * i));
		prom__put_crc(b, from + LEN_SIZE);
	}
	return prom__out_flush(&w->out, err);
}

static int put_symbols(struct writer *w, struct pm_error *err)
{
	struct pm_buf *b = &w->out.buf;
	size_t count = w->x->strings.table.count, from;

	prom__put_be32(b, PROM__INDEX_MAGIC);
	pm_buf_char(b, VERSION);
	w->symbols_at = prom__out_at(&w->out);
	from = b->len;
	prom__put_be32(b, 0);
	prom__put_be32(b, (uint32_t)count);
	for (size_t i = 0; i < count; i++)
		prom__put_str(b, w->x->strings.v[w->order[i]]);
	return end_section(w, from, err);
}

static size_t pairs_end(const struct prom__index_out *x, size_t i)
{
	return i + 1 < x->series_count ? x->series[i + 1].pairs_from : x->label_count;
}

static size_t chunks_end(const struct prom__index_out *x, size_t i)
{
	return i + 1 < x->series_count ? x->series[i + 1].chunks_from : x->chunk_count;
}

static void put_chunks(struct pm_buf *b, const struct prom__chunk_ref *c, size_t count)
{
	prom__put_uvarint(b, count);
	for (size_t i = 0; i < count; i++) {
		if (i == 0)
			prom__put_varint(b, c[i].min_ms);
		else
			prom__put_uvarint(b, (uint64_t)c[i].min_ms - (uint64_t)c[i - 1].max_ms);
		prom__put_uvarint(b, (uint64_t)c[i].max_ms - (uint64_t)c[i].min_ms);
		if (i == 0)
			prom__put_uvarint(b, c[i].ref);
		else
			prom__put_varint(b, (int64_t)(c[i].ref - c[i - 1].ref));
	}
}

static void put_one_series(const struct writer *w, struct pm_buf *b, size_t i)
{
	const struct prom__index_out *x = w->x;
	const struct prom__index_series *s = &x->series[i];
	size_t end = pairs_end(x, i);

	prom__put_uvarint(b, end - s->pairs_from);
	for (size_t p = s->pairs_from; p < end; p++) {
		prom__put_uvarint(b, w->rank[x->pairs.v[x->labels[p]].name]);
		prom__put_uvarint(b, w->rank[x->pairs.v[x->labels[p]].value]);
	}
	put_chunks(b, x->chunks + s->chunks_from, chunks_end(x, i) - s->chunks_from);
}

static int put_series(struct writer *w, struct pm_error *err)
{
	struct pm_buf one = { 0 };
	int rc = 0;

	prom__put_padding(&w->out, PROM__INDEX_ALIGN);
	w->series_at = prom__out_at(&w->out);
	for (size_t i = 0; i < w->x->series_count && rc == 0; i++) {
		uint64_t number;

		prom__put_padding(&w->out, PROM__INDEX_ALIGN);
		number = prom__out_at(&w->out) / PROM__INDEX_ALIGN;
		pm_buf_reset(&one);
		put_one_series(w, &one, i);
		prom__put_uvarint(&w->out.buf, one.len);
		prom__put_crc(&one, 0);
		pm_buf_str(&w->out.buf, pm_buf_view(&one));
		w->x->series[i].number = (uint32_t)number;
		rc = pm_buf_error(&one) ? pm_fail(err, PM_ERR_NOMEM, "out of memory") : prom__out_flush(&w->out, err);
		if (rc == 0 && number > UINT32_MAX)
			rc = pm_fail(err, PM_ERR_LIMIT, "the index is too large: its series pass 64 GiB");
	}
	pm_buf_release(&one);
	return rc;
}

/* Which series have each pair: counted, then dealt out in the order of series. */
static void collect_members(struct writer *w)
{
	struct prom__index_out *x = w->x;
	uint64_t at = 0;

	for (size_t i = 0; i < x->pairs.table.count; i++) {
		w->postings[w->pairs[i]] = at;
		at += x->pairs.v[w->pairs[i]].uses;
	}
	for (size_t i = 0; i < x->series_count; i++)
		for (size_t p = x->series[i].pairs_from; p < pairs_end(x, i); p++)
			w->members[w->postings[x->labels[p]]++] = x->series[i].number;
}

static int put_postings(struct writer *w, struct pm_error *err)
{
	struct prom__index_out *x = w->x;
	struct pm_buf *b = &w->out.buf;
	size_t count = x->pairs.table.count, member = 0, from;
	int rc = 0;

	collect_members(w);
	prom__put_padding(&w->out, POSTINGS_ALIGN);
	w->postings_at = prom__out_at(&w->out);
	for (size_t i = 0; i <= count && rc == 0; i++) {
		size_t uses = i < count ? x->pairs.v[w->pairs[i]].uses : x->series_count;

		prom__put_padding(&w->out, POSTINGS_ALIGN);
		w->postings[i < count ? w->pairs[i] : count] = prom__out_at(&w->out);
		from = b->len;
		prom__put_be32(b, 0);
		prom__put_be32(b, (uint32_t)uses);
		for (size_t k = 0; k < uses; k++)
			prom__put_be32(b, i < count ? w->members[member + k] : x->series[k].number);
		member += i < count ? uses : 0;
		rc = end_section(w, from, err);
	}
	return rc;
}

static void put_entry(struct pm_buf *b, struct pm_str name, struct pm_str value, uint64_t offset)
{
	prom__put_uvarint(b, PAIR_STRINGS);
	prom__put_str(b, name);
	prom__put_str(b, value);
	prom__put_uvarint(b, offset);
}

static int put_tables(struct writer *w, struct pm_error *err)
{
	struct prom__index_out *x = w->x;
	struct pm_buf *b = &w->out.buf;
	size_t count = x->pairs.table.count, from;
	int rc;

	w->indices_at = prom__out_at(&w->out);
	from = b->len;
	prom__put_be32(b, 0);
	prom__put_be32(b, 0);
	rc = end_section(w, from, err);
	if (rc < 0)
		return rc;
	w->table_at = prom__out_at(&w->out);
	from = b->len;
	prom__put_be32(b, 0);
	prom__put_be32(b, (uint32_t)count + 1);
	put_entry(b, (struct pm_str){ 0 }, (struct pm_str){ 0 }, w->postings[count]);
	for (size_t i = 0; i < count; i++) {
		const struct prom__pair *p = &x->pairs.v[w->pairs[i]];

		put_entry(b, x->strings.v[p->name], x->strings.v[p->value], w->postings[w->pairs[i]]);
	}
	return end_section(w, from, err);
}

static void put_contents(struct writer *w)
{
	struct pm_buf *b = &w->out.buf;
	size_t from = b->len;

	prom__put_be64(b, w->symbols_at);
	prom__put_be64(b, w->series_at);
	prom__put_be64(b, w->postings_at); /* label indices: none */
	prom__put_be64(b, w->indices_at);
	prom__put_be64(b, w->postings_at);
	prom__put_be64(b, w->table_at);
	prom__put_crc(b, from);
}

int prom__index_write(struct prom__index_out *x, int dirfd, const char *path, struct pm_error *err)
{
	struct writer w = { .x = x };
	int rc = prom__out_open(&w.out, dirfd, path, err);

	if (rc < 0)
		return rc;
	rc = sort_all(&w, err);
	if (rc == 0)
		rc = put_symbols(&w, err);
	if (rc == 0)
		rc = put_series(&w, err);
	if (rc == 0)
		rc = put_postings(&w, err);
	if (rc == 0)
		rc = put_tables(&w, err);
	if (rc == 0) {
		put_contents(&w);
		rc = prom__out_close(&w.out, err);
	}
	prom__out_abort(&w.out);
	pm_free(w.order);
	pm_free(w.rank);
	pm_free(w.pairs);
	pm_free(w.members);
	pm_free(w.postings);
	return rc;
}
