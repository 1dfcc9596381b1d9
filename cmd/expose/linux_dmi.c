/* linux_dmi.c - maker, model and firmware of the machine, as labels, from /sys/class/dmi/id. */
#include "cmd/expose/linux.h"

static const struct pm_metric info = PM_GAUGE("node_dmi_info", "What the firmware says of the machine; always 1.");

/* Label and file have the same name but for the last. */
static const char *const files[] = { "bios_date", "bios_release", "bios_vendor", "bios_version", "board_asset_tag",
	"board_name", "board_serial", "board_vendor", "board_version", "chassis_asset_tag", "chassis_serial",
	"chassis_vendor", "chassis_version", "product_family", "product_name", "product_serial", "product_sku",
	"product_uuid", "product_version", "sys_vendor" };

enum { FILES = sizeof files / sizeof files[0] };

int pm_linux_dmi(struct pm_linux *x, struct pm_error *err)
{
	struct pm_strings names;
	struct pm_label labels[FILES];
	int rc = pm_proc_list(&x->arena, &names, err, "%s/class/dmi/id", x->sysfs);
	if (rc != 0)
		return rc;
	const char *dir = pm_arena_printf(&x->arena, "%s/class/dmi/id", x->sysfs);
	if (!dir)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	for (size_t i = 0; i < FILES; i++)
		labels[i] = pm_linux_label(
			x, strcmp(files[i], "sys_vendor") == 0 ? "system_vendor" : files[i], dir, files[i]);
	pm_emit_labels(x->emit, &info, 1, labels, FILES);
	return 0;
}
