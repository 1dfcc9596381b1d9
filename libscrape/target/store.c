/* store.c - one scrape into the store: its page, or what stands for one when it failed.
 *
 * The store refuses a page whose layout another process changed meanwhile; then the page is parsed again with the new
 * one. */
#include "libscrape/target/pager.h"

#include "libtsdb/base/clock.h"
#include "libtsdb/base/mem.h"

#include <stdio.h>

#define ARENA_MAX ((size_t)1 << 30) /* labels of lines that are new */
#define STORE_TRIES 8               /* how often another process may change the layout under us */

int scrape__pager_new(struct scrape__pager **ret)
{
	struct scrape__pager *g = pm_calloc(1, sizeof *g);
	int rc;

	if (!g)
		return PM_ERR_NOMEM;
	rc = scrape_parser_new(&g->parser);
	if (rc) {
		pm_free(g);
		return rc;
	}
	pm_arena_init(&g->arena, ARENA_MAX);
	*ret = g;
	return 0;
}

void scrape__pager_free(struct scrape__pager *g)
{
	if (!g)
		return;
	scrape_parser_free(g->parser);
	pm_arena_release(&g->arena);
	scrape__known_release(&g->known);
	pm_free(g->entries);
	pm_free(g->values);
	pm_free(g->exemplars);
	pm_free(g->metadata);
	pm_buf_release(&g->key);
	pm_free(g);
}

/* One line of text, whatever the bytes that it quotes. */
static void set_error(struct scrape_report *r, const struct pm_error *err)
{
	int room = (int)sizeof r->error - 64;

	if (err->line)
		snprintf(r->error, sizeof r->error, "line %d, column %d: %.*s", err->line, err->column, room, err->msg);
	else
		snprintf(r->error, sizeof r->error, "%.*s", room, err->msg);
	for (char *c = r->error; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
}

/* A page, or what stands for one when the scrape failed. */
static int build(struct scrape__pager *g, struct scrape_report *r, struct pm_page *page, struct pm_error *err)
{
	struct pm_error why = { 0 };
	int rc;

	pm_arena_reset(&g->arena);
	g->entry_count = g->samples = g->kept = g->added = 0;
	g->exemplar_count = g->metadata_count = 0;
	g->type_hash = 0;
	g->notes_error = 0;
	*page = (struct pm_page){ .t_ms = g->fetched->t_ms };
	if (g->fetched->error)
		rc = pm_fail(&why, PM_ERR_NETWORK, "%s", g->fetched->error);
	else if (g->fetched->page.len > UINT32_MAX)
		rc = pm_fail(&why, PM_ERR_LIMIT, "body size limit exceeded");
	else
		rc = scrape__parse_page(g, page, &why);
	r->up = rc == 0;
	r->error[0] = '\0';
	if (rc) {
		set_error(r, &why);
		g->entry_count = 0;
		pm_arena_reset(&g->arena);
		*page = (struct pm_page){ .t_ms = g->fetched->t_ms };
		rc = scrape__add_report(g, false, err);
		page->entries = g->entries;
		page->entry_count = g->entry_count;
	}
	r->samples_scraped = g->samples;
	r->samples_post_relabel = g->kept;
	r->series_added = g->added;
	page->honor_staleness_of_timestamps = g->target->track_timestamps_staleness;
	return rc;
}

/* Stored, but for new series over a quota: the target is up, and the report tells. */
static void tell_refused(struct scrape_report *r, const struct pm_error *why)
{
	struct pm_error err = { 0 };

	pm_fail(&err, PM_ERR_LIMIT, "%zu new series refused: %.400s", r->stored.series_refused, why->msg);
	set_error(r, &err);
}

static int store_once(struct scrape__pager *g, struct pm_appender *app, struct scrape_report *r, struct pm_error *err)
{
	struct pm_str key = pm_buf_view(&g->key);
	struct pm_error why = { 0 };
	struct pm_page page;
	int rc;

	g->layout = NULL;
	r->stored.series_refused = 0;
	rc = app->layout(app, key, &g->layout, err);
	if (rc)
		return rc;
	rc = build(g, r, &page, err);
	if (!rc)
		rc = app->append_page(app, key, g->layout, &page, &r->stored, &why);
	if (rc && err && why.code)
		*err = why;
	else if (r->stored.series_refused && !r->error[0])
		tell_refused(r, &why);
	if (g->layout)
		app->layout_free(app, g->layout);
	g->layout = NULL;
	return rc;
}

int scrape__store(struct scrape__pager *g, struct pm_appender *app, const struct scrape_target *t,
	const struct scrape__fetched *f, struct scrape_report *ret, struct pm_error *err)
{
	struct scrape_report r = { .t_ms = f->t_ms, .body_bytes = f->error ? 0 : f->page.len };
	int rc = PM_ERR_STALE;

	g->start_ns = pm_monotonic_ns();
	g->target = t;
	g->fetched = f;
	pm_buf_reset(&g->key);
	scrape__layout_key(t, &g->key);
	if (pm_buf_error(&g->key))
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	for (int i = 0; i < STORE_TRIES && rc == PM_ERR_STALE; i++)
		rc = store_once(g, app, &r, err);
	r.duration_s = f->seconds + (double)(pm_monotonic_ns() - g->start_ns) / 1e9;
	if (!rc)
		*ret = r;
	return rc;
}

int scrape_store_page(struct pm_appender *app, const struct scrape_target *target, enum scrape_format format,
	struct pm_str page, int64_t t_ms, double fetch_seconds, const char *fetch_error, struct scrape_report *ret,
	struct pm_error *err)
{
	struct scrape__fetched f = { format, page, t_ms, fetch_seconds, fetch_error };
	struct scrape__pager *g = NULL;
	int rc = scrape__pager_new(&g);

	if (rc)
		return pm_fail(err, rc, "out of memory");
	rc = scrape__store(g, app, target, &f, ret, err);
	scrape__pager_free(g);
	return rc;
}
