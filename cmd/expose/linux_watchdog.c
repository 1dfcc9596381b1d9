/* linux_watchdog.c - hardware watchdogs, from /sys/class/watchdog. */
#include "cmd/expose/linux.h"

#define DOG(name_of_file, name) PM_ATTR(name_of_file, PM_GAUGE("node_watchdog_" name, "Watchdog: " name_of_file "."))

static const struct pm_linux_attr attrs[] = { DOG("bootstatus", "bootstatus"), DOG("fw_version", "fw_version"),
	DOG("nowayout", "nowayout"), DOG("timeleft", "timeleft_seconds"), DOG("timeout", "timeout_seconds"),
	DOG("pretimeout", "pretimeout_seconds"), DOG("access_cs0", "access_cs0") };
static const struct pm_metric info = PM_GAUGE("node_watchdog_info", "What a watchdog is; always 1.");

int pm_linux_watchdog(struct pm_linux *x, struct pm_error *err)
{
	struct pm_strings names;
	int rc = pm_proc_list(&x->arena, &names, err, "%s/class/watchdog", x->sysfs);
	for (size_t i = 0; rc == 0 && i < names.count; i++) {
		struct pm_label name = PM_LABEL("name", names.v[i]);
		const char *dir = pm_arena_printf(&x->arena, "%s/class/watchdog/%s", x->sysfs, names.v[i].ptr);
		if (!dir)
			return pm_fail(err, PM_ERR_NOMEM, "out of memory");
		pm_linux_attrs(x, dir, attrs, sizeof attrs / sizeof attrs[0], &name, 1);
		pm_emit(x->emit, &info, 1, name, pm_linux_label(x, "options", dir, "options"),
			pm_linux_label(x, "identity", dir, "identity"), pm_linux_label(x, "state", dir, "state"),
			pm_linux_label(x, "status", dir, "status"),
			pm_linux_label(x, "pretimeout_governor", dir, "pretimeout_governor"));
	}
	return rc;
}
