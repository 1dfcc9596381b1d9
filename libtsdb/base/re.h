/* re.h - regular expressions with RE2's syntax and linear time, anchored at both ends, `.` matches newline.
 *
 * Alternations of literals with `.*` or `.+` at their ends (`a|b`, `prefix.*`, `.*infix.*`, `.+`), also in one group,
 * never reach RE2; the answer is the same. Matching is thread-safe. */
#ifndef PM_BASE_RE_H
#define PM_BASE_RE_H

#include "libtsdb/pm.h"

#ifdef __cplusplus
extern "C" {
#endif

struct pm_re;

/* PM_ERR_INVALID with RE2's reason, PM_ERR_NOMEM. */
int pm_re_new(struct pm_str pattern, struct pm_re **ret, struct pm_error *err);
void pm_re_free(struct pm_re *re);
bool pm_re_match(const struct pm_re *re, struct pm_str s);

/* When the pattern is a set of literals ("a|b|c", or one): their count and the strings, sorted, good until free.
 * Otherwise 0: the caller tries every value. */
size_t pm_re_literals(const struct pm_re *re, const struct pm_str **ret);

/* Expand Go-style templates ($1, ${name}, $$) for label_replace and relabelling, when `s` matches whole.
 * 1: matched, appended to `out`; 0: no match; negative error. */
struct pm_buf;
int pm_re_expand(const struct pm_re *re, struct pm_str s, struct pm_str tmpl, struct pm_buf *out);
/* Number of capture groups; named ones count. */
int pm_re_group_count(const struct pm_re *re);

#ifdef __cplusplus
}
#endif
#endif
