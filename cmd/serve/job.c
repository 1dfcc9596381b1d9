/* job.c - from a scrape_config to its targets, as upstream's PopulateLabels does it: each target begins with its own
 * labels, the job's settings are added as labels that begin with "__" where the target does not set them itself,
 * relabelling would come next, and what then begins with "__" says how to scrape and is no label of the samples. */
#include "cmd/serve/job.h"

#include "libtsdb/base/buf.h"
#include "libtsdb/base/hash.h"
#include "libtsdb/base/num.h"
#include "libtsdb/base/utf8.h"

#include <stdarg.h>
#include <stdio.h>

#define PARAM_PREFIX "__param_"

int pm_config_fail(const struct pm_config *c, int line, struct pm_error *err, const char *fmt, ...)
{
	char msg[sizeof err->msg];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(msg, sizeof msg, fmt, ap);
	va_end(ap);
	pm_fail(err, PM_ERR_INVALID, "%s", msg);
	if (err) {
		snprintf(err->file, sizeof err->file, "%s", c->file);
		err->line = line;
	}
	return PM_ERR_INVALID;
}

/* ---- labels before relabelling ------------------------------------------------------------------ */

/* A label set in the making; names are unique. */
struct builder {
	struct pm_label *v;
	size_t count, cap;
};

static struct pm_str get(const struct builder *b, struct pm_str name)
{
	for (size_t i = 0; i < b->count; i++)
		if (pm_str_eq(b->v[i].name, name))
			return b->v[i].value;
	return (struct pm_str){ 0 };
}

static void set(struct builder *b, struct pm_str name, struct pm_str value)
{
	size_t i = 0;
	while (i < b->count && !pm_str_eq(b->v[i].name, name))
		i++;
	if (i == b->count)
		b->count++;
	b->v[i] = (struct pm_label){ name, value };
}

static void set_absent(struct builder *b, struct pm_str name, struct pm_str value)
{
	if (get(b, name).len == 0)
		set(b, name, value);
}

static struct pm_str duration_text(struct pm_arena *a, int64_t ms)
{
	char text[64];
	size_t n = pm_duration_format(text, ms);
	return pm_arena_str(a, (struct pm_str){ text, n });
}

static struct pm_str concat(struct pm_arena *a, const char *prefix, struct pm_str s)
{
	char *text = pm_arena_printf(a, "%s%.*s", prefix, PM_STR_ARG(s));
	return pm_str(text);
}

/* PM_ERR_NOMEM is the only error. */
static int discover(struct pm_arena *a, const struct pm_job *job, const struct pm_job_group *g, struct pm_str address,
	struct pm_labels *ret)
{
	struct builder b = { .cap = g->labels.count + job->param_count + 8 };
	b.v = pm_arena_array(a, b.cap, sizeof *b.v);
	if (!b.v)
		return PM_ERR_NOMEM;
	for (size_t i = 0; i < g->labels.count; i++)
		set(&b, g->labels.v[i].name, g->labels.v[i].value);
	set(&b, PM_STR("__address__"), address);
	set_absent(&b, PM_STR("job"), job->name);
	set_absent(&b, PM_STR("__scheme__"), job->scheme);
	set_absent(&b, PM_STR("__metrics_path__"), job->metrics_path);
	set_absent(&b, PM_STR("__scrape_interval__"), duration_text(a, job->interval_ms));
	set_absent(&b, PM_STR("__scrape_timeout__"), duration_text(a, job->timeout_ms));
	for (size_t i = 0; i < job->param_count; i++) /* of several values of a name, the first */
		set_absent(&b, concat(a, PARAM_PREFIX, job->params[i].name), job->params[i].value);
	int rc = pm_labels_normalize(b.v, &b.count, NULL);
	*ret = (struct pm_labels){ b.v, b.count };
	return rc;
}

/* ---- how to scrape ------------------------------------------------------------------------------ */

static void url_escape(struct pm_buf *out, struct pm_str s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];
		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
			(c && strchr("-_.~", c)))
			pm_buf_char(out, (char)c);
		else if (c == ' ')
			pm_buf_char(out, '+');
		else
			pm_buf_fmt(out, "%%%02X", c);
	}
}

static bool first_of_name(const struct pm_job *job, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (pm_str_eq(job->params[k].name, job->params[i].name))
			return false;
	return true;
}

static void add_param(struct pm_buf *url, size_t *n, struct pm_str name, struct pm_str value)
{
	pm_buf_char(url, (*n)++ ? '&' : '?');
	url_escape(url, name);
	pm_buf_char(url, '=');
	url_escape(url, value);
}

/* The job's parameters, the first value of each name taken from its label, then labels without a parameter in the
 * job. */
static void add_params(struct pm_buf *url, const struct pm_job *job, struct pm_labels labels)
{
	size_t n = 0, prefix = sizeof PARAM_PREFIX - 1;
	for (size_t i = 0; i < job->param_count; i++) {
		const struct pm_job_param *p = &job->params[i];
		struct pm_str value = p->value;
		for (size_t k = 0; k < labels.count && first_of_name(job, i); k++) {
			struct pm_str name = labels.v[k].name;
			if (name.len == prefix + p->name.len && memcmp(name.ptr, PARAM_PREFIX, prefix) == 0 &&
			    memcmp(name.ptr + prefix, p->name.ptr, p->name.len) == 0)
				value = labels.v[k].value;
		}
		add_param(url, &n, p->name, value);
	}
	for (size_t k = 0; k < labels.count; k++) {
		struct pm_str name = labels.v[k].name;
		bool known = false;
		if (name.len < prefix || memcmp(name.ptr, PARAM_PREFIX, prefix) != 0)
			continue;
		name = (struct pm_str){ name.ptr + prefix, name.len - prefix };
		for (size_t i = 0; i < job->param_count && !known; i++)
			known = pm_str_eq(job->params[i].name, name);
		if (!known)
			add_param(url, &n, name, labels.v[k].value);
	}
}

static const char *make_url(struct pm_arena *a, const struct pm_job *job, struct pm_labels l)
{
	struct pm_buf url = { 0 };
	struct pm_str path = pm_labels_get(l, PM_STR("__metrics_path__"));
	pm_buf_str(&url, pm_labels_get(l, PM_STR("__scheme__")));
	pm_buf_cstr(&url, "://");
	pm_buf_str(&url, pm_labels_get(l, PM_STR("__address__")));
	if (path.len == 0 || path.ptr[0] != '/')
		pm_buf_char(&url, '/');
	pm_buf_str(&url, path);
	add_params(&url, job, l);
	const char *text = pm_buf_error(&url) ? NULL : pm_arena_str(a, pm_buf_view(&url)).ptr;
	pm_buf_release(&url);
	return text;
}

static int read_times(struct pm_config *c, int line, struct pm_labels l, struct scrape_target *t, struct pm_error *err)
{
	struct pm_str interval = pm_labels_get(l, PM_STR("__scrape_interval__"));
	struct pm_str timeout = pm_labels_get(l, PM_STR("__scrape_timeout__"));
	if (pm_duration_parse(interval, &t->interval_ms) || t->interval_ms <= 0)
		return pm_config_fail(
			c, line, err, "__scrape_interval__ \"%.*s\" is not a duration above 0", PM_STR_ARG(interval));
	if (pm_duration_parse(timeout, &t->timeout_ms) || t->timeout_ms <= 0)
		return pm_config_fail(
			c, line, err, "__scrape_timeout__ \"%.*s\" is not a duration above 0", PM_STR_ARG(timeout));
	if (t->timeout_ms > t->interval_ms)
		return pm_config_fail(c, line, err, "the scrape timeout %.*s is longer than the interval %.*s",
			PM_STR_ARG(timeout), PM_STR_ARG(interval));
	return 0;
}

/* Labels of the samples: those that do not begin with "__", and instance. */
static int final_labels(struct pm_arena *a, struct pm_labels l, struct pm_labels *ret)
{
	struct builder b = { .cap = l.count + 1 };
	b.v = pm_arena_array(a, b.cap, sizeof *b.v);
	if (!b.v)
		return PM_ERR_NOMEM;
	for (size_t i = 0; i < l.count; i++)
		if (l.v[i].name.len < 2 || memcmp(l.v[i].name.ptr, "__", 2) != 0)
			set(&b, l.v[i].name, l.v[i].value);
	set_absent(&b, PM_STR("instance"), pm_labels_get(l, PM_STR("__address__")));
	int rc = pm_labels_normalize(b.v, &b.count, NULL);
	*ret = (struct pm_labels){ b.v, b.count };
	return rc;
}

static int check(struct pm_config *c, int line, struct pm_labels l, struct pm_error *err)
{
	struct pm_str address = pm_labels_get(l, PM_STR("__address__")),
		      scheme = pm_labels_get(l, PM_STR("__scheme__"));
	if (address.len == 0)
		return pm_config_fail(c, line, err, "a target without an address");
	for (size_t i = 0; i < address.len; i++)
		if (address.ptr[i] == '/' || (unsigned char)address.ptr[i] <= ' ' || address.ptr[i] == '@' ||
			address.ptr[i] == '?' || address.ptr[i] == '#')
			return pm_config_fail(c, line, err, "\"%.*s\" is not a valid hostname", PM_STR_ARG(address));
	if (!pm_str_eq(scheme, PM_STR("http")) && !pm_str_eq(scheme, PM_STR("https")))
		return pm_config_fail(
			c, line, err, "the scheme \"%.*s\" is neither http nor https", PM_STR_ARG(scheme));
	for (size_t i = 0; i < l.count; i++)
		if (!pm_utf8_valid(l.v[i].value))
			return pm_config_fail(
				c, line, err, "the value of label %.*s is not UTF-8", PM_STR_ARG(l.v[i].name));
	return 0;
}

static bool is_double(const struct pm_config_target *first, const struct pm_config_target *t)
{
	for (; first; first = first->next)
		if (first->hash == t->hash && strcmp(first->scrape.url, t->scrape.url) == 0 &&
		    pm_labels_eq(first->scrape.labels, t->scrape.labels))
			return true;
	return false;
}

static int make_target(struct pm_config *c, const struct pm_job *job, const struct pm_job_group *g, size_t i,
	struct pm_config_target **ret, struct pm_error *err)
{
	struct pm_config_target *t = pm_arena_zalloc(&c->arena, sizeof *t);
	if (!t || discover(&c->arena, job, g, g->targets[i], &t->discovered) ||
	    final_labels(&c->arena, t->discovered, &t->scrape.labels))
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	int rc = check(c, g->lines[i], t->discovered, err);
	if (rc == 0)
		rc = read_times(c, g->lines[i], t->discovered, &t->scrape, err);
	if (rc)
		return rc;
	t->scrape.url = make_url(&c->arena, job, t->discovered);
	if (!t->scrape.url)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	t->hash = pm_hash_seed(t->scrape.url, strlen(t->scrape.url), pm_labels_hash(t->scrape.labels));
	t->scrape.honor_labels = job->honor_labels;
	t->scrape.honor_timestamps = job->honor_timestamps;
	t->scrape.body_size_max = job->body_size_max;
	t->scrape.sample_max = job->sample_max;
	t->job = job->name;
	*ret = t;
	return 0;
}

int pm_job_targets(struct pm_config *c, const struct pm_job *job, struct pm_error *err)
{
	struct pm_config_target **end = &c->targets, *of_job = NULL, *t = NULL;
	while (*end)
		end = &(*end)->next;
	for (size_t g = 0; g < job->group_count; g++)
		for (size_t i = 0; i < job->groups[g].target_count; i++) {
			int rc = make_target(c, job, &job->groups[g], i, &t, err);
			if (rc)
				return rc;
			if (is_double(of_job, t))
				continue;
			t->index = c->target_count++;
			*end = t;
			end = &t->next;
			of_job = of_job ? of_job : t;
		}
	return 0;
}
