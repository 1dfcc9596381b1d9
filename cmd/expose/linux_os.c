/* linux_os.c - the distribution and its version, from /etc/os-release or /usr/lib/os-release. */
#include "cmd/expose/linux.h"

#include <stdio.h>
#include <time.h>

static const struct pm_metric info = PM_GAUGE("node_os_info", "Name and version of the operating system; always 1.");
static const struct pm_metric version = PM_GAUGE("node_os_version", "Major and minor version, as a number.");
static const struct pm_metric support_end =
	PM_GAUGE("node_os_support_end_timestamp_seconds", "When support ends, Unix seconds.");

static const struct {
	const char *key, *label;
} fields[] = {
	{ "BUILD_ID", "build_id" },
	{ "ID", "id" },
	{ "ID_LIKE", "id_like" },
	{ "IMAGE_ID", "image_id" },
	{ "IMAGE_VERSION", "image_version" },
	{ "NAME", "name" },
	{ "PRETTY_NAME", "pretty_name" },
	{ "VARIANT", "variant" },
	{ "VARIANT_ID", "variant_id" },
	{ "VERSION", "version" },
	{ "VERSION_CODENAME", "version_codename" },
	{ "VERSION_ID", "version_id" },
};

enum { FIELDS = sizeof fields / sizeof fields[0] };

/* Shell's quotes taken off; in double quotes a backslash protects the next character. */
static struct pm_str unquote(struct pm_arena *a, struct pm_str s)
{
	size_t o = 0;
	char quote = s.len ? s.ptr[0] : 0;
	if (s.len < 2 || (quote != '"' && quote != '\'') || s.ptr[s.len - 1] != quote)
		return s;
	char *p = pm_arena_alloc(a, s.len);
	for (size_t i = 1; p && i < s.len - 1; i++) {
		if (quote == '"' && s.ptr[i] == '\\' && i + 1 < s.len - 1)
			i++;
		p[o++] = s.ptr[i];
	}
	return p ? (struct pm_str){ p, o } : s;
}

static struct pm_str value_of(struct pm_linux *x, struct pm_str text, const char *key)
{
	struct pm_str line, name, value, last = { "", 0 };
	while (pm_proc_line(&text, &line))
		if (pm_proc_cut(pm_proc_trim(line), '=', &name, &value) && pm_str_eq(name, pm_str(key)))
			last = unquote(&x->arena, value);
	return last;
}

/* "12.5.3" is 12.5. */
static void emit_version(struct pm_linux *x, struct pm_str text)
{
	struct pm_str id = value_of(x, text, "VERSION_ID");
	size_t n = 0, dots = 0;
	double v;
	while (n < id.len && ((id.ptr[n] >= '0' && id.ptr[n] <= '9') || (id.ptr[n] == '.' && n > 0 && dots++ == 0)))
		n++;
	if (n > 0 && id.ptr[n - 1] == '.')
		n--;
	if (n > 0 && n < 32 && pm_proc_number((struct pm_str){ id.ptr, n }, &v, NULL) == 0 && v > 0)
		pm_emit(x->emit, &version, v, PM_LABEL("id", value_of(x, text, "ID")),
			PM_LABEL("id_like", value_of(x, text, "ID_LIKE")), PM_LABEL("name", value_of(x, text, "NAME")));
}

static void emit_support_end(struct pm_linux *x, struct pm_str text)
{
	struct pm_str date = value_of(x, text, "SUPPORT_END");
	char copy[11] = "";
	struct tm tm = { 0 };
	if (date.len != 10)
		return;
	memcpy(copy, date.ptr, 10);
	const char *end = strptime(copy, "%Y-%m-%d", &tm);
	if (end && !*end)
		pm_emit_value(x->emit, &support_end, (double)timegm(&tm));
}

int pm_linux_os(struct pm_linux *x, struct pm_error *err)
{
	struct pm_str text;
	struct pm_label labels[FIELDS];
	int rc = pm_proc_read(&x->arena, &text, err, "%s/etc/os-release", x->rootfs);
	if (rc == PM_ERR_NOTFOUND)
		rc = pm_proc_read(&x->arena, &text, err, "%s/usr/lib/os-release", x->rootfs);
	if (rc != 0)
		return rc;
	for (size_t i = 0; i < FIELDS; i++)
		labels[i] = (struct pm_label){ pm_str(fields[i].label), value_of(x, text, fields[i].key) };
	pm_emit_labels(x->emit, &info, 1, labels, FIELDS);
	emit_version(x, text);
	emit_support_end(x, text);
	return 0;
}
