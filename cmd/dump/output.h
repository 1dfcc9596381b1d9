/* output.h - where a dump goes: standard output, or a file that is there whole or not at all. */
#ifndef PM_CMD_DUMP_OUTPUT_H
#define PM_CMD_DUMP_OUTPUT_H

#include "libtsdb/base/buf.h"

struct pm_output {
	struct pm_buf buf; /* append here; its errors stick */
	char *path, *temp; /* NULL: standard output */
	int fd;
	uint64_t written;
};

/* `path` NULL or "-": standard output. */
int pm_output_open(struct pm_output *o, const char *path, struct pm_error *err);
/* Write what has gathered, once it is much. */
int pm_output_flush(struct pm_output *o, struct pm_error *err);
/* Write the rest; a file gets its name. On error there is no file, as after pm_output_abort(). */
int pm_output_close(struct pm_output *o, struct pm_error *err);
void pm_output_abort(struct pm_output *o);

#endif
