/* attr.c - sysfs directories whose files hold one number or word each; most collectors of hardware are a table of
 * these. */
#include "cmd/expose/linux.h"

static int attr_value(struct pm_linux *x, const char *dir, const struct pm_linux_attr *attr, double *ret)
{
	struct pm_str word;
	double v;
	if (!pm_proc_word(&x->arena, &word, "%s/%s", dir, attr->file))
		return PM_ERR_NOTFOUND;
	int rc = attr->hex ? pm_proc_hex(word, &v, NULL) : pm_proc_number(word, &v, NULL);
	if (rc != 0)
		return rc;
	*ret = v * (attr->times ? attr->times : 1) / (attr->per ? attr->per : 1);
	return 0;
}

size_t pm_linux_attrs(struct pm_linux *x, const char *dir, const struct pm_linux_attr *attrs, size_t count,
	const struct pm_label *labels, size_t label_count)
{
	size_t found = 0;
	double v;
	for (size_t i = 0; i < count; i++) {
		if (attr_value(x, dir, &attrs[i], &v) != 0)
			continue;
		pm_emit_labels(x->emit, &attrs[i].metric, v, labels, label_count);
		found++;
	}
	return found;
}

struct pm_label pm_linux_label(struct pm_linux *x, const char *name, const char *dir, const char *file)
{
	struct pm_str word;
	pm_proc_word(&x->arena, &word, "%s/%s", dir, file);
	return (struct pm_label){ pm_str(name), word };
}
