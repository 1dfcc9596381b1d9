/* page.c - the lines of one page, made into what the store takes.
 *
 * The layout of the target's last page is walked beside the new one (expo/fast.c). When nothing but values changed, the
 * values go to the store as they are (the warm form). Otherwise every line becomes an entry (the cold form): lines that
 * the layout knows keep their series, others get labels.
 *
 * A known line is known by its text and, when it has a `le` or `quantile` label, by the TYPE line above it: after
 * another one these labels read otherwise. */
#include "libscrape/target/pager.h"

#include "libtsdb/base/mem.h"

#define LINES_MAX (8u << 20)       /* entries of one page */
#define FUTURE_MS (10 * 60 * 1000) /* samples further ahead than this are dropped, as upstream does */

/* ---- entries ------------------------------------------------------------------------------------ */

int scrape__add_entry(struct scrape__pager *g, const struct pm_page_entry *e, struct pm_error *err)
{
	if (g->entry_count >= LINES_MAX)
		return pm_fail(err, PM_ERR_LIMIT, "the page has more than %u lines", LINES_MAX);
	if (g->entry_count >= g->entry_cap && pm_grow(&g->entries, &g->entry_cap, g->entry_count + 1))
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	g->entries[g->entry_count++] = *e;
	return 0;
}

static bool is_series(uint32_t ref)
{
	return ref < PM_REF_MAX || ref == PM_REF_NEW || ref == PM_REF_DOUBLE;
}

/* A sample line, known or new. Past the sample limit lines are counted and checked but not kept. */
static int add_sample(struct scrape__pager *g, const struct pm_layout_entry *e, const struct pm_labels *labels,
	const struct scrape_line *line, struct pm_error *err)
{
	struct pm_page_entry entry = { .e = *e, .v = line->v, .t_ms = PM_NO_TIME };
	size_t limit = g->target->sample_max;

	g->samples++;
	if (is_series(e->ref)) {
		if (++g->kept > limit && limit)
			return 0;
		g->added += e->ref == PM_REF_NEW && !g->text_known;
	}
	if (labels)
		entry.labels = *labels;
	if (g->target->honor_timestamps)
		entry.t_ms = line->t_ms;
	if (line->has_exemplar && is_series(e->ref))
		scrape__note_exemplar(g, g->entry_count, line);
	return scrape__add_entry(g, &entry, err);
}

static int add_comment(struct scrape__pager *g, const struct pm_layout_entry *e, struct pm_error *err)
{
	struct pm_page_entry entry = { .e = *e, .t_ms = PM_NO_TIME };

	if (e->ref == PM_REF_TYPE)
		g->type_hash = e->text_hash;
	return scrape__add_entry(g, &entry, err);
}

/* Whether a line of the same text means the same now. A double does not: what stood before it may be gone. */
static bool may_be_again(uint32_t ref)
{
	return !pm_ref_is_comment(ref) && ref != PM_REF_DOUBLE;
}

/* What the warm walk passed, as entries. Exemplars that it met count values, and are to count entries. */
static int add_warm(struct scrape__pager *g, const struct scrape__warm *w, struct pm_error *err)
{
	struct scrape_line line = { .t_ms = PM_NO_TIME };
	size_t value = 0, exemplar = 0;
	int rc = 0;

	for (size_t i = 0; i < w->entry_count && !rc; i++) {
		const struct pm_layout_entry *e = &g->known.entries[i];

		if (pm_ref_is_comment(e->ref)) {
			rc = add_comment(g, e, err);
			continue;
		}
		if (e->ref < PM_REF_MAX) {
			while (exemplar < g->exemplar_count && g->exemplars[exemplar].at == value)
				g->exemplars[exemplar++].at = g->entry_count;
			line.v = w->values[value++];
		}
		rc = add_sample(g, e, NULL, &line, err);
	}
	g->known.next = w->entry_count;
	return rc;
}

/* ---- the cold path ------------------------------------------------------------------------------ */

/* Whether the labels of the line that was lexed last depend on the TYPE line above it. */
static bool depends_on_type(const struct scrape_parser *p)
{
	for (size_t i = 1; i < p->labels.count; i++)
		if (pm_str_eq(p->labels.v[i].name, PM_STR("le")) || pm_str_eq(p->labels.v[i].name, PM_STR("quantile")))
			return true;
	return false;
}

/* Does the entry stand below the TYPE line that the page has here? */
static bool same_type(const struct scrape__pager *g, size_t i)
{
	uint32_t c = g->known.type[i];

	return g->type_hash == (c ? g->known.entries[c - 1].text_hash : 0);
}

/* The line at p->pos, when the layout knows it without lexing. 1: taken, 0: not. */
static int known_line(struct scrape__pager *g, struct pm_error *err)
{
	struct scrape_parser *p = g->parser;
	const char *s = p->pos, *text_end;
	size_t i = scrape__known_near(&g->known, p, s);
	struct scrape_line line;
	int rc;

	if (i == SCRAPE__UNKNOWN || !same_type(g, i) || !may_be_again(g->known.entries[i].ref))
		return 0;
	text_end = s + g->known.entries[i].text_len;
	if (text_end == p->end || (text_end[-1] != '}' && *text_end != ' ' && *text_end != '\t'))
		return 0;
	if (scrape__lex_suffix(p, text_end, &line, NULL) ||
		(g->target->honor_timestamps && line.t_ms > g->fetched->t_ms + FUTURE_MS)) {
		p->pos = s;
		return 0;
	}
	g->known.next = i + 1;
	g->known.lost = false;
	rc = add_sample(g, &g->known.entries[i], NULL, &line, err);
	return rc ? rc : 1;
}

/* The parser's own strings are good for one line; those of the page need no copy. */
static int keep_strings(struct scrape__pager *g, struct pm_labels *labels)
{
	const struct scrape_parser *p = g->parser;

	if (p->labels.escaped)
		return pm_arena_labels(&g->arena, *labels, labels);
	for (size_t i = 0; i < p->labels.count && p->type != SCRAPE__TYPE_OTHER; i++) {
		struct pm_str *value = &p->labels.v[i].value;

		if (value->ptr == p->number)
			*value = pm_arena_str(&g->arena, *value);
		if (!value->ptr)
			return PM_ERR_NOMEM;
	}
	return 0;
}

static int new_sample(
	struct scrape__pager *g, const struct scrape_line *line, struct pm_layout_entry *e, struct pm_error *err)
{
	struct pm_labels labels;
	int rc = scrape__labels(g->parser, true, &labels, err);

	if (rc)
		return rc;
	rc = keep_strings(g, &labels);
	if (!rc)
		rc = scrape__target_labels(g->target, labels, &g->arena, &labels);
	if (rc)
		return pm_fail(
			err, g->arena.over_cap ? PM_ERR_LIMIT : rc, "too many new series for the memory of one page");
	rc = scrape__check_limits(g->target, labels, err);
	e->ref = PM_REF_NEW;
	return rc ? rc : add_sample(g, e, &labels, line, err);
}

/* Lex one line and find it in the layout, wherever it stands. 1, 0 at the end of the page, negative. */
static int lexed_line(struct scrape__pager *g, struct pm_error *err)
{
	struct scrape_parser *p = g->parser;
	struct pm_layout_entry e = { .ref = PM_REF_NEW };
	struct scrape_line line;
	bool future;
	size_t i;
	int rc = scrape__lex(p, &line, err);

	if (rc <= 0)
		return rc;
	future = line.item == SCRAPE_ITEM_SAMPLE && g->target->honor_timestamps &&
		 line.t_ms > g->fetched->t_ms + FUTURE_MS;
	e.text_hash = scrape__text_hash(p, line.text.ptr, line.text.len);
	e.text_len = (uint32_t)line.text.len;
	i = scrape__known_find(&g->known, e.text_hash, line.text.len);
	if (i == SCRAPE__NOMEM)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	g->known.lost = i == SCRAPE__UNKNOWN;
	g->text_known = i != SCRAPE__UNKNOWN;
	if (g->text_known)
		g->known.next = i + 1;
	if (line.item != SCRAPE_ITEM_SAMPLE) {
		e.ref = line.item == SCRAPE_ITEM_TYPE ? PM_REF_TYPE : PM_REF_COMMENT;
		if (line.item == SCRAPE_ITEM_HELP || line.item == SCRAPE_ITEM_TYPE || line.item == SCRAPE_ITEM_UNIT)
			scrape__note_metadata(g, &line);
		rc = add_comment(g, &e, err);
	} else if (future) {
		g->samples++, g->kept++; /* counted, as upstream does, but neither stored nor remembered */
		rc = 0;
	} else if (g->text_known && may_be_again(g->known.entries[i].ref) && (same_type(g, i) || !depends_on_type(p))) {
		rc = add_sample(g, &g->known.entries[i], NULL, &line, err);
	} else {
		rc = new_sample(g, &line, &e, err);
	}
	return rc < 0 ? rc : 1;
}

/* The page from p->pos on, as entries. `w`: what was walked before. */
static int parse_cold(struct scrape__pager *g, const struct scrape__warm *w, struct pm_error *err)
{
	struct scrape_parser *p = g->parser;
	const char *pos = p->pos;
	struct scrape_line line;
	int rc;

	rc = scrape__known_load(&g->known, g->layout) ? pm_fail(err, PM_ERR_NOMEM, "out of memory") : 0;
	if (!rc)
		rc = add_warm(g, w, err);
	if (!rc && w->type_line) { /* the TYPE line that holds here */
		p->pos = w->type_line;
		scrape__lex(p, &line, NULL);
		p->pos = pos;
	}
	if (rc)
		return rc;
	do {
		rc = known_line(g, err);
		if (rc == 0)
			rc = lexed_line(g, err);
	} while (rc > 0);
	return rc;
}

/* ---- the page ------------------------------------------------------------------------------------- */

int scrape__parse_page(struct scrape__pager *g, struct pm_page *ret, struct pm_error *err)
{
	const struct pm_layout *l = g->layout;
	struct scrape__warm w = { .exemplar = scrape__note_exemplar, .arg = g };
	bool warm = false;
	int rc;

	scrape_parser_begin(g->parser, g->fetched->format, g->fetched->page);
	if (l) {
		if (pm_grow(&g->values, &g->value_cap, l->entry_count + 1))
			return pm_fail(err, PM_ERR_NOMEM, "out of memory");
		w.values = g->values;
		warm = scrape__warm_walk(g->parser, l, !g->target->honor_timestamps, &w) &&
		       scrape__ends_with_report(l, w.entry_count) &&
		       w.value_count + SCRAPE__REPORT_COUNT == l->series_count;
	}
	g->samples = w.samples;
	g->kept = w.value_count + w.doubles;
	if (!warm) {
		g->samples = g->kept = 0;
		rc = parse_cold(g, &w, err);
		if (rc)
			return rc;
	}
	if (g->target->sample_max && g->kept > g->target->sample_max)
		return pm_fail(err, PM_ERR_LIMIT, "sample limit exceeded");
	if (g->notes_error)
		return pm_fail(err, g->arena.over_cap ? PM_ERR_LIMIT : g->notes_error,
			"too many exemplars or comments for the memory of one page");
	ret->exemplars = g->exemplars;
	ret->exemplar_count = g->exemplar_count;
	ret->metadata = g->metadata;
	ret->metadata_count = g->metadata_count;
	if (warm) {
		scrape__report_values(g, true, g->values + w.value_count);
		ret->values = g->values;
		return 0;
	}
	rc = scrape__add_report(g, true, err);
	ret->entries = g->entries;
	ret->entry_count = g->entry_count;
	return rc;
}
