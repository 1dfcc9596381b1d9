/* series.h - how many bytes a sample the columns of series take that stand in files of OpenMetrics text. */
#ifndef PM_BENCH_SERIES_H
#define PM_BENCH_SERIES_H

#include <stddef.h>

/* Prints sizes by metric and by encoding, with the columns of `per_column` samples (0: one column a series). Equal time
 * columns count once. `files` ends with NULL. Returns an exit status. */
int bench_series_sizes(size_t per_column, char **files);

#endif
