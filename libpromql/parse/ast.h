/* ast.h - the tree of a PromQL expression: written by the parser, read by checker, printer and executor.
 *
 * Node kinds are upstream's (promql/parser/ast.go). All nodes and strings live in the expression's arena and are
 * immutable once promql_parse() returned. Positions are byte offsets into the text: [start, end). */
#ifndef PROMQL_PARSE_AST_H
#define PROMQL_PARSE_AST_H

#include "libpromql/promql.h"
#include "libtsdb/base/arena.h"

enum promql_node_kind {
	PROMQL_NODE_NUMBER,
	PROMQL_NODE_STRING,
	PROMQL_NODE_SELECTOR,  /* vector selector */
	PROMQL_NODE_MATRIX,    /* selector[range] */
	PROMQL_NODE_SUBQUERY,  /* expr[range:step] */
	PROMQL_NODE_CALL,
	PROMQL_NODE_AGGREGATE,
	PROMQL_NODE_BINARY,
	PROMQL_NODE_UNARY,
	PROMQL_NODE_PAREN,
};

enum promql_op {
	PROMQL_OP_ADD, PROMQL_OP_SUB, PROMQL_OP_MUL, PROMQL_OP_DIV, PROMQL_OP_MOD, PROMQL_OP_POW, PROMQL_OP_ATAN2,
	PROMQL_OP_EQL, PROMQL_OP_NEQ, PROMQL_OP_GTR, PROMQL_OP_LSS, PROMQL_OP_GTE, PROMQL_OP_LTE,
	PROMQL_OP_AND, PROMQL_OP_OR, PROMQL_OP_UNLESS,
	PROMQL_OP_TRIM_UPPER, PROMQL_OP_TRIM_LOWER, /* histogram trims: </ and >/ */
};

enum promql_agg {
	PROMQL_AGG_SUM, PROMQL_AGG_AVG, PROMQL_AGG_MIN, PROMQL_AGG_MAX, PROMQL_AGG_COUNT, PROMQL_AGG_GROUP,
	PROMQL_AGG_STDDEV, PROMQL_AGG_STDVAR, PROMQL_AGG_TOPK, PROMQL_AGG_BOTTOMK, PROMQL_AGG_QUANTILE,
	PROMQL_AGG_COUNT_VALUES, PROMQL_AGG_LIMITK, PROMQL_AGG_LIMIT_RATIO,
};

enum promql_card { PROMQL_ONE_TO_ONE, PROMQL_MANY_TO_ONE, PROMQL_ONE_TO_MANY, PROMQL_MANY_TO_MANY };

enum promql_at { PROMQL_AT_NONE, PROMQL_AT_TIME, PROMQL_AT_START, PROMQL_AT_END };

/* A duration that is computed when the query's start, end and step are known: `[step() * 2]`, `offset (5m + 1m)`. */
enum promql_dur_op { PROMQL_DUR_NUMBER, PROMQL_DUR_ADD, PROMQL_DUR_SUB, PROMQL_DUR_MUL, PROMQL_DUR_DIV, PROMQL_DUR_MOD,
	PROMQL_DUR_POW, PROMQL_DUR_NEG, PROMQL_DUR_STEP, PROMQL_DUR_RANGE, PROMQL_DUR_MIN_OF, PROMQL_DUR_MAX_OF };

struct promql_dur {
	enum promql_dur_op op;
	double seconds;                /* PROMQL_DUR_NUMBER */
	bool is_duration;              /* the literal was written as a duration (5m), not a number */
	bool wrapped;                  /* stood in parentheses, for the printer */
	const struct promql_dur *a, *b; /* operands; PROMQL_DUR_NEG has only a */
	size_t start, end;
};

/* offset and @ of selectors and subqueries. */
struct promql_modifiers {
	int64_t offset_ms;             /* positive looks back; what was written, unless offset_expr */
	const struct promql_dur *offset_expr; /* NULL, or computed at query time */
	enum promql_at at;
	int64_t at_ms;                 /* PROMQL_AT_TIME */
};

struct promql_selector {
	struct pm_str name;            /* metric name as written before the braces; empty when only in matchers */
	const struct pm_matcher *matchers; /* all, in written order; the one for `name` last, as upstream has it */
	size_t matcher_count;
	struct promql_modifiers mod;
	bool anchored, smoothed;
};

struct promql_matching {
	enum promql_card card;
	bool on;                       /* on(...), else ignoring(...) or nothing */
	const struct pm_str *labels;   /* of on or ignoring */
	size_t label_count;
	const struct pm_str *include;  /* of group_left or group_right */
	size_t include_count;
	bool fill_left_set, fill_right_set;
	double fill_left, fill_right;
	bool present;                  /* on or ignoring was written */
};

struct promql_func;                    /* func.h: name, argument types, return type */

struct promql_node {
	enum promql_node_kind kind;
	enum promql_type type;
	unsigned height;               /* 1 for a leaf; at most 4 * depth_max of the parse options */
	size_t start, end;             /* position in the text */
	union {
		struct { double v; bool is_duration; } number;
		struct pm_str string;  /* unquoted */
		struct promql_selector selector;
		struct {
			struct promql_node *selector; /* PROMQL_NODE_SELECTOR; offset and @ are there */
			int64_t range_ms;
			const struct promql_dur *range_expr; /* NULL, or computed at query time */
		} matrix;
		struct {
			struct promql_node *expr;
			int64_t range_ms, step_ms;    /* step 0: the default */
			const struct promql_dur *range_expr, *step_expr;
			struct promql_modifiers mod;
		} subquery;
		struct {
			const struct promql_func *func;
			struct promql_node **args;
			size_t arg_count;
		} call;
		struct {
			enum promql_agg op;
			struct promql_node *expr, *param; /* param: k, phi, label; NULL for none */
			const struct pm_str *grouping;
			size_t grouping_count;
			bool without;
		} agg;
		struct {
			enum promql_op op;
			struct promql_node *lhs, *rhs;
			struct promql_matching matching; /* meaningful between vectors */
			bool return_bool;
		} binary;
		struct { struct promql_node *expr; bool minus; } unary;
		struct promql_node *paren;
	};
};

struct promql_expr {
	struct pm_arena arena;
	struct pm_str text;
	struct promql_node *root;
};

/* Printing one node, for annotations and errors: appended to `out` as upstream's String() has it. */
struct pm_buf;
void promql__print_node(struct pm_buf *out, const struct promql_node *n);
const char *promql__op_name(enum promql_op op);
const char *promql__agg_name(enum promql_agg op);
/* Line and column (1-based; column in bytes) of a byte offset. */
void promql__position(struct pm_str text, size_t offset, int *ret_line, int *ret_column);

#endif
