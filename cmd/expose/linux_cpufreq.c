/* linux_cpufreq.c - clock rate of each CPU, from /sys/devices/system/cpu/cpuN/cpufreq (in kHz there). */
#include "cmd/expose/linux.h"

static const struct pm_linux_attr attrs[] = {
	PM_ATTR("cpuinfo_cur_freq", PM_GAUGE("node_cpu_frequency_hertz", "Clock rate the hardware tells."),
		.times = 1000),
	PM_ATTR("cpuinfo_min_freq", PM_GAUGE("node_cpu_frequency_min_hertz", "Lowest clock rate."), .times = 1000),
	PM_ATTR("cpuinfo_max_freq", PM_GAUGE("node_cpu_frequency_max_hertz", "Highest clock rate."), .times = 1000),
	PM_ATTR("scaling_cur_freq", PM_GAUGE("node_cpu_scaling_frequency_hertz", "Clock rate the governor has set."),
		.times = 1000),
	PM_ATTR("scaling_min_freq", PM_GAUGE("node_cpu_scaling_frequency_min_hertz", "Lowest the governor may set."),
		.times = 1000),
	PM_ATTR("scaling_max_freq", PM_GAUGE("node_cpu_scaling_frequency_max_hertz", "Highest the governor may set."),
		.times = 1000),
};
static const struct pm_metric governor = PM_GAUGE("node_cpu_scaling_governor", "1 for the governor in force.");

static void emit_governors(struct pm_linux *x, const char *dir, struct pm_str cpu)
{
	struct pm_str current, available, one;
	if (!pm_proc_word(&x->arena, &current, "%s/scaling_governor", dir) ||
		!pm_proc_word(&x->arena, &available, "%s/scaling_available_governors", dir))
		return;
	while (pm_proc_field(&available, &one))
		pm_emit(x->emit, &governor, pm_str_eq(one, current), PM_LABEL("cpu", cpu), PM_LABEL("governor", one));
}

int pm_linux_cpufreq(struct pm_linux *x, struct pm_error *err)
{
	struct pm_strings names;
	int rc = pm_proc_list(&x->arena, &names, err, "%s/devices/system/cpu", x->sysfs);
	for (size_t i = 0; rc == 0 && i < names.count; i++) {
		struct pm_str cpu;
		if (!pm_proc_prefix(names.v[i], "cpu", &cpu) || !cpu.len || cpu.ptr[0] < '0' || cpu.ptr[0] > '9')
			continue;
		const char *dir =
			pm_arena_printf(&x->arena, "%s/devices/system/cpu/%s/cpufreq", x->sysfs, names.v[i].ptr);
		if (!dir)
			return pm_fail(err, PM_ERR_NOMEM, "out of memory");
		struct pm_label label = PM_LABEL("cpu", cpu);
		pm_linux_attrs(x, dir, attrs, sizeof attrs / sizeof attrs[0], &label, 1);
		emit_governors(x, dir, cpu);
	}
	return rc;
}
