/* linux_uname.c - the kernel's name and version, as labels, from uname(2). */
#include "cmd/expose/linux.h"

#include <errno.h>
#include <sys/utsname.h>

static const struct pm_metric info = PM_GAUGE("node_uname_info", "What uname(2) tells; always 1.");

int pm_linux_uname(struct pm_linux *x, struct pm_error *err)
{
	struct utsname u;
	if (uname(&u) != 0)
		return pm_fail(err, PM_ERR_IO, "uname: %s", strerror(errno));
	pm_emit(x->emit, &info, 1, PM_LABEL("sysname", pm_str(u.sysname)), PM_LABEL("release", pm_str(u.release)),
		PM_LABEL("version", pm_str(u.version)), PM_LABEL("machine", pm_str(u.machine)),
		PM_LABEL("nodename", pm_str(u.nodename)), PM_LABEL("domainname", pm_str(u.domainname)));
	return 0;
}
