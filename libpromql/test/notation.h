/* notation.h - lines such as `http_requests{job="api"} 0+10x5 _ stale {{schema:1 count:3 sum:9 buckets:[1 2]}}`.
 *
 *     a+bxN   N+1 values: a, a+b, ...     axN   N+1 times a     _  _xN   nothing, N times
 *     stale   a stale marker              {{...}}  a native histogram, which may be added up like numbers
 *
 * Lines of start timestamps (`name{...}@st -1m _ -30s-10sx4`) have offsets from the sample's own time instead; `*`
 * stands for whatever the default says. */
#ifndef PROMQL_TEST_NOTATION_H
#define PROMQL_TEST_NOTATION_H

#include "libpromql/eval/hist.h"

struct promql__item {
	bool omitted;
	bool is_default;              /* `*` */
	bool hinted;                  /* the histogram was written with a counter_reset_hint */
	double v;                     /* or the offset of a start timestamp, in ms */
	const struct pm_histogram *h; /* NULL: a float */
};

struct promql__line {
	struct pm_labels labels;
	bool bare; /* neither name nor braces: only start timestamps may be so */
	bool start_times;
	struct promql__item *v;
	size_t count;
};

/* A position in a line. */
struct promql__cursor {
	struct pm_arena *arena;
	const char *p, *end;
	struct pm_error *err;
};

enum { PROMQL__ITEMS_MAX = 1000000 }; /* of a line */

/* notation.c: everything is in the arena. PM_ERR_INVALID with the reason. */
int promql__line_parse(struct pm_arena *a, struct pm_str text, struct promql__line *ret, struct pm_error *err);
int promql__number_parse(struct pm_str text, double *ret); /* as a scalar is expected: "0x1f", "NaN", "-Inf", "1e3" */

/* hist_literal.c: from behind "{{" to behind "}}". */
int promql__hist_literal(struct promql__cursor *c, const struct pm_histogram **ret, bool *ret_hinted);
void promql__hist_literal_print(struct pm_buf *out, const struct pm_histogram *h);
/* A number at the cursor; hexadecimal ones are none, as 0x5 is six zeros. */
int promql__cursor_number(struct promql__cursor *c, double *ret);
void promql__cursor_blanks(struct promql__cursor *c);
bool promql__cursor_take(struct promql__cursor *c, const char *word);

#endif
