/* linux.c - the collectors of this host, as a table, and the page they make together.
 *
 * Names and meanings are node_exporter's; a collector that fails never fails the page. */
#include "cmd/expose/linux.h"

#include "cmd/expose/expose.h"
#include "libtsdb/base/clock.h"

#include <pthread.h>
#include <stdio.h>

static const struct collector {
	const char *name;
	bool on; /* by default */
	int (*collect)(struct pm_linux *x, struct pm_error *err);
} collectors[] = {
	{ "arp", true, pm_linux_arp },
	{ "conntrack", true, pm_linux_conntrack },
	{ "cpu", true, pm_linux_cpu },
	{ "cpufreq", true, pm_linux_cpufreq },
	{ "diskstats", true, pm_linux_diskstats },
	{ "dmi", true, pm_linux_dmi },
	{ "edac", true, pm_linux_edac },
	{ "entropy", true, pm_linux_entropy },
	{ "filefd", true, pm_linux_filefd },
	{ "filesystem", true, pm_linux_filesystem },
	{ "hwmon", true, pm_linux_hwmon },
	{ "kernel_hung", true, pm_linux_kernel_hung },
	{ "loadavg", true, pm_linux_loadavg },
	{ "mdadm", true, pm_linux_mdadm },
	{ "meminfo", true, pm_linux_meminfo },
	{ "netclass", true, pm_linux_netclass },
	{ "netdev", true, pm_linux_netdev },
	{ "netstat", true, pm_linux_netstat },
	{ "nvme", true, pm_linux_nvme },
	{ "os", true, pm_linux_os },
	{ "powersupplyclass", true, pm_linux_powersupplyclass },
	{ "pressure", true, pm_linux_pressure },
	{ "rapl", true, pm_linux_rapl },
	{ "schedstat", true, pm_linux_schedstat },
	{ "selinux", true, pm_linux_selinux },
	{ "sockstat", true, pm_linux_sockstat },
	{ "softnet", true, pm_linux_softnet },
	{ "stat", true, pm_linux_stat },
	{ "thermal_zone", true, pm_linux_thermal_zone },
	{ "time", true, pm_linux_time },
	{ "timex", true, pm_linux_timex },
	{ "udp_queues", true, pm_linux_udp_queues },
	{ "uname", true, pm_linux_uname },
	{ "vmstat", true, pm_linux_vmstat },
	{ "watchdog", true, pm_linux_watchdog },
};

enum { COLLECTORS = sizeof collectors / sizeof collectors[0], COLLECTOR_MEMORY_MAX = 64 << 20 };

static const struct pm_metric duration =
	PM_GAUGE("node_scrape_collector_duration_seconds", "How long a collector took, in seconds.");
static const struct pm_metric success = PM_GAUGE("node_scrape_collector_success", "1 when a collector succeeded.");

static bool named(const char *const *names, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

static bool wanted(const struct pm_linux_opts *opts, const struct collector *c)
{
	if (named(opts->without, opts->without_count, c->name))
		return false;
	return opts->only_count ? named(opts->only, opts->only_count, c->name) : c->on;
}

static int unknown_name(const char *name, struct pm_error *err)
{
	char list[512];
	size_t n = 0;
	for (size_t i = 0; i < COLLECTORS && n < sizeof list; i++)
		n += (size_t)snprintf(list + n, sizeof list - n, " %s", collectors[i].name);
	return pm_fail(err, PM_ERR_INVALID, "no collector is called \"%s\"; there are:%s", name, list);
}

static int check_names(const char *const *names, size_t count, struct pm_error *err)
{
	for (size_t i = 0; i < count; i++) {
		size_t k = 0;
		while (k < COLLECTORS && strcmp(collectors[k].name, names[i]) != 0)
			k++;
		if (k == COLLECTORS)
			return unknown_name(names[i], err);
	}
	return 0;
}

int pm_linux_check(const struct pm_linux_opts *opts, struct pm_error *err)
{
	int rc = check_names(opts->only, opts->only_count, err);
	return rc ? rc : check_names(opts->without, opts->without_count, err);
}

size_t pm_linux_collector_count(void)
{
	return COLLECTORS;
}

static void collect(struct pm_linux *x, const struct collector *c, const struct pm_linux_opts *opts)
{
	struct pm_error err = { 0 };
	int64_t start_ns = pm_monotonic_ns();
	int rc = c->collect(x, &err);
	double seconds = (double)(pm_monotonic_ns() - start_ns) / 1e9;
	pm_emit(x->emit, &duration, seconds, PM_LABEL("collector", pm_str(c->name)));
	pm_emit(x->emit, &success, rc == 0, PM_LABEL("collector", pm_str(c->name)));
	if (rc != 0 && opts->failed)
		opts->failed(opts->arg, c->name, &err);
	pm_arena_reset(&x->arena);
}

/* `path` without slashes at its end, in x's arena's stead: a copy in the emitter's, which lives as long as the page. */
static const char *root_dir(struct pm_emit *e, const char *path)
{
	size_t n = strlen(path);
	while (n > 0 && path[n - 1] == '/')
		n--;
	return pm_arena_printf(&e->arena, "%.*s", (int)n, path);
}

int pm_linux_page(const struct pm_linux_opts *opts, struct pm_buf *out, struct pm_error *err)
{
	struct pm_emit emit;
	int rc = pm_linux_check(opts, err);
	if (rc != 0)
		return rc;
	pm_emit_init(&emit);
	struct pm_linux x = { .emit = &emit,
		.memory = opts->memory,
		.procfs = root_dir(&emit, opts->procfs ? opts->procfs : "/proc"),
		.sysfs = root_dir(&emit, opts->sysfs ? opts->sysfs : "/sys"),
		.rootfs = root_dir(&emit, opts->rootfs ? opts->rootfs : "/") };
	pm_arena_init(&x.arena, COLLECTOR_MEMORY_MAX);
	rc = x.procfs && x.sysfs && x.rootfs ? 0 : PM_ERR_NOMEM;
	for (size_t i = 0; rc == 0 && i < COLLECTORS; i++)
		if (wanted(opts, &collectors[i]))
			collect(&x, &collectors[i], opts);
	if (rc == 0)
		rc = pm_emit_write(&emit, out);
	pm_arena_release(&x.arena);
	pm_emit_release(&emit);
	return rc ? pm_fail(err, rc, "exposition: %s", pm_strerror(rc)) : 0;
}

static struct pm_linux_memory *memory; /* of this process, which is the host's exporter while it serves */

static void memory_begin(void)
{
	if (pm_linux_memory_new(&memory) != 0)
		memory = NULL;
}

int pm_expose_linux(struct pm_buf *out, struct pm_error *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, memory_begin);
	return pm_linux_page(&(struct pm_linux_opts){ .memory = memory }, out, err);
}
