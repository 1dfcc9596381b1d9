/* load.c - `load STEP` and the series below it: sample i is at i * STEP. */
#include "libpromql/test/runner.h"

/* Start timestamps of a series. */
struct starts {
	struct promql__line own;      /* no values: there are none of its own */
	struct promql__line defaults; /* repeated over and over */
};

struct load {
	struct promql__script *s;
	int64_t step_ms;
	struct promql__line *lines;
	struct starts *starts; /* of each line */
	size_t count, cap;
	struct starts next; /* of the next series */
	bool has_own;
};

static int reserve(struct load *l)
{
	size_t cap = l->cap ? l->cap * 2 : 16;
	struct promql__line *lines;
	struct starts *starts;

	if (l->count < l->cap)
		return 0;
	lines = pm_arena_array(&l->s->arena, cap, sizeof *lines);
	starts = pm_arena_array(&l->s->arena, cap, sizeof *starts);
	if (!lines || !starts)
		return pm_fail(l->s->err, PM_ERR_NOMEM, "out of memory");
	if (l->count) {
		memcpy(lines, l->lines, l->count * sizeof *lines);
		memcpy(starts, l->starts, l->count * sizeof *starts);
	}
	l->lines = lines;
	l->starts = starts;
	l->cap = cap;
	return 0;
}

/* A series that comes twice: the last one counts. */
static int add_line(struct load *l, struct promql__line line)
{
	size_t i = 0;

	while (i < l->count && !pm_labels_eq(l->lines[i].labels, line.labels))
		i++;
	if (i == l->count && reserve(l) < 0)
		return PM_ERR_NOMEM;
	l->count += i == l->count;
	l->lines[i] = line;
	l->starts[i] = l->next;
	l->next.own = (struct promql__line){ 0 };
	l->has_own = false;
	return 0;
}

static int64_t start_of(const struct starts *s, size_t i, int64_t t_ms)
{
	const struct promql__item *item = s->own.count ? &s->own.v[i] : NULL;

	if ((!item || item->is_default) && s->defaults.count)
		item = &s->defaults.v[i % s->defaults.count];
	if (!item || item->omitted || item->is_default)
		return 0;
	return t_ms + (int64_t)item->v;
}

static int append(struct load *l, const struct promql__line *line, const struct starts *starts)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < line->count; i++) {
		const struct promql__item *item = &line->v[i];
		int64_t t = (int64_t)i * l->step_ms;
		struct promql__mem_sample sample = { t, start_of(starts, i, t), item->v, item->h };

		if (!item->omitted)
			rc = promql__mem_append(&l->s->mem, line->labels, &sample, l->s->err);
	}
	return rc;
}

static int take_starts(struct load *l, struct promql__line line)
{
	if (line.count == 0)
		return pm_fail(l->s->err, PM_ERR_INVALID, "start timestamps are expected");
	if (line.bare) {
		l->next.defaults = line;
		return 0;
	}
	if (l->has_own)
		return pm_fail(l->s->err, PM_ERR_INVALID, "the series of the start timestamps above is missing");
	l->next.own = line;
	l->has_own = true;
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
	if (l->has_own && (!pm_labels_eq(l->next.own.labels, line.labels) || l->next.own.count != line.count))
		return pm_fail(l->s->err, PM_ERR_INVALID,
			"start timestamps belong to the series below them and are as many as its values");
	return add_line(l, line);
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
	if (rc == 0 && l.has_own)
		return pm_fail(s->err, PM_ERR_INVALID, "the series of the start timestamps above is missing");
	for (size_t i = 0; rc == 0 && i < l.count; i++)
		rc = append(&l, &l.lines[i], &l.starts[i]);
	return rc == 0 && with_nhcb ? promql__load_nhcb(s, l.lines, l.count, l.step_ms) : rc;
}
