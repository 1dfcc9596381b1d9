/* fake_appender.c - see the header. A broken promise of the page (an unknown ref, labels out of order) aborts. */
#include "tests/support/fake_appender.h"

#include "libtsdb/base/mem.h"
#include "libtsdb/base/num.h"

#include <assert.h>

struct fake_layout {
	char *key;
	size_t key_len;
	struct pm_layout_entry *entries;
	size_t count, cap;
	uint32_t *shown; /* series of the last row that take stale markers */
	size_t shown_count, shown_cap;
};

/* A layout as lent out: blocks of a size that makes lines cross them. */
enum { BLOCK = 7 };
struct lent {
	struct pm_layout l;
	struct pm_layout_entry *entries;
	struct pm_layout_block *blocks;
};

static struct fake_layout *find(struct fake_appender *f, struct pm_str key)
{
	for (size_t i = 0; i < f->layout_count; i++)
		if (f->layouts[i].key_len == key.len && memcmp(f->layouts[i].key, key.ptr, key.len) == 0)
			return &f->layouts[i];
	return NULL;
}

static int get_layout(struct pm_appender *a, struct pm_str key, const struct pm_layout **ret, struct pm_error *err)
{
	struct fake_appender *f = (struct fake_appender *)a;
	struct fake_layout *l = find(f, key);
	struct lent *lent;

	*ret = NULL;
	if (!l)
		return 0;
	lent = pm_calloc(1, sizeof *lent);
	if (!lent)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	lent->entries = pm_calloc(l->count + 1, sizeof *lent->entries);
	lent->blocks = pm_calloc(l->count / BLOCK + 1, sizeof *lent->blocks);
	if (!lent->entries || !lent->blocks) {
		pm_free(lent->entries);
		pm_free(lent->blocks);
		pm_free(lent);
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	}
	memcpy(lent->entries, l->entries, l->count * sizeof *l->entries);
	for (size_t i = 0; i < l->count; i += BLOCK) {
		size_t n = l->count - i < BLOCK ? l->count - i : BLOCK;

		lent->blocks[lent->l.block_count++] = (struct pm_layout_block){ lent->entries + i, (uint32_t)n };
	}
	for (size_t i = 0; i < l->count; i++)
		lent->l.series_count += l->entries[i].ref < PM_REF_MAX;
	lent->l.entry_count = (uint32_t)l->count;
	lent->l.blocks = lent->blocks;
	f->layouts_lent++;
	*ret = &lent->l;
	return 0;
}

static void free_layout(struct pm_appender *a, const struct pm_layout *l)
{
	struct lent *lent = (struct lent *)(void *)(uintptr_t)l;

	((struct fake_appender *)a)->layouts_lent--;
	pm_free(lent->entries);
	pm_free(lent->blocks);
	pm_free(lent);
}

/* ---- storing ------------------------------------------------------------------------------------ */

static char *labels_text(struct pm_labels l)
{
	struct pm_buf b = { 0 };

	pm_buf_char(&b, '{');
	for (size_t i = 0; i < l.count; i++) {
		assert(l.v[i].name.len && l.v[i].value.len);
		assert(i == 0 || pm_str_cmp(l.v[i - 1].name, l.v[i].name) < 0);
		pm_buf_cstr(&b, i ? "," : "");
		pm_buf_str(&b, l.v[i].name);
		pm_buf_cstr(&b, "=\"");
		pm_buf_str(&b, l.v[i].value);
		pm_buf_char(&b, '"');
	}
	pm_buf_char(&b, '}');
	assert(pm_buf_error(&b) == 0);
	return pm_buf_take(&b, NULL);
}

static uint32_t resolve(struct fake_appender *f, const struct pm_page_entry *e)
{
	char *text;

	if (e->e.ref != PM_REF_NEW) {
		assert(e->e.ref >= PM_REF_MAX || e->e.ref < f->series_count);
		return e->e.ref;
	}
	text = labels_text(e->labels);
	for (size_t i = 0; i < f->series_count; i++) {
		if (strcmp(f->series[i], text) == 0) {
			pm_free(text);
			return (uint32_t)i;
		}
	}
	assert(pm_grow(&f->series, &f->series_cap, f->series_count + 1) == 0);
	f->series[f->series_count] = text;
	return (uint32_t)f->series_count++;
}

static void put_sample(struct fake_appender *f, uint32_t ref, double v, int64_t t_ms)
{
	char number[PM_DOUBLE_TEXT_MAX];

	pm_buf_cstr(&f->last, f->series[ref]);
	pm_buf_char(&f->last, ' ');
	pm_buf_add(&f->last, number, pm_double_format_g(number, v));
	if (t_ms != PM_NO_TIME)
		pm_buf_fmt(&f->last, " @%lld", (long long)t_ms);
	pm_buf_char(&f->last, '\n');
}

static bool contains(const uint32_t *v, size_t n, uint32_t ref)
{
	for (size_t i = 0; i < n; i++)
		if (v[i] == ref)
			return true;
	return false;
}

/* One entry of the page into the row; of one series the first counts. */
static void store_entry(struct fake_appender *f, struct fake_layout *row, const struct pm_page_entry *e, bool markers)
{
	bool *seen = (bool *)row->key; /* lent by append_page: one a series */

	if (e->e.ref >= PM_REF_MAX)
		return;
	seen[e->e.ref] = true;
	put_sample(f, e->e.ref, e->v, e->t_ms);
	if (e->t_ms != PM_NO_TIME && !markers)
		return;
	assert(pm_grow(&row->shown, &row->shown_cap, row->shown_count + 1) == 0);
	row->shown[row->shown_count++] = e->e.ref;
}

static void store_page(
	struct fake_appender *f, struct fake_layout *old, const struct pm_page *page, struct fake_layout *row)
{
	size_t n = page->values ? old->count : page->entry_count, value = 0;

	assert(pm_grow(&row->entries, &row->cap, n + 1) == 0);
	for (size_t i = 0; i < n; i++) {
		struct pm_page_entry e = page->values
						 ? (struct pm_page_entry){ .e = old->entries[i], .t_ms = PM_NO_TIME }
						 : page->entries[i];

		if (page->values && e.e.ref < PM_REF_MAX)
			e.v = page->values[value++];
		e.e.ref = resolve(f, &e);
		if (f->drop && e.e.ref < PM_REF_MAX && strstr(f->series[e.e.ref], f->drop))
			e.e.ref = PM_REF_DROPPED;
		if (e.e.ref < PM_REF_MAX && ((bool *)row->key)[e.e.ref])
			e.e.ref = PM_REF_DOUBLE;
		row->entries[row->count++] = e.e;
		store_entry(f, row, &e, page->honor_staleness_of_timestamps);
	}
}

/* The series that an exemplar is of: `at` counts values of a warm page, else entries. */
static uint32_t exemplar_ref(const struct fake_layout *row, const struct pm_page *page, size_t at)
{
	for (size_t i = 0; page->values && i < row->count; i++)
		if (row->entries[i].ref < PM_REF_MAX && at-- == 0)
			return row->entries[i].ref;
	assert(!page->values && at < row->count);
	return row->entries[at].ref;
}

static void put_said(struct pm_buf *b, struct pm_str s, char end)
{
	pm_buf_str(b, s.ptr ? s : PM_STR("?"));
	pm_buf_char(b, end);
}

static void store_notes(struct fake_appender *f, const struct fake_layout *row, const struct pm_page *page)
{
	char number[PM_DOUBLE_TEXT_MAX];

	pm_buf_reset(&f->notes);
	for (size_t i = 0; i < page->exemplar_count; i++) {
		const struct pm_page_exemplar *e = &page->exemplars[i];
		uint32_t ref = exemplar_ref(row, page, e->at);
		char *labels = labels_text(e->labels);

		pm_buf_fmt(&f->notes, "%s %s ", ref < PM_REF_MAX ? f->series[ref] : "nothing", labels);
		pm_buf_add(&f->notes, number, pm_double_format_g(number, e->v));
		if (e->t_ms != PM_NO_TIME)
			pm_buf_fmt(&f->notes, " @%lld", (long long)e->t_ms);
		pm_buf_char(&f->notes, '\n');
		pm_free(labels);
	}
	for (size_t i = 0; i < page->metadata_count; i++) {
		put_said(&f->notes, page->metadata[i].metric, '|');
		put_said(&f->notes, page->metadata[i].type, '|');
		put_said(&f->notes, page->metadata[i].help, '|');
		put_said(&f->notes, page->metadata[i].unit, '\n');
	}
}

static int append_page(struct pm_appender *a, struct pm_str key, const struct pm_layout *l, const struct pm_page *page,
	struct pm_append_stats *ret_stats, struct pm_error *err)
{
	struct fake_appender *f = (struct fake_appender *)a;
	struct fake_layout *old = find(f, key), row = { 0 };

	if (f->refuse)
		return pm_fail(err, f->refuse, "refused");
	if (f->stale_next && f->stale_next--)
		return pm_fail(err, PM_ERR_STALE, "stale");
	assert(!page->values || (l && old && l->entry_count == old->count));
	f->pages++;
	f->warm_pages += page->values != NULL;
	pm_buf_reset(&f->last);
	row.key = pm_calloc(f->series_count + page->entry_count + 1, 1);
	store_page(f, old, page, &row);
	store_notes(f, &row, page);
	pm_free(row.key);
	*ret_stats = (struct pm_append_stats){ .samples = row.shown_count };
	for (size_t i = 0; old && i < old->shown_count; i++) {
		if (contains(row.shown, row.shown_count, old->shown[i]))
			continue;
		pm_buf_fmt(&f->last, "stale %s\n", f->series[old->shown[i]]);
		ret_stats->stale++;
	}
	if (!old) {
		assert(pm_grow(&f->layouts, &f->layout_cap, f->layout_count + 1) == 0);
		old = &f->layouts[f->layout_count++];
		*old = (struct fake_layout){ .key = pm_strndup(key.ptr, key.len), .key_len = key.len };
	}
	pm_free(old->entries);
	pm_free(old->shown);
	row.key = old->key;
	row.key_len = old->key_len;
	*old = row;
	return 0;
}

/* ---- the object --------------------------------------------------------------------------------- */

static void free_app(struct pm_appender *a)
{
	fake_appender_free((struct fake_appender *)a);
}

struct fake_appender *fake_appender_new(void)
{
	struct fake_appender *f = pm_calloc(1, sizeof *f);

	assert(f);
	f->app = (struct pm_appender){ get_layout, free_layout, append_page, free_app };
	return f;
}

void fake_appender_free(struct fake_appender *f)
{
	assert(f->layouts_lent == 0);
	for (size_t i = 0; i < f->layout_count; i++) {
		pm_free(f->layouts[i].key);
		pm_free(f->layouts[i].entries);
		pm_free(f->layouts[i].shown);
	}
	for (size_t i = 0; i < f->series_count; i++)
		pm_free(f->series[i]);
	pm_free(f->layouts);
	pm_free(f->series);
	pm_buf_release(&f->last);
	pm_buf_release(&f->notes);
	pm_free(f);
}
