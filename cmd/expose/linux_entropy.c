/* linux_entropy.c - the kernel's entropy pool, from /proc/sys/kernel/random. */
#include "cmd/expose/linux.h"

static const struct pm_linux_attr attrs[] = {
	PM_ATTR("entropy_avail", PM_GAUGE("node_entropy_available_bits", "Entropy available, in bits.")),
	PM_ATTR("poolsize", PM_GAUGE("node_entropy_pool_size_bits", "Size of the entropy pool, in bits.")),
};

int pm_linux_entropy(struct pm_linux *x, struct pm_error *err)
{
	const char *dir = pm_arena_printf(&x->arena, "%s/sys/kernel/random", x->procfs);
	if (!dir)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	return pm_linux_attrs(x, dir, attrs, 2, NULL, 0) == 2 ? 0
							      : pm_fail(err, PM_ERR_NOTFOUND, "%s: not all there", dir);
}
