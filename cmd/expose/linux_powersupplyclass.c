/* linux_powersupplyclass.c - batteries and power supplies, from /sys/class/power_supply.
 *
 * The kernel counts in millionths (A, V, W, Wh, Ah) and tenths of a degree. Names of metrics are those of the files
 * unless node_exporter gives them a unit. */
#include "cmd/expose/linux.h"

#define POWER(name_of_file, name, unit)                                                                                \
	PM_ATTR(name_of_file, PM_GAUGE("node_power_supply_" name, "Power supply: " name_of_file "."), .per = unit)
#define PLAIN(file) POWER(file, file, 1)
#define MICRO(file) POWER(file, file, 1e6)
#define TENTH(file) POWER(file, file "_celsius", 10)

static const struct pm_linux_attr attrs[] = {
	PLAIN("authentic"),
	PLAIN("calibrate"),
	PLAIN("capacity"),
	PLAIN("capacity_alert_max"),
	PLAIN("capacity_alert_min"),
	POWER("cycle_count", "cyclecount", 1),
	PLAIN("online"),
	PLAIN("present"),
	POWER("time_to_empty_now", "time_to_empty_seconds", 1),
	POWER("time_to_full_now", "time_to_full_seconds", 1),
	MICRO("current_boot"),
	MICRO("current_max"),
	POWER("current_now", "current_ampere", 1e6),
	MICRO("energy_empty"),
	MICRO("energy_empty_design"),
	MICRO("energy_full"),
	MICRO("energy_full_design"),
	POWER("energy_now", "energy_watthour", 1e6),
	MICRO("voltage_boot"),
	MICRO("voltage_max"),
	MICRO("voltage_max_design"),
	MICRO("voltage_min"),
	MICRO("voltage_min_design"),
	POWER("voltage_now", "voltage_volt", 1e6),
	MICRO("voltage_ocv"),
	MICRO("charge_control_limit"),
	MICRO("charge_control_limit_max"),
	MICRO("charge_counter"),
	MICRO("charge_empty"),
	MICRO("charge_empty_design"),
	MICRO("charge_full"),
	MICRO("charge_full_design"),
	POWER("charge_now", "charge_ampere", 1e6),
	MICRO("charge_term_current"),
	MICRO("constant_charge_current"),
	MICRO("constant_charge_current_max"),
	MICRO("constant_charge_voltage"),
	MICRO("constant_charge_voltage_max"),
	MICRO("precharge_current"),
	MICRO("input_current_limit"),
	POWER("power_now", "power_watt", 1e6),
	TENTH("temp"),
	TENTH("temp_alert_max"),
	TENTH("temp_alert_min"),
	TENTH("temp_ambient"),
	TENTH("temp_ambient_max"),
	TENTH("temp_ambient_min"),
	TENTH("temp_max"),
	TENTH("temp_min"),
};

static const char *const words[] = { "capacity_level", "charge_type", "health", "manufacturer", "model_name",
	"serial_number", "status", "technology", "type", "usb_type", "scope" };

static const struct pm_metric info = PM_GAUGE("node_power_supply_info", "What a power supply is; always 1.");

enum { WORDS = sizeof words / sizeof words[0] };

int pm_linux_powersupplyclass(struct pm_linux *x, struct pm_error *err)
{
	struct pm_strings names;
	int rc = pm_proc_list(&x->arena, &names, err, "%s/class/power_supply", x->sysfs);
	for (size_t i = 0; rc == 0 && i < names.count; i++) {
		struct pm_label labels[WORDS + 1] = { PM_LABEL("power_supply", names.v[i]) };
		const char *dir = pm_arena_printf(&x->arena, "%s/class/power_supply/%s", x->sysfs, names.v[i].ptr);
		if (!dir)
			return pm_fail(err, PM_ERR_NOMEM, "out of memory");
		pm_linux_attrs(x, dir, attrs, sizeof attrs / sizeof attrs[0], labels, 1);
		for (size_t k = 0; k < WORDS; k++)
			labels[k + 1] = pm_linux_label(x, words[k], dir, words[k]);
		pm_emit_labels(x->emit, &info, 1, labels, WORDS + 1);
	}
	return rc;
}
