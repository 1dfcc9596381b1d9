/* procfile.h - reading the small text files of /proc and /sys: bounded, and cut into lines, fields and numbers.
 *
 * Everything read is untrusted text. Memory comes from the caller's arena, so nothing here needs to be freed, and the
 * arena's cap bounds a collector. Paths are printf formats. */
#ifndef PM_EXPOSE_PROCFILE_H
#define PM_EXPOSE_PROCFILE_H

#include "libtsdb/base/arena.h"
#include "libtsdb/pm.h"

enum { PM_PROC_FILE_MAX = 8 << 20 }; /* bytes; /proc/net/udp of a busy host has some hundred thousand */

/* The whole file. PM_ERR_NOTFOUND: no such file; PM_ERR_LIMIT: too large; PM_ERR_IO, PM_ERR_READONLY, PM_ERR_NOMEM. */
int pm_proc_read(struct pm_arena *a, struct pm_str *ret, struct pm_error *err, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* The file without blanks and newlines around it; false, and an empty slice, when it can't be read. */
bool pm_proc_word(struct pm_arena *a, struct pm_str *ret, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* A file that holds one number; as pm_proc_read, or PM_ERR_INVALID. */
int pm_proc_file_number(struct pm_arena *a, double *ret, struct pm_error *err, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* Names in a directory, sorted; numbers within them count as numbers (cpu2 before cpu10). */
int pm_proc_list(struct pm_arena *a, struct pm_strings *ret, struct pm_error *err, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* The next line (without its newline) or field (between blanks) is taken off the front; false at the end. */
bool pm_proc_line(struct pm_str *text, struct pm_str *ret);
bool pm_proc_field(struct pm_str *line, struct pm_str *ret);
/* All fields of a line, at most `max`; returns how many. */
size_t pm_proc_fields(struct pm_str line, struct pm_str *ret, size_t max);
/* Split at the first `sep`; false when there is none. */
bool pm_proc_cut(struct pm_str s, char sep, struct pm_str *ret_before, struct pm_str *ret_after);
struct pm_str pm_proc_trim(struct pm_str s);
bool pm_proc_prefix(struct pm_str s, const char *prefix, struct pm_str *ret_rest); /* ret_rest may be NULL */

/* A decimal number, no NaN, no infinity. PM_ERR_INVALID, the text quoted in `err`. */
int pm_proc_number(struct pm_str s, double *ret, struct pm_error *err);
/* Hexadecimal digits, "0x" allowed. */
int pm_proc_hex(struct pm_str s, double *ret, struct pm_error *err);

#endif
