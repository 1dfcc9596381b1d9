/* test_expose_parts.c - below the collectors: fields and numbers of /proc files, the emitter, statvfs with a deadline.
 */
#include "cmd/expose/emit.h"
#include "cmd/expose/procfile.h"
#include "cmd/expose/statfs.h"
#include "tests/support/test.h"

#include <errno.h>
#include <pthread.h>

/* ---- procfile ------------------------------------------------------------------------------------ */

static void test_lines(void **state)
{
	struct pm_str text = PM_STR("one\n\nthree"), line;
	assert_true(pm_proc_line(&text, &line));
	assert_str(line, "one");
	assert_true(pm_proc_line(&text, &line));
	assert_str(line, "");
	assert_true(pm_proc_line(&text, &line));
	assert_str(line, "three");
	assert_false(pm_proc_line(&text, &line));
	text = PM_STR("last\n");
	assert_true(pm_proc_line(&text, &line));
	assert_false(pm_proc_line(&text, &line));
}

static void test_fields(void **state)
{
	struct pm_str field[3], before, after;
	assert_int_equal(pm_proc_fields(PM_STR("  a \t bc\r"), field, 3), 2);
	assert_str(field[0], "a");
	assert_str(field[1], "bc");
	assert_int_equal(pm_proc_fields(PM_STR("1 2 3 4"), field, 3), 3);
	assert_int_equal(pm_proc_fields(PM_STR(" \t "), field, 3), 0);
	assert_true(pm_proc_cut(PM_STR("k:v:w"), ':', &before, &after));
	assert_str(before, "k");
	assert_str(after, "v:w");
	assert_false(pm_proc_cut(PM_STR("kv"), ':', &before, &after));
	assert_false(pm_proc_cut(PM_STR(""), ':', &before, &after));
	assert_str(pm_proc_trim(PM_STR("\n x y \n")), "x y");
	assert_str(pm_proc_trim(PM_STR(" \n")), "");
	assert_true(pm_proc_prefix(PM_STR("cpu12"), "cpu", &after));
	assert_str(after, "12");
	assert_false(pm_proc_prefix(PM_STR("cp"), "cpu", &after));
}

static void test_numbers(void **state)
{
	static const char *const bad[] = { "", "-", "x", "1x", "nan", "inf", "+Inf", "--1", "1e999", ".5", " 1",
		"0x10" };
	struct pm_error err = { 0 };
	double v;
	assert_ok(pm_proc_number(PM_STR("18446744073709551615"), &v, &err), &err);
	assert_bits(v, 18446744073709551615.0);
	assert_ok(pm_proc_number(PM_STR("-1.25"), &v, &err), &err);
	assert_bits(v, -1.25);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_code(pm_proc_number(pm_str(bad[i]), &v, &err), PM_ERR_INVALID, &err);
	assert_ok(pm_proc_hex(PM_STR("0x1f"), &v, &err), &err);
	assert_bits(v, 31);
	assert_ok(pm_proc_hex(PM_STR("ffffffffffffffff"), &v, &err), &err);
	assert_bits(v, 18446744073709551615.0);
	assert_code(pm_proc_hex(PM_STR("10000000000000000"), &v, &err), PM_ERR_INVALID, &err);
	assert_code(pm_proc_hex(PM_STR("0x"), &v, &err), PM_ERR_INVALID, &err);
	assert_code(pm_proc_hex(PM_STR("g"), &v, &err), PM_ERR_INVALID, &err);
}

static void test_files(void **state)
{
	struct pm_arena a;
	struct pm_str text;
	struct pm_strings names;
	struct pm_error err = { 0 };
	char name[5000];
	double v;
	pm_arena_init(&a, 1 << 20);
	assert_ok(pm_proc_read(&a, &text, &err, "%s/loadavg", "tests/fixtures/host/proc"), &err);
	assert_str(text, "0.52 1.25 10.00 3/412 31337\n");
	assert_code(pm_proc_read(&a, &text, &err, "tests/fixtures/host/proc/none"), PM_ERR_NOTFOUND, &err);
	assert_ok(pm_proc_file_number(&a, &v, &err, "tests/fixtures/host/sys/block/sda/queue/rotational"), &err);
	assert_bits(v, 1);
	assert_code(pm_proc_file_number(&a, &v, &err, "tests/fixtures/host/proc/loadavg"), PM_ERR_INVALID, &err);
	assert_true(pm_proc_word(&a, &text, "tests/fixtures/host/sys/class/net/eth0/duplex"));
	assert_str(text, "full");
	assert_false(pm_proc_word(&a, &text, "tests/fixtures/host/none"));
	assert_int_equal(text.len, 0);
	assert_ok(pm_proc_list(&a, &names, &err, "tests/fixtures/host/sys/devices/system/cpu"), &err);
	assert_int_equal(names.count, 5);
	assert_str(names.v[3], "cpu10"); /* behind cpu2 */
	memset(name, 'x', sizeof name - 1);
	name[sizeof name - 1] = 0;
	assert_code(pm_proc_read(&a, &text, &err, "%s", name), PM_ERR_INVALID, &err);
	pm_arena_release(&a);
}

/* ---- emit ---------------------------------------------------------------------------------------- */

static void test_families_are_grouped(void **state)
{
	static const struct pm_metric b = PM_COUNTER("b_total", "Of b."), a = PM_GAUGE("a", "One\nline \\ two."),
				      b2 = PM_GAUGE("b_total", "Other words.");
	struct pm_emit e;
	struct pm_buf out = { 0 };
	pm_emit_init(&e);
	pm_emit(&e, &b, 1, PM_LABEL("x", PM_STR("1")));
	pm_emit_value(&e, &a, 0.5);
	pm_emit(&e, &b2, 2, PM_LABEL("y", PM_STR("q\"\\\n")), PM_LABEL("x", PM_STR("2")), PM_LABEL("z", PM_STR("")));
	assert_ok(pm_emit_write(&e, &out), NULL);
	assert_string_equal(out.ptr, "# HELP a One\\nline \\\\ two.\n# TYPE a gauge\na 0.5\n"
				     "# HELP b_total Of b.\n# TYPE b_total counter\n"
				     "b_total{x=\"1\"} 1\nb_total{x=\"2\",y=\"q\\\"\\\\\\n\"} 2\n");
	pm_buf_release(&out);
	pm_emit_release(&e);
}

static void test_what_comes_from_files_is_cleaned(void **state)
{
	struct pm_emit e;
	struct pm_buf out = { 0 };
	pm_emit_init(&e);
	struct pm_metric m = PM_GAUGE(pm_emit_name(&e, "n_", PM_STR("a(b)-\xc3\xa9"), "_bytes"), "");
	assert_string_equal(m.name, "n_a_b_____bytes");
	pm_emit(&e, &m, 1, PM_LABEL("x", PM_STR("ok \xc3\xa9 bad \xc3( \xff nul \0.")));
	assert_ok(pm_emit_write(&e, &out), NULL);
	assert_string_equal(out.ptr,
		"# TYPE n_a_b_____bytes gauge\n"
		"n_a_b_____bytes{x=\"ok \xc3\xa9 bad \xef\xbf\xbd( \xef\xbf\xbd nul \xef\xbf\xbd.\"} 1\n");
	pm_buf_release(&out);
	pm_emit_release(&e);
}

static void test_a_page_has_limits(void **state)
{
	struct pm_emit e;
	struct pm_buf out = { 0 };
	char name[32];
	pm_emit_init(&e);
	for (int i = 0; i <= PM_EMIT_FAMILY_MAX; i++) {
		snprintf(name, sizeof name, "m%d", i);
		pm_emit_value(&e, (&(struct pm_metric)PM_GAUGE(name, "")), i);
		assert_int_equal(e.error, i < PM_EMIT_FAMILY_MAX ? 0 : PM_ERR_LIMIT);
	}
	assert_code(pm_emit_write(&e, &out), PM_ERR_LIMIT, NULL);
	assert_int_equal(out.len, 0);
	pm_emit_release(&e);
}

/* ---- statfs -------------------------------------------------------------------------------------- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool hanging;
static int asked, returned;

/* "/hang..." waits until `hanging` is over, "/no" is refused, others have as many blocks as their path has letters. */
static int fake_statvfs(const char *path, struct statvfs *ret)
{
	int rc = 0;
	pthread_mutex_lock(&lock);
	asked++;
	while (strncmp(path, "/hang", 5) == 0 && hanging)
		pthread_cond_wait(&changed, &lock);
	if (strcmp(path, "/no") == 0) {
		errno = EACCES;
		rc = -1;
	}
	*ret = (struct statvfs){ .f_blocks = strlen(path) };
	returned++;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
	return rc;
}

static void begin(void)
{
	hanging = true;
	asked = returned = 0;
	pm_statfs_hook(fake_statvfs);
}

/* Let those that hang go, and wait until they are gone from statfs.c too: a mount can be asked again. */
static void end(void)
{
	pthread_mutex_lock(&lock);
	hanging = false;
	pthread_cond_broadcast(&changed);
	while (returned < asked)
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
	struct pm_statfs v = { .path = "/hang0" };
	do
		assert_ok(pm_statfs_all(&v, 1, 10000), NULL);
	while (v.reason);
}

static void test_statfs(void **state)
{
	struct pm_statfs v[] = { { .path = "/a" }, { .path = "/no" }, { .path = "/abc" } };
	begin();
	assert_ok(pm_statfs_all(v, 3, 10000), NULL);
	assert_null(v[0].reason);
	assert_int_equal(v[0].stat.f_blocks, 2);
	assert_string_equal(v[1].reason, "Permission denied");
	assert_int_equal(v[2].stat.f_blocks, 4);
	assert_ok(pm_statfs_all(v, 0, 10000), NULL);
	end();
}

static void test_statfs_of_a_dead_mount(void **state)
{
	struct pm_statfs v[] = { { .path = "/hang0" }, { .path = "/abc" }, { .path = "/hang1" } };
	begin();
	/* Long enough for the live one to answer on a machine that is busy; the dead ones never do. */
	assert_ok(pm_statfs_all(v, 3, 3000), NULL);
	assert_string_equal(v[0].reason, "mountpoint timeout");
	assert_null(v[1].reason);
	assert_int_equal(v[1].stat.f_blocks, 4);
	assert_string_equal(v[2].reason, "mountpoint timeout");
	/* Not asked a second time, so this does not wait for its long deadline. */
	assert_ok(pm_statfs_all(v, 3, 1000000), NULL);
	assert_string_equal(v[0].reason, "mountpoint timeout");
	assert_null(v[1].reason);
	pthread_mutex_lock(&lock);
	assert_int_equal(asked, 4);
	pthread_mutex_unlock(&lock);
	end();
}

/* More dead mounts than threads: the rest is given up too, and threads do not become more and more. */
static void test_statfs_of_many_dead_mounts(void **state)
{
	enum { MANY = 100 };
	struct pm_statfs v[MANY];
	char path[MANY][32];
	for (int i = 0; i < MANY; i++) {
		snprintf(path[i], sizeof path[i], "/hang%d", i);
		v[i] = (struct pm_statfs){ .path = path[i] };
	}
	begin();
	for (int round = 0; round < 8; round++) {
		assert_ok(pm_statfs_all(v, MANY, 20), NULL);
		for (int i = 0; i < MANY; i++)
			assert_string_equal(v[i].reason, "mountpoint timeout");
	}
	pthread_mutex_lock(&lock);
	assert_true(asked > 0 && asked <= PM_STATFS_STUCK_MAX);
	pthread_mutex_unlock(&lock);
	end();
	assert_ok(pm_statfs_all(v, MANY, 10000), NULL);
	assert_null(v[MANY - 1].reason);
	pm_statfs_hook(NULL);
}

TEST_MAIN(TEST(test_lines), TEST(test_fields), TEST(test_numbers), TEST(test_files), TEST(test_families_are_grouped),
	TEST(test_what_comes_from_files_is_cleaned), TEST(test_a_page_has_limits), TEST(test_statfs),
	TEST(test_statfs_of_a_dead_mount), TEST(test_statfs_of_many_dead_mounts))
