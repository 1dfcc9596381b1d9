/* parser.h - what the files of the parser share. Private to parse/.
 *
 * Recursive descent, precedence climbing for operators. All functions return 0 and fill *ret, or return a negative
 * pm_err with p->err filled; the first error ends the parse. Tokens are read no earlier than upstream's generated
 * parser reads them: when an error of the lexer and one of the parser compete, the same one is reported. */
#ifndef PROMQL_PARSE_PARSER_H
#define PROMQL_PARSE_PARSER_H

#include "libpromql/parse/ast.h"
#include "libpromql/parse/lex.h"

/* What the innermost construct says of a token that does not fit: "unexpected X in IN, expected EXPECTED". */
struct promql_context {
	const char *in, *expected; /* NULL: nothing */
};

struct promql_parser {
	struct promql_lexer lex;
	struct promql_item item; /* the token at hand when `ready` */
	bool ready;
	int failed;              /* what the lexer gave when it failed, for good */
	size_t last_end;         /* where the last token taken ended */
	struct promql_context context;
	size_t depth, depth_max; /* calls of promql__parse_expr under way */
	struct pm_arena *arena;
	struct pm_error *err;
};

/* Start on `text`, which must outlive the parser and the tree. */
void promql__parser_init(struct promql_parser *p, struct pm_arena *arena, struct pm_str text, struct pm_error *err);

/* The kind of the next token (enum promql_tok), or a negative error. Taking it: promql__take. */
int promql__peek(struct promql_parser *p);
struct promql_item promql__take(struct promql_parser *p);
/* Take the next token when it is `tok`: 1, or 0, or a negative error. */
int promql__accept(struct promql_parser *p, enum promql_tok tok);
/* Take a token that must be `tok`. */
int promql__expect(struct promql_parser *p, enum promql_tok tok);

/* Errors; they return the code to return. */
int promql__unexpected(struct promql_parser *p); /* the token at hand does not fit */
int promql__parse_nomem(struct promql_parser *p);
int promql__too_deep(struct promql_parser *p);
#define promql__fail_at(p, pos, ...) promql__parse_error((p)->err, PM_ERR_INVALID, (p)->lex.in, (pos), __VA_ARGS__)

/* A node over [start, end) with the height of a leaf. NULL: out of memory. */
struct promql_node *promql__node(struct promql_parser *p, enum promql_node_kind kind, size_t start, size_t end);
/* Make `n` higher than its child; an error when the tree becomes too high. */
int promql__adopt(struct promql_parser *p, struct promql_node *n, const struct promql_node *child);
/* Room for one more of `count` elements in an array of the arena. NULL: out of memory; otherwise the array, perhaps
 * moved. */
void *promql__room(struct promql_parser *p, void *v, size_t count, size_t *cap, size_t elem_size);

/* operand.c: an expression whose operators bind at least as tightly as `prec`; 0: any. */
int promql__parse_expr(struct promql_parser *p, int prec, struct promql_node **ret);
/* Whether an expression may begin with this token. */
bool promql__starts_expr(enum promql_tok tok);

/* call.c. The name of a function was taken and a parenthesis is at hand; an aggregator was taken, and by, without or a
 * parenthesis is at hand. */
int promql__parse_call(struct promql_parser *p, struct promql_item name, struct promql_node **ret);
int promql__parse_aggregate(struct promql_parser *p, struct promql_item op, struct promql_node **ret);
/* ( label, label ), into the arena. */
int promql__parse_labels(struct promql_parser *p, const struct pm_str **ret, size_t *ret_count);

/* selector.c: what follows `name`, a metric's name that was taken; NULL: braces alone. */
int promql__parse_selector(struct promql_parser *p, const struct promql_item *name, struct promql_node **ret);
bool promql__is_metric_name(enum promql_tok tok);

/* modifier.c: what may follow an operand: ranges, subqueries, offset, @, anchored, smoothed. Replaces *n. */
int promql__parse_postfix(struct promql_parser *p, struct promql_node **n);

/* binary.c */
int promql__binary_prec(enum promql_tok tok); /* 0: no binary operator; otherwise 1 ... 6 */
enum { PROMQL_PREC_POW = 6 };
/* The operator at hand, its modifiers and the right-hand side; *lhs becomes the whole. */
int promql__parse_binary(struct promql_parser *p, struct promql_node **lhs);

/* duration.c: `*ret_expr` is NULL for a plain number, whose milliseconds *ret_ms holds; otherwise *ret_ms is 0. A range
 * must be above 0. */
int promql__parse_range_duration(struct promql_parser *p, int64_t *ret_ms, const struct promql_dur **ret_expr);
int promql__parse_offset_duration(struct promql_parser *p, int64_t *ret_ms, const struct promql_dur **ret_expr);

/* literal.c: a number or a duration in seconds, from the NUMBER or DURATION at hand, which is taken. */
int promql__parse_number(struct promql_parser *p, double *ret, bool *ret_is_duration, struct promql_item *ret_item);
/* A STRING without its quotes, in the arena or as a slice of the text. */
int promql__unquote(struct promql_parser *p, struct pm_str quoted, struct pm_str *ret);

/* check.c: types of a whole tree, and upstream's rules; fills `type` of all nodes. */
int promql__check_tree(struct pm_str text, struct promql_node *root, struct pm_error *err);

/* matchers.c: the value must compile when it is a regular expression. `pos`: where an error is shown. */
int promql__check_regex(struct promql_parser *p, const struct pm_matcher *m, size_t pos);
/* Whether a matcher accepts an absent label: 1, 0, or PM_ERR_NOMEM. */
int promql__matches_empty(const struct pm_matcher *m);

#endif
