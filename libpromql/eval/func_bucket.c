/* func_bucket.c - histogram_quantile, histogram_quantiles and histogram_fraction, of classic and of native histograms.
 *
 * Series are gathered and grouped by their labels without le. A group answers with one series (one a quantile): at each
 * step from the buckets that are there, or from the native histogram; where both are, from neither. */
#include "libpromql/eval/bucket.h"
#include "libpromql/eval/funcs.h"
#include "libpromql/eval/hist.h"

#include "libtsdb/base/num.h"

#include <math.h>

/* A series with le, as a bucket; without, it can only hold native histograms. */
struct member {
	const struct promql__col *col;
	double upper;
	bool bucket;
	bool bad; /* its le is no number: worth a warning */
};

struct group {
	struct pm_labels labels; /* of the first member */
	bool drop_name;
	struct member *v;
	size_t count, cap;
};

struct quantile_op {
	struct promql__table_op t;
	struct promql__op *child;
	enum promql_fn id;
	const double **args; /* phis, or lower and upper */
	size_t arg_count;
	const struct promql_node *vector;
	struct promql__proj without_le; /* what groups series */
	struct promql__map map;
	struct group *groups;
	size_t group_count, group_cap;
	struct promql__le *buckets;
	size_t bucket_cap;
	struct promql__out *out;
};

/* ---- grouping ----------------------------------------------------------------------------------- */

static int group_of(struct quantile_op *op, const struct promql__col *c, struct group **ret)
{
	struct promql__query *q = op->t.op.q;
	uint64_t hash = promql__proj_hash(&op->without_le, c->labels);
	size_t pos = PROMQL__MAP_START;
	uint32_t i;
	int rc;

	while ((i = promql__map_next(&op->map, hash, &pos)) != PROMQL__NOT_FOUND)
		if (promql__proj_eq(&op->without_le, op->groups[i].labels, c->labels)) {
			*ret = &op->groups[i];
			return 0;
		}
	rc = promql__grow(q, &op->groups, &op->group_cap, op->group_count + 1);
	if (rc == 0)
		rc = promql__map_add(q, &op->map, hash, (uint32_t)op->group_count);
	if (rc < 0)
		return rc;
	*ret = &op->groups[op->group_count++];
	**ret = (struct group){ .labels = c->labels, .drop_name = c->drop_name };
	return 0;
}

static int add_member(struct quantile_op *op, const struct promql__col *c)
{
	struct promql__query *q = op->t.op.q;
	struct member m = { .col = c };
	struct group *g;
	int rc = group_of(op, c, &g);

	if (rc == 0)
		rc = promql__grow(q, &g->v, &g->cap, g->count + 1);
	if (rc < 0)
		return rc;
	rc = pm_double_parse(pm_labels_get(c->labels, PM_STR("le")), &m.upper);
	m.bad = rc < 0;
	m.bucket = rc == 0;
	g->v[g->count++] = m;
	return 0;
}

static void warn_bad(struct quantile_op *op, const struct member *m)
{
	struct promql__query *q = op->t.op.q;
	struct pm_str name = q->opts.delayed_name_removal ? promql__name(m->col->labels) : (struct pm_str){ 0 };

	promql__warn(q, op->vector->start, "bucket label \"le\" is missing or has a malformed value of %s%s",
		promql__quote(q, pm_labels_get(m->col->labels, PM_STR("le"))), promql__for_name(q, name));
}

/* ---- one group ---------------------------------------------------------------------------------- */

static int out_labels(struct quantile_op *op, struct pm_labels labels, bool native, size_t arg, struct pm_labels *ret)
{
	struct promql__query *q = op->t.op.q;
	const struct promql_node *n = op->t.op.node;
	char text[PM_DOUBLE_TEXT_MAX + 2];
	struct pm_str value;
	size_t len;
	int rc = 0;

	*ret = labels;
	if (!native)
		rc = promql__label_set(q, *ret, PM_STR("le"), PM_STR(""), ret);
	if (rc == 0 && !q->opts.delayed_name_removal)
		rc = promql__drop_meta(q, *ret, ret);
	if (rc < 0 || op->id != PROMQL_FN_HISTOGRAM_QUANTILES)
		return rc;
	len = pm_double_format_g(text, op->args[arg][0]);
	if (!memchr(text, '.', len) && !memchr(text, 'e', len) && !memchr(text, 'N', len) && !memchr(text, 'I', len)) {
		text[len++] = '.';
		text[len++] = '0';
	}
	value = pm_arena_str(&q->arena, (struct pm_str){ text, len });
	return value.ptr ? promql__label_set(q, *ret, promql__arg(n, 1)->string, value, ret) : promql__nomem(q);
}

static struct pm_str shown_name(const struct quantile_op *op, struct pm_labels l)
{
	return op->t.op.q->opts.delayed_name_removal ? promql__name(l) : (struct pm_str){ 0 };
}

static int of_native(struct quantile_op *op, size_t arg, size_t step, const struct member *m, double *ret)
{
	struct promql__query *q = op->t.op.q;
	struct pm_str name = shown_name(op, m->col->labels);
	size_t pos = op->vector->start;

	if (op->id == PROMQL_FN_HISTOGRAM_FRACTION)
		return promql__hist_fraction(q, op->args[0][step], op->args[1][step], m->col->h[step], name, pos, ret);
	return promql__hist_quantile(q, op->args[arg][step], m->col->h[step], name, pos, ret);
}

static double of_buckets(struct quantile_op *op, size_t arg, size_t step, const struct group *g, size_t count)
{
	struct promql__query *q = op->t.op.q;
	struct promql__forced fix;
	bool forced;
	double v;

	if (op->id == PROMQL_FN_HISTOGRAM_FRACTION)
		return promql__bucket_fraction(op->args[0][step], op->args[1][step], op->buckets, count);
	v = promql__bucket_quantile(op->args[arg][step], op->buckets, count, &forced, &fix);
	if (forced)
		promql__note_forced(
			q, op->vector->start, shown_name(op, g->labels), promql__at(op->t.op.grid, step), &fix);
	return v;
}

static int put(struct quantile_op *op, const struct group *g, struct pm_labels labels, bool native, size_t arg,
	size_t step, double v, struct promql__col **cache)
{
	int rc = 0;

	if (!*cache) {
		rc = out_labels(op, labels, native, arg, &labels);
		if (rc == 0)
			rc = promql__out_col(op->out, labels, cache);
		if (rc < 0)
			return rc;
		(*cache)->drop_name = true;
	}
	return promql__out_float(op->out, *cache, step, v);
}

/* The native histograms of a step: normally one. `*ret` counts them. */
static size_t count_native(const struct group *g, size_t step)
{
	size_t n = 0;

	for (size_t i = 0; i < g->count; i++)
		n += g->v[i].col->kind[step] == PROMQL__HIST;
	return n;
}

static size_t take_buckets(struct quantile_op *op, const struct group *g, size_t step)
{
	size_t n = 0;

	for (size_t i = 0; i < g->count; i++) {
		const struct member *m = &g->v[i];

		if (m->col->kind[step] != PROMQL__FLOAT)
			continue;
		if (m->bad)
			warn_bad(op, m);
		else
			op->buckets[n++] = (struct promql__le){ m->upper, m->col->v[step] };
	}
	return n;
}

/* A native histogram that has an le label of its own belongs to no classic one. */
static bool is_twin(const struct member *m)
{
	return pm_labels_get(m->col->labels, PM_STR("le")).len == 0;
}

static int natives_at(
	struct quantile_op *op, const struct group *g, size_t arg, size_t step, bool *twin, struct promql__col **cache)
{
	size_t buckets = take_buckets(op, g, step);
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < g->count; i++) {
		const struct member *m = &g->v[i];
		struct promql__col **slot = is_twin(m) ? &cache[0] : &cache[1 + i];
		double v;

		if (m->col->kind[step] != PROMQL__HIST)
			continue;
		if (buckets && is_twin(m)) {
			*twin = true;
			promql__warn(op->t.op.q, op->vector->start,
				"vector contains a mix of classic and native histograms%s",
				promql__for_name(op->t.op.q, shown_name(op, m->col->labels)));
			continue;
		}
		rc = of_native(op, arg, step, m, &v);
		if (rc == 0)
			rc = put(op, g, m->col->labels, true, arg, step, v, slot);
	}
	return rc;
}

static int answer_group(struct quantile_op *op, const struct group *g, size_t arg)
{
	struct promql__query *q = op->t.op.q;
	struct promql__col **natives = promql__zalloc(q, (g->count + 1) * sizeof(struct promql__col *));
	struct promql__col *classic = NULL;
	int rc = natives ? promql__grow(q, &op->buckets, &op->bucket_cap, g->count) : PM_ERR_NOMEM;

	for (size_t i = 0; rc == 0 && i < op->t.op.grid->count; i++) {
		bool twin = false;
		size_t n;

		if (count_native(g, i))
			rc = natives_at(op, g, arg, i, &twin, natives);
		n = twin ? 0 : take_buckets(op, g, i);
		if (rc == 0 && n)
			rc = put(op, g, g->labels, false, arg, i, of_buckets(op, arg, i, g, n), &classic);
	}
	return rc;
}

/* ---- all groups --------------------------------------------------------------------------------- */

static void check_phis(struct quantile_op *op, size_t first_arg)
{
	for (size_t a = 0; op->id != PROMQL_FN_HISTOGRAM_FRACTION && a < op->arg_count; a++)
		for (size_t i = 0; i < op->t.op.grid->count; i++) {
			double phi = op->args[a][i];

			if (isnan(phi) || phi < 0 || phi > 1)
				promql__warn_quantile(
					op->t.op.q, promql__arg(op->t.op.node, first_arg + a)->start, phi);
		}
}

static int quantile_fill(struct promql__table_op *base)
{
	struct quantile_op *op = (struct quantile_op *)base;
	struct promql__query *q = base->op.q;
	struct promql__table in, *t;
	size_t answers = op->id == PROMQL_FN_HISTOGRAM_QUANTILES ? op->arg_count : 1;
	int rc = promql__gather(q, op->child, &in);

	for (size_t i = 0; rc == 0 && i < in.count; i++)
		rc = add_member(op, &in.v[i]);
	if (rc == 0)
		rc = promql__out_new(q, base->op.grid, &op->out);
	check_phis(op, op->id == PROMQL_FN_HISTOGRAM_QUANTILES ? 2 : 0);
	for (size_t a = 0; rc == 0 && a < answers; a++)
		for (size_t i = 0; rc == 0 && i < op->group_count; i++)
			rc = answer_group(op, &op->groups[i], a);
	promql__op_done(op->child);
	t = rc == 0 ? promql__out_table(op->out) : NULL;
	if (t)
		base->table = *t;
	return rc < 0 ? rc : t ? 0 : PM_ERR_NOMEM;
}

static int set_args(struct quantile_op *op, const struct promql_node *n)
{
	struct promql__query *q = op->t.op.q;
	int rc = 0;

	op->args = promql__array(q, n->call.arg_count, sizeof *op->args);
	if (!op->args)
		return PM_ERR_NOMEM;
	for (size_t i = 0; rc == 0 && i < n->call.arg_count; i++) {
		const struct promql_node *arg = promql__arg(n, i);
		double *v;

		if (arg->type == PROMQL_VECTOR)
			op->vector = arg;
		if (arg->type != PROMQL_SCALAR)
			continue;
		rc = promql__scalar(q, arg, op->t.op.grid, &v);
		op->args[op->arg_count++] = v;
	}
	return rc;
}

int promql__build_quantile(
	struct promql__query *q, const struct promql_node *n, const struct promql__grid *g, struct promql__op **ret)
{
	struct quantile_op *op = promql__table_op_new(q, sizeof *op, n, g, quantile_fill);
	struct pm_str le = PM_STR("le");
	int rc;

	if (!op)
		return PM_ERR_NOMEM;
	op->id = n->call.func->id;
	*ret = &op->t.op;
	rc = promql__proj_init(q, &le, 1, true, false, &op->without_le);
	if (rc == 0)
		rc = set_args(op, n);
	return rc < 0 ? rc : promql__build(q, op->vector, g, &op->child);
}
