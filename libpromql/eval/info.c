/* info.c - info(): the labels that info metrics (target_info, ...) have for the same instance and job are added to each
 * series. Which info series is good changes with time, so one series may come out as several. */
#include "libpromql/eval/info.h"

#include "libtsdb/base/re.h"

static const struct pm_str id_names[] = { { "instance", 8 }, { "job", 3 } };

/* ---- which info series counts ------------------------------------------------------------------- */

static int name_index(struct promql__info_op *op, struct pm_str name, uint32_t *ret)
{
	size_t i = 0;
	int rc;

	while (i < op->name_count && !pm_str_eq(op->names[i], name))
		i++;
	*ret = (uint32_t)i;
	if (i < op->name_count)
		return 0;
	rc = promql__grow(op->t.op.q, &op->names, &op->name_cap, i + 1);
	if (rc == 0)
		op->names[op->name_count++] = name;
	return rc;
}

/* The group of `l`'s instance and job for one info metric; NULL: none. */
static struct promql__info_group *find_group(struct promql__info_op *op, uint32_t name, struct pm_labels l)
{
	uint64_t hash = promql__proj_hash(&op->id, l);
	size_t pos = PROMQL__MAP_START;
	uint32_t i;

	while ((i = promql__map_next(&op->map, hash, &pos)) != PROMQL__NOT_FOUND)
		if (op->groups[i].name == name && promql__proj_eq(&op->id, op->info.v[op->groups[i].first].labels, l))
			return &op->groups[i];
	return NULL;
}

static int group_of(struct promql__info_op *op, uint32_t series, struct promql__info_group **ret)
{
	struct promql__query *q = op->t.op.q;
	struct pm_labels l = op->info.v[series].labels;
	struct promql__info_group *g;
	uint32_t name;
	int rc = name_index(op, promql__name(l), &name);

	if (rc < 0 || (*ret = find_group(op, name, l)))
		return rc;
	rc = promql__grow(q, &op->groups, &op->group_cap, op->group_count + 1);
	if (rc == 0)
		rc = promql__map_add(q, &op->map, promql__proj_hash(&op->id, l), (uint32_t)op->group_count);
	if (rc < 0)
		return rc;
	g = &op->groups[op->group_count++];
	*g = (struct promql__info_group){ .name = name, .first = series };
	g->best = promql__zalloc(q, op->t.op.grid->count * sizeof *g->best);
	*ret = g;
	return g->best ? 0 : PM_ERR_NOMEM;
}

static int rank(struct promql__info_op *op, const uint8_t *base_at)
{
	struct promql__query *q = op->t.op.q;
	struct promql__info_group *g;
	int rc = 0;

	for (uint32_t k = 0; k < op->info.count; k++) {
		const struct promql__col *c = &op->info.v[k];

		rc = group_of(op, k, &g);
		if (rc < 0)
			return rc;
		for (size_t i = 0; i < op->t.op.grid->count; i++) {
			const struct promql__col *other = g->best[i] ? &op->info.v[g->best[i] - 1] : NULL;

			if (c->kind[i] == PROMQL__NONE || !base_at[i] || (other && other->v[i] > c->v[i]))
				continue;
			if (other && other->v[i] == c->v[i])
				return pm_fail(q->err, PM_ERR_INVALID,
					"found duplicate series for info metric: existing %s @ %lld, new "
					"%s @ %lld",
					promql__labels_print(q, other->labels), (long long)other->v[i],
					promql__labels_print(q, c->labels), (long long)c->v[i]);
			g->best[i] = k + 1;
		}
	}
	return 0;
}

/* ---- the answer --------------------------------------------------------------------------------- */

/* Labels of one info series into `added`. */
static int add_labels(
	struct promql__info_op *op, struct pm_labels base, struct pm_labels info, struct pm_label *added, size_t *count)
{
	for (size_t i = 0; i < info.count; i++) {
		const struct pm_label *l = &info.v[i];
		size_t k = 0;

		if (!promql__info_wanted(op, l->name))
			continue;
		while (k < *count && !pm_str_eq(added[k].name, l->name))
			k++;
		if (k < *count && !pm_str_eq(added[k].value, l->value))
			return pm_fail(op->t.op.q->err, PM_ERR_INVALID, "conflicting label: %.*s", PM_STR_ARG(l->name));
		if (k == *count && pm_labels_get(base, l->name).len == 0)
			added[(*count)++] = *l;
	}
	return 0;
}

/* `match`: for each info metric the series that counts, from 1; 0: none. */
static int enrich(struct promql__info_op *op, struct pm_labels base, const uint32_t *match, struct pm_labels *ret)
{
	struct promql__query *q = op->t.op.q;
	size_t room = base.count, count = 0;
	struct pm_label *v;
	int rc = 0;

	for (size_t k = 0; k < op->name_count; k++)
		room += match[k] ? op->info.v[match[k] - 1].labels.count : 0;
	v = promql__array(q, room, sizeof *v);
	if (!v)
		return PM_ERR_NOMEM;
	for (size_t k = 0; rc == 0 && k < op->name_count; k++)
		if (match[k])
			rc = add_labels(op, base, op->info.v[match[k] - 1].labels, v, &count);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < base.count; i++)
		v[count++] = base.v[i];
	rc = pm_labels_normalize(v, &count, q->err);
	*ret = (struct pm_labels){ v, count };
	return rc;
}

static int put(struct promql__out *out, struct promql__col *to, const struct promql__col *from, size_t i)
{
	if (from->kind[i] == PROMQL__FLOAT)
		return promql__out_float(out, to, i, from->v[i]);
	return promql__out_hist(out, to, i, from->h[i]);
}

/* Which info series are good changes seldom: labels are made when it does. */
static int put_series(struct promql__info_op *op, const struct promql__col *c, struct promql__out *out)
{
	struct promql__query *q = op->t.op.q;
	size_t size = op->name_count * sizeof(uint32_t);
	uint32_t *match = promql__zalloc(q, size), *last = promql__zalloc(q, size);
	struct promql__info_group **groups = promql__array(q, op->name_count, sizeof(void *));
	struct promql__col *to = NULL;
	bool as_is = promql__is_info(op, c->labels), any;
	struct pm_labels l;
	int rc = match && last && groups ? 0 : PM_ERR_NOMEM;

	for (uint32_t k = 0; rc == 0 && k < op->name_count; k++)
		groups[k] = as_is ? NULL : find_group(op, k, c->labels);
	for (size_t i = 0; rc == 0 && i < op->t.op.grid->count; i++) {
		if (c->kind[i] == PROMQL__NONE)
			continue;
		any = as_is;
		for (size_t k = 0; k < op->name_count; k++) {
			match[k] = groups[k] ? groups[k]->best[i] : 0;
			any |= match[k] != 0;
		}
		if (!any && op->must_match)
			continue;
		if (!to || (size && memcmp(match, last, size) != 0)) {
			rc = enrich(op, c->labels, match, &l);
			if (rc == 0)
				rc = promql__out_col(out, l, &to);
			if (rc < 0)
				return rc;
			to->drop_name = c->drop_name;
			memcpy(last, match, size);
		}
		rc = put(out, to, c, i);
	}
	return rc;
}

static int fill(struct promql__table_op *base)
{
	struct promql__info_op *op = (struct promql__info_op *)base;
	struct promql__query *q = base->op.q;
	size_t count = base->op.grid->count;
	uint8_t *base_at = promql__zalloc(q, count);
	struct promql__out *out;
	struct promql__table *t;
	int rc = base_at ? promql__gather(q, op->child, &op->base) : PM_ERR_NOMEM;

	if (rc < 0)
		return rc;
	for (size_t k = 0; k < op->base.count; k++)
		for (size_t i = 0; i < count; i++)
			base_at[i] |= op->base.v[k].kind[i];
	rc = promql__info_select(op);
	if (rc >= 0)
		rc = rank(op, base_at);
	if (rc >= 0)
		rc = promql__out_new(q, base->op.grid, &out);
	for (size_t k = 0; rc >= 0 && k < op->base.count; k++)
		rc = put_series(op, &op->base.v[k], out);
	promql__op_done(op->child);
	if (rc < 0)
		return rc;
	t = promql__out_table(out);
	if (!t)
		return PM_ERR_NOMEM;
	base->table = *t;
	return 0;
}

static void info_close(struct promql__op *base)
{
	struct promql__info_op *op = (struct promql__info_op *)base;

	for (size_t i = 0; i < op->re_count; i++)
		pm_re_free(op->res[i]);
	op->re_count = 0;
}

int promql__build_info(
	struct promql__query *q, const struct promql_node *n, const struct promql__grid *g, struct promql__op **ret)
{
	struct promql__info_op *op = promql__table_op_new(q, sizeof *op, n, g, fill);
	int rc;

	if (!op)
		return PM_ERR_NOMEM;
	op->t.op.close = info_close;
	op->selector = promql__arg(n, 1);
	rc = promql__proj_init(q, id_names, 2, false, false, &op->id);
	if (rc == 0 && op->selector)
		rc = promql__info_matchers(op);
	if (rc == 0)
		rc = promql__build(q, n->call.args[0], g, &op->child);
	*ret = &op->t.op;
	return rc;
}
