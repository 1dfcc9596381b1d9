/* match.c - arithmetic and comparison between two vectors.
 *
 * Series of both sides meet by signature. One side is "one": at a step it has at most one series of a signature, and
 * its series of a signature, which may follow each other in time, are laid into one column. Each series of the other
 * side, "many", then runs against that column in one pass. What upstream judges at each step (duplicates on the one
 * side, many on both) is judged at each step here, and only where there are samples. */
#include "libpromql/eval/binop.h"

/* The "one" side of a signature. */
struct one {
	struct promql__col col; /* a series, or several laid together */
	uint32_t first;         /* index of its first series + 1; 0: it has none */
	uint32_t *owner;        /* several: for each step the index of the series + 1; NULL: it is `first` at all */
	uint8_t *matched;       /* steps at which a series of the other side has been matched */
};

/* Many-side series whose result has these labels, in order: for the check that there is one at a step. */
struct seen {
	struct promql__col *col;
	uint32_t sig, series;
};

struct match_op {
	struct promql__table_op t;
	struct promql__op *child[2];
	struct promql__sigs sigs;
	int many; /* which side is many: 0 left, 1 right */
	bool one_to_one;
	const struct promql_matching *m;
	bool fill_one, fill_many;
	double fill_one_v, fill_many_v;
	uint8_t *any_many, *any_one; /* steps at which a side has any sample */
	struct one *ones;            /* by signature */
	struct promql__out *out;
	struct seen *seen;
	size_t seen_count, seen_cap;
	double *work, *fill; /* for a column of floats */
	struct pm_arena scratch;
};

static struct promql__col *many_col(struct match_op *op, size_t i)
{
	return &op->sigs.side[op->many].v[i];
}

static struct promql__col *one_col(struct match_op *op, uint32_t i)
{
	return &op->sigs.side[!op->many].v[i];
}

/* ---- the one side ------------------------------------------------------------------------------- */

static int duplicate_one(struct match_op *op, uint32_t a, uint32_t b)
{
	struct promql__query *q = op->t.op.q;
	struct pm_labels x = one_col(op, a)->labels, y = one_col(op, b)->labels, group;
	bool swap = pm_labels_cmp(x, y) > 0;

	if (promql__proj_make(q, &op->sigs.proj, x, &group) < 0)
		return PM_ERR_NOMEM;
	return pm_fail(q->err, PM_ERR_INVALID,
		"found duplicate series for the match group %s on the %s hand-side of the "
		"operation: [%s, %s];many-to-many matching not allowed: matching labels must be unique on one side",
		promql__labels_print(q, group), op->many == 0 ? "right" : "left", promql__labels_print(q, swap ? y : x),
		promql__labels_print(q, swap ? x : y));
}

/* Make room for several series in one column: what was the only one is copied. */
static int make_shared(struct match_op *op, struct one *o)
{
	struct promql__query *q = op->t.op.q;
	size_t n = op->t.op.grid->count;
	struct promql__col shared;

	o->owner = promql__zalloc(q, n * sizeof *o->owner);
	if (!o->owner || promql__col_copy(q, op->t.op.grid, &o->col, &shared) < 0)
		return PM_ERR_NOMEM;
	o->col = shared;
	for (size_t i = 0; i < n; i++)
		o->owner[i] = o->col.kind[i] ? o->first : 0;
	return 0;
}

static int lay_one(struct match_op *op, uint32_t index)
{
	struct one *o = &op->ones[op->sigs.sig[!op->many][index]];
	struct promql__col *c = one_col(op, index);

	if (!o->first) {
		o->first = index + 1;
		o->col = *c;
		return 0;
	}
	if (!o->owner && make_shared(op, o) < 0)
		return PM_ERR_NOMEM;
	if (c->hists && promql__col_hists(op->t.op.q, op->t.op.grid, &o->col) < 0)
		return PM_ERR_NOMEM;
	for (size_t i = 0; i < op->t.op.grid->count; i++) {
		if (c->kind[i] == PROMQL__NONE)
			continue;
		if (o->col.kind[i] != PROMQL__NONE && (op->any_many[i] || op->fill_many))
			return duplicate_one(op, index, o->owner[i] - 1);
		o->col.kind[i] = c->kind[i];
		o->col.v[i] = c->v[i];
		if (c->kind[i] == PROMQL__HIST)
			o->col.h[i] = c->h[i];
		o->owner[i] = index + 1;
	}
	o->col.hists += c->hists;
	o->col.floats += c->floats;
	return 0;
}

static uint32_t owner_at(const struct one *o, size_t i)
{
	return o->owner ? o->owner[i] : o->first;
}

/* ---- labels of results -------------------------------------------------------------------------- */

/* `many`: labels of the many side. `one`: those of the one side, or of the match group where it is filled in. */
static int result_labels(struct match_op *op, struct pm_labels many, struct pm_labels one, struct pm_labels *ret)
{
	struct promql__query *q = op->t.op.q;
	const struct promql_node *n = op->t.op.node;
	struct promql__proj proj;
	int rc = 0;

	*ret = many;
	if (promql__makes_new(n->binary.op))
		rc = promql__drop_meta(q, *ret, ret);
	if (rc == 0 && op->one_to_one) {
		rc = promql__proj_init(q, op->m->labels, op->m->label_count, !op->m->on, false, &proj);
		if (rc == 0)
			rc = promql__proj_make(q, &proj, *ret, ret);
	}
	for (size_t i = 0; rc == 0 && i < op->m->include_count; i++)
		rc = promql__label_set(q, *ret, op->m->include[i], pm_labels_get(one, op->m->include[i]), ret);
	if (rc == 0 && n->binary.return_bool && !q->opts.delayed_name_removal)
		rc = promql__drop_meta(q, *ret, ret);
	return rc;
}

/* Two series of the many side may not give the same result at one step. */
static int check_unique(struct match_op *op, const struct promql__col *col, uint32_t sig, uint32_t series)
{
	struct promql__query *q = op->t.op.q;
	const struct one *o = &op->ones[sig];
	const struct promql__col *a = many_col(op, series);
	int rc;

	for (size_t k = 0; k < op->seen_count; k++) {
		const struct seen *s = &op->seen[k];
		const struct promql__col *b;

		if (s->col != col || s->sig != sig || s->series == series)
			continue;
		b = many_col(op, s->series);
		for (size_t i = 0; i < op->t.op.grid->count; i++)
			if (a->kind[i] && b->kind[i] && (op->fill_one || (o->first && o->col.kind[i])))
				return pm_fail(q->err, PM_ERR_INVALID,
					"multiple matches for labels: grouping labels must ensure unique matches");
	}
	rc = promql__grow(q, &op->seen, &op->seen_cap, op->seen_count + 1);
	if (rc == 0)
		op->seen[op->seen_count++] = (struct seen){ (struct promql__col *)col, sig, series };
	return rc;
}

static int result_col(struct match_op *op, struct pm_labels many, struct pm_labels one, struct promql__col **ret)
{
	struct pm_labels labels;
	int rc = result_labels(op, many, one, &labels);
	bool known;

	if (rc == 0)
		rc = promql__out_col(op->out, labels, ret);
	if (rc < 0)
		return rc;
	known = (*ret)->floats + (*ret)->hists > 0;
	if (!known)
		(*ret)->drop_name = op->t.op.node->binary.return_bool;
	return 0;
}

/* ---- running a pair ----------------------------------------------------------------------------- */

static int put(struct match_op *op, struct promql__col *to, size_t i, bool failed, struct promql__operand v)
{
	bool returns_bool = op->t.op.node->binary.return_bool;

	if (returns_bool)
		return promql__out_float(op->out, to, i, !failed);
	if (failed)
		return 0;
	return v.h ? promql__out_hist(op->out, to, i, v.h) : promql__out_float(op->out, to, i, v.v);
}

static int elem(
	struct match_op *op, struct promql__operand x, struct promql__operand y, struct promql__col *to, size_t i)
{
	struct promql__query *q = op->t.op.q;
	const struct promql_node *n = op->t.op.node;
	struct promql__operand v = { 0 };
	bool failed;
	int rc = promql__elem(q, &op->scratch, n->binary.op, x, y, n->start, &v, &failed);

	if (rc < 0 || (rc == 0 && !failed))
		return rc;
	return put(op, to, i, failed, v);
}

static int elem_float(struct match_op *op, double x, double y, double done, struct promql__col *to, size_t i)
{
	enum promql_op what = op->t.op.node->binary.op;
	struct promql__operand a = { .v = x }, b = { .v = y };

	if (what == PROMQL_OP_TRIM_UPPER || what == PROMQL_OP_TRIM_LOWER)
		return elem(op, a, b, to, i);
	if (promql__is_comparison(what))
		return put(op, to, i, done == 0, a);
	return promql__out_float(op->out, to, i, done);
}

/* One step of a pair; x is the left side. `done` is what promql__arith() says of the floats. */
static int run_step(struct match_op *op, const struct promql__col *many, const struct promql__col *one, double done,
	struct promql__col *to, size_t i)
{
	struct promql__operand m = { .v = op->fill_many_v }, o = { .v = op->fill_one_v };

	if (many)
		m = (struct promql__operand){ many->v[i], many->kind[i] == PROMQL__HIST ? many->h[i] : NULL };
	if (one)
		o = (struct promql__operand){ one->v[i], one->kind[i] == PROMQL__HIST ? one->h[i] : NULL };
	if (!m.h && !o.h)
		return elem_float(op, op->many == 0 ? m.v : o.v, op->many == 0 ? o.v : m.v, done, to, i);
	return elem(op, op->many == 0 ? m : o, op->many == 0 ? o : m, to, i);
}

static void fill_with(double *v, size_t count, double x)
{
	for (size_t i = 0; i < count; i++)
		v[i] = x;
}

static int mark_matched(struct match_op *op, struct one *o, size_t i)
{
	if (!o->matched)
		return 0;
	if (op->one_to_one && o->matched[i])
		return pm_fail(op->t.op.q->err, PM_ERR_INVALID,
			"multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)");
	o->matched[i] = 1;
	return 0;
}

/* All steps of a series of the many side against its signature. The column it goes to changes where the one side's
 * series changes, if labels are taken from there. */
static int run_series(struct match_op *op, uint32_t index)
{
	struct promql__col *m = many_col(op, index), *to = NULL;
	uint32_t sig = op->sigs.sig[op->many][index], owner = 0;
	struct one *o = &op->ones[sig];
	size_t n = op->t.op.grid->count;
	const double *ov = o->first ? o->col.v : op->fill;
	int rc = 0;

	if (!o->first && !op->fill_one)
		return 0;
	if (op->many == 0)
		promql__arith(op->t.op.node->binary.op, m->v, ov, op->work, n);
	else
		promql__arith(op->t.op.node->binary.op, ov, m->v, op->work, n);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		bool have = o->first && o->col.kind[i] != PROMQL__NONE;
		uint32_t now = have ? owner_at(o, i) : UINT32_MAX;
		double done = op->work[i];

		if (m->kind[i] == PROMQL__NONE || (!have && !op->fill_one))
			continue;
		if (!to || now != owner) {
			rc = result_col(op, m->labels, have ? one_col(op, now - 1)->labels : op->sigs.sample[sig], &to);
			if (rc == 0 && !op->one_to_one)
				rc = check_unique(op, to, sig, index);
			owner = now;
		}
		if (rc == 0)
			rc = mark_matched(op, o, i);
		if (rc == 0 && !have && o->first)
			promql__arith(op->t.op.node->binary.op, op->many == 0 ? &m->v[i] : &op->fill_one_v,
				op->many == 0 ? &op->fill_one_v : &m->v[i], &done, 1);
		if (rc == 0)
			rc = run_step(op, m, have ? &o->col : NULL, done, to, i);
	}
	return rc;
}

/* Series of the one side that nothing was matched with, against a value filled in for the many side. */
static int run_unmatched(struct match_op *op, struct one *o)
{
	struct promql__query *q = op->t.op.q;
	struct promql__col *to = NULL;
	uint32_t owner = 0;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < op->t.op.grid->count; i++) {
		struct pm_labels group;
		double done;

		if (o->col.kind[i] == PROMQL__NONE || o->matched[i])
			continue;
		if (!to || owner_at(o, i) != owner) {
			owner = owner_at(o, i);
			rc = promql__proj_make(q, &op->sigs.proj, one_col(op, owner - 1)->labels, &group);
			if (rc == 0)
				rc = result_col(op, group, one_col(op, owner - 1)->labels, &to);
		}
		if (rc < 0)
			return rc;
		promql__arith(op->t.op.node->binary.op, op->many == 0 ? &op->fill_many_v : &o->col.v[i],
			op->many == 0 ? &o->col.v[i] : &op->fill_many_v, &done, 1);
		rc = run_step(op, NULL, &o->col, done, to, i);
	}
	return rc;
}

/* ---- all of it ---------------------------------------------------------------------------------- */

static uint8_t *any_sample(struct match_op *op, int side)
{
	const struct promql__table *t = &op->sigs.side[side];
	uint8_t *any = promql__zalloc(op->t.op.q, op->t.op.grid->count);

	for (size_t k = 0; any && k < t->count; k++)
		for (size_t i = 0; i < op->t.op.grid->count; i++)
			any[i] |= t->v[k].kind[i];
	return any;
}

/* A record of matched steps is kept where it will be asked for. */
static int prepare(struct match_op *op)
{
	struct promql__query *q = op->t.op.q;
	size_t n = op->t.op.grid->count;
	const struct promql__table *many = &op->sigs.side[op->many];
	uint32_t *count = promql__zalloc(q, (op->sigs.count + 1) * sizeof *count);

	op->any_many = any_sample(op, op->many);
	op->ones = promql__zalloc(q, (op->sigs.count + 1) * sizeof *op->ones);
	op->work = promql__array(q, n, sizeof *op->work);
	op->fill = promql__array(q, n, sizeof *op->fill);
	if (!count || !op->any_many || !op->ones || !op->work || !op->fill)
		return PM_ERR_NOMEM;
	fill_with(op->fill, n, op->fill_one_v);
	for (size_t i = 0; i < many->count; i++)
		count[op->sigs.sig[op->many][i]]++;
	for (size_t s = 0; s < op->sigs.count; s++)
		if (op->fill_many || (op->one_to_one && count[s] > 1)) {
			op->ones[s].matched = promql__zalloc(q, n);
			if (!op->ones[s].matched)
				return PM_ERR_NOMEM;
		}
	return promql__out_new(q, op->t.op.grid, &op->out);
}

static int match_fill(struct promql__table_op *base)
{
	struct match_op *op = (struct match_op *)base;
	struct promql__query *q = base->op.q;
	struct promql__table *t;
	int rc = promql__sigs_gather(q, base->op.node, op->child, &op->sigs);

	promql__op_done(op->child[0]);
	promql__op_done(op->child[1]);
	if (rc == 0)
		rc = prepare(op);
	for (uint32_t i = 0; rc == 0 && i < op->sigs.side[!op->many].count; i++)
		rc = lay_one(op, i);
	for (uint32_t i = 0; rc == 0 && i < op->sigs.side[op->many].count; i++) {
		pm_arena_reset(&op->scratch);
		rc = run_series(op, i);
	}
	for (size_t s = 0; rc == 0 && op->fill_many && s < op->sigs.count; s++)
		if (op->ones[s].first)
			rc = run_unmatched(op, &op->ones[s]);
	if (rc < 0)
		return rc;
	t = promql__out_table(op->out);
	if (!t)
		return PM_ERR_NOMEM;
	base->table = *t;
	return 0;
}

static void match_close(struct promql__op *base)
{
	pm_arena_release(&((struct match_op *)base)->scratch);
}

int promql__build_match(
	struct promql__query *q, const struct promql_node *n, const struct promql__grid *g, struct promql__op **ret)
{
	struct match_op *op = promql__table_op_new(q, sizeof *op, n, g, match_fill);
	const struct promql_matching *m = &n->binary.matching;
	int rc;

	if (!op)
		return PM_ERR_NOMEM;
	pm_arena_init(&op->scratch, q->opts.bytes_max);
	op->t.op.close = match_close;
	op->m = m;
	op->many = m->card == PROMQL_ONE_TO_MANY;
	op->one_to_one = m->card == PROMQL_ONE_TO_ONE;
	/* As upstream has it: with group_right, too, fill_right is for the one side. */
	op->fill_one = m->fill_right_set;
	op->fill_one_v = m->fill_right;
	op->fill_many = m->fill_left_set;
	op->fill_many_v = m->fill_left;
	*ret = &op->t.op;
	rc = promql__build(q, n->binary.lhs, g, &op->child[0]);
	return rc < 0 ? rc : promql__build(q, n->binary.rhs, g, &op->child[1]);
}
