/* linux_selinux.c - whether SELinux is on, and enforcing: now and by configuration. 1 enforcing, 0 permissive, -1
 * disabled. */
#include "cmd/expose/linux.h"

static const struct pm_metric enabled = PM_GAUGE("node_selinux_enabled", "1 when SELinux is on.");
static const struct pm_metric current =
	PM_GAUGE("node_selinux_current_mode", "Mode in force: 1 enforcing, 0 permissive.");
static const struct pm_metric config =
	PM_GAUGE("node_selinux_config_mode", "Mode by configuration: 1 enforcing, 0 permissive, -1 disabled.");

static double config_mode(struct pm_linux *x)
{
	struct pm_str text, line, key, value;
	double mode = -1;
	if (pm_proc_read(&x->arena, &text, NULL, "%s/etc/selinux/config", x->rootfs) != 0)
		return mode;
	while (pm_proc_line(&text, &line)) {
		if (!pm_proc_cut(pm_proc_trim(line), '=', &key, &value) ||
			!pm_str_eq(pm_proc_trim(key), PM_STR("SELINUX")))
			continue;
		value = pm_proc_trim(value);
		mode = pm_str_eq(value, PM_STR("enforcing")) ? 1 : pm_str_eq(value, PM_STR("permissive")) ? 0 : -1;
	}
	return mode;
}

int pm_linux_selinux(struct pm_linux *x, struct pm_error *err)
{
	double mode;
	int rc = pm_proc_file_number(&x->arena, &mode, err, "%s/fs/selinux/enforce", x->sysfs);
	pm_emit_value(x->emit, &enabled, rc == 0);
	if (rc != 0)
		return 0;
	pm_emit_value(x->emit, &current, mode);
	pm_emit_value(x->emit, &config, config_mode(x));
	return 0;
}
