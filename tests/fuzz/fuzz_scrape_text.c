/* fuzz_scrape_text.c - pages in both text formats: no page may hurt, and what a target showed before may not change
 * what is read.
 *
 * Input: one byte of options (bit 0 OpenMetrics, bit 1 honor_labels, bit 2 honor_timestamps), a page, and after a byte
 * 0x1e another. Without the other it is the first page with its lines turned around. The second page is stored cold,
 * with the first one's layout, and with its own: the samples must be equal. */
#include "libscrape/scrape.h"
#include "libtsdb/base/buf.h"
#include "libtsdb/base/clock.h"
#include "libtsdb/base/mem.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(cond) ((cond) ? (void)0 : abort())
#define T_MS INT64_C(1700000000000)

/* ---- a store that remembers one layout ---------------------------------------------------------- */

struct stored {
	uint64_t labels, v;
	int64_t t_ms;
};

struct sink {
	struct pm_appender app;
	struct pm_layout_entry *entries;
	size_t count, entry_cap;
	uint64_t *series; /* hash of labels by ref */
	size_t series_count, series_cap;
	struct stored *samples; /* of the last page */
	size_t sample_count, sample_cap;
	struct pm_layout layout;
	struct pm_layout_block block;
};

static int sink_layout(struct pm_appender *a, struct pm_str key, const struct pm_layout **ret, struct pm_error *err)
{
	struct sink *s = (struct sink *)a;

	s->block = (struct pm_layout_block){ s->entries, (uint32_t)s->count };
	s->layout = (struct pm_layout){ .blocks = &s->block, .block_count = 1, .entry_count = (uint32_t)s->count };
	for (size_t i = 0; i < s->count; i++)
		s->layout.series_count += s->entries[i].ref < PM_REF_MAX;
	*ret = s->count ? &s->layout : NULL;
	return 0;
}

static void sink_layout_free(struct pm_appender *a, const struct pm_layout *l)
{
}

static void check_labels(struct pm_labels l)
{
	REQUIRE(l.count > 0);
	for (size_t i = 0; i < l.count; i++) {
		REQUIRE(l.v[i].name.len > 0 && l.v[i].value.len > 0);
		REQUIRE(i == 0 || pm_str_cmp(l.v[i - 1].name, l.v[i].name) < 0);
	}
}

static uint32_t add_series(struct sink *s, struct pm_labels l)
{
	check_labels(l);
	REQUIRE(pm_grow(&s->series, &s->series_cap, s->series_count + 1) == 0);
	s->series[s->series_count] = pm_labels_hash(l);
	return (uint32_t)s->series_count++;
}

static void add_sample(struct sink *s, uint32_t ref, double v, int64_t t_ms)
{
	REQUIRE(ref < s->series_count);
	REQUIRE(pm_grow(&s->samples, &s->sample_cap, s->sample_count + 1) == 0);
	s->samples[s->sample_count++] = (struct stored){ s->series[ref], pm_double_bits(v), t_ms };
}

static int sink_append(struct pm_appender *a, struct pm_str key, const struct pm_layout *l, const struct pm_page *page,
	struct pm_append_stats *ret_stats, struct pm_error *err)
{
	struct sink *s = (struct sink *)a;
	size_t value = 0;

	*ret_stats = (struct pm_append_stats){ 0 };
	s->sample_count = 0;
	for (size_t i = 0; page->values && i < s->count; i++)
		if (s->entries[i].ref < PM_REF_MAX)
			add_sample(s, s->entries[i].ref, page->values[value++], PM_NO_TIME);
	if (page->values)
		return 0;
	REQUIRE(pm_grow(&s->entries, &s->entry_cap, page->entry_count) == 0);
	s->count = page->entry_count;
	for (size_t i = 0; i < s->count; i++) {
		struct pm_layout_entry e = page->entries[i].e;

		if (e.ref == PM_REF_NEW)
			e.ref = add_series(s, page->entries[i].labels);
		if (e.ref < PM_REF_MAX)
			add_sample(s, e.ref, page->entries[i].v, page->entries[i].t_ms);
		s->entries[i] = e;
	}
	return 0;
}

static void sink_release(struct sink *s)
{
	pm_free(s->entries);
	pm_free(s->series);
	pm_free(s->samples);
}

/* ---- the checks --------------------------------------------------------------------------------- */

/* Through the public parser: every promise of struct scrape_line. Returns the number of samples, or -1 when refused. */
static long parse(enum scrape_format format, struct pm_str page)
{
	struct scrape_parser *p = NULL;
	struct scrape_line l;
	struct pm_error err = { 0 };
	long samples = 0;
	int rc, line = 0;

	REQUIRE(scrape_parser_new(&p) == 0);
	scrape_parser_begin(p, format, page);
	while ((rc = scrape_parser_next(p, &l, &err)) > 0) {
		REQUIRE(l.line > line);
		line = l.line;
		REQUIRE(l.text.len > 0 && l.text.ptr >= page.ptr && l.text.ptr + l.text.len <= page.ptr + page.len);
		if (l.item == SCRAPE_ITEM_SAMPLE) {
			check_labels(l.labels);
			samples++;
		}
	}
	REQUIRE(rc == 0 || (rc == PM_ERR_INVALID && err.line > 0 && err.column > 0 && err.msg[0]));
	scrape_parser_free(p);
	return rc ? -1 : samples;
}

static void store(struct sink *s, const struct scrape_target *t, enum scrape_format format, struct pm_str page,
	struct scrape_report *r)
{
	s->app = (struct pm_appender){ sink_layout, sink_layout_free, sink_append, NULL };
	REQUIRE(scrape_store_page(&s->app, t, format, page, T_MS, 0, NULL, r, NULL) == 0);
}

static void require_equal(
	const struct sink *a, const struct sink *b, const struct scrape_report *x, const struct scrape_report *y)
{
	REQUIRE(x->up == y->up && strcmp(x->error, y->error) == 0);
	REQUIRE(x->samples_scraped == y->samples_scraped && x->samples_post_relabel == y->samples_post_relabel);
	REQUIRE(a->sample_count == b->sample_count);
	for (size_t i = 0; i + 1 < a->sample_count; i++) /* the last one is scrape_series_added */
		REQUIRE(memcmp(&a->samples[i], &b->samples[i], sizeof a->samples[i]) == 0);
}

static void check_pages(
	const struct scrape_target *t, enum scrape_format format, struct pm_str first, struct pm_str second)
{
	struct sink cold = { 0 }, warm = { 0 };
	struct scrape_report c, w;
	long samples = parse(format, second);

	store(&cold, t, format, second, &c);
	REQUIRE(c.up == (samples >= 0));
	REQUIRE(samples < 0 || c.samples_scraped == (size_t)samples);
	store(&warm, t, format, first, &w);
	store(&warm, t, format, second, &w);
	require_equal(&cold, &warm, &c, &w);
	store(&warm, t, format, second, &w);
	require_equal(&cold, &warm, &c, &w);
	sink_release(&cold);
	sink_release(&warm);
}

/* The page with its second half of lines before the first. */
static char *turn_around(struct pm_str page)
{
	char *out = pm_malloc(page.len + 1);
	const char *middle = memchr(page.ptr + page.len / 2, '\n', page.len - page.len / 2);
	size_t head = middle ? (size_t)(middle + 1 - page.ptr) : page.len;

	REQUIRE(out);
	memcpy(out, page.ptr + head, page.len - head);
	memcpy(out + page.len - head, page.ptr, head);
	return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct pm_label labels[] = { { PM_STR("instance"), PM_STR("i") }, { PM_STR("job"), PM_STR("j") } };
	struct scrape_target t = { .labels = { labels, 2 } };
	enum scrape_format format;
	struct pm_str first, second;
	const uint8_t *split;
	char *turned = NULL;

	if (size < 1)
		return 0;
	pm_clock_freeze(T_MS);
	format = data[0] & 1 ? SCRAPE_FORMAT_OPENMETRICS : SCRAPE_FORMAT_TEXT;
	t.honor_labels = data[0] & 2;
	t.honor_timestamps = data[0] & 4;
	first = (struct pm_str){ (const char *)data + 1, size - 1 };
	split = memchr(first.ptr, 0x1e, first.len);
	if (split) {
		second = (struct pm_str){ (const char *)split + 1, size - (size_t)(split + 1 - data) };
		first.len = (size_t)((const char *)split - first.ptr);
	} else {
		second = (struct pm_str){ turned = turn_around(first), first.len };
	}
	check_pages(&t, format, first, second);
	check_pages(&t, format, second, first);
	pm_free(turned);
	return 0;
}
