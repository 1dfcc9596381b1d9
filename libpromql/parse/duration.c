/* duration.c - durations in brackets and behind `offset`: plain numbers, or expressions that are computed when the
 * query's start, end and step are known. */
#include "libpromql/parse/parser.h"

#include <math.h>

/* Operators of one expression; keeps its tree low enough for recursion. */
enum { OPS_MAX = 1024 };

struct dur_parse {
	struct promql_parser *p;
	size_t ops;
};

/* The largest Go duration, in seconds. */
static const double SECONDS_MAX = 9223372036.854775808;

static int parse_dur(struct dur_parse *d, int prec, struct promql_dur **ret);

static int new_dur(struct dur_parse *d, enum promql_dur_op op, size_t start, struct promql_dur **ret)
{
	struct promql_dur *n;

	if (++d->ops > OPS_MAX)
		return promql__parse_error(d->p->err, PM_ERR_LIMIT, d->p->lex.in, start,
			"duration expression has more than %d parts", OPS_MAX);
	n = pm_arena_zalloc(d->p->arena, sizeof *n);
	if (!n)
		return promql__parse_nomem(d->p);
	n->op = op;
	n->start = start;
	n->end = d->p->last_end;
	*ret = n;
	return 0;
}

static int check_seconds(struct dur_parse *d, double seconds, size_t pos)
{
	if (seconds >= -SECONDS_MAX && seconds <= SECONDS_MAX)
		return 0;
	return promql__fail_at(d->p, pos, "duration out of range"); /* also NaN, which upstream lets pass */
}

static int parse_literal(struct dur_parse *d, struct promql_dur **ret)
{
	struct promql_item it;
	double seconds;
	bool is_duration;
	int rc = promql__parse_number(d->p, &seconds, &is_duration, &it);

	if (rc < 0 || (rc = new_dur(d, PROMQL_DUR_NUMBER, it.start, ret)) < 0)
		return rc;
	(*ret)->seconds = seconds;
	(*ret)->is_duration = is_duration;
	return 0;
}

/* A sign before `*n`: folded into a number. */
static int apply_sign(struct dur_parse *d, const struct promql_item *sign, struct promql_dur **n)
{
	struct promql_dur *neg;
	int rc;

	if ((*n)->op == PROMQL_DUR_NUMBER) {
		if (sign->tok == PROMQL_TOK_SUB)
			(*n)->seconds = -(*n)->seconds;
		(*n)->start = sign->start;
		return check_seconds(d, (*n)->seconds, sign->start);
	}
	if (sign->tok != PROMQL_TOK_SUB)
		return 0;
	if ((rc = new_dur(d, PROMQL_DUR_NEG, sign->start, &neg)) < 0)
		return rc;
	neg->a = *n;
	*n = neg;
	return 0;
}

/* step(), range(), min_of(a, b), max_of(a, b); the name is at hand. */
static int parse_function(struct dur_parse *d, struct promql_dur **ret)
{
	struct promql_item name = promql__take(d->p);
	bool two = name.tok == PROMQL_TOK_MIN_OF || name.tok == PROMQL_TOK_MAX_OF;
	struct promql_dur *a = NULL, *b = NULL;
	int rc = promql__expect(d->p, PROMQL_TOK_LPAREN);

	if (rc < 0)
		return rc;
	if (two) {
		if ((rc = parse_dur(d, 0, &a)) < 0 || (rc = promql__expect(d->p, PROMQL_TOK_COMMA)) < 0 ||
			(rc = parse_dur(d, 0, &b)) < 0)
			return rc;
	}
	if ((rc = promql__expect(d->p, PROMQL_TOK_RPAREN)) < 0 ||
		(rc = new_dur(d, PROMQL_DUR_STEP, name.start, ret)) < 0)
		return rc;
	(*ret)->op = name.tok == PROMQL_TOK_MIN_OF ? PROMQL_DUR_MIN_OF
		: name.tok == PROMQL_TOK_MAX_OF    ? PROMQL_DUR_MAX_OF
		: name.tok == PROMQL_TOK_RANGE     ? PROMQL_DUR_RANGE
						   : PROMQL_DUR_STEP;
	(*ret)->a = a;
	(*ret)->b = b;
	return 0;
}

static int parse_parens(struct dur_parse *d, struct promql_dur **ret)
{
	int rc;

	promql__take(d->p);
	if ((rc = parse_dur(d, 0, ret)) < 0 || (rc = promql__expect(d->p, PROMQL_TOK_RPAREN)) < 0)
		return rc;
	if ((*ret)->op != PROMQL_DUR_NUMBER)
		(*ret)->wrapped = true;
	return 0;
}

/* An operand without sign. */
static int parse_primary(struct dur_parse *d, struct promql_dur **ret)
{
	int t = promql__peek(d->p), rc;

	switch (t) {
	case PROMQL_TOK_NUMBER:
	case PROMQL_TOK_DURATION:
		rc = parse_literal(d, ret);
		return rc < 0 ? rc : check_seconds(d, (*ret)->seconds, (*ret)->start);
	case PROMQL_TOK_STEP:
	case PROMQL_TOK_RANGE:
	case PROMQL_TOK_MIN_OF:
	case PROMQL_TOK_MAX_OF:
		return parse_function(d, ret);
	case PROMQL_TOK_LPAREN:
		return parse_parens(d, ret);
	default:
		return t < 0 ? t : promql__unexpected(d->p);
	}
}

enum { PREC_ADD = 1, PREC_MUL, PREC_POW };

static int dur_prec(int tok, enum promql_dur_op *ret_op)
{
	switch (tok) {
	case PROMQL_TOK_ADD:
		*ret_op = PROMQL_DUR_ADD;
		return PREC_ADD;
	case PROMQL_TOK_SUB:
		*ret_op = PROMQL_DUR_SUB;
		return PREC_ADD;
	case PROMQL_TOK_MUL:
		*ret_op = PROMQL_DUR_MUL;
		return PREC_MUL;
	case PROMQL_TOK_DIV:
		*ret_op = PROMQL_DUR_DIV;
		return PREC_MUL;
	case PROMQL_TOK_MOD:
		*ret_op = PROMQL_DUR_MOD;
		return PREC_MUL;
	case PROMQL_TOK_POW:
		*ret_op = PROMQL_DUR_POW;
		return PREC_POW;
	default:
		return 0;
	}
}

/* Operators that bind at least as tightly as `prec`, *lhs being their left-hand side. */
static int parse_ops(struct dur_parse *d, int prec, struct promql_dur **lhs)
{
	enum promql_dur_op op;
	int t, rc, found;

	while ((t = promql__peek(d->p)) >= 0 && (found = dur_prec(t, &op)) > 0 && found >= prec) {
		struct promql_item it = promql__take(d->p);
		struct promql_dur *rhs, *n;

		if ((rc = parse_dur(d, found == PREC_POW ? PREC_POW : found + 1, &rhs)) < 0)
			return rc;
		if (rhs->op == PROMQL_DUR_NUMBER && rhs->seconds == 0 && (op == PROMQL_DUR_DIV || op == PROMQL_DUR_MOD))
			return promql__fail_at(d->p, it.start, "%s by zero",
				op == PROMQL_DUR_DIV ? "division" : "modulo");
		if ((rc = new_dur(d, op, (*lhs)->start, &n)) < 0)
			return rc;
		n->a = *lhs;
		n->b = rhs;
		*lhs = n;
	}
	return t < 0 ? t : 0;
}

static int parse_dur(struct dur_parse *d, int prec, struct promql_dur **ret)
{
	struct promql_parser *p = d->p;
	int t, rc = 0;

	if (p->depth >= p->depth_max)
		return promql__too_deep(p);
	p->depth++;
	t = promql__peek(p);
	if (t == PROMQL_TOK_ADD || t == PROMQL_TOK_SUB) {
		struct promql_item sign = promql__take(p);

		/* Signs bind like multiplication: -2^2 is -(2^2). */
		if ((rc = parse_dur(d, PREC_POW, ret)) == 0)
			rc = apply_sign(d, &sign, ret);
	} else {
		rc = t < 0 ? t : parse_primary(d, ret);
	}
	if (rc == 0)
		rc = parse_ops(d, prec, ret);
	p->depth--;
	return rc;
}

/* Go's rounding of seconds to nanoseconds, then whole milliseconds as the engine takes them. */
static int64_t seconds_to_ms(double seconds)
{
	double ns = round(seconds * 1e9);

	if (ns >= 0x1p63)
		return INT64_MAX / 1000000;
	if (ns < -0x1p63)
		return INT64_MIN / 1000000;
	return (int64_t)ns / 1000000;
}

/* What is less than a millisecond stays an expression too, lest it become 0, which means something else. */
static void give(struct promql_dur *n, int64_t *ret_ms, const struct promql_dur **ret_expr)
{
	int64_t ms = n->op == PROMQL_DUR_NUMBER ? seconds_to_ms(n->seconds) : 0;
	bool plain = n->op == PROMQL_DUR_NUMBER && (ms != 0 || n->seconds == 0);

	*ret_ms = ms;
	*ret_expr = plain ? NULL : n;
}

int promql__parse_range_duration(struct promql_parser *p, int64_t *ret_ms, const struct promql_dur **ret_expr)
{
	struct dur_parse d = { .p = p };
	struct promql_dur *n;
	int rc = parse_dur(&d, 0, &n);

	if (rc < 0)
		return rc;
	if (n->op == PROMQL_DUR_NUMBER && n->seconds <= 0)
		return promql__fail_at(p, n->start, "duration must be greater than 0");
	give(n, ret_ms, ret_expr);
	return 0;
}

/* Behind `offset` one operand with at most one sign is the whole duration: `a offset -2 ^ 2` is `(a offset -2) ^ 2`.
 * Operators belong to the duration only when it starts with a parenthesis or two signs: upstream's grammar. */
int promql__parse_offset_duration(struct promql_parser *p, int64_t *ret_ms, const struct promql_dur **ret_expr)
{
	struct dur_parse d = { .p = p };
	struct promql_dur *n;
	struct promql_item sign = { .tok = PROMQL_TOK_EOF };
	int t = promql__peek(p), rc;
	bool ops = t == PROMQL_TOK_LPAREN;

	if (t == PROMQL_TOK_ADD || t == PROMQL_TOK_SUB) {
		sign = promql__take(p);
		t = promql__peek(p);
		ops = t == PROMQL_TOK_ADD || t == PROMQL_TOK_SUB;
	}
	if (t < 0)
		return t;
	if (sign.tok == PROMQL_TOK_EOF)
		rc = parse_primary(&d, &n);
	else if (t == PROMQL_TOK_NUMBER || t == PROMQL_TOK_DURATION)
		rc = parse_literal(&d, &n); /* judged with its sign */
	else
		rc = ops ? parse_dur(&d, PREC_POW, &n) : parse_primary(&d, &n);
	if (rc == 0 && sign.tok != PROMQL_TOK_EOF)
		rc = apply_sign(&d, &sign, &n);
	if (rc == 0 && ops)
		rc = parse_ops(&d, 0, &n);
	if (rc == 0)
		give(n, ret_ms, ret_expr);
	return rc;
}
