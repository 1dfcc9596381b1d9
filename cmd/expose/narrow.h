/* narrow.h - a request for a part of the Linux page. */
#ifndef PM_EXPOSE_NARROW_H
#define PM_EXPOSE_NARROW_H

#include "cmd/serve/params.h"
#include "libtsdb/base/buf.h"

/* A pm_page_fn over a struct pm_linux_opts. As with node_exporter, ?collect[]=cpu&collect[]=meminfo asks for these
 * collectors and ?exclude[]=netclass for all but that. A request narrows down what the options allow, it adds nothing.
 */
int pm_linux_narrow(const void *opts, const struct pm_params *params, struct pm_buf *out, struct pm_error *err);

#endif
