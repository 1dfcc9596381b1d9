/* load.c - `load STEP` and the series below it: sample i is at i * STEP. */
#include "libpromql/test/runner.h"

struct load {
	struct promql__script *s;
	int64_t step_ms;
	struct promql__line *lines;
	size_t count, cap;
	struct promql__line starts;   /* of the next series */
	bool has_starts;
	struct promql__line defaults; /* start timestamps of all series that follow; repeated over and over */
};

/* A series that comes twice: the last one counts. */
static int add_line(struct load *l, struct promql__line line)
{
	struct promql__line *bigger;

	for (size_t i = 0; i < l->count; i++)
		if (pm_labels_eq(l->lines[i].labels, line.labels)) {
			l->lines[i] = line;
			return 0;
		}
	if (l->count == l->cap) {
		l->cap = l->cap ? l->cap * 2 : 16;
		bigger = pm_arena_array(&l->s->arena, l->cap, sizeof *bigger);
		if (!bigger)
			return pm_fail(l->s->err, PM_ERR_NOMEM, "out of memory");
		if (l->count)
			memcpy(bigger, l->lines, l->count * sizeof *bigger);
		l->lines = bigger;
	}
	l->lines[l->count++] = line;
	return 0;
}

static int64_t start_of(const struct load *l, size_t i, int64_t t_ms)
{
	const struct promql__item *item = NULL;

	if (l->has_starts)
		item = &l->starts.v[i];
	if ((!item || item->is_default) && l->defaults.count)
		item = &l->defaults.v[i % l->defaults.count];
	if (!item || item->omitted || item->is_default)
		return 0;
	return t_ms + (int64_t)item->v;
}

static int append(struct load *l, const struct promql__line *line)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < line->count; i++) {
		const struct promql__item *item = &line->v[i];
		int64_t t = (int64_t)i * l->step_ms;
		struct promql__mem_sample sample = { t, start_of(l, i, t), item->v, item->h };

		if (!item->omitted)
			rc = promql__mem_append(&l->s->mem, line->labels, &sample, l->s->err);
	}
	l->has_starts = false;
	return rc;
}

static int take_starts(struct load *l, struct promql__line line)
{
	if (line.bare && line.count == 0)
		return pm_fail(l->s->err, PM_ERR_INVALID, "start timestamps are expected");
	if (line.bare) {
		l->defaults = line;
		return 0;
	}
	if (l->has_starts)
		return pm_fail(l->s->err, PM_ERR_INVALID, "the series of the start timestamps above is missing");
	l->starts = line;
	l->has_starts = true;
	return 0;
}

static int take_line(struct load *l, struct pm_str text)
{
	struct promql__line line;
	int rc = promql__line_parse(&l->s->arena, text, &line, l->s->err);

	if (rc < 0)
		return rc;
	if (line.start_times)
		return take_starts(l, line);
	if (l->has_starts && (!pm_labels_eq(l->starts.labels, line.labels) || l->starts.count != line.count))
		return pm_fail(l->s->err, PM_ERR_INVALID,
			"start timestamps belong to the series below them and are as many as its values");
	rc = add_line(l, line);
	return rc < 0 ? rc : append(l, &line);
}

int promql__load(struct promql__script *s)
{
	struct load l = { .s = s };
	struct pm_str text = s->lines[s->at], word = promql__word(&text);
	bool with_nhcb = pm_str_eq(word, PM_STR("load_with_nhcb"));
	const struct pm_str *line;
	int rc;

	if (!with_nhcb && !pm_str_eq(word, PM_STR("load")))
		return pm_fail(s->err, PM_ERR_INVALID, "unknown command \"%.*s\"", PM_STR_ARG(word));
	rc = promql__script_duration(s, text, "step", &l.step_ms);
	if (rc == 0 && l.step_ms == 0)
		return pm_fail(s->err, PM_ERR_INVALID, "the step is 0");
	while (rc == 0 && (line = promql__script_line(s)))
		rc = take_line(&l, *line);
	if (rc == 0 && l.has_starts)
		return pm_fail(s->err, PM_ERR_INVALID, "the series of the start timestamps above is missing");
	return rc == 0 && with_nhcb ? promql__load_nhcb(s, l.lines, l.count, l.step_ms) : rc;
}
