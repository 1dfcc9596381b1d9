/* re_simple.h - patterns simple enough to be matched without a regular expression engine.
 *
 * Most patterns of dashboards and configurations are alternations of literals with ".*" or ".+" at their ends. This
 * reads those and refuses all others, so that the answer is always the engine's. Private to re.cc. */
#ifndef PM_BASE_RE_SIMPLE_H
#define PM_BASE_RE_SIMPLE_H

#include "libtsdb/pm.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What may stand around a literal. */
enum pm_re_gap { PM_RE_NONE, PM_RE_ANY /* .* */, PM_RE_SOME /* .+ */ };

/* One alternative: gap, literal, gap. */
struct pm_re_alt {
	struct pm_str literal;
	enum pm_re_gap before, after;
};

struct pm_re_simple {
	struct pm_re_alt *alts;
	size_t alt_count;
	struct pm_str *literals; /* sorted, no doubles, when no alternative has a gap */
	size_t literal_count;
	bool group;  /* the whole pattern is one capture group */
	char *bytes; /* of the literals, escapes resolved */
};

/* 1: simple, `*ret` is filled; 0: not simple (or not valid), nothing is held; PM_ERR_NOMEM. */
int pm_re_simple_read(struct pm_str pattern, struct pm_re_simple *ret);
void pm_re_simple_release(struct pm_re_simple *s);
bool pm_re_simple_match(const struct pm_re_simple *s, struct pm_str text);

#ifdef __cplusplus
}
#endif
#endif
