/* linux_edac.c - memory errors by controller and row, from /sys/devices/system/edac/mc. */
#include "cmd/expose/linux.h"

#define CORRECTABLE "node_edac_correctable_errors_total"
#define UNCORRECTABLE "node_edac_uncorrectable_errors_total"
#define ROW_CORRECTABLE PM_COUNTER("node_edac_csrow_correctable_errors_total", "Memory errors corrected, by row.")
#define ROW_UNCORRECTABLE                                                                                              \
	PM_COUNTER("node_edac_csrow_uncorrectable_errors_total", "Memory errors not corrected, by row.")

static const struct pm_linux_attr controller[] = {
	PM_ATTR("ce_count", PM_COUNTER(CORRECTABLE, "Memory errors corrected.")),
	PM_ATTR("ue_count", PM_COUNTER(UNCORRECTABLE, "Memory errors not corrected.")),
};
static const struct pm_linux_attr nowhere[] = {
	/* errors of no known row */
	PM_ATTR("ce_noinfo_count", ROW_CORRECTABLE),
	PM_ATTR("ue_noinfo_count", ROW_UNCORRECTABLE),
};
static const struct pm_linux_attr row[] = {
	PM_ATTR("ce_count", ROW_CORRECTABLE),
	PM_ATTR("ue_count", ROW_UNCORRECTABLE),
};

static bool numbered(struct pm_str name, const char *prefix, struct pm_str *ret)
{
	return pm_proc_prefix(name, prefix, ret) && ret->len && ret->ptr[0] >= '0' && ret->ptr[0] <= '9';
}

static int emit_controller(struct pm_linux *x, const char *dir, struct pm_str number, struct pm_error *err)
{
	struct pm_strings names;
	struct pm_label labels[2] = { PM_LABEL("controller", number), PM_LABEL("csrow", PM_STR("unknown")) };
	size_t n = pm_linux_attrs(x, dir, controller, 2, labels, 1) + pm_linux_attrs(x, dir, nowhere, 2, labels, 2);
	if (n < 4)
		return pm_fail(err, PM_ERR_INVALID, "%s: counters are missing", dir);
	int rc = pm_proc_list(&x->arena, &names, err, "%s", dir);
	for (size_t i = 0; rc == 0 && i < names.count; i++) {
		if (!numbered(names.v[i], "csrow", &labels[1].value))
			continue;
		const char *sub = pm_arena_printf(&x->arena, "%s/%s", dir, names.v[i].ptr);
		if (!sub || pm_linux_attrs(x, sub, row, 2, labels, 2) < 2)
			rc = pm_fail(err, PM_ERR_INVALID, "%s/%s: counters are missing", dir, names.v[i].ptr);
	}
	return rc;
}

int pm_linux_edac(struct pm_linux *x, struct pm_error *err)
{
	struct pm_strings names;
	struct pm_str number;
	/* No such directory: no controller, which is fine. */
	if (pm_proc_list(&x->arena, &names, NULL, "%s/devices/system/edac/mc", x->sysfs) != 0)
		return 0;
	for (size_t i = 0; i < names.count; i++) {
		if (!numbered(names.v[i], "mc", &number))
			continue;
		const char *dir = pm_arena_printf(&x->arena, "%s/devices/system/edac/mc/%s", x->sysfs, names.v[i].ptr);
		int rc = dir ? emit_controller(x, dir, number, err) : PM_ERR_NOMEM;
		if (rc != 0)
			return rc;
	}
	return 0;
}
