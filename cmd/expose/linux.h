/* linux.h - what the collectors of `pm expose linux` share. One file a collector, linux_NAME.c; linux.c has the table.
 *
 * A collector emits what it can and returns 0, or a negative enum pm_err, which the page tells as
 * node_scrape_collector_success 0; what it emitted before stays. PM_ERR_NOTFOUND: this host has no such thing. */
#ifndef PM_EXPOSE_LINUX_H
#define PM_EXPOSE_LINUX_H

#include "cmd/expose/emit.h"
#include "cmd/expose/procfile.h"

/* What a process that makes page after page remembers from one to the next. Zeroed at first; made and freed by the
 * caller; one may serve several threads. */
struct pm_linux_memory;
int pm_linux_memory_new(struct pm_linux_memory **ret);
void pm_linux_memory_free(struct pm_linux_memory *m);
/* Times of CPU number `cpu` as /proc/stat has them now, `idle` among them; on return none is smaller than at the last
 * call. */
void pm_linux_memory_cpu(struct pm_linux_memory *m, size_t cpu, double *v, size_t count, size_t idle);

struct pm_linux {
	const char *procfs, *sysfs, *rootfs; /* without a slash at the end; rootfs "" is the root itself */
	struct pm_linux_memory *memory;      /* or NULL */
	struct pm_emit *emit;
	struct pm_arena arena; /* emptied after each collector */
};

/* What a page has. Strings are borrowed. */
struct pm_linux_opts {
	const char *procfs, *sysfs, *rootfs; /* NULL: /proc, /sys, / */
	struct pm_linux_memory *memory;      /* or NULL */
	const char *const *only;             /* names of collectors; only_count 0: those that are on by default */
	size_t only_count;
	const char *const *without; /* leave these out */
	size_t without_count;
	/* Called for each collector that failed, the reason in `err`; may be NULL. */
	void (*failed)(void *arg, const char *collector, const struct pm_error *err);
	void *arg;
};

/* Append one page. PM_ERR_INVALID as pm_linux_check; PM_ERR_NOMEM; PM_ERR_LIMIT. */
int pm_linux_page(const struct pm_linux_opts *opts, struct pm_buf *out, struct pm_error *err);
/* Are the names in `only` and `without` those of collectors? PM_ERR_INVALID: no, and `err` says what names there are.
 */
int pm_linux_check(const struct pm_linux_opts *opts, struct pm_error *err);
size_t pm_linux_collector_count(void);

/* ---- files that hold one number each, as sysfs has them ------------------------------------------ */

struct pm_linux_attr {
	const char *file;
	struct pm_metric metric;
	double times, per; /* value * times / per; 0 means 1 */
	bool hex;
};

#define PM_ATTR(name, m, ...)                                                                                          \
	{                                                                                                              \
		.file = name, .metric = m, __VA_ARGS__                                                                 \
	}

/* Emit each attribute that can be read from directory `dir`, with `labels`. Returns how many there were. */
size_t pm_linux_attrs(struct pm_linux *x, const char *dir, const struct pm_linux_attr *attrs, size_t count,
	const struct pm_label *labels, size_t label_count);
/* A label whose value is the trimmed content of DIR/FILE, empty when there is no such file. */
struct pm_label pm_linux_label(struct pm_linux *x, const char *name, const char *dir, const char *file);

/* ---- collectors ---------------------------------------------------------------------------------- */

int pm_linux_arp(struct pm_linux *x, struct pm_error *err);
int pm_linux_conntrack(struct pm_linux *x, struct pm_error *err);
int pm_linux_cpu(struct pm_linux *x, struct pm_error *err);
int pm_linux_cpufreq(struct pm_linux *x, struct pm_error *err);
int pm_linux_diskstats(struct pm_linux *x, struct pm_error *err);
int pm_linux_dmi(struct pm_linux *x, struct pm_error *err);
int pm_linux_edac(struct pm_linux *x, struct pm_error *err);
int pm_linux_entropy(struct pm_linux *x, struct pm_error *err);
int pm_linux_filefd(struct pm_linux *x, struct pm_error *err);
int pm_linux_filesystem(struct pm_linux *x, struct pm_error *err);
int pm_linux_hwmon(struct pm_linux *x, struct pm_error *err);
int pm_linux_kernel_hung(struct pm_linux *x, struct pm_error *err);
int pm_linux_loadavg(struct pm_linux *x, struct pm_error *err);
int pm_linux_mdadm(struct pm_linux *x, struct pm_error *err);
int pm_linux_meminfo(struct pm_linux *x, struct pm_error *err);
int pm_linux_netclass(struct pm_linux *x, struct pm_error *err);
int pm_linux_netdev(struct pm_linux *x, struct pm_error *err);
int pm_linux_netstat(struct pm_linux *x, struct pm_error *err);
int pm_linux_nvme(struct pm_linux *x, struct pm_error *err);
int pm_linux_os(struct pm_linux *x, struct pm_error *err);
int pm_linux_powersupplyclass(struct pm_linux *x, struct pm_error *err);
int pm_linux_pressure(struct pm_linux *x, struct pm_error *err);
int pm_linux_rapl(struct pm_linux *x, struct pm_error *err);
int pm_linux_schedstat(struct pm_linux *x, struct pm_error *err);
int pm_linux_selinux(struct pm_linux *x, struct pm_error *err);
int pm_linux_sockstat(struct pm_linux *x, struct pm_error *err);
int pm_linux_softnet(struct pm_linux *x, struct pm_error *err);
int pm_linux_stat(struct pm_linux *x, struct pm_error *err);
int pm_linux_thermal_zone(struct pm_linux *x, struct pm_error *err);
int pm_linux_time(struct pm_linux *x, struct pm_error *err);
int pm_linux_timex(struct pm_linux *x, struct pm_error *err);
int pm_linux_udp_queues(struct pm_linux *x, struct pm_error *err);
int pm_linux_uname(struct pm_linux *x, struct pm_error *err);
int pm_linux_vmstat(struct pm_linux *x, struct pm_error *err);
int pm_linux_watchdog(struct pm_linux *x, struct pm_error *err);

#endif
