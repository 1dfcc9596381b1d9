/* support.c - see support.h. */
#include "bench/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

void bench_check(int rc, const struct pm_error *err)
{
	if (rc >= 0)
		return;
	fprintf(stderr, "bench: %s: %s\n", pm_strerror(rc), err->msg);
	exit(1);
}

double bench_cpu_s(void)
{
	struct rusage u;
	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

void bench_scratch_make(struct bench_scratch *s, const char *name)
{
	const char *tmp = getenv("TMPDIR");
	snprintf(s->path, sizeof s->path, "%s/pm-%s.XXXXXX", tmp ? tmp : "/tmp", name);
	if (!mkdtemp(s->path)) {
		perror(s->path);
		exit(1);
	}
}

void bench_scratch_remove(const struct bench_scratch *s)
{
	char cmd[sizeof s->path + 16];
	snprintf(cmd, sizeof cmd, "rm -rf '%s'", s->path);
	if (system(cmd) != 0)
		exit(1);
}

struct pm_labels bench_series(uint32_t target, uint32_t i)
{
	static char metric[32], device[32], instance[32];
	static struct pm_label l[6];
	snprintf(metric, sizeof metric, "metric_%u_total", i / 50);
	snprintf(device, sizeof device, "device%u", i % 50);
	snprintf(instance, sizeof instance, "10.0.%u.%u:9100", target / 250, target % 250);
	l[0] = (struct pm_label){ PM_STR("__name__"), pm_str(metric) };
	l[1] = (struct pm_label){ PM_STR("cluster"), PM_STR("eu-west-1a") };
	l[2] = (struct pm_label){ PM_STR("device"), pm_str(device) };
	l[3] = (struct pm_label){ PM_STR("env"), PM_STR("prod") };
	l[4] = (struct pm_label){ PM_STR("instance"), pm_str(instance) };
	l[5] = (struct pm_label){ PM_STR("job"), PM_STR("node") };
	return (struct pm_labels){ l, 6 };
}

void bench_target_sids(struct tsdb_txn *txn, uint32_t target, uint32_t count, tsdb_sid *ret)
{
	struct pm_error err = { 0 };
	for (uint32_t i = 0; i < count; i++)
		bench_check(tsdb_txn_series(txn, bench_series(target, i), &ret[i], &err), &err);
}

struct bench_io bench_io_now(void)
{
	struct bench_io io = { 0 };
	char line[128];
	FILE *f = fopen("/proc/self/io", "r");
	while (f && fgets(line, sizeof line, f)) {
		if (strncmp(line, "wchar:", 6) == 0)
			io.calls = strtoull(line + 6, NULL, 10);
		if (strncmp(line, "write_bytes:", 12) == 0)
			io.pages = strtoull(line + 12, NULL, 10);
	}
	if (f)
		fclose(f);
	return io;
}
