/* procfile.c - see procfile.h. */
#include "cmd/expose/procfile.h"

#include "libtsdb/base/fs.h"
#include "libtsdb/base/mem.h"
#include "libtsdb/base/num.h"

#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static int format_path(char path[PATH_MAX], struct pm_error *err, const char *fmt, va_list ap)
	__attribute__((format(printf, 3, 0)));
static int format_path(char path[PATH_MAX], struct pm_error *err, const char *fmt, va_list ap)
{
	int n = vsnprintf(path, PATH_MAX, fmt, ap);
	return n < 0 || n >= PATH_MAX ? pm_fail(err, PM_ERR_INVALID, "path too long") : 0;
}

static int read_path(struct pm_arena *a, struct pm_str *ret, struct pm_error *err, const char *path)
{
	char *text = NULL;
	size_t len;
	int rc = pm_fs_read_file(AT_FDCWD, path, PM_PROC_FILE_MAX, &text, &len, err);
	if (rc != 0)
		return rc;
	struct pm_str copy = pm_arena_str(a, (struct pm_str){ text, len });
	pm_free(text);
	if (!copy.ptr)
		return pm_fail(err, PM_ERR_NOMEM, "%s: out of memory", path);
	*ret = copy;
	return 0;
}

int pm_proc_read(struct pm_arena *a, struct pm_str *ret, struct pm_error *err, const char *fmt, ...)
{
	char path[PATH_MAX];
	va_list ap;
	va_start(ap, fmt);
	int rc = format_path(path, err, fmt, ap);
	va_end(ap);
	return rc ? rc : read_path(a, ret, err, path);
}

bool pm_proc_word(struct pm_arena *a, struct pm_str *ret, const char *fmt, ...)
{
	char path[PATH_MAX];
	struct pm_str text = { "", 0 };
	va_list ap;
	va_start(ap, fmt);
	int rc = format_path(path, NULL, fmt, ap);
	va_end(ap);
	if (rc == 0)
		rc = read_path(a, &text, NULL, path);
	*ret = pm_proc_trim(text);
	return rc == 0;
}

int pm_proc_file_number(struct pm_arena *a, double *ret, struct pm_error *err, const char *fmt, ...)
{
	char path[PATH_MAX];
	struct pm_str text;
	va_list ap;
	va_start(ap, fmt);
	int rc = format_path(path, err, fmt, ap);
	va_end(ap);
	if (rc == 0)
		rc = read_path(a, &text, err, path);
	return rc ? rc : pm_proc_number(pm_proc_trim(text), ret, err);
}

/* strverscmp's order: names are NUL-terminated copies of the arena. */
static int by_version(const void *a, const void *b)
{
	return strverscmp(((const struct pm_str *)a)->ptr, ((const struct pm_str *)b)->ptr);
}

static int copy_names(struct pm_arena *a, const struct pm_strings *names, struct pm_strings *ret, struct pm_error *err)
{
	struct pm_str *v = pm_arena_array(a, names->count + 1, sizeof *v);
	if (!v)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	for (size_t i = 0; i < names->count; i++) {
		v[i] = pm_arena_str(a, names->v[i]);
		if (!v[i].ptr)
			return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	}
	qsort(v, names->count, sizeof *v, by_version);
	*ret = (struct pm_strings){ .v = v, .count = names->count };
	return 0;
}

int pm_proc_list(struct pm_arena *a, struct pm_strings *ret, struct pm_error *err, const char *fmt, ...)
{
	char path[PATH_MAX];
	struct pm_strings names = { 0 };
	int fd;
	va_list ap;
	va_start(ap, fmt);
	int rc = format_path(path, err, fmt, ap);
	va_end(ap);
	if (rc == 0)
		rc = pm_fs_openat(AT_FDCWD, path, PM_FS_READ | PM_FS_DIRECTORY, &fd, err);
	if (rc != 0)
		return rc;
	rc = pm_fs_list(fd, &names, err);
	pm_fs_close(fd);
	if (rc == 0)
		rc = copy_names(a, &names, ret, err);
	pm_strings_free(&names);
	return rc;
}

bool pm_proc_line(struct pm_str *text, struct pm_str *ret)
{
	if (text->len == 0)
		return false;
	const char *nl = memchr(text->ptr, '\n', text->len);
	size_t n = nl ? (size_t)(nl - text->ptr) : text->len;
	*ret = (struct pm_str){ text->ptr, n };
	n += nl != NULL;
	*text = (struct pm_str){ text->ptr + n, text->len - n };
	return true;
}

static bool blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct pm_str pm_proc_trim(struct pm_str s)
{
	while (s.len && blank(s.ptr[0]))
		s = (struct pm_str){ s.ptr + 1, s.len - 1 };
	while (s.len && blank(s.ptr[s.len - 1]))
		s.len--;
	return s;
}

bool pm_proc_field(struct pm_str *line, struct pm_str *ret)
{
	struct pm_str s = *line;
	size_t n = 0;
	while (s.len && blank(s.ptr[0]))
		s = (struct pm_str){ s.ptr + 1, s.len - 1 };
	while (n < s.len && !blank(s.ptr[n]))
		n++;
	*line = (struct pm_str){ s.ptr + n, s.len - n };
	*ret = (struct pm_str){ s.ptr, n };
	return n > 0;
}

size_t pm_proc_fields(struct pm_str line, struct pm_str *ret, size_t max)
{
	size_t n = 0;
	while (n < max && pm_proc_field(&line, &ret[n]))
		n++;
	return n;
}

bool pm_proc_cut(struct pm_str s, char sep, struct pm_str *ret_before, struct pm_str *ret_after)
{
	const char *p = s.len ? memchr(s.ptr, sep, s.len) : NULL;
	if (!p)
		return false;
	size_t n = (size_t)(p - s.ptr);
	*ret_before = (struct pm_str){ s.ptr, n };
	*ret_after = (struct pm_str){ p + 1, s.len - n - 1 };
	return true;
}

bool pm_proc_prefix(struct pm_str s, const char *prefix, struct pm_str *ret_rest)
{
	size_t n = strlen(prefix);
	if (s.len < n || memcmp(s.ptr, prefix, n) != 0)
		return false;
	if (ret_rest)
		*ret_rest = (struct pm_str){ s.ptr + n, s.len - n };
	return true;
}

static int bad_number(struct pm_str s, struct pm_error *err)
{
	s.len = s.len < 40 ? s.len : 40;
	return pm_fail(err, PM_ERR_INVALID, "not a number: \"%.*s\"", PM_STR_ARG(s));
}

int pm_proc_number(struct pm_str s, double *ret, struct pm_error *err)
{
	double v;
	size_t sign = s.len && s.ptr[0] == '-';
	if (s.len <= sign || s.ptr[sign] < '0' || s.ptr[sign] > '9' || pm_double_parse(s, &v) != 0)
		return bad_number(s, err);
	*ret = v;
	return 0;
}

static int hex_digit(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

int pm_proc_hex(struct pm_str s, double *ret, struct pm_error *err)
{
	struct pm_str digits = s;
	uint64_t v = 0;
	pm_proc_prefix(s, "0x", &digits);
	if (digits.len == 0 || digits.len > 16)
		return bad_number(s, err);
	for (size_t i = 0; i < digits.len; i++) {
		int d = hex_digit(digits.ptr[i]);
		if (d < 0)
			return bad_number(s, err);
		v = v << 4 | (uint64_t)d;
	}
	*ret = (double)v;
	return 0;
}
