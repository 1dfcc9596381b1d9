/* annot.c - warnings and infos of a query, worded as upstream words them.
 *
 * Two notes with the same text are one, wherever they arose: the position met first is shown. The exception is the
 * note on forced monotonicity, whose text grows as samples join. */
#include "libpromql/eval/eval.h"

#include "libtsdb/base/clock.h"
#include "libtsdb/base/num.h"
#include "libtsdb/base/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static struct promql__note *find(struct promql__query *q, const char *text)
{
	for (size_t i = 0; i < q->note_count; i++)
		if (strcmp(q->notes[i].text, text) == 0)
			return &q->notes[i];
	return NULL;
}

/* A note that finds no memory is lost: the query goes on, its next allocation fails. */
static __attribute__((format(printf, 4, 0))) struct promql__note *add(
	struct promql__query *q, size_t pos, bool warning, const char *fmt, va_list ap)
{
	struct promql__note *n = NULL;
	struct pm_buf text = { 0 };

	pm_buf_cstr(&text, warning ? "PromQL warning: " : "PromQL info: ");
	pm_buf_vfmt(&text, fmt, ap);
	if (pm_buf_error(&text) == 0)
		n = find(q, text.ptr);
	if (pm_buf_error(&text) == 0 && !n && promql__grow(q, &q->notes, &q->note_cap, q->note_count + 1) == 0) {
		const char *copy = pm_arena_str(&q->arena, pm_buf_view(&text)).ptr;

		if (copy) {
			n = &q->notes[q->note_count++];
			*n = (struct promql__note){ .text = (char *)copy, .pos = pos, .warning = warning };
		}
	}
	pm_buf_release(&text);
	pm_arena_reset(&q->text);
	return n;
}

void promql__warn(struct promql__query *q, size_t pos, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(q, pos, true, fmt, ap);
	va_end(ap);
}

void promql__info(struct promql__query *q, size_t pos, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(q, pos, false, fmt, ap);
	va_end(ap);
}

static struct promql__note *info_note(struct promql__query *q, size_t pos, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static struct promql__note *info_note(struct promql__query *q, size_t pos, const char *fmt, ...)
{
	struct promql__note *n;
	va_list ap;

	va_start(ap, fmt);
	n = add(q, pos, false, fmt, ap);
	va_end(ap);
	return n;
}

void promql__note_forced(
	struct promql__query *q, size_t pos, struct pm_str name, int64_t t_ms, const struct promql__forced *fix)
{
	struct promql__note *n = info_note(q, pos,
		"input to histogram_quantile needed to be fixed for monotonicity (see "
		"https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)%s",
		promql__for_name(q, name));
	struct promql__forced *f;

	if (!n)
		return;
	f = n->forced;
	if (!f) {
		n->forced = f = promql__zalloc(q, sizeof *f);
		if (!f)
			return;
		*f = *fix;
		f->min_ms = f->max_ms = t_ms;
		f->count = 0;
	}
	f->count++;
	f->min_ms = t_ms < f->min_ms ? t_ms : f->min_ms;
	f->max_ms = t_ms > f->max_ms ? t_ms : f->max_ms;
	f->min_bucket = fix->min_bucket < f->min_bucket ? fix->min_bucket : f->min_bucket;
	f->max_bucket = fix->max_bucket > f->max_bucket ? fix->max_bucket : f->max_bucket;
	f->max_diff = fix->max_diff > f->max_diff ? fix->max_diff : f->max_diff;
}

const char *promql__double(struct promql__query *q, double v)
{
	char text[PM_DOUBLE_TEXT_MAX];
	size_t n = pm_double_format_g(text, v);
	const char *copy = pm_arena_str(&q->text, (struct pm_str){ text, n }).ptr;

	return copy ? copy : "";
}

const char *promql__quote(struct promql__query *q, struct pm_str s)
{
	struct pm_buf b = { 0 };
	const char *copy;

	pm_quote(&b, s);
	copy = pm_buf_error(&b) ? NULL : pm_arena_str(&q->text, pm_buf_view(&b)).ptr;
	pm_buf_release(&b);
	return copy ? copy : "\"\"";
}

const char *promql__for_name(struct promql__query *q, struct pm_str name)
{
	const char *s = name.len ? pm_arena_printf(&q->text, " for metric name %s", promql__quote(q, name)) : NULL;

	return s ? s : "";
}

/* ---- messages given in several places ----------------------------------------------------------- */

void promql__warn_mixed(struct promql__query *q, size_t pos, struct pm_labels series)
{
	promql__warn(q, pos, "encountered a mix of histograms and floats for metric name %s",
		promql__quote(q, promql__name(series)));
}

void promql__warn_schemas(struct promql__query *q, size_t pos, struct pm_str name)
{
	promql__warn(q, pos,
		"vector contains a mix of histograms with exponential and custom buckets schemas for metric "
		"name %s",
		promql__quote(q, name));
}

void promql__warn_not_counter(struct promql__query *q, size_t pos, struct pm_labels series)
{
	promql__warn(
		q, pos, "this native histogram metric is not a counter: %s", promql__quote(q, promql__name(series)));
}

void promql__warn_not_gauge(struct promql__query *q, size_t pos, struct pm_labels series)
{
	promql__warn(q, pos, "this native histogram metric is not a gauge: %s", promql__quote(q, promql__name(series)));
}

void promql__info_reconciled(struct promql__query *q, size_t pos, const char *operation)
{
	promql__info(q, pos, "mismatched custom buckets were reconciled during %s", operation);
}

void promql__warn_collision(struct promql__query *q, size_t pos, const char *operation)
{
	promql__warn(q, pos, "conflicting counter resets during histogram %s", operation);
}

void promql__info_ignored(struct promql__query *q, size_t pos, const char *aggregation)
{
	promql__info(q, pos, "ignored histogram in %s aggregation", aggregation);
}

void promql__info_ignored_range(struct promql__query *q, size_t pos, struct pm_labels series)
{
	promql__info(q, pos, "ignored histograms in a range containing both floats and histograms for metric name %s",
		promql__quote(q, promql__name(series)));
}

void promql__warn_quantile(struct promql__query *q, size_t pos, double phi)
{
	promql__warn(q, pos, "quantile value should be between 0 and 1, got %s", promql__double(q, phi));
}

int promql__duplicate(struct promql__query *q)
{
	return pm_fail(q->err, PM_ERR_INVALID, "vector cannot contain metrics with the same labelset");
}

/* ---- into the result ---------------------------------------------------------------------------- */

static int print_note(struct promql__query *q, const struct promql__note *n, struct pm_arena *a, const char **ret)
{
	int line, column;
	char more[256] = "", from[40], to[40];
	const struct promql__forced *f = n->forced;

	promql__position(q->expr->text, n->pos, &line, &column);
	if (f) {
		pm_time_rfc3339(from, f->min_ms / 1000 * 1000);
		pm_time_rfc3339(to, f->max_ms / 1000 * 1000);
		snprintf(more, sizeof more,
			", from buckets %s to %s, with a max diff of %.2g, over %zu samples from %s to %s",
			promql__double(q, f->min_bucket), promql__double(q, f->max_bucket), f->max_diff, f->count, from,
			to);
	}
	*ret = pm_arena_printf(a, "%s%s (%d:%d)", n->text, more, line, column);
	return *ret ? 0 : promql__nomem(q);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int promql__notes_take(struct promql__query *q, struct pm_arena *a, struct promql_result *r)
{
	const char **warnings = pm_arena_array(a, q->note_count, sizeof *warnings);
	const char **infos = pm_arena_array(a, q->note_count, sizeof *infos);

	if (!warnings || !infos)
		return promql__nomem(q);
	for (size_t i = 0; i < q->note_count; i++) {
		const struct promql__note *n = &q->notes[i];
		int rc = print_note(q, n, a, n->warning ? &warnings[r->warning_count] : &infos[r->info_count]);

		if (rc < 0)
			return rc;
		*(n->warning ? &r->warning_count : &r->info_count) += 1;
	}
	qsort(warnings, r->warning_count, sizeof *warnings, by_text);
	qsort(infos, r->info_count, sizeof *infos, by_text);
	r->warnings = warnings;
	r->infos = infos;
	return 0;
}
