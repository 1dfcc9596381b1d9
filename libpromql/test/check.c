/* check.c - compares what an evaluation gave with what was expected. */
#include "libpromql/test/runner.h"

#include "libtsdb/base/num.h"
#include "libtsdb/base/re.h"
#include "libtsdb/base/utf8.h"

static const double EPSILON = 1e-6; /* relative */

/* ---- printing ----------------------------------------------------------------------------------- */

static void print_float(struct pm_buf *out, double v)
{
	char text[PM_DOUBLE_TEXT_MAX];

	if (pm_is_stale(v))
		pm_buf_cstr(out, "stale");
	else
		pm_buf_add(out, text, pm_double_format_g(text, v));
}

static void print_value(struct pm_buf *out, double v, const struct pm_histogram *h)
{
	if (h)
		promql__hist_literal_print(out, h);
	else
		print_float(out, v);
}

static void print_labels(struct pm_buf *out, struct pm_labels l)
{
	const char *comma = "";

	pm_buf_str(out, promql__name(l));
	pm_buf_char(out, '{');
	for (size_t i = 0; i < l.count; i++) {
		if (pm_str_eq(l.v[i].name, PM_NAME_LABEL))
			continue;
		pm_buf_cstr(out, comma);
		pm_buf_str(out, l.v[i].name);
		pm_buf_char(out, '=');
		pm_quote(out, l.v[i].value);
		comma = ", ";
	}
	pm_buf_char(out, '}');
}

static void print_expected(struct pm_buf *out, const struct promql__line *l)
{
	pm_buf_cstr(out, "    expected  ");
	print_labels(out, l->labels);
	for (size_t i = 0; i < l->count; i++) {
		pm_buf_char(out, ' ');
		if (l->v[i].omitted)
			pm_buf_char(out, '_');
		else
			print_value(out, l->v[i].v, l->v[i].h);
	}
	pm_buf_char(out, '\n');
}

/* Steps without a value are shown as such, when the times are those of the steps. */
static void print_got(struct pm_buf *out, const struct promql__want *w, const struct promql_series *s)
{
	int64_t t = w->start_ms;

	pm_buf_cstr(out, "    got       ");
	print_labels(out, s->labels);
	for (size_t i = 0; i < s->point_count; i++) {
		for (; w->step_ms && t < s->points[i].t_ms; t += w->step_ms)
			pm_buf_cstr(out, " _");
		pm_buf_char(out, ' ');
		print_value(out, s->points[i].v, s->points[i].h);
		if (w->step_ms && t != s->points[i].t_ms)
			pm_buf_fmt(out, "@%lld", (long long)s->points[i].t_ms);
		t += w->step_ms;
	}
	pm_buf_char(out, '\n');
}

/* ---- errors and annotations --------------------------------------------------------------------- */

static bool matches(const struct promql__expect *e, const char *text)
{
	if (e->re)
		return pm_re_match(e->re, pm_str(text));
	return !e->msg.ptr || pm_str_eq(e->msg, pm_str(text));
}

bool promql__check_error(const struct promql__want *w, const char *msg, struct pm_buf *out)
{
	for (size_t i = 0; i < w->expect_count; i++)
		if (w->expects[i].kind == PROMQL__FAIL) {
			if (matches(&w->expects[i], msg))
				return true;
			pm_buf_fmt(out, "    expected another error");
			if (w->expects[i].msg.ptr)
				pm_buf_fmt(out, ": %.*s", PM_STR_ARG(w->expects[i].msg));
			pm_buf_char(out, '\n');
		}
	pm_buf_fmt(out, "    got error %s\n", msg);
	return false;
}

static bool check_kind(const struct promql__want *w, enum promql__expect_kind kind, const char *const *notes,
	size_t count, struct pm_buf *out)
{
	bool ok = true;

	if (!promql__wants(w, kind))
		return true;
	for (size_t i = 0; i < w->expect_count; i++) {
		const struct promql__expect *e = &w->expects[i];
		bool found = e->kind != kind;

		for (size_t k = 0; k < count && !found; k++)
			found = matches(e, notes[k]);
		if (!found)
			pm_buf_fmt(out, "    expected annotation %.*s\n",
				PM_STR_ARG(e->msg.ptr ? e->msg : PM_STR("(any)")));
		ok &= found;
	}
	for (size_t k = 0; k < count; k++) {
		bool found = false;

		for (size_t i = 0; i < w->expect_count && !found; i++)
			found = w->expects[i].kind == kind && matches(&w->expects[i], notes[k]);
		if (!found)
			pm_buf_fmt(out, "    unexpected annotation %s\n", notes[k]);
		ok &= found;
	}
	for (size_t k = 0; !ok && k < count; k++)
		pm_buf_fmt(out, "    got annotation %s\n", notes[k]);
	return ok;
}

static bool check_none(bool wanted, const char *const *notes, size_t count, struct pm_buf *out)
{
	for (size_t i = 0; wanted && i < count; i++)
		pm_buf_fmt(out, "    unexpected annotation %s\n", notes[i]);
	return !wanted || count == 0;
}

bool promql__check_notes(const struct promql__want *w, const struct promql_result *r, struct pm_buf *out)
{
	bool ok = true;

	if (w->any_warn && r->warning_count == 0) {
		pm_buf_cstr(out, "    expected a warning, got none\n");
		ok = false;
	}
	if (w->any_info && r->info_count == 0) {
		pm_buf_cstr(out, "    expected an info annotation, got none\n");
		ok = false;
	}
	ok &= check_kind(w, PROMQL__WARN, r->warnings, r->warning_count, out);
	ok &= check_kind(w, PROMQL__INFO, r->infos, r->info_count, out);
	ok &= check_none(promql__wants(w, PROMQL__NO_WARN), r->warnings, r->warning_count, out);
	ok &= check_none(promql__wants(w, PROMQL__NO_INFO), r->infos, r->info_count, out);
	return ok;
}

/* ---- values ------------------------------------------------------------------------------------- */

static bool same_side(const struct promql__side *a, const struct promql__side *b)
{
	uint32_t i = 0, k = 0;

	for (;;) {
		while (i < a->count && a->v[i].n == 0)
			i++;
		while (k < b->count && b->v[k].n == 0)
			k++;
		if (i == a->count || k == b->count)
			return i == a->count && k == b->count;
		if (a->v[i].index != b->v[k].index || !promql__almost_equal(a->v[i].n, b->v[k].n, EPSILON))
			return false;
		i++;
		k++;
	}
}

static bool same_hist(const struct promql__item *want, const struct pm_histogram *got)
{
	const struct pm_histogram *h = want->h;
	struct pm_arena a = { 0 };
	struct promql__hist x = { 0 }, y = { 0 };
	bool same = h->schema == got->schema && h->zero_threshold == got->zero_threshold &&
		    h->custom_count == got->custom_count && promql__almost_equal(h->count, got->count, EPSILON) &&
		    promql__almost_equal(h->sum, got->sum, EPSILON) &&
		    promql__almost_equal(h->zero_count, got->zero_count, EPSILON);

	if (want->hinted && h->reset_hint != got->reset_hint)
		same = false;
	for (uint32_t i = 0; same && i < h->custom_count; i++)
		same = h->custom[i] == got->custom[i];
	if (same)
		same = promql__hist_load(&x, &a, h) == 0 && promql__hist_load(&y, &a, got) == 0 &&
		       same_side(&x.pos, &y.pos) && same_side(&x.neg, &y.neg);
	pm_arena_release(&a);
	return same;
}

static bool same_point(const struct promql__item *want, const struct promql_point *p)
{
	if (!want->h || !p->h)
		return !want->h && !p->h && promql__almost_equal(want->v, p->v, EPSILON);
	return same_hist(want, p->h);
}

static bool same_series(
	const struct promql__want *w, const struct promql__line *l, const struct promql_series *s, bool matrix)
{
	size_t n = 0;

	for (size_t i = 0; i < l->count; i++) {
		int64_t t = matrix ? w->start_ms + (int64_t)i * w->step_ms : w->at_ms;

		if (l->v[i].omitted)
			continue;
		if (n == s->point_count || (matrix && s->points[n].t_ms != t) || !same_point(&l->v[i], &s->points[n]))
			return false;
		n++;
	}
	return n == s->point_count;
}

/* ---- results ------------------------------------------------------------------------------------ */

static size_t find_expected(const struct promql__want *w, struct pm_labels l)
{
	size_t i = 0;

	while (i < w->series_count && !pm_labels_eq(w->series[i].labels, l))
		i++;
	return i;
}

static bool is_among(const struct promql_result *r, struct pm_labels l)
{
	for (size_t i = 0; i < r->series_count; i++)
		if (pm_labels_eq(r->series[i].labels, l))
			return true;
	return false;
}

static bool check_sorted(const struct promql_result *r, struct pm_buf *out)
{
	for (size_t i = 1; i < r->series_count; i++)
		if (pm_labels_cmp(r->series[i - 1].labels, r->series[i].labels) > 0) {
			pm_buf_cstr(out, "    a matrix is not sorted by labels\n");
			return false;
		}
	return true;
}

static bool check_series(const struct promql__want *w, const struct promql_result *r, struct pm_buf *out)
{
	bool matrix = r->type == PROMQL_MATRIX, ordered = promql__wants(w, PROMQL__ORDERED);
	bool ok = !matrix || check_sorted(r, out);

	for (size_t i = 0; i < r->series_count; i++) {
		const struct promql_series *s = &r->series[i];
		size_t k = find_expected(w, s->labels);

		if (k == w->series_count) {
			pm_buf_cstr(out, "    unexpected\n");
		} else if (!same_series(w, &w->series[k], s, matrix)) {
			print_expected(out, &w->series[k]);
		} else if (ordered && k != i) {
			pm_buf_fmt(out, "    at position %zu, expected at %zu\n", i + 1, k + 1);
		} else {
			continue;
		}
		print_got(out, w, s);
		ok = false;
	}
	for (size_t k = 0; k < w->series_count; k++)
		if (!is_among(r, w->series[k].labels)) {
			print_expected(out, &w->series[k]);
			pm_buf_cstr(out, "    got       nothing\n");
			ok = false;
		}
	return ok;
}

static bool check_scalar(const struct promql__want *w, double got, struct pm_buf *out)
{
	if (w->scalar && promql__almost_equal(w->scalar_v, got, EPSILON))
		return true;
	pm_buf_cstr(out, "    expected  ");
	if (w->scalar)
		print_float(out, w->scalar_v);
	else
		pm_buf_cstr(out, "series");
	pm_buf_cstr(out, "\n    got       scalar ");
	print_float(out, got);
	pm_buf_char(out, '\n');
	return false;
}

bool promql__check_result(const struct promql__want *w, const struct promql_result *r, struct pm_buf *out)
{
	if (r->type == PROMQL_STRING) {
		if (pm_str_eq(r->string, w->string))
			return true;
		pm_buf_fmt(out, "    expected  \"%.*s\"\n    got       \"%.*s\"\n", PM_STR_ARG(w->string),
			PM_STR_ARG(r->string));
		return false;
	}
	if (r->type == PROMQL_SCALAR)
		return check_scalar(w, r->series[0].points[0].v, out);
	if (w->scalar || (r->type == PROMQL_MATRIX && promql__wants(w, PROMQL__ORDERED))) {
		pm_buf_fmt(out, "    expected another type\n    got       %s\n", promql_type_name(r->type));
		return false;
	}
	return check_series(w, r, out);
}
