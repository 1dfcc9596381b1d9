/* text.c - pm dump as OpenMetrics text with timestamps, which pm import, promtool and Prometheus read.
 *
 * A family begins with what was stored of its type, unit and help; exemplars go behind samples. Two things have no form
 * in OpenMetrics 1.0, are left out and counted: stale markers, as a NaN would be read as one, and native histograms.
 *
 * A timestamp is seconds, and its readers multiply a double by 1000 and cut: some small ones, such as 1.001, come back
 * a millisecond early. There the next double is written, 1.0010000000000003, which is right for those that cut and for
 * those that round. */
#include "cmd/dump/dump.h"

#include "libtsdb/base/num.h"

#include <math.h>

enum { MS = 1000, LINE_MAX_NUMBERS = 2 * PM_DOUBLE_TEXT_MAX + 4 };

/* ---- names -------------------------------------------------------------------------------------- */

static bool is_plain_name(struct pm_str s, bool colon)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (colon && c == ':');

		if (!letter && !(i && c >= '0' && c <= '9'))
			return false;
	}
	return s.len > 0;
}

static void put_quoted(struct pm_buf *out, struct pm_str s)
{
	size_t from = 0;

	pm_buf_char(out, '"');
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];

		if (c != '"' && c != '\\' && c != '\n')
			continue;
		pm_buf_add(out, s.ptr + from, i - from);
		pm_buf_add(out, c == '\n' ? "\\n" : c == '"' ? "\\\"" : "\\\\", 2);
		from = i + 1;
	}
	pm_buf_add(out, s.ptr + from, s.len - from);
	pm_buf_char(out, '"');
}

/* "a"="b" without the quotes around a plain name. */
static void put_label(struct pm_buf *out, const struct pm_label *l)
{
	if (is_plain_name(l->name, false))
		pm_buf_str(out, l->name);
	else
		put_quoted(out, l->name);
	pm_buf_char(out, '=');
	put_quoted(out, l->value);
}

/* name{a="b"}, or {"a name",a="b"} where the name is not of letters. */
static void put_series(struct pm_buf *out, struct pm_labels labels)
{
	struct pm_str name = pm_labels_get(labels, PM_NAME_LABEL);
	bool plain = is_plain_name(name, true), open = false;

	if (plain)
		pm_buf_str(out, name);
	if (!plain) {
		pm_buf_char(out, '{');
		open = true;
		if (name.len)
			put_quoted(out, name);
	}
	for (size_t i = 0; i < labels.count; i++) {
		const struct pm_label *l = &labels.v[i];

		if (pm_str_eq(l->name, PM_NAME_LABEL))
			continue;
		if (!open || out->ptr[out->len - 1] != '{')
			pm_buf_char(out, open ? ',' : '{');
		open = true;
		put_label(out, l);
	}
	if (open)
		pm_buf_char(out, '}');
	pm_buf_char(out, ' ');
}

/* ---- numbers ------------------------------------------------------------------------------------ */

static char *put_digits(char *out, uint64_t v)
{
	char text[20];
	size_t n = 0;

	do
		text[sizeof text - ++n] = (char)('0' + v % 10);
	while (v /= 10);
	return mempcpy(out, text + sizeof text - n, n);
}

/* Integers are what most samples are; -0 is none. */
static char *put_value(char *out, double v)
{
	if (fabs(v) < 1e15 && v == (double)(int64_t)v && !(v == 0 && signbit(v))) {
		if (v < 0)
			*out++ = '-';
		return put_digits(out, (uint64_t)fabs(v));
	}
	return out + pm_double_format_g(out, v);
}

static char *put_time(char *out, int64_t t_ms)
{
	double seconds = (double)t_ms / MS, away = copysign(INFINITY, seconds);
	int64_t read = (int64_t)(seconds * MS);
	unsigned fraction = (unsigned)(t_ms % MS);

	if (t_ms < 0 || read != t_ms)
		return out + pm_double_format_f(out, read == t_ms ? seconds : nextafter(seconds, away));
	out = put_digits(out, (uint64_t)t_ms / MS);
	if (fraction == 0)
		return out;
	*out++ = '.';
	*out++ = (char)('0' + fraction / 100);
	*out++ = (char)('0' + fraction / 10 % 10);
	*out++ = (char)('0' + fraction % 10);
	return out;
}

/* ---- samples ------------------------------------------------------------------------------------ */

static void put_sample(struct pm_buf *out, struct pm_str series, int64_t t_ms, double v)
{
	char *at;

	if (pm_buf_reserve(out, series.len + LINE_MAX_NUMBERS) < 0)
		return;
	at = mempcpy(out->ptr + out->len, series.ptr, series.len);
	at = put_value(at, v);
	*at++ = ' ';
	at = put_time(at, t_ms);
	*at++ = '\n';
	out->len = (size_t)(at - out->ptr);
}

/* Behind the sample that was put last, instead of its line break. */
static void put_exemplar(struct pm_buf *out, const struct tsdb_exemplar *e)
{
	char *at;

	if (pm_buf_error(out))
		return;
	out->len--;
	pm_buf_cstr(out, " # {");
	for (size_t i = 0; i < e->labels.count; i++) {
		if (i)
			pm_buf_char(out, ',');
		put_label(out, &e->labels.v[i]);
	}
	pm_buf_cstr(out, "} ");
	if (pm_buf_reserve(out, LINE_MAX_NUMBERS) < 0)
		return;
	at = put_value(out->ptr + out->len, e->v);
	*at++ = ' ';
	at = put_time(at, e->t_ms);
	*at++ = '\n';
	out->len = (size_t)(at - out->ptr);
}

static void put_samples(struct pm_dump *d, struct pm_buf *out, const struct pm_series *series, struct pm_str text)
{
	const struct pm_samples *s = &series->samples;
	const struct tsdb_exemplar *e = NULL;
	size_t left = pm_dump_exemplars_of(&d->exemplars, series->labels, &e);

	for (size_t i = 0; i < s->count; i++) {
		if (s->h && s->h[i]) {
			d->histograms++;
		} else if (pm_is_stale(s->v[i])) {
			d->stale++;
		} else {
			put_sample(out, text, s->t_ms[i], s->v[i]);
			d->samples++;
			if (left && e->t_ms <= s->t_ms[i]) {
				put_exemplar(out, e++);
				left--;
				d->exemplars.left--;
			}
		}
	}
}

void pm_dump_lines(struct pm_dump *d, const struct pm_series *series, struct pm_buf *out)
{
	struct pm_buf text = { 0 };

	put_series(&text, series->labels);
	if (pm_buf_error(&text))
		out->error = pm_buf_error(&text);
	else
		put_samples(d, out, series, pm_buf_view(&text));
	pm_buf_release(&text);
}

struct sink {
	struct pm_dump *dump;
	struct pm_output output;
	struct pm_families families;
	struct pm_buf family; /* the last one that was begun */
	bool begun;
};

static void begin_family(struct sink *sink, struct pm_labels labels)
{
	struct pm_str metric = pm_labels_get(labels, PM_NAME_LABEL), family = pm_family_of(&sink->families, metric);

	if (sink->begun && pm_str_eq(family, pm_buf_view(&sink->family)))
		return;
	pm_family_put(&sink->families, metric, &sink->output.buf);
	pm_buf_reset(&sink->family);
	pm_buf_str(&sink->family, family);
	sink->begun = true;
}

static int take(void *arg, const struct pm_series *series, struct pm_error *err)
{
	struct sink *sink = arg;
	struct pm_dump *d = sink->dump;

	begin_family(sink, series->labels);
	pm_dump_lines(d, series, &sink->output.buf);
	if (d->output)
		pm_progress_show(&d->progress, d->output, d->samples, d->total, d->samples);
	return pm_output_flush(&sink->output, err);
}

static int write_text(struct sink *sink, struct pm_error *err)
{
	struct pm_dump *d = sink->dump;
	int rc = pm_families_load(&sink->families, d->ctx->db, err);

	if (rc == 0)
		rc = pm_dump_exemplars_load(&d->exemplars, d->ctx->db, &d->wanted, err);
	if (rc < 0)
		return rc;
	d->wanted.families = &sink->families;
	rc = pm_dump_each(d->ctx->db, &d->wanted, take, sink, err);
	pm_buf_cstr(&sink->output.buf, "# EOF\n");
	return rc;
}

int pm_dump_text(struct pm_dump *d, struct pm_error *err)
{
	struct sink sink = { .dump = d };
	int rc = pm_output_open(&sink.output, d->output, err);

	if (rc < 0)
		return rc;
	rc = write_text(&sink, err);
	if (rc == 0)
		rc = pm_output_close(&sink.output, err);
	else
		pm_output_abort(&sink.output);
	pm_families_release(&sink.families);
	pm_buf_release(&sink.family);
	return rc;
}
