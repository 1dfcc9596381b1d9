/* linux_rapl.c - energy used by packages, cores and memory, from /sys/class/powercap.
 *
 * A zone called "package-0" is index 0 of "package"; zones of equal names ("core" of several packages) are counted. */
#include "cmd/expose/linux.h"

#include <stdio.h>

struct zone {
	struct pm_str name;
};

/* Split "package-1" into name and index; without a number the index is how many zones of that name came before. */
static struct pm_str index_of(struct zone *seen, size_t count, struct pm_str *name, char buf[24])
{
	struct pm_str before, after;
	double v;
	size_t n = 0;
	if (pm_proc_cut(*name, '-', &before, &after) && !memchr(after.ptr, '-', after.len) &&
		pm_proc_number(after, &v, NULL) == 0) {
		*name = before;
		return after;
	}
	for (size_t i = 0; i < count; i++)
		n += pm_str_eq(seen[i].name, *name);
	snprintf(buf, 24, "%zu", n);
	return pm_str(buf);
}

int pm_linux_rapl(struct pm_linux *x, struct pm_error *err)
{
	struct pm_strings names;
	size_t count = 0;
	int rc = pm_proc_list(&x->arena, &names, err, "%s/class/powercap", x->sysfs);
	struct zone *zones = rc == 0 ? pm_arena_array(&x->arena, names.count + 1, sizeof *zones) : NULL;
	for (size_t i = 0; zones && i < names.count; i++) {
		struct pm_str name;
		char buf[24];
		double microjoules;
		const char *dir = pm_arena_printf(&x->arena, "%s/class/powercap/%s", x->sysfs, names.v[i].ptr);
		if (!dir || !pm_proc_word(&x->arena, &name, "%s/name", dir))
			continue; /* a control type, not a zone */
		struct pm_str index = index_of(zones, count, &name, buf);
		zones[count++].name = name;
		rc = pm_proc_file_number(&x->arena, &microjoules, err, "%s/energy_uj", dir);
		if (rc != 0)
			return rc;
		struct pm_metric m = PM_COUNTER(pm_emit_name(x->emit, "node_rapl_", name, "_joules_total"),
			"Energy used by this zone, in joules.");
		pm_emit(x->emit, &m, microjoules / 1e6, PM_LABEL("index", index), PM_LABEL("path", pm_str(dir)));
	}
	return rc;
}
