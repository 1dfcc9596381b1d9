/* table.h - tables for people: columns as wide as their widest cell, numbers flush right. */
#ifndef PM_CMD_TABLE_H
#define PM_CMD_TABLE_H

#include "libtsdb/base/buf.h"

enum { PM_TABLE_COLUMNS_MAX = 12 };

/* Zeroed but for `align`: one letter a column, 'l' or 'r'. */
struct pm_table {
	const char *align;
	struct pm_buf cells; /* one after the other, row by row, each ended by a NUL */
	size_t count;
};

/* The next cell, of the first row first. Text must hold no control characters. */
void pm_table_cell(struct pm_table *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void pm_table_str(struct pm_table *t, struct pm_str s);
/* Append the table to `out` and release it. Lack of memory sticks in `out`. */
void pm_table_finish(struct pm_table *t, struct pm_buf *out);

/* "512 B", "1.3 MiB": units of 1024, three digits. Returns `out`. */
char *pm_bytes_text(char out[16], uint64_t bytes);

#endif
