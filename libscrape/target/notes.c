/* notes.c - what a page has beside samples: exemplars, and what its comments say of metrics. */
#include "libscrape/target/pager.h"

#include "libtsdb/base/mem.h"

enum { HELP_MAX = 64 << 10, EXEMPLARS_MAX = 100000 };

/* Called by the warm walk and for entries: `at` counts values or entries. */
void scrape__note_exemplar(void *pager, size_t at, const struct scrape_line *line)
{
	struct scrape__pager *g = pager;
	struct pm_page_exemplar e = { .at = at, .v = line->exemplar_v, .t_ms = line->exemplar_t_ms };
	struct pm_labels labels;

	if (g->exemplar_count >= EXEMPLARS_MAX || scrape__exemplar_labels(g->parser, &labels, NULL))
		return; /* labels that are none: a name twice */
	if (pm_arena_labels(&g->arena, labels, &e.labels) ||
		pm_grow(&g->exemplars, &g->exemplar_cap, g->exemplar_count + 1)) {
		g->notes_error = PM_ERR_NOMEM;
		return;
	}
	g->exemplars[g->exemplar_count++] = e;
}

/* Lines of one family stand together: HELP, TYPE and UNIT become one. */
static struct pm_page_metadata *metadata_of(struct scrape__pager *g, struct pm_str metric)
{
	struct pm_page_metadata *m = g->metadata_count ? &g->metadata[g->metadata_count - 1] : NULL;

	if (m && pm_str_eq(m->metric, metric))
		return m;
	metric = pm_arena_str(&g->arena, metric);
	if (!metric.ptr || pm_grow(&g->metadata, &g->metadata_cap, g->metadata_count + 1))
		return NULL;
	m = &g->metadata[g->metadata_count++];
	*m = (struct pm_page_metadata){ .metric = metric };
	return m;
}

void scrape__note_metadata(struct scrape__pager *g, const struct scrape_line *line)
{
	bool quotes = g->parser->format != SCRAPE_FORMAT_TEXT;
	struct pm_str name, value = line->value;

	if (line->value.len > HELP_MAX || line->name.len == 0 || scrape__unescape(g->parser, line->name, true, &name))
		return;
	if (line->item == SCRAPE_ITEM_HELP && scrape__unescape(g->parser, line->value, quotes, &value))
		return;
	struct pm_page_metadata *m = metadata_of(g, name);
	value = pm_arena_str(&g->arena, value);
	if (!m || !value.ptr) {
		g->notes_error = PM_ERR_NOMEM;
		return;
	}
	if (line->item == SCRAPE_ITEM_HELP)
		m->help = value;
	else if (line->item == SCRAPE_ITEM_TYPE)
		m->type = value;
	else
		m->unit = value;
}
