/* test_serve_config.c - prometheus.yml: what is read, what is told, what is refused and where. */
#include "tests/support/test.h"

#include "cmd/serve/config.h"
#include "libtsdb/tsdb.h"

#include <dirent.h>

static struct pm_config *parse(const char *text)
{
	struct pm_config *c = NULL;
	struct pm_error err = { 0 };
	assert_ok(pm_config_parse("test.yml", pm_str(text), &c, &err), &err);
	return c;
}

static const struct pm_config_target *target(const struct pm_config *c, size_t i)
{
	const struct pm_config_target *t = c->targets;
	while (t && i--)
		t = t->next;
	assert_non_null(t);
	return t;
}

static struct pm_str label(struct pm_labels l, const char *name)
{
	return pm_labels_get(l, pm_str(name));
}

static void test_defaults(void **state)
{
	struct pm_config *c = parse("scrape_configs:\n- job_name: a\n  static_configs:\n  - targets: [h:1]\n");
	const struct pm_config_target *t = target(c, 0);
	assert_int_equal(c->target_count, 1);
	assert_int_equal(t->scrape.interval_ms, 60000);
	assert_int_equal(t->scrape.timeout_ms, 10000);
	assert_string_equal(t->scrape.url, "http://h:1/metrics");
	assert_int_equal(t->scrape.labels.count, 2);
	assert_str(label(t->scrape.labels, "job"), "a");
	assert_str(label(t->scrape.labels, "instance"), "h:1");
	assert_true(t->scrape.honor_timestamps);
	assert_false(t->scrape.honor_labels);
	assert_null(c->warnings);
	pm_config_free(c);
}

static void test_everything_of_a_job(void **state)
{
	struct pm_config *c = parse(
		"scrape_configs:\n- job_name: a\n  scrape_interval: 1h30m\n  scrape_timeout: 5s\n  scheme: https\n"
		"  metrics_path: probe\n  honor_labels: true\n  honor_timestamps: false\n  body_size_limit: 1.5MB\n"
		"  sample_limit: 7\n  params: {z: ['1 &'], b: [x, y]}\n"
		"  static_configs:\n  - targets: ['[::1]:2', h]\n    labels: {b: '2', a: '1', none: ''}\n  - targets: "
		"[g]\n"
		"global: {scrape_interval: 10s, external_labels: {x: y}, body_size_limit: 3KB, sample_limit: 9}\n");
	const struct pm_config_target *t = target(c, 0);
	assert_int_equal(c->target_count, 3);
	assert_string_equal(t->scrape.url, "https://[::1]:2/probe?b=x&b=y&z=1+%26");
	assert_int_equal(t->scrape.interval_ms, 5400000);
	assert_int_equal(t->scrape.timeout_ms, 5000);
	assert_int_equal(t->scrape.body_size_max, 3 << 19);
	assert_int_equal(t->scrape.sample_max, 7);
	assert_true(t->scrape.honor_labels);
	assert_false(t->scrape.honor_timestamps);
	assert_int_equal(t->scrape.labels.count, 4);
	assert_str(t->scrape.labels.v[0].name, "a");
	assert_str(label(t->scrape.labels, "instance"), "[::1]:2");
	assert_int_equal(target(c, 2)->scrape.labels.count, 2);
	assert_int_equal(target(c, 2)->index, 2);
	assert_str(label(c->external_labels, "x"), "y");
	pm_config_free(c);
}

static void test_limits_of_global_hold_for_jobs_without(void **state)
{
	struct pm_config *c = parse("global: {body_size_limit: 3KB, sample_limit: 9, scrape_interval: 4s}\n"
				    "scrape_configs:\n- job_name: a\n  static_configs: [{targets: [h]}]\n");
	assert_int_equal(target(c, 0)->scrape.body_size_max, 3072);
	assert_int_equal(target(c, 0)->scrape.sample_max, 9);
	assert_int_equal(target(c, 0)->scrape.timeout_ms, 4000); /* ten seconds would be longer than the interval */
	pm_config_free(c);
}

static void test_exemplars(void **state)
{
	struct pm_config *c = parse("storage: {exemplars: {max_exemplars: 5}}\n");
	assert_int_equal(c->exemplar_max, 5);
	pm_config_free(c);
	c = parse("storage: {exemplars: {max_exemplars: 0}}\n"); /* none, which is not the default */
	assert_true(c->exemplar_max == TSDB_EXEMPLARS_NONE);
	pm_config_free(c);
	c = parse("storage: {exemplars: {}}\n");
	assert_int_equal(c->exemplar_max, 0);
	assert_null(c->warnings);
	pm_config_free(c);
}

static void test_labels_that_say_how_to_scrape(void **state)
{
	struct pm_config *c = parse(
		"scrape_configs:\n- job_name: a\n  params: {m: [one, two]}\n  static_configs:\n  - targets: [h:1]\n"
		"    labels: {job: other, instance: i, __scheme__: https, __metrics_path__: /x, __param_m: 'n', "
		"__param_o: p,\n"
		"      __scrape_interval__: 2m, __scrape_timeout__: 3s, __meta_z: gone}\n");
	const struct pm_config_target *t = target(c, 0);
	assert_string_equal(t->scrape.url, "https://h:1/x?m=n&m=two&o=p");
	assert_int_equal(t->scrape.interval_ms, 120000);
	assert_int_equal(t->scrape.timeout_ms, 3000);
	assert_int_equal(t->scrape.labels.count, 2);
	assert_str(label(t->scrape.labels, "job"), "other");
	assert_str(label(t->scrape.labels, "instance"), "i");
	assert_str(label(t->discovered, "__address__"), "h:1");
	assert_str(label(t->discovered, "__meta_z"), "gone");
	assert_str(t->job, "a");
	pm_config_free(c);
}

static void test_doubles_are_one_target(void **state)
{
	struct pm_config *c =
		parse("scrape_configs:\n- job_name: a\n  static_configs: [{targets: [h, g, h]}, {targets: [g]}]\n"
		      "- job_name: b\n  static_configs: [{targets: [h]}]\n");
	assert_int_equal(c->target_count, 3);
	assert_string_equal(target(c, 1)->scrape.url, "http://g/metrics");
	assert_str(target(c, 2)->job, "b");
	pm_config_free(c);
}

static void test_empty_files_are_fine(void **state)
{
	static const char *const texts[] = { "", "# nothing\n", "global:\n", "scrape_configs:\n",
		"scrape_configs: []\n", "{}" };
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		struct pm_config *c = parse(texts[i]);
		assert_int_equal(c->target_count, 0);
		assert_int_equal(c->scrape_interval_ms, 60000);
		pm_config_free(c);
	}
}

static void test_keys_without_effect_are_told(void **state)
{
	struct pm_config *c =
		parse("rule_files: [a]\nscrape_configs:\n- job_name: a\n  relabel_configs: []\n\n  tls_config: {}\n");
	const struct pm_config_warning *w = c->warnings;
	assert_int_equal(w->line, 1);
	assert_contains(w->text, "rule_files");
	w = w->next;
	assert_int_equal(w->line, 4);
	assert_contains(w->text, "relabel_configs in scrape_configs is not implemented yet");
	w = w->next;
	assert_int_equal(w->line, 6);
	assert_null(w->next);
	pm_config_free(c);
}

static void test_what_is_refused_and_where(void **state)
{
	static const struct {
		const char *text;
		int line;
		const char *reason;
	} cases[] = {
		{ "global: {}\nno_such: 1\n", 2, "unknown key no_such in the configuration" },
		{ "global:\n  no_such: 1\n", 2, "unknown key no_such in global" },
		{ "scrape_configs:\n- job_name: a\n  consult_sd_configs: []\n", 3,
			"unknown key consult_sd_configs in scrape_configs" },
		{ "scrape_configs:\n- job_name: a\n  static_configs:\n  - target: [a]\n", 4,
			"unknown key target in static_configs" },
		{ "scrape_configs:\n- job_name: a\n- job_name: b\n- job_name: a\n", 4,
			"found multiple scrape configs with job name \"a\"" },
		{ "scrape_configs:\n- scheme: http\n", 2, "job_name is empty" },
		{ "scrape_configs:\n-\n", 2, "empty or null scrape config section" },
		{ "scrape_configs:\n- job_name: a\n  static_configs:\n  -\n", 4,
			"empty or null section in static_configs" },
		{ "scrape_configs: {a: b}\n", 1, "scrape_configs must be a list" },
		{ "- a\n", 1, "the configuration must be a mapping" },
		{ "global:\n  scrape_interval: 5\n", 2, "not a valid duration string: \"5\"" },
		{ "global:\n  scrape_interval: 5s\n  scrape_timeout: 6s\n", 2,
			"global scrape timeout greater than scrape interval" },
		{ "scrape_configs:\n- job_name: a\n  scrape_interval: 1s\n  scrape_timeout: 2s\n", 2,
			"scrape timeout greater than scrape interval for scrape config with job name \"a\"" },
		{ "scrape_configs:\n- job_name: a\n  sample_limit: x\n", 3, "" },
		{ "scrape_configs:\n- job_name: a\n  body_size_limit: 5Q\n", 3, "not a size" },
		{ "scrape_configs:\n- job_name: a\n  body_size_limit: -5B\n", 3, "not a size" },
		{ "scrape_configs:\n- job_name: a\n  honor_labels: maybe\n", 3, "" },
		{ "scrape_configs:\n- job_name: a\n  params: {a: b}\n", 3, "must be a list" },
		{ "scrape_configs:\n- job_name: a\n  scheme: ftp\n  static_configs:\n  - targets:\n    - h\n", 6,
			"neither http nor https" },
		{ "scrape_configs:\n- job_name: a\n  static_configs:\n  - targets:\n    - http://h:1/x\n", 5,
			"\"http://h:1/x\" is not a valid hostname" },
		{ "scrape_configs:\n- job_name: a\n  static_configs:\n  - targets: ['']\n", 4,
			"a target without an address" },
		{ "scrape_configs:\n- job_name: a\n  static_configs:\n  - targets: [h]\n    labels: "
		  "{__scrape_timeout__: 2m}\n",
			4, "longer than the interval" },
		{ "global: {external_labels: {'': x}}\n", 1, "not a valid label name" },
		{ "global: {\n", 0, "" },
		{ "global: {}\nglobal: {}\n", 2, "" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct pm_config *c = NULL;
		struct pm_error err = { 0 };
		if (pm_config_parse("test.yml", pm_str(cases[i].text), &c, &err) != PM_ERR_INVALID)
			fail_msg("not refused:\n%s", cases[i].text);
		if (cases[i].line && err.line != cases[i].line)
			fail_msg("line %d, not %d: %s\n%s", err.line, cases[i].line, err.msg, cases[i].text);
		assert_string_equal(err.file, "test.yml");
		assert_contains(err.msg, cases[i].reason);
	}
}

static void test_a_file_that_is_not_there(void **state)
{
	struct pm_config *c;
	struct pm_error err = { 0 };
	assert_code(pm_config_load("/nonexistent/pm.yml", &c, &err), PM_ERR_NOTFOUND, &err);
	assert_contains(err.msg, "/nonexistent/pm.yml");
}

static void test_builtin(void **state)
{
	struct pm_config *c;
	struct pm_error err = { 0 };
	assert_ok(pm_config_builtin("127.0.0.1:9", &c, &err), &err);
	assert_int_equal(c->target_count, 2);
	assert_string_equal(target(c, 0)->scrape.url, "http://127.0.0.1:9/metrics");
	assert_string_equal(target(c, 1)->scrape.url, "http://127.0.0.1:9/metrics/host");
	assert_str(target(c, 1)->job, "node");
	assert_null(c->warnings);
	pm_config_free(c);
}

/* Upstream's own examples of good files are all accepted. */
static void test_shared_good_files(void **state)
{
	const char *dir = test_shared_or_skip("cases/prometheus-config");
	DIR *d = opendir(dir);
	size_t n = 0;
	for (struct dirent *e; (e = readdir(d));) {
		struct pm_config *c;
		struct pm_error err = { 0 };
		char path[8192];
		if (!strstr(e->d_name, ".good.yml"))
			continue;
		snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
		if (pm_config_load(path, &c, &err))
			fail_msg("%s:%d: %s", path, err.line, err.msg);
		pm_config_free(c);
		n++;
	}
	closedir(d);
	assert_true(n > 20);
}

static int parse_under_faults(void *arg)
{
	struct pm_config *c;
	int rc = pm_config_builtin("127.0.0.1:9", &c, NULL);
	if (rc == 0) {
		assert_int_equal(c->target_count, 2);
		pm_config_free(c);
	}
	return rc;
}

static void test_out_of_memory(void **state)
{
	assert_true(test_mem_faults(parse_under_faults, NULL) > 5);
}

TEST_MAIN(TEST(test_defaults), TEST(test_everything_of_a_job), TEST(test_limits_of_global_hold_for_jobs_without),
	TEST(test_exemplars), TEST(test_labels_that_say_how_to_scrape), TEST(test_doubles_are_one_target),
	TEST(test_empty_files_are_fine), TEST(test_keys_without_effect_are_told), TEST(test_what_is_refused_and_where),
	TEST(test_a_file_that_is_not_there), TEST(test_builtin), TEST(test_shared_good_files), TEST(test_out_of_memory))
