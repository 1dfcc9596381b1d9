/* print.h - the pieces of text that one-line, many-line and JSON output share. Private to parse/. */
#ifndef PROMQL_PARSE_PRINT_H
#define PROMQL_PARSE_PRINT_H

#include "libpromql/parse/ast.h"
#include "libtsdb/base/buf.h"

/* "sum by (job) " without what is aggregated. */
void promql__print_aggregator(struct pm_buf *b, const struct promql_node *n);
/* "+ on (job) group_left (instance)", between the operands. */
void promql__print_operator(struct pm_buf *b, const struct promql_node *n);
/* "[5m:1m] @ end() offset 1h" */
void promql__print_subquery_suffix(struct pm_buf *b, const struct promql_node *n);
const char *promql__dur_op_name(enum promql_dur_op op);

/* The buffer's text for the caller, or NULL when the buffer failed. The buffer is released. */
char *promql__take_text(struct pm_buf *b);

#endif
