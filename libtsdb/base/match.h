/* match.h - what a matcher says of one value: the same for every place that selects series. */
#ifndef PM_BASE_MATCH_H
#define PM_BASE_MATCH_H

#include "libtsdb/base/re.h"

/* The matcher's regular expression, which the caller frees; NULL in *ret when it has none. PM_ERR_INVALID with RE2's
 * reason, PM_ERR_NOMEM. */
int pm_match_re(const struct pm_matcher *m, struct pm_re **ret, struct pm_error *err);
/* `re`: what pm_match_re() gave. An absent label has the empty value. */
bool pm_match_value(const struct pm_matcher *m, const struct pm_re *re, struct pm_str value);

#endif
