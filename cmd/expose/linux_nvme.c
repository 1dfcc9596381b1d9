/* linux_nvme.c - NVMe controllers, from /sys/class/nvme. */
#include "cmd/expose/linux.h"

static const struct pm_metric info = PM_GAUGE("node_nvme_info", "What an NVMe controller is; always 1.");

int pm_linux_nvme(struct pm_linux *x, struct pm_error *err)
{
	struct pm_strings names;
	int rc = pm_proc_list(&x->arena, &names, err, "%s/class/nvme", x->sysfs);
	for (size_t i = 0; rc == 0 && i < names.count; i++) {
		const char *dir = pm_arena_printf(&x->arena, "%s/class/nvme/%s", x->sysfs, names.v[i].ptr);
		if (!dir)
			return pm_fail(err, PM_ERR_NOMEM, "out of memory");
		pm_emit(x->emit, &info, 1, PM_LABEL("device", names.v[i]), pm_linux_label(x, "model", dir, "model"),
			pm_linux_label(x, "firmware_revision", dir, "firmware_rev"),
			pm_linux_label(x, "serial", dir, "serial"), pm_linux_label(x, "state", dir, "state"));
	}
	return rc;
}
