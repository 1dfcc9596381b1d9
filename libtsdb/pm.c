/* pm.c - error messages and label sets: the functions behind pm.h. */
#include "libtsdb/pm.h"

#include "libtsdb/base/hash.h"
#include "libtsdb/base/mem.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

int pm_fail(struct pm_error *err, int code, const char *fmt, ...)
{
	size_t len;
	va_list ap;

	assert(code < 0);
	if (!err)
		return code;
	err->code = code;
	va_start(ap, fmt);
	vsnprintf(err->msg, sizeof err->msg, fmt, ap);
	va_end(ap);
	len = strlen(err->msg);
	while (len > 0 && err->msg[len - 1] == '\n')
		err->msg[--len] = '\0';
	return code;
}

const char *pm_strerror(int code)
{
	switch (code) {
	case PM_OK:
		return "success";
	case PM_ERR_NOMEM:
		return "out of memory";
	case PM_ERR_IO:
		return "input/output error";
	case PM_ERR_NOSPACE:
		return "no space left";
	case PM_ERR_CORRUPT:
		return "corrupt data";
	case PM_ERR_NOTFOUND:
		return "not found";
	case PM_ERR_EXISTS:
		return "already exists";
	case PM_ERR_READONLY:
		return "read-only";
	case PM_ERR_VERSION:
		return "unknown version";
	case PM_ERR_INVALID:
		return "invalid input";
	case PM_ERR_LIMIT:
		return "limit exceeded";
	case PM_ERR_TIMEOUT:
		return "timed out";
	case PM_ERR_CANCELED:
		return "canceled";
	case PM_ERR_STALE:
		return "stale snapshot";
	case PM_ERR_UNSUPPORTED:
		return "not supported";
	case PM_ERR_NETWORK:
		return "network error";
	}
	return "unknown error";
}

/* ---- labels ------------------------------------------------------------------------------------- */

int pm_labels_cmp(struct pm_labels a, struct pm_labels b)
{
	size_t n = a.count < b.count ? a.count : b.count;

	for (size_t i = 0; i < n; i++) {
		int c = pm_str_cmp(a.v[i].name, b.v[i].name);

		if (!c)
			c = pm_str_cmp(a.v[i].value, b.v[i].value);
		if (c)
			return c;
	}
	return (a.count > b.count) - (a.count < b.count);
}

bool pm_labels_eq(struct pm_labels a, struct pm_labels b)
{
	if (a.count != b.count)
		return false;
	for (size_t i = 0; i < a.count; i++)
		if (!pm_str_eq(a.v[i].value, b.v[i].value) || !pm_str_eq(a.v[i].name, b.v[i].name))
			return false;
	return true;
}

struct pm_str pm_labels_get(struct pm_labels l, struct pm_str name)
{
	for (size_t i = 0; i < l.count; i++)
		if (pm_str_eq(l.v[i].name, name))
			return l.v[i].value;
	return (struct pm_str){ "", 0 };
}

uint64_t pm_labels_hash(struct pm_labels l)
{
	static_assert(sizeof(struct pm_label) == 2 * sizeof(struct pm_str), "labels are pairs of strings in a row");

	return pm_hash_strings((const struct pm_str *)l.v, 2 * l.count);
}

static int by_name(const void *a, const void *b)
{
	return pm_str_cmp(((const struct pm_label *)a)->name, ((const struct pm_label *)b)->name);
}

/* Label sets are short and most often sorted already; long ones, which only a hostile peer sends, are left to
 * qsort so that they do not cost the square of their length. */
static void sort_by_name(struct pm_label *v, size_t count)
{
	if (count > 64) {
		qsort(v, count, sizeof *v, by_name);
		return;
	}
	for (size_t i = 1; i < count; i++) {
		struct pm_label l = v[i];
		size_t at = i;

		for (; at > 0 && pm_str_cmp(v[at - 1].name, l.name) > 0; at--)
			v[at] = v[at - 1];
		v[at] = l;
	}
}

int pm_labels_normalize(struct pm_label *v, size_t *count, struct pm_error *err)
{
	size_t kept = 0;

	sort_by_name(v, *count);
	for (size_t i = 1; i < *count; i++)
		if (pm_str_eq(v[i - 1].name, v[i].name))
			return pm_fail(err, PM_ERR_INVALID, "label \"%.*s\" stands twice", PM_STR_ARG(v[i].name));
	for (size_t i = 0; i < *count; i++)
		if (v[i].value.len)
			v[kept++] = v[i];
	*count = kept;
	return 0;
}

void pm_strings_free(struct pm_strings *s)
{
	if (!s)
		return;
	pm_free(s->owner);
	*s = (struct pm_strings){ 0 };
}
