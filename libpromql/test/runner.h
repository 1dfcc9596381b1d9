/* runner.h - the parts of the script runner. */
#ifndef PROMQL_TEST_RUNNER_H
#define PROMQL_TEST_RUNNER_H

#include "libpromql/test/memstore.h"
#include "libpromql/test/notation.h"
#include "libpromql/test/script.h"

struct pm_re;

struct promql__script {
	struct pm_str name;
	const struct pm_str *lines; /* trimmed; comments are empty */
	size_t count, at;           /* at: the line being read */
	struct promql__mem mem;
	struct pm_arena arena; /* of the command at hand */
	struct promql_test_counts counts;
	promql_test_print *print;
	void *print_arg;
	struct pm_error *err;
};

enum promql__expect_kind {
	PROMQL__FAIL,
	PROMQL__WARN,
	PROMQL__NO_WARN,
	PROMQL__INFO,
	PROMQL__NO_INFO,
	PROMQL__ORDERED
};

struct promql__expect {
	enum promql__expect_kind kind;
	struct pm_str msg; /* ptr NULL: any text */
	struct pm_re *re;  /* NULL: `msg` is the whole text */
};

/* An evaluation and what it should say. */
struct promql__want {
	struct pm_str expr;
	size_t line;                       /* from 1 */
	bool range;                        /* a range query */
	bool any_warn, any_info;           /* at least one, whatever it says */
	int64_t at_ms;                     /* of an instant query */
	int64_t start_ms, end_ms, step_ms; /* of a range query or an expected range vector */
	bool as_is;                        /* not to be repeated as range query */
	struct promql__expect *expects;
	size_t expect_count;
	struct promql__line *series; /* in expected order */
	size_t series_count;
	bool scalar; /* scalar_v is expected, not series */
	double scalar_v;
	struct pm_str string;
};

/* load.c, nhcb.c */
int promql__load(struct promql__script *s);
int promql__load_nhcb(struct promql__script *s, const struct promql__line *lines, size_t count, int64_t step_ms);
/* want.c: the command at s->at and the lines that belong to it. */
int promql__want_read(struct promql__script *s, struct promql__want *ret);
void promql__want_release(struct promql__want *w);
bool promql__wants(const struct promql__want *w, enum promql__expect_kind kind);
/* repeat.c: run it in all ways; false and a report in `out` when one of them failed. */
bool promql__want_run(struct promql__script *s, const struct promql__want *w, struct pm_buf *out);
/* check.c: what is wrong goes to `out`, in lines; false when something was. */
bool promql__check_error(const struct promql__want *w, const char *msg, struct pm_buf *out);
bool promql__check_notes(const struct promql__want *w, const struct promql_result *r, struct pm_buf *out);
bool promql__check_result(const struct promql__want *w, const struct promql_result *r, struct pm_buf *out);

/* Next line of the command's block, NULL at its end. */
const struct pm_str *promql__script_line(struct promql__script *s);
/* The word at the beginning of *text, which is moved on behind the blanks that follow. */
struct pm_str promql__word(struct pm_str *text);
int promql__script_duration(struct promql__script *s, struct pm_str text, const char *what, int64_t *ret_ms);
struct pm_str promql__trim(struct pm_str s);

#endif
