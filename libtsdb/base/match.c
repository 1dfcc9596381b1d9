/* match.c - see match.h. */
#include "libtsdb/base/match.h"

int pm_match_re(const struct pm_matcher *m, struct pm_re **ret, struct pm_error *err)
{
	if (m->type == PM_MATCH_RE || m->type == PM_MATCH_NRE)
		return pm_re_new(m->value, ret, err);
	*ret = NULL;
	return 0;
}

bool pm_match_value(const struct pm_matcher *m, const struct pm_re *re, struct pm_str value)
{
	switch (m->type) {
	case PM_MATCH_EQ:
		return pm_str_eq(m->value, value);
	case PM_MATCH_NE:
		return !pm_str_eq(m->value, value);
	case PM_MATCH_RE:
		return pm_re_match(re, value);
	case PM_MATCH_NRE:
		return !pm_re_match(re, value);
	}
	return false;
}
