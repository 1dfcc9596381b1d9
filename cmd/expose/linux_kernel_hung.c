/* linux_kernel_hung.c - tasks the kernel found hanging, from /proc/sys/kernel/hung_task_detect_count (Linux 6.13). */
#include "cmd/expose/linux.h"

static const struct pm_metric hung = PM_COUNTER("node_kernel_hung_tasks_total", "Tasks that hung since boot.");

int pm_linux_kernel_hung(struct pm_linux *x, struct pm_error *err)
{
	double v;
	int rc = pm_proc_file_number(&x->arena, &v, err, "%s/sys/kernel/hung_task_detect_count", x->procfs);
	if (rc == 0)
		pm_emit_value(x->emit, &hung, v);
	return rc;
}
