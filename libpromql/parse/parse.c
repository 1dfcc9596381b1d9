/* parse.c - the library's entry point, and what all of the parser needs: tokens, nodes, arrays. */
#include "libpromql/parse/parser.h"

#include "libtsdb/base/mem.h"

enum { DEPTH_MAX = 256, BYTES_MAX = 1 << 20, ARENA_BASE = 1 << 20, ARENA_PER_BYTE = 512 };

/* Height of the tree, in multiples of the nesting: a chain such as a + b + c + ... nests not at all, but its tree leans
 * left. */
enum { HEIGHT_FACTOR = 4 };

/* ---- tokens ------------------------------------------------------------------------------------- */

void promql__parser_init(struct promql_parser *p, struct pm_arena *arena, struct pm_str text, struct pm_error *err)
{
	*p = (struct promql_parser){ .arena = arena, .err = err, .depth_max = DEPTH_MAX };
	p->lex.in = text;
	p->lex.err = err;
}

int promql__peek(struct promql_parser *p)
{
	if (p->failed)
		return p->failed;
	if (!p->ready) {
		p->failed = promql__lex(&p->lex, &p->item);
		if (p->failed)
			return p->failed;
		p->ready = true;
	}
	return (int)p->item.tok;
}

struct promql_item promql__take(struct promql_parser *p)
{
	p->ready = false;
	p->last_end = p->item.start + p->item.text.len;
	return p->item;
}

int promql__accept(struct promql_parser *p, enum promql_tok tok)
{
	int t = promql__peek(p);

	if (t != (int)tok)
		return t < 0 ? t : 0;
	promql__take(p);
	return 1;
}

int promql__expect(struct promql_parser *p, enum promql_tok tok)
{
	int rc = promql__accept(p, tok);

	return rc == 1 ? 0 : rc < 0 ? rc : promql__unexpected(p);
}

int promql__unexpected(struct promql_parser *p)
{
	const struct promql_context *c = &p->context;
	char what[PROMQL_QUOTED_MAX + 64];

	return promql__fail_at(p, p->item.start, "unexpected %s%s%s%s%s", promql__describe(what, sizeof what, &p->item),
		c->in ? " in " : "", c->in ? c->in : "", c->expected ? ", expected " : "",
		c->expected ? c->expected : "");
}

int promql__too_deep(struct promql_parser *p)
{
	return promql__parse_error(p->err, PM_ERR_LIMIT, p->lex.in, p->last_end, "nested more than %zu levels deep",
		p->depth_max);
}

int promql__parse_nomem(struct promql_parser *p)
{
	return pm_fail(p->err, PM_ERR_NOMEM, "out of memory while parsing a query");
}

/* ---- nodes -------------------------------------------------------------------------------------- */

struct promql_node *promql__node(struct promql_parser *p, enum promql_node_kind kind, size_t start, size_t end)
{
	struct promql_node *n = pm_arena_zalloc(p->arena, sizeof *n);

	if (n) {
		n->kind = kind;
		n->height = 1;
		n->start = start;
		n->end = end;
	}
	return n;
}

int promql__adopt(struct promql_parser *p, struct promql_node *n, const struct promql_node *child)
{
	if (child->height >= n->height)
		n->height = child->height + 1;
	if (n->height <= p->depth_max * HEIGHT_FACTOR)
		return 0;
	return promql__parse_error(p->err, PM_ERR_LIMIT, p->lex.in, p->last_end,
		"more than %zu operators and calls inside one another", p->depth_max * HEIGHT_FACTOR);
}

void *promql__room(struct promql_parser *p, void *v, size_t count, size_t *cap, size_t elem_size)
{
	size_t want = *cap ? *cap * 2 : 4;
	void *bigger;

	if (count < *cap)
		return v;
	bigger = pm_arena_array(p->arena, want, elem_size);
	if (!bigger)
		return NULL;
	if (count)
		memcpy(bigger, v, count * elem_size);
	*cap = want;
	return bigger;
}

/* ---- the library's door ------------------------------------------------------------------------- */

static int parse_all(struct promql_parser *p, struct promql_node **ret)
{
	int t = promql__peek(p), rc;

	if (t < 0)
		return t;
	if (t == PROMQL_TOK_EOF)
		return promql__fail_at(p, 0, "no expression found in input");
	if ((rc = promql__parse_expr(p, 0, ret)) < 0)
		return rc;
	return promql__expect(p, PROMQL_TOK_EOF);
}

static int parse_into(struct promql_expr *e, size_t depth_max, struct pm_error *err)
{
	struct promql_parser p;
	int rc;

	promql__parser_init(&p, &e->arena, e->text, err);
	if (depth_max)
		p.depth_max = depth_max;
	if ((rc = parse_all(&p, &e->root)) < 0)
		return rc;
	return promql__check_tree(e->text, e->root, err);
}

int promql_parse(
	struct pm_str text, const struct promql_parse_opts *opts, struct promql_expr **ret, struct pm_error *err)
{
	size_t bytes_max = opts && opts->bytes_max ? opts->bytes_max : BYTES_MAX;
	struct promql_expr *e;
	int rc;

	if (text.len > bytes_max)
		return pm_fail(
			err, PM_ERR_LIMIT, "the query has %zu bytes, more than the limit of %zu", text.len, bytes_max);
	e = pm_calloc(1, sizeof *e);
	if (!e)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory while parsing a query");
	pm_arena_init(&e->arena, ARENA_BASE + text.len * ARENA_PER_BYTE);
	e->text = pm_arena_str(&e->arena, text);
	rc = e->text.ptr ? parse_into(e, opts ? opts->depth_max : 0, err)
			 : pm_fail(err, PM_ERR_NOMEM, "out of memory while parsing a query");
	if (rc < 0) {
		promql_expr_free(e);
		return rc;
	}
	*ret = e;
	return 0;
}

void promql_expr_free(struct promql_expr *e)
{
	if (!e)
		return;
	pm_arena_release(&e->arena);
	pm_free(e);
}

enum promql_type promql_expr_type(const struct promql_expr *e)
{
	return e->root->type;
}

struct pm_str promql_expr_text(const struct promql_expr *e)
{
	return e->text;
}
