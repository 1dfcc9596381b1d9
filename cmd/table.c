/* table.c - tables for people; see table.h. */
#include "cmd/table.h"

#include <assert.h>
#include <stdio.h>

void pm_table_cell(struct pm_table *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	pm_buf_vfmt(&t->cells, fmt, ap);
	va_end(ap);
	pm_buf_char(&t->cells, '\0');
	t->count++;
}

void pm_table_str(struct pm_table *t, struct pm_str s)
{
	pm_buf_str(&t->cells, s);
	pm_buf_char(&t->cells, '\0');
	t->count++;
}

/* Columns that a terminal needs: one a code point. */
static size_t width_of(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

static void pad(struct pm_buf *out, size_t n)
{
	while (n--)
		pm_buf_char(out, ' ');
}

/* The last cell of a row gets no blanks behind it. */
static void put_cell(struct pm_buf *out, const char *cell, char align, size_t width, bool last)
{
	size_t gap = width - width_of(cell);

	if (align == 'r')
		pad(out, gap);
	pm_buf_cstr(out, cell);
	if (last)
		pm_buf_char(out, '\n');
	else
		pad(out, 2 + (align == 'r' ? 0 : gap));
}

void pm_table_finish(struct pm_table *t, struct pm_buf *out)
{
	size_t columns = strlen(t->align), widths[PM_TABLE_COLUMNS_MAX] = { 0 };
	const char *cell = t->cells.ptr;

	assert(columns && columns <= PM_TABLE_COLUMNS_MAX && t->count % columns == 0);
	if (pm_buf_error(&t->cells)) {
		out->error = pm_buf_error(&t->cells);
		pm_buf_release(&t->cells);
		return;
	}
	for (size_t i = 0; i < t->count; i++, cell += strlen(cell) + 1) {
		size_t w = width_of(cell), column = i % columns;

		widths[column] = w > widths[column] ? w : widths[column];
	}
	cell = t->cells.ptr;
	for (size_t i = 0; i < t->count; i++, cell += strlen(cell) + 1) {
		size_t column = i % columns;

		put_cell(out, cell, t->align[column], widths[column], column == columns - 1);
	}
	pm_buf_release(&t->cells);
}

char *pm_bytes_text(char out[16], uint64_t bytes)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	double n = (double)bytes;
	size_t unit = 0;

	for (; n >= 999.5 && unit < 6; unit++)
		n /= 1024;
	if (unit == 0)
		snprintf(out, 16, "%.0f B", n);
	else
		snprintf(out, 16, "%.*f %s", n < 9.995 ? 2 : n < 99.95 ? 1 : 0, n, units[unit]);
	return out;
}
