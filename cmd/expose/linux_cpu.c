/* linux_cpu.c - time of each CPU by mode from /proc/stat, throttling, isolation and being online from
 * /sys/devices/system/cpu. */
#include "cmd/expose/linux.h"

#include <stdio.h>

#define USER_HZ 100.0 /* what /proc/stat counts in, on every architecture */

static const struct pm_metric seconds =
	PM_COUNTER("node_cpu_seconds_total", "Time a CPU spent in each mode, in seconds.");
static const struct pm_metric guest = PM_COUNTER(
	"node_cpu_guest_seconds_total", "Time a CPU spent running guests, in seconds; the modes count it too.");
static const struct pm_metric isolated = PM_GAUGE("node_cpu_isolated", "1 for a CPU kept from the scheduler.");
static const struct pm_metric online = PM_GAUGE("node_cpu_online", "1 for a CPU that is online.");
static const struct pm_metric core_throttles =
	PM_COUNTER("node_cpu_core_throttles_total", "Times a core was throttled because of heat.");
static const struct pm_metric package_throttles =
	PM_COUNTER("node_cpu_package_throttles_total", "Times a package was throttled because of heat.");

/* Modes in the order of the columns of /proc/stat. */
static const struct {
	const struct pm_metric *metric;
	const char *mode;
} columns[] = {
	{ &seconds, "user" },
	{ &seconds, "nice" },
	{ &seconds, "system" },
	{ &seconds, "idle" },
	{ &seconds, "iowait" },
	{ &seconds, "irq" },
	{ &seconds, "softirq" },
	{ &seconds, "steal" },
	{ &guest, "user" },
	{ &guest, "nice" },
};

enum { COLUMNS = sizeof columns / sizeof columns[0], IDLE = 3, TOPOLOGY_MAX = 65536 };

static int emit_cpu(struct pm_linux *x, struct pm_str cpu, struct pm_str line, struct pm_error *err)
{
	struct pm_str field[COLUMNS];
	double v[COLUMNS] = { 0 }, number; /* old kernels have fewer columns */
	size_t n = pm_proc_fields(line, field, COLUMNS);
	if (n < 4)
		return pm_fail(err, PM_ERR_INVALID, "stat: cpu line with fewer than four numbers");
	for (size_t i = 0; i < n; i++) {
		int rc = pm_proc_number(field[i], &v[i], err);
		if (rc != 0)
			return rc;
	}
	if (x->memory && pm_proc_number(cpu, &number, NULL) == 0 && number >= 0 && number < TOPOLOGY_MAX)
		pm_linux_memory_cpu(x->memory, (size_t)number, v, COLUMNS, IDLE);
	for (size_t i = 0; i < COLUMNS; i++)
		pm_emit(x->emit, columns[i].metric, v[i] / USER_HZ, PM_LABEL("cpu", cpu),
			PM_LABEL("mode", pm_str(columns[i].mode)));
	return 0;
}

static int times(struct pm_linux *x, struct pm_error *err)
{
	struct pm_str text, line, name, cpu;
	int rc = pm_proc_read(&x->arena, &text, err, "%s/stat", x->procfs);
	while (rc == 0 && pm_proc_line(&text, &line)) {
		/* "cpu" alone is the sum over all. */
		if (pm_proc_field(&line, &name) && pm_proc_prefix(name, "cpu", &cpu) && cpu.len)
			rc = emit_cpu(x, cpu, line, err);
	}
	return rc;
}

/* A list of CPUs as the kernel writes it: "0-3,8". */
static void isolation(struct pm_linux *x)
{
	struct pm_str list, part, from, to;
	double first, last;
	if (!pm_proc_word(&x->arena, &list, "%s/devices/system/cpu/isolated", x->sysfs))
		return;
	while (list.len) {
		if (!pm_proc_cut(list, ',', &part, &list)) {
			part = list;
			list.len = 0;
		}
		if (!pm_proc_cut(part, '-', &from, &to))
			from = to = part;
		if (pm_proc_number(from, &first, NULL) || pm_proc_number(to, &last, NULL) || last > TOPOLOGY_MAX)
			return;
		for (double c = first; c <= last; c++) {
			char text[32];
			snprintf(text, sizeof text, "%.0f", c);
			pm_emit(x->emit, &isolated, 1, PM_LABEL("cpu", pm_str(text)));
		}
	}
}

struct place {
	struct pm_str package, core;
};

/* Is there one in v[0..n) with this package and, when `core` is set, this core? */
static bool seen(const struct place *v, size_t n, const struct place *p, bool core)
{
	for (size_t i = 0; i < n; i++)
		if (pm_str_eq(v[i].package, p->package) && (!core || pm_str_eq(v[i].core, p->core)))
			return true;
	return false;
}

/* Hyperthreads of a core and cores of a package show the same counter: the first one counts. */
static void emit_throttles(struct pm_linux *x, struct pm_str cpu, const struct place *places, size_t n)
{
	const struct place *p = &places[n];
	const char *dir =
		pm_arena_printf(&x->arena, "%s/devices/system/cpu/%.*s/thermal_throttle", x->sysfs, PM_STR_ARG(cpu));
	double v;
	if (!dir)
		return;
	if (!seen(places, n, p, true) && pm_proc_file_number(&x->arena, &v, NULL, "%s/core_throttle_count", dir) == 0)
		pm_emit(x->emit, &core_throttles, v, PM_LABEL("package", p->package), PM_LABEL("core", p->core));
	if (!seen(places, n, p, false) &&
		pm_proc_file_number(&x->arena, &v, NULL, "%s/package_throttle_count", dir) == 0)
		pm_emit(x->emit, &package_throttles, v, PM_LABEL("package", p->package));
}

/* Hosts that can't take CPUs offline have no such file, and then no such series. */
static void emit_online(struct pm_linux *x, struct pm_str cpu, struct pm_str number)
{
	double v;
	if (pm_proc_file_number(&x->arena, &v, NULL, "%s/devices/system/cpu/%.*s/online", x->sysfs, PM_STR_ARG(cpu)) ==
		0)
		pm_emit(x->emit, &online, v == 1, PM_LABEL("cpu", number));
}

static void topology(struct pm_linux *x)
{
	struct pm_strings names;
	size_t n = 0;
	if (pm_proc_list(&x->arena, &names, NULL, "%s/devices/system/cpu", x->sysfs) != 0)
		return;
	struct place *places = pm_arena_array(&x->arena, names.count + 1, sizeof *places);
	for (size_t i = 0; places && i < names.count; i++) {
		struct pm_str cpu = names.v[i], number;
		if (!pm_proc_prefix(cpu, "cpu", &number) || !number.len || number.ptr[0] < '0' || number.ptr[0] > '9')
			continue;
		emit_online(x, cpu, number);
		const char *dir = pm_arena_printf(&x->arena, "%s/devices/system/cpu/%s/topology", x->sysfs, cpu.ptr);
		if (!dir || !pm_proc_word(&x->arena, &places[n].package, "%s/physical_package_id", dir) ||
			!pm_proc_word(&x->arena, &places[n].core, "%s/core_id", dir))
			continue;
		emit_throttles(x, cpu, places, n);
		n++;
	}
}

int pm_linux_cpu(struct pm_linux *x, struct pm_error *err)
{
	int rc = times(x, err);
	if (rc != 0)
		return rc;
	isolation(x);
	topology(x);
	return 0;
}
