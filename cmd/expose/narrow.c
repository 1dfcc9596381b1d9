/* narrow.c - see narrow.h. */
#include "cmd/expose/narrow.h"

#include "cmd/expose/linux.h"

enum { NAMES_MAX = 64, NAME_BYTES_MAX = 32 };

struct names {
	const char *v[NAMES_MAX];
	size_t count;
	char text[NAMES_MAX][NAME_BYTES_MAX]; /* of those that the request brought */
};

static int add(struct names *n, const char *key, struct pm_str value, struct pm_error *err)
{
	if (n->count == NAMES_MAX || value.len >= NAME_BYTES_MAX)
		return pm_fail(err, PM_ERR_INVALID, "%s: too many or too long", key);
	char *text = n->text[n->count];
	memcpy(text, value.ptr, value.len);
	text[value.len] = 0;
	n->v[n->count++] = text;
	return 0;
}

/* Values of all parameters called `key`. */
static int add_params(struct names *n, const char *key, const struct pm_params *params, struct pm_error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < params->count; i++)
		if (pm_str_eq(params->v[i].name, pm_str(key)))
			rc = add(n, key, params->v[i].value, err);
	return rc;
}

static int check_allowed(const struct pm_linux_opts *base, const struct names *only, struct pm_error *err)
{
	for (size_t i = 0; base->only_count && i < only->count; i++) {
		size_t k = 0;
		while (k < base->only_count && strcmp(base->only[k], only->v[i]) != 0)
			k++;
		if (k == base->only_count)
			return pm_fail(err, PM_ERR_INVALID, "collector \"%s\" is switched off", only->v[i]);
	}
	return 0;
}

int pm_linux_narrow(const void *arg, const struct pm_params *params, struct pm_buf *out, struct pm_error *err)
{
	const struct pm_linux_opts *base = arg;
	struct pm_linux_opts opts = *base;
	struct names only = { .count = 0 }, without = { .count = 0 };
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < base->without_count; i++)
		rc = add(&without, "without", pm_str(base->without[i]), err);
	if (rc == 0)
		rc = add_params(&without, "exclude[]", params, err);
	if (rc == 0)
		rc = add_params(&only, "collect[]", params, err);
	if (rc == 0)
		rc = check_allowed(base, &only, err);
	if (rc != 0)
		return rc;
	if (only.count) {
		opts.only = only.v;
		opts.only_count = only.count;
	}
	opts.without = without.v;
	opts.without_count = without.count;
	return pm_linux_page(&opts, out, err);
}
