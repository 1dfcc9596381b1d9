/* params.h - names and values of a request, as URLs and HTML forms carry them (application/x-www-form-urlencoded).
 *
 * The rules are those of Go's net/url: pairs are split at '&', a pair that holds a ';' or a broken escape is left out
 * and remembered, so that handlers which care can refuse the request; '+' is a blank. Repeated names keep their
 * order. */
#ifndef PM_SERVE_PARAMS_H
#define PM_SERVE_PARAMS_H

#include "libtsdb/pm.h"

enum { PM_PARAMS_MAX = 10000 };

struct pm_param {
	struct pm_str name, value;
};

struct pm_params {
	struct pm_param *v;
	size_t count, cap;
	char error[64]; /* empty, or what was wrong with the first pair that was left out */
};

/* A zeroed struct is valid and empty. */
void pm_params_release(struct pm_params *p);
void pm_params_reset(struct pm_params *p); /* empty, memory kept */

/* Decode `text` in place and append its pairs, which point into it: it must outlive `p` and is garbage to everybody
 * else. PM_ERR_LIMIT: more than PM_PARAMS_MAX pairs; PM_ERR_NOMEM. */
int pm_params_parse(struct pm_params *p, char *text, size_t len);

/* The first value of `name`, or an empty slice. */
struct pm_str pm_params_get(const struct pm_params *p, struct pm_str name);

/* Decode %XX, and '+' when `plus`, in place. Returns the new length in `*ret_len`. PM_ERR_INVALID: a broken escape;
 * `*ret_len` is then its offset, and the bytes before it are decoded. */
int pm_url_decode(char *p, size_t len, bool plus, size_t *ret_len);

#endif
