/* test_expose_linux.c - the page of the Linux collectors over tests/fixtures/host: as it must be
 * (tests/golden/expose/linux.txt, written anew with PM_REWRITE=1), and over files that are missing, cut short, garbage
 * or huge. */
#include "cmd/expose/expose.h"
#include "cmd/expose/linux.h"
#include "libscrape/scrape.h"
#include "libtsdb/base/clock.h"
#include "libtsdb/base/fs.h"
#include "tests/support/test.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#define HOST "tests/fixtures/host"
#define GOLDEN "tests/golden/expose/linux.txt"

/* What depends on the host the test runs on. */
static const char *const live[] = { "filesystem", "time", "timex", "uname" };
enum { LIVE = sizeof live / sizeof live[0] };

struct failures {
	size_t count;
	char last[64];
	struct pm_error err;
};

static void failed(void *arg, const char *collector, const struct pm_error *err)
{
	struct failures *f = arg;
	f->count++;
	snprintf(f->last, sizeof f->last, "%s", collector);
	f->err = *err;
}

/* A page of the tree at `host`; `only` NULL: all collectors but those of `live`. */
static void page_of(const char *host, const char *only, struct pm_buf *out, struct failures *f)
{
	char proc[4096], sys[4096], root[4096];
	struct pm_error err = { 0 };
	snprintf(proc, sizeof proc, "%s/proc", host);
	snprintf(sys, sizeof sys, "%s/sys", host);
	snprintf(root, sizeof root, "%s/root/", host);
	*f = (struct failures){ 0 };
	pm_buf_reset(out);
	assert_ok(pm_linux_page(&(struct pm_linux_opts){ .procfs = proc,
					.sysfs = sys,
					.rootfs = root,
					.failed = failed,
					.arg = f,
					.only = &only,
					.only_count = only != NULL,
					.without = live,
					.without_count = only ? 0 : LIVE },
			  out, &err),
		&err);
}

static size_t lines_with(const struct pm_buf *page, const char *part)
{
	size_t n = 0;
	for (const char *p = page->ptr; p && (p = strstr(p, part)) != NULL; p++)
		n++;
	return n;
}

/* Every line is one the parser takes, and each collector has told how it went. */
static void assert_valid(const struct pm_buf *page, size_t collectors)
{
	struct scrape_parser *p;
	struct scrape_line line;
	struct pm_error err = { 0 };
	int rc;
	assert_ok(scrape_parser_new(&p), NULL);
	scrape_parser_begin(p, SCRAPE_FORMAT_TEXT, pm_buf_view(page));
	while ((rc = scrape_parser_next(p, &line, &err)) > 0)
		;
	if (rc != 0)
		print_error("line %d: %s\n", err.line, err.msg);
	assert_int_equal(rc, 0);
	scrape_parser_free(p);
	assert_int_equal(lines_with(page, "\nnode_scrape_collector_success{"), collectors);
}

/* ---- as it must be ------------------------------------------------------------------------------- */

static void test_golden(void **state)
{
	struct pm_buf page = { 0 };
	struct failures f;
	struct pm_error err = { 0 };
	char *want;
	size_t len;
	pm_clock_freeze(1700000000000);
	page_of(HOST, NULL, &page, &f);
	pm_clock_real();
	if (f.count)
		print_error("%s: %s\n", f.last, f.err.msg);
	assert_int_equal(f.count, 0);
	assert_valid(&page, pm_linux_collector_count() - LIVE);
	if (getenv("PM_REWRITE"))
		assert_ok(pm_fs_write_file(AT_FDCWD, GOLDEN, page.ptr, page.len, &err), &err);
	assert_ok(pm_fs_read_file(AT_FDCWD, GOLDEN, 1 << 20, &want, &len, &err), &err);
	assert_string_equal(page.ptr, want);
	pm_free(want);
	pm_buf_release(&page);
}

static void test_filesystem(void **state)
{
	struct pm_buf page = { 0 };
	struct failures f;
	page_of(HOST, "filesystem", &page, &f);
	assert_int_equal(f.count, 0);
	assert_valid(&page, 1);
	/* Mounted twice at one place, one series; proc and docker's layers have none. */
	assert_int_equal(lines_with(&page, "\nnode_filesystem_size_bytes{"), 3);
	assert_int_equal(lines_with(&page, "\nnode_filesystem_device_error{"), 4);
	assert_contains(
		page.ptr, "node_filesystem_readonly{device=\"/dev/sda1\",fstype=\"ext4\",mountpoint=\"/\"} 0\n");
	assert_contains(page.ptr,
		"node_filesystem_readonly{device=\"/dev/mapper/vg0-data\",fstype=\"ext4\",mountpoint=\"/data\"} 1\n");
	assert_contains(page.ptr, "mountpoint=\"/with blank\"} 0\n");
	assert_contains(page.ptr,
		"node_filesystem_device_error{device=\"server:/export\",device_error=\"No such file or directory\","
		"fstype=\"nfs4\",mountpoint=\"/gone\"} 1\n");
	assert_contains(page.ptr,
		"node_filesystem_mount_info{device=\"/dev/sda1\",major=\"8\",minor=\"1\",mountpoint=\"/\"} 1\n");
	pm_buf_release(&page);
}

static void test_time(void **state)
{
	struct pm_buf page = { 0 };
	struct failures f;
	setenv("TZ", "UTC", 1);
	pm_clock_freeze(1700000000000);
	page_of(HOST, "time", &page, &f);
	pm_clock_real();
	assert_contains(page.ptr, "\nnode_time_seconds 1.7e+09\n");
	assert_contains(page.ptr, "\nnode_time_zone_offset_seconds{time_zone=\"UTC\"} 0\n");
	assert_contains(page.ptr, "\nnode_time_clocksource_available_info{clocksource=\"hpet\",device=\"0\"} 1\n");
	assert_contains(page.ptr, "\nnode_time_clocksource_current_info{clocksource=\"tsc\",device=\"0\"} 1\n");
	pm_buf_release(&page);
}

static void test_this_host(void **state)
{
	struct pm_buf page = { 0 };
	struct pm_error err = { 0 };
	assert_ok(pm_expose_linux(&page, &err), &err);
	assert_valid(&page, pm_linux_collector_count());
	assert_contains(page.ptr, "\nnode_uname_info{");
	assert_contains(page.ptr, "\nnode_cpu_seconds_total{cpu=\"");
	pm_buf_release(&page);
}

/* idle falls by a tick: the old value stays. By more than 3 s: the CPU was off. A process that makes one page only
 * shows what there is. */
static void test_cpu_times_never_go_back(void **state)
{
	static const char *const only = "cpu";
	static const struct {
		const char *stat, *user, *idle;
	} steps[] = {
		{ "cpu0 100 0 0 4000 0\n", "user\"} 1\n", "idle\"} 40\n" },
		{ "cpu0 110 0 0 3999 0\n", "user\"} 1.1\n", "idle\"} 40\n" },
		{ "cpu0 105 0 0 4001 0\n", "user\"} 1.1\n", "idle\"} 40.01\n" },
		{ "cpu0 7 0 0 3000 0\n", "user\"} 0.07\n", "idle\"} 30\n" },
	};
	char *dir = test_tmpdir(), path[4096];
	struct pm_linux_memory *memory;
	struct pm_buf page = { 0 };
	struct pm_error err = { 0 };
	assert_ok(pm_linux_memory_new(&memory), NULL);
	for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
		snprintf(path, sizeof path, "%s/stat", dir);
		assert_ok(pm_fs_write_file(AT_FDCWD, path, steps[i].stat, strlen(steps[i].stat), &err), &err);
		pm_buf_reset(&page);
		assert_ok(
			pm_linux_page(
				&(struct pm_linux_opts){
					.procfs = dir, .sysfs = dir, .memory = memory, .only = &only, .only_count = 1 },
				&page, &err),
			&err);
		assert_contains(page.ptr, steps[i].user);
		assert_contains(page.ptr, steps[i].idle);
	}
	pm_linux_memory_free(memory);
	pm_buf_release(&page);
	test_tmpdir_free(dir);
}

static void test_choice_of_collectors(void **state)
{
	const char *only[] = { "loadavg", "uname" }, *bad[] = { "loadavgs" };
	struct pm_buf page = { 0 };
	struct pm_error err = { 0 };
	assert_ok(pm_linux_page(&(struct pm_linux_opts){ .only = only, .only_count = 2 }, &page, &err), &err);
	assert_valid(&page, 2);
	pm_buf_reset(&page);
	assert_ok(pm_linux_page(
			  &(struct pm_linux_opts){
				  .only = only, .only_count = 2, .without = only + 1, .without_count = 1 },
			  &page, &err),
		&err);
	assert_valid(&page, 1);
	assert_int_equal(lines_with(&page, "uname"), 0);
	pm_buf_reset(&page);
	assert_code(pm_linux_page(&(struct pm_linux_opts){ .only = bad, .only_count = 1 }, &page, &err), PM_ERR_INVALID,
		&err);
	assert_contains(err.msg, "loadavgs");
	assert_code(pm_linux_page(&(struct pm_linux_opts){ .without = bad, .without_count = 1 }, &page, &err),
		PM_ERR_INVALID, &err);
	assert_int_equal(page.len, 0);
	pm_buf_release(&page);
}

static void test_a_full_buffer_is_an_error(void **state)
{
	struct pm_buf page;
	struct pm_error err = { 0 };
	pm_buf_init(&page, 1000);
	assert_code(pm_expose_linux(&page, &err), PM_ERR_LIMIT, &err);
	pm_buf_release(&page);
}

/* ---- what is not as it should be ----------------------------------------------------------------- */

/* The collector that must fail when a file is garbage; files not named here hold optional things. */
static const struct {
	const char *file, *collector;
} needed[] = {
	{ "proc/stat", "cpu" },
	{ "proc/loadavg", "loadavg" },
	{ "proc/meminfo", "meminfo" },
	{ "proc/vmstat", "vmstat" },
	{ "proc/diskstats", "diskstats" },
	{ "proc/net/arp", "arp" },
	{ "proc/net/netstat", "netstat" },
	{ "proc/net/snmp", "netstat" },
	{ "proc/net/sockstat", "sockstat" },
	{ "proc/net/softnet_stat", "softnet" },
	{ "proc/net/udp", "udp_queues" },
	{ "proc/net/stat/nf_conntrack", "conntrack" },
	{ "proc/sys/net/netfilter/nf_conntrack_count", "conntrack" },
	{ "proc/sys/fs/file-nr", "filefd" },
	{ "proc/sys/kernel/random/poolsize", "entropy" },
	{ "proc/sys/kernel/hung_task_detect_count", "kernel_hung" },
	{ "proc/pressure/io", "pressure" },
	{ "proc/mdstat", "mdadm" },
	{ "proc/1/mountinfo", "filesystem" },
	{ "sys/devices/system/edac/mc/mc0/ce_count", "edac" },
	{ "sys/class/powercap/intel-rapl:0/energy_uj", "rapl" },
};

static const char garbage[] =
	"cpu0 \xff\xfe\x01 -- 1e999 :::\ncpu1 x\n\n  \t\n\"\\ [ ( / ) ]: a=b 0x\nDev: \xf0\x28 nan inf\n";

static char *copy_host(void)
{
	char *dir = test_tmpdir(), command[8192];
	snprintf(command, sizeof command, "cp -a " HOST "/. '%s'", dir);
	assert_int_equal(system(command), 0);
	return dir;
}

static void replace(const char *dir, const char *file, const char *text, size_t len)
{
	char path[4096];
	snprintf(path, sizeof path, "%s/%s", dir, file);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static void test_garbage_fails_its_collector(void **state)
{
	char *dir = copy_host(), *text, path[4096];
	struct pm_buf page = { 0 };
	struct failures f;
	size_t len;
	for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++) {
		snprintf(path, sizeof path, "%s/%s", dir, needed[i].file);
		assert_ok(pm_fs_read_file(AT_FDCWD, path, 1 << 20, &text, &len, NULL), NULL);
		replace(dir, needed[i].file, garbage, sizeof garbage - 1);
		page_of(dir, needed[i].collector, &page, &f);
		if (f.count != 1)
			print_error("%s: %s did not fail\n", needed[i].file, needed[i].collector);
		assert_int_equal(f.count, 1);
		assert_string_equal(f.last, needed[i].collector);
		assert_true(f.err.msg[0] != 0);
		assert_valid(&page, 1);
		assert_contains(page.ptr, "\"} 0\n");
		replace(dir, needed[i].file, text, len);
		pm_free(text);
	}
	pm_buf_release(&page);
	test_tmpdir_free(dir);
}

/* Files that end, or whose lines end, too early. */
static void test_cut_short(void **state)
{
	static const struct {
		const char *file, *text, *collector;
	} cases[] = {
		{ "proc/loadavg", "0.1 0.2", "loadavg" },
		{ "proc/stat", "cpu0 1 2 3\n", "cpu" },
		{ "proc/meminfo", "MemTotal:\n", "meminfo" },
		{ "proc/vmstat", "pgpgin", "vmstat" },
		{ "proc/diskstats", "8 0 sda 1 2 3 4 5 6 7 8 9 10\n", "diskstats" },
		{ "proc/net/dev", "eth0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15\n", "netdev" },
		{ "proc/net/arp", "head\n192.0.2.1 0x1 0x2 00:00:5e:00:53:01 *\n", "arp" },
		{ "proc/net/netstat", "TcpExt: ListenDrops\n", "netstat" },
		{ "proc/net/snmp", "Tcp: InSegs OutSegs\nTcp: 1\n", "netstat" },
		{ "proc/net/snmp", "Tcp: InSegs\nUdp: 1\n", "netstat" },
		{ "proc/net/sockstat", "TCP: inuse\n", "sockstat" },
		{ "proc/net/softnet_stat", "1 2 3 4 5 6 7 8\n", "softnet" },
		{ "proc/net/udp", "head\n0: 0:0 0:0 07\n", "udp_queues" },
		{ "proc/net/stat/nf_conntrack", "found invalid\n1\n", "conntrack" },
		{ "proc/sys/fs/file-nr", "1 2\n", "filefd" },
		{ "proc/pressure/memory", "some avg10=0\n", "pressure" },
		{ "proc/schedstat", "cpu0 1 2 3 4 5 6 7 8\n", "schedstat" },
		{ "proc/mdstat", "md0 : active raid1 a[0]\n", "mdadm" },
		{ "proc/mdstat", "md0 : active raid1 a[0]\n  10 blocks\n", "mdadm" },
		{ "proc/mdstat", "md0 : active raid1 a[0]\n  10 blocks [1/1] [U]\n  recovery = 5%\n", "mdadm" },
		{ "proc/1/mountinfo", "21 1 8:1 / / rw - ext4 /dev/sda1\n", "filesystem" },
		{ "proc/1/mountinfo", "21 1 8:1 / / rw ext4 /dev/sda1 rw\n", "filesystem" },
	};
	char *dir = copy_host();
	struct pm_buf page = { 0 };
	struct failures f;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		replace(dir, cases[i].file, cases[i].text, strlen(cases[i].text));
		page_of(dir, cases[i].collector, &page, &f);
		if (f.count != 1 || f.err.code != PM_ERR_INVALID)
			print_error("%s: \"%s\" gave %d %s\n", cases[i].file, cases[i].text, f.err.code, f.err.msg);
		assert_int_equal(f.count, 1);
		assert_int_equal(f.err.code, PM_ERR_INVALID);
		assert_valid(&page, 1);
	}
	pm_buf_release(&page);
	test_tmpdir_free(dir);
}

/* The line of an offline CPU is missing, so newer kernels number the lines. */
static void test_softnet_says_which_cpu(void **state)
{
	static const char text[] = "1 0 0 0 0 0 0 0 0 0 0 0 00000000\n2 0 0 0 0 0 0 0 0 0 0 0 0000000b\n";
	char *dir = copy_host();
	struct pm_buf page = { 0 };
	struct failures f;
	replace(dir, "proc/net/softnet_stat", text, sizeof text - 1);
	page_of(dir, "softnet", &page, &f);
	assert_contains(page.ptr, "node_softnet_processed_total{cpu=\"0\"} 1\n");
	assert_contains(page.ptr, "node_softnet_processed_total{cpu=\"11\"} 2\n");
	pm_buf_release(&page);
	test_tmpdir_free(dir);
}

static char (*host_files)[256];
static size_t host_file_count;

static int list_one(const char *path, const struct stat *st, int type, struct FTW *f)
{
	(void)st, (void)f;
	if (type == FTW_F && host_file_count < 1000)
		snprintf(host_files[host_file_count++], sizeof host_files[0], "%s", path + sizeof HOST);
	return 0;
}

/* Whatever a file holds, the page stays a page. All numbers of one file are made huge, its tail is cut off, ... */
static void abuse(const char *dir, const char *file, const char *text, size_t len, struct test_rng *rng)
{
	static char huge[1 << 16];
	struct pm_buf page = { 0 };
	struct failures f;
	const size_t all = pm_linux_collector_count() - LIVE;
	size_t n = 0;
	for (int kind = 0; kind < 6; kind++) {
		if (kind == 0) {
			replace(dir, file, "", 0);
		} else if (kind == 1) {
			replace(dir, file, garbage, sizeof garbage - 1);
		} else if (kind == 2) {
			replace(dir, file, text, len ? test_below(rng, len) : 0);
		} else if (kind == 3) { /* every digit tenfold */
			for (size_t i = 0; i < len && n + 16 < sizeof huge; i++)
				for (int k = text[i] >= '0' && text[i] <= '9' ? 10 : 1; k > 0; k--)
					huge[n++] = text[i];
			replace(dir, file, huge, n);
		} else if (kind == 4) { /* one field that never ends */
			memset(huge, len ? text[0] : 'x', sizeof huge);
			replace(dir, file, huge, sizeof huge);
		} else { /* bytes turned */
			memcpy(huge, text, len);
			for (size_t i = 0; i < 1 + len / 20; i++)
				huge[test_below(rng, len + 1)] = (char)test_u64(rng);
			replace(dir, file, huge, len);
		}
		page_of(dir, NULL, &page, &f);
		assert_valid(&page, all);
	}
	pm_buf_release(&page);
}

static void test_any_bytes_leave_a_page(void **state)
{
	char *dir = copy_host(), *text, path[4096];
	struct test_rng rng = test_rng(7);
	struct pm_error err = { 0 };
	size_t len;
	host_files = calloc(1000, sizeof host_files[0]);
	host_file_count = 0;
	nftw(HOST, list_one, 16, FTW_PHYS);
	assert_true(host_file_count > 100);
	for (size_t i = 0; i < host_file_count; i++) {
		/* Of the many files with one number each, a part will do. */
		if (strncmp(host_files[i], "sys/", 4) == 0 && test_below(&rng, 4) != 0)
			continue;
		snprintf(path, sizeof path, "%s/%s", dir, host_files[i]);
		assert_ok(pm_fs_read_file(AT_FDCWD, path, 1 << 15, &text, &len, &err), &err);
		abuse(dir, host_files[i], text, len, &rng);
		replace(dir, host_files[i], text, len);
		pm_free(text);
	}
	free(host_files);
	test_tmpdir_free(dir);
}

static void test_nothing_there(void **state)
{
	char *dir = test_tmpdir();
	struct pm_buf page = { 0 };
	struct failures f;
	page_of(dir, NULL, &page, &f);
	assert_valid(&page, pm_linux_collector_count() - LIVE);
	assert_true(f.count > 20);
	assert_int_equal(f.err.code, PM_ERR_NOTFOUND);
	pm_buf_release(&page);
	test_tmpdir_free(dir);
}

static void test_a_file_too_large(void **state)
{
	char *dir = copy_host(), path[4096];
	struct pm_buf page = { 0 };
	struct failures f;
	snprintf(path, sizeof path, "%s/proc/loadavg", dir);
	assert_int_equal(truncate(path, PM_PROC_FILE_MAX + 1), 0);
	page_of(dir, "loadavg", &page, &f);
	assert_int_equal(f.count, 1);
	assert_int_equal(f.err.code, PM_ERR_LIMIT);
	pm_buf_release(&page);
	test_tmpdir_free(dir);
}

/* `arg`: whether to look at the page, which takes memory. */
static int one_page(void *arg)
{
	struct pm_error err;
	static const char *const only[] = { "cpu", "diskstats", "filesystem", "hwmon", "netclass", "rapl" };
	struct pm_buf page = { 0 };
	int rc = pm_linux_page(&(struct pm_linux_opts){ .procfs = HOST "/proc",
				       .sysfs = HOST "/sys",
				       .rootfs = HOST "/root",
				       .only = only,
				       .only_count = 6 },
		&page, &err);
	if (rc == 0 && *(bool *)arg)
		assert_valid(&page, 6);
	pm_buf_release(&page);
	return rc;
}

static void test_out_of_memory(void **state)
{
	bool look = false;
	assert_true(test_mem_faults(one_page, &look) > 50);
}

static void test_reads_that_fail(void **state)
{
	bool look = true;
	assert_true(test_fs_faults(PM_FS_OP_OPEN, EACCES, one_page, &look) > 50);
	assert_true(test_fs_faults(PM_FS_OP_READ, EIO, one_page, &look) > 50);
}

TEST_MAIN(TEST(test_golden), TEST(test_filesystem), TEST(test_time), TEST(test_this_host),
	TEST(test_cpu_times_never_go_back), TEST(test_choice_of_collectors), TEST(test_a_full_buffer_is_an_error),
	TEST(test_garbage_fails_its_collector), TEST(test_cut_short), TEST(test_softnet_says_which_cpu),
	TEST(test_any_bytes_leave_a_page), TEST(test_nothing_there), TEST(test_a_file_too_large),
	TEST(test_out_of_memory), TEST(test_reads_that_fail))
