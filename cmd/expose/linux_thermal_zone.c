/* linux_thermal_zone.c - temperatures and what cools, from /sys/class/thermal. */
#include "cmd/expose/linux.h"

static const struct pm_linux_attr zone[] = {
	PM_ATTR("temp", PM_GAUGE("node_thermal_zone_temp", "Temperature of a zone, in degrees Celsius."), .per = 1000),
};
static const struct pm_linux_attr cooling[] = {
	PM_ATTR("cur_state", PM_GAUGE("node_cooling_device_cur_state", "How hard a cooling device works now.")),
	PM_ATTR("max_state", PM_GAUGE("node_cooling_device_max_state", "How hard a cooling device can work.")),
};

int pm_linux_thermal_zone(struct pm_linux *x, struct pm_error *err)
{
	struct pm_strings names;
	struct pm_str number;
	/* No such directory: nothing to tell, which is fine. */
	if (pm_proc_list(&x->arena, &names, NULL, "%s/class/thermal", x->sysfs) != 0)
		return 0;
	for (size_t i = 0; i < names.count; i++) {
		const char *dir = pm_arena_printf(&x->arena, "%s/class/thermal/%s", x->sysfs, names.v[i].ptr);
		if (!dir)
			return pm_fail(err, PM_ERR_NOMEM, "out of memory");
		struct pm_label labels[2] = { { { "", 0 }, { "", 0 } }, pm_linux_label(x, "type", dir, "type") };
		if (pm_proc_prefix(names.v[i], "thermal_zone", &number)) {
			labels[0] = (struct pm_label)PM_LABEL("zone", number);
			pm_linux_attrs(x, dir, zone, 1, labels, 2);
		} else if (pm_proc_prefix(names.v[i], "cooling_device", &number)) {
			labels[0] = (struct pm_label)PM_LABEL("name", number);
			pm_linux_attrs(x, dir, cooling, 2, labels, 2);
		}
	}
	return 0;
}
