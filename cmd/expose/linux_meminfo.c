/* linux_meminfo.c - every field of /proc/meminfo as node_memory_FIELD, in bytes where the kernel says kB. */
#include "cmd/expose/linux.h"

#include <stdio.h>

/* "Active(anon)" becomes "Active_anon"; pm_emit_name turns what is left of the odd characters into underscores. */
static struct pm_str plain_key(struct pm_str key)
{
	if (key.len && key.ptr[key.len - 1] == ')')
		key.len--;
	return key;
}

static int emit_field(struct pm_linux *x, struct pm_str key, struct pm_str *field, size_t count, struct pm_error *err)
{
	char help[128];
	double v;
	bool kib = count > 1 && pm_str_eq(field[1], PM_STR("kB"));
	int rc = pm_proc_number(field[0], &v, err);
	if (rc != 0)
		return rc;
	key = plain_key(pm_proc_trim(key));
	snprintf(help, sizeof help, "Memory: %.*s of /proc/meminfo.", key.len > 80 ? 80 : (int)key.len, key.ptr);
	struct pm_metric m = { pm_emit_name(x->emit, "node_memory_", key, kib ? "_bytes" : ""), "gauge", help };
	pm_emit_value(x->emit, &m, kib ? v * 1024 : v);
	return 0;
}

int pm_linux_meminfo(struct pm_linux *x, struct pm_error *err)
{
	struct pm_str text, line, key, rest, field[2];
	int rc = pm_proc_read(&x->arena, &text, err, "%s/meminfo", x->procfs);
	while (rc == 0 && pm_proc_line(&text, &line)) {
		if (pm_proc_trim(line).len == 0)
			continue;
		size_t n = pm_proc_cut(line, ':', &key, &rest) ? pm_proc_fields(rest, field, 2) : 0;
		if (n == 0)
			return pm_fail(err, PM_ERR_INVALID, "meminfo: a line without a value");
		rc = emit_field(x, key, field, n, err);
	}
	return rc;
}
