/* Pages into the store: warm and cold, lines that move, come, go and repeat, labels of the target, failures. */
#include "tests/support/test.h"

#include "libscrape/target/pager.h"
#include "libtsdb/base/clock.h"
#include "tests/support/fake_appender.h"

#define T0 INT64_C(1700000000000)

static const struct pm_label target_labels[] = { { PM_STR("instance"), PM_STR("i") }, { PM_STR("job"), PM_STR("j") } };

struct fixture {
	struct fake_appender *fake;
	struct scrape_target target;
	struct scrape_report report;
	int64_t t_ms;
};

static int setup(void **state)
{
	struct fixture *x = calloc(1, sizeof *x);

	pm_clock_freeze(T0); /* no time passes while a page is parsed */
	x->fake = fake_appender_new();
	x->target = (struct scrape_target){
		.url = "http://h/metrics", .labels = { target_labels, 2 }, .honor_timestamps = true
	};
	x->t_ms = T0;
	*state = x;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *x = *state;

	fake_appender_free(x->fake);
	free(x);
	pm_clock_real();
	return 0;
}

/* Scrape `page` and give what was stored, the report series left out. */
static const char *scrape_as(struct fixture *x, enum scrape_format format, const char *page)
{
	static char text[1 << 16];
	struct pm_error err = { 0 };
	char *report;

	x->t_ms += 15000;
	assert_ok(scrape_store_page(
			  &x->fake->app, &x->target, format, pm_str(page), x->t_ms, 0.25, NULL, &x->report, &err),
		&err);
	snprintf(text, sizeof text, "%s", x->fake->last.ptr);
	report = strstr(text, "{__name__=\"up\"");
	if (report) {
		char *rest = strstr(report, "stale ");

		memmove(report, rest ? rest : "", strlen(rest ? rest : "") + 1);
	}
	return text;
}

static const char *scrape_text(struct fixture *x, const char *page)
{
	return scrape_as(x, SCRAPE_FORMAT_TEXT, page);
}

/* The value of a report series of the last page. */
static double reported(struct fixture *x, const char *name)
{
	char prefix[128];
	const char *at;

	snprintf(prefix, sizeof prefix, "{__name__=\"%s\",instance=\"i\",job=\"j\"} ", name);
	at = strstr(x->fake->last.ptr, prefix);
	assert_non_null(at);
	return strtod(at + strlen(prefix), NULL);
}

static void assert_report(struct fixture *x, double up, double scraped, double kept, double added)
{
	assert_true(reported(x, "up") == up);
	assert_true(reported(x, "scrape_duration_seconds") == 0.25);
	assert_true(reported(x, "scrape_samples_scraped") == scraped);
	assert_true(reported(x, "scrape_samples_post_metric_relabeling") == kept);
	assert_true(reported(x, "scrape_series_added") == added);
	assert_int_equal(x->report.up, up != 0);
	assert_int_equal(x->report.samples_scraped, (size_t)scraped);
	assert_int_equal(x->report.samples_post_relabel, (size_t)kept);
	assert_int_equal(x->report.series_added, (size_t)added);
}

#define A(v) "{__name__=\"a\",instance=\"i\",job=\"j\"} " v "\n"
#define B(v) "{__name__=\"b\",instance=\"i\",job=\"j\",x=\"1\"} " v "\n"
#define C(v) "{__name__=\"c\",instance=\"i\",job=\"j\"} " v "\n"

static void test_first_then_warm(void **state)
{
	struct fixture *x = *state;

	assert_string_equal(scrape_text(x, "# HELP a A\na 1\nb{x=\"1\"} 2\n\nc 3\n"), A("1") B("2") C("3"));
	assert_report(x, 1, 3, 3, 3);
	assert_int_equal(x->fake->warm_pages, 0);
	assert_string_equal(
		scrape_text(x, "# HELP a A\na 4.5\nb{x=\"1\"} NaN\nc 1e300\n\n"), A("4.5") B("NaN") C("1e+300"));
	assert_report(x, 1, 3, 3, 0);
	assert_int_equal(x->fake->warm_pages, 1);
	assert_int_equal(x->fake->series_count, 8);
	assert_string_equal(x->report.error, "");
}

static void test_reordered_page_keeps_its_series(void **state)
{
	struct fixture *x = *state;

	scrape_text(x, "a 1\nb{x=\"1\"} 2\nc 3\n");
	assert_string_equal(scrape_text(x, "c 6\na 4\nb{x=\"1\"} 5\n"), C("6") A("4") B("5"));
	assert_report(x, 1, 3, 3, 0);
	assert_int_equal(x->fake->warm_pages, 0);
	assert_int_equal(x->fake->series_count, 8);
	scrape_text(x, "c 6\na 4\nb{x=\"1\"} 5\n");
	assert_int_equal(x->fake->warm_pages, 1);
}

static void test_lines_that_come_and_go(void **state)
{
	struct fixture *x = *state;

	scrape_text(x, "a 1\nb{x=\"1\"} 2\nc 3\n");
	assert_string_equal(scrape_text(x, "a 1\nc 3\n"),
		A("1") C("3") "stale {__name__=\"b\",instance=\"i\",job=\"j\",x=\"1\"}\n");
	assert_report(x, 1, 2, 2, 0);
	assert_string_equal(scrape_text(x, "a 1\nb{x=\"1\"} 2\nc 3\n"), A("1") B("2") C("3"));
	assert_report(x, 1, 3, 3, 1);
	assert_string_equal(scrape_text(x, "a 1\nb{x=\"1\"} 2\nc 3\nd 4\n"),
		A("1") B("2") C("3") "{__name__=\"d\",instance=\"i\",job=\"j\"} 4\n");
	assert_report(x, 1, 4, 4, 1);
}

/* A name that begins with a known one is another series. */
static void test_prefix_is_no_match(void **state)
{
	struct fixture *x = *state;

	scrape_text(x, "a 1\n");
	assert_string_equal(scrape_text(x, "a5 3\n"),
		"{__name__=\"a5\",instance=\"i\",job=\"j\"} 3\nstale {__name__=\"a\",instance=\"i\",job=\"j\"}\n");
	scrape_text(x, "a 1\n");
	assert_string_equal(scrape_text(x, "a{x=\"1\"} 3\n"), "{__name__=\"a\",instance=\"i\",job=\"j\",x=\"1\"} "
							      "3\nstale {__name__=\"a\",instance=\"i\",job=\"j\"}\n");
	scrape_text(x, "a 1\n");
	assert_string_equal(scrape_text(x, "a {x=\"1\"} 3\n"), "{__name__=\"a\",instance=\"i\",job=\"j\",x=\"1\"} "
							       "3\nstale {__name__=\"a\",instance=\"i\",job=\"j\"}\n");
	scrape_text(x, "a 1\n");
	assert_string_equal(scrape_text(x, "a+3\n"), A("3"));
}

/* Nor is what follows it a value with a timestamp, when timestamps are ignored. */
static void test_prefix_is_no_match_without_timestamps(void **state)
{
	struct fixture *x = *state;

	x->target.honor_timestamps = false;
	scrape_text(x, "a 1\n");
	assert_string_equal(scrape_text(x, "a5 3\n"), "{__name__=\"a5\",instance=\"i\",job=\"j\"} 3\n"
						      "stale {__name__=\"a\",instance=\"i\",job=\"j\"}\n");
}

/* Lines that relabelling dropped are read and counted, and have no value. */
static void test_dropped_lines(void **state)
{
	struct fixture *x = *state;

	x->fake->drop = "\"b\"";
	scrape_text(x, "a 1\nb{x=\"1\"} 2\nc 3\n");
	assert_string_equal(scrape_text(x, "a 4\nb{x=\"1\"} 5\nc 6\n"), A("4") C("6"));
	assert_report(x, 1, 3, 2, 0);
	assert_int_equal(x->fake->warm_pages, 1);
	assert_string_equal(scrape_text(x, "b{x=\"1\"} 5\nc 6\na 4\n"), C("6") A("4"));
	assert_report(x, 1, 3, 2, 0);
	scrape_text(x, "b{x=\"1\"} y\nc 6\na 4\n");
	assert_false(x->report.up);
}

/* A layout that ends otherwise than with the five report series, in order, is not for the warm form. */
static void test_layout_ends_with_report(void **state)
{
	struct fixture *x = *state;
	const struct pm_layout *l;
	struct pm_layout_entry *e;
	struct pm_error err = { 0 };
	struct pm_buf key = { 0 };

	scrape_text(x, "a 1\nb{x=\"1\"} 2\nc 3\nd 4\ne 5\n");
	scrape__layout_key(&x->target, &key);
	assert_ok(x->fake->app.layout(&x->fake->app, pm_buf_view(&key), &l, &err), &err);
	assert_non_null(l);
	assert_true(scrape__ends_with_report(l, 5));
	assert_false(scrape__ends_with_report(l, 4));
	e = (struct pm_layout_entry *)(uintptr_t)l->blocks[l->block_count - 1].entries;
	e[0].text_hash++;
	assert_false(scrape__ends_with_report(l, 5));
	e[0].text_hash--;
	e[0].ref = PM_REF_DROPPED;
	assert_false(scrape__ends_with_report(l, 5));
	x->fake->app.layout_free(&x->fake->app, l);
	pm_buf_release(&key);
}

static void test_first_of_duplicates_wins(void **state)
{
	struct fixture *x = *state;

	assert_string_equal(scrape_text(x, "a 1\na 2\na{} 3\n"), A("1"));
	assert_report(x, 1, 3, 3, 3);
	assert_string_equal(scrape_text(x, "a 4\na 5\na{} 6\n"), A("4"));
	assert_report(x, 1, 3, 3, 0);
	assert_int_equal(x->fake->warm_pages, 1);
	/* what was a double is none when nothing stands before it */
	assert_string_equal(scrape_text(x, "a{} 7\na 8\na 9\n"), A("7"));
	assert_report(x, 1, 3, 3, 0);
	assert_string_equal(scrape_text(x, "a{} 7\n"), A("7"));
	assert_report(x, 1, 1, 1, 0);
}

static void test_malformed_page_is_a_failed_scrape(void **state)
{
	struct fixture *x = *state;

	scrape_text(x, "a 1\nb{x=\"1\"} 2\n");
	assert_string_equal(scrape_text(x, "a 1\nb{x=\"1\"} 2\nc x\n"),
		"stale {__name__=\"a\",instance=\"i\",job=\"j\"}\nstale "
		"{__name__=\"b\",instance=\"i\",job=\"j\",x=\"1\"}\n");
	assert_report(x, 0, 2, 2, 0);
	assert_string_equal(x->report.error, "line 3, column 3: \"x\" is not a number");
	assert_string_equal(scrape_text(x, "a 1\nb{x=\"1\"} 2\n"), A("1") B("2"));
	assert_report(x, 1, 2, 2, 2);
}

static void test_failed_fetch(void **state)
{
	struct fixture *x = *state;
	struct pm_error err = { 0 };

	scrape_text(x, "a 1\n");
	assert_ok(scrape_store_page(&x->fake->app, &x->target, SCRAPE_FORMAT_TEXT, (struct pm_str){ NULL, 0 },
			  T0 + 60000, 0.25, "connection refused", &x->report, &err),
		&err);
	assert_contains(x->fake->last.ptr, "stale {__name__=\"a\"");
	assert_report(x, 0, 0, 0, 0);
	assert_string_equal(x->report.error, "connection refused");
}

static void test_empty_page_is_up(void **state)
{
	struct fixture *x = *state;

	assert_string_equal(scrape_text(x, ""), "");
	assert_report(x, 1, 0, 0, 0);
	assert_string_equal(scrape_text(x, ""), "");
	assert_int_equal(x->fake->warm_pages, 1);
}

static void test_explicit_timestamps(void **state)
{
	struct fixture *x = *state;

	assert_string_equal(scrape_text(x, "a 1 1700000001000\nc 3\n"), A("1 @1700000001000") C("3"));
	assert_string_equal(scrape_text(x, "a 2 1700000002000\nc 4\n"), A("2 @1700000002000") C("4"));
	assert_string_equal(scrape_text(x, ""), "stale {__name__=\"c\",instance=\"i\",job=\"j\"}\n");
	x->target.track_timestamps_staleness = true;
	scrape_text(x, "a 1 1700000001000\n");
	assert_string_equal(scrape_text(x, ""), "stale {__name__=\"a\",instance=\"i\",job=\"j\"}\n");
	x->target.honor_timestamps = false;
	x->fake->warm_pages = 0;
	assert_string_equal(scrape_text(x, "a 1 1700000001000\n"), A("1"));
	assert_string_equal(scrape_text(x, "a 2 1700000002000\n"), A("2"));
	assert_int_equal(x->fake->warm_pages, 1);
}

/* More than ten minutes ahead: dropped, but counted. */
static void test_samples_of_the_future(void **state)
{
	struct fixture *x = *state;

	for (int i = 0; i < 2; i++) {
		assert_string_equal(scrape_text(x, "a 1 1700009999000\nc 3\n"), C("3"));
		assert_true(reported(x, "scrape_samples_scraped") == 2);
		assert_true(reported(x, "scrape_samples_post_metric_relabeling") == 2);
	}
	/* Nor when the line is known from a page on which its time was good. */
	assert_string_equal(scrape_text(x, "a 1 1700000009000\nc 3\n"), A("1 @1700000009000") C("3"));
	assert_string_equal(scrape_text(x, "a 2 1700009999000\nc 4\n"), C("4"));
}

static void test_exposed_labels_move_aside(void **state)
{
	struct fixture *x = *state;

	assert_string_equal(scrape_text(x, "a{job=\"own\",instance=\"\"} 1\n"),
		"{__name__=\"a\",exported_job=\"own\",instance=\"i\",job=\"j\"} 1\n");
	assert_string_equal(scrape_text(x, "a{job=\"own\",exported_job=\"taken\"} 1\n"),
		"{__name__=\"a\",exported_exported_job=\"own\",exported_job=\"taken\",instance=\"i\",job=\"j\"} 1\n"
		"stale {__name__=\"a\",exported_job=\"own\",instance=\"i\",job=\"j\"}\n");
}

static void test_honor_labels(void **state)
{
	struct fixture *x = *state;

	x->target.honor_labels = true;
	assert_string_equal(
		scrape_text(x, "a{job=\"own\",instance=\"\"} 1\nc 1\n"), "{__name__=\"a\",job=\"own\"} 1\n" C("1"));
}

static void test_private_target_labels_reach_no_sample(void **state)
{
	static const struct pm_label labels[] = { { PM_STR("__address__"), PM_STR("h:1") },
		{ PM_STR("job"), PM_STR("j") } };
	struct fixture *x = *state;

	x->target.labels = (struct pm_labels){ labels, 2 };
	assert_string_equal(scrape_text(x, "a{z=\"\\\\\"} 1\n"), "{__name__=\"a\",job=\"j\",z=\"\\\"} 1\n");
}

static void test_limits(void **state)
{
	struct fixture *x = *state;

	x->target.sample_max = 2;
	scrape_text(x, "a 1\nc 3\n");
	assert_report(x, 1, 2, 2, 2);
	scrape_text(x, "a 1\nb 2\nc 3\n");
	assert_report(x, 0, 3, 3, 1); /* b was added before the limit was met, then all was given up */
	assert_string_equal(x->report.error, "sample limit exceeded");
	x->target.sample_max = 0;
	x->target.label_max = 4;
	scrape_text(x, "a{x=\"1\"} 1\n");
	assert_true(x->report.up);
	scrape_text(x, "a{x=\"1\",y=\"2\"} 1\n");
	assert_string_equal(x->report.error, "label_limit exceeded (metric: a, number of labels: 5, limit: 4)");
	x->target.label_name_bytes_max = 8;
	scrape_text(x, "a{longername=\"1\"} 1\n");
	assert_contains(x->report.error,
		"label_name_length_limit exceeded (metric: a, label name: longername, length: 10, limit: 8)");
	x->target.label_value_bytes_max = 8;
	scrape_text(x, "a{x=\"123456789\"} 1\n");
	assert_contains(x->report.error, "label_value_length_limit exceeded");
	assert_false(x->report.up);
}

/* `le` reads otherwise below another TYPE line, although its line stays the same. */
static void test_type_line_changes(void **state)
{
	struct fixture *x = *state;
	const char *plain = "{__name__=\"h\",instance=\"i\",job=\"j\",le=\"1\"}";
	const char *number = "{__name__=\"h\",instance=\"i\",job=\"j\",le=\"1.0\"}";
	char want[256];

	snprintf(want, sizeof want, "%s 1\n", number);
	assert_string_equal(scrape_text(x, "# TYPE h histogram\nh{le=\"1\"} 1\n"), want);
	snprintf(want, sizeof want, "%s 1\nstale %s\n", plain, number);
	assert_string_equal(scrape_text(x, "h{le=\"1\"} 1\n"), want);
	snprintf(want, sizeof want, "%s 1\nstale %s\n", number, plain);
	assert_string_equal(scrape_text(x, "# TYPE h histogram\nh{le=\"1\"} 1\n"), want);
	snprintf(want, sizeof want, "%s 1\nstale %s\n", plain, number);
	assert_string_equal(scrape_text(x, "# TYPE h gauge\nh{le=\"1\"} 1\n"), want);
	snprintf(want, sizeof want, "%s 1\n", plain);
	assert_string_equal(scrape_text(x, "# TYPE h gauge\n\nh{le=\"1\"} 1\n"), want);
	assert_string_equal(scrape_text(x, "# HELP h x\n# TYPE h gauge\nh{le=\"1\"} 1\n"), want);
	/* warm to the TYPE line, cold behind it */
	scrape_text(x, "# TYPE h histogram\nh{le=\"1\"} 1\n");
	assert_string_equal(scrape_text(x, "# TYPE h histogram\nh{le=\"1\"} 1\nh{le=\"2\"} 1\n"),
		"{__name__=\"h\",instance=\"i\",job=\"j\",le=\"1.0\"} "
		"1\n{__name__=\"h\",instance=\"i\",job=\"j\",le=\"2.0\"} 1\n");
}

static void test_openmetrics(void **state)
{
	struct fixture *x = *state;

	assert_string_equal(
		scrape_as(x, SCRAPE_FORMAT_OPENMETRICS, "# TYPE a counter\na 1 # {t=\"x\"} 1 2\nc 3\n# EOF\n"),
		A("1") C("3"));
	assert_string_equal(
		scrape_as(x, SCRAPE_FORMAT_OPENMETRICS, "# TYPE a counter\na 2 # {t=\"y\"} 1 2\nc 4\n# EOF\n"),
		A("2") C("4"));
	assert_int_equal(x->fake->warm_pages, 1);
	scrape_as(x, SCRAPE_FORMAT_OPENMETRICS, "# TYPE a counter\na 2 # {t=\"y\"} 1 2\nc 4\n");
	assert_string_equal(x->report.error, "line 4, column 1: data does not end with # EOF");
	assert_false(x->report.up);
	scrape_as(x, SCRAPE_FORMAT_OPENMETRICS, "a 1\n# EOF\n");
	scrape_as(x, SCRAPE_FORMAT_OPENMETRICS, "a 1\n# EOF\nc 3\n# EOF\n");
	assert_string_equal(x->report.error, "line 3, column 1: unexpected data after # EOF");
	/* what the text format allows is not taken because it was seen there */
	scrape_text(x, "a { b=\"c\" } 1\n# EOF\n");
	assert_true(x->report.up);
	scrape_as(x, SCRAPE_FORMAT_OPENMETRICS, "a { b=\"c\" } 1\n# EOF\n");
	assert_false(x->report.up);
}

static const char *notes(struct fixture *x, enum scrape_format format, const char *page)
{
	scrape_as(x, format, page);
	return x->fake->notes.ptr ? x->fake->notes.ptr : "";
}

#define EA(labels, v) "{__name__=\"a_total\",instance=\"i\",job=\"j\"} " labels " " v "\n"
#define EB(labels, v) "{__name__=\"b_total\",instance=\"i\",job=\"j\"} " labels " " v "\n"

/* Warm, cold, and cold behind a warm beginning: each time an exemplar belongs to its line. */
static void test_exemplars(void **state)
{
	struct fixture *x = *state;

#define PAGE(a, b, more) "# TYPE a counter\na_total 1" a "\n# TYPE b counter\nb_total 2" b "\n" more "# EOF\n"
	assert_string_equal(notes(x, SCRAPE_FORMAT_OPENMETRICS, PAGE("", " # {id=\"1\",b=\"\\n\"} 0.5 12.5", "")),
		EB("{b=\"\n\",id=\"1\"}", "0.5 @12500") "a|counter|?|?\nb|counter|?|?\n");
	assert_string_equal(notes(x, SCRAPE_FORMAT_OPENMETRICS, PAGE(" # {id=\"2\"} 7", " # {} 8", "")),
		EA("{id=\"2\"}", "7") EB("{}", "8"));
	assert_int_equal(x->fake->warm_pages, 1);
	assert_string_equal(notes(x, SCRAPE_FORMAT_OPENMETRICS,
				    PAGE(" # {id=\"3\"} 7", " # {id=\"4\"} 8", "# TYPE c gauge\nc 1\n")),
		EA("{id=\"3\"}", "7") EB("{id=\"4\"}", "8") "c|gauge|?|?\n");
#undef PAGE
}

static void test_metadata(void **state)
{
	struct fixture *x = *state;

	assert_string_equal(
		notes(x, SCRAPE_FORMAT_TEXT,
			"# HELP a First\\nline \\\\.\n# TYPE a counter\na 1\n# TYPE b gauge\nb 2\n# a comment\n"),
		"a|counter|First\nline \\.|?\nb|gauge|?|?\n");
	assert_string_equal(
		notes(x, SCRAPE_FORMAT_TEXT, /* what is known is not said again */
			"# HELP a First\\nline \\\\.\n# TYPE a counter\na 1\n# TYPE b gauge\nb 2\n# a comment\n"),
		"");
	assert_string_equal(notes(x, SCRAPE_FORMAT_OPENMETRICS, "# UNIT a_s s\n# TYPE a_s gauge\na_s 1\n# EOF\n"),
		"a_s|gauge|?|s\n");
}

static void test_layout_changed_under_us(void **state)
{
	struct fixture *x = *state;
	struct pm_error err = { 0 };

	scrape_text(x, "a 1\n");
	x->fake->stale_next = 3;
	assert_string_equal(scrape_text(x, "a 2\n"), A("2"));
	x->fake->stale_next = 1000;
	assert_code(scrape_store_page(&x->fake->app, &x->target, SCRAPE_FORMAT_TEXT, PM_STR("a 3\n"), T0, 0, NULL,
			    &x->report, &err),
		PM_ERR_STALE, NULL);
	assert_true(x->fake->stale_next > 900);
	x->fake->stale_next = 0;
	x->fake->refuse = PM_ERR_NOSPACE;
	assert_code(scrape_store_page(&x->fake->app, &x->target, SCRAPE_FORMAT_TEXT, PM_STR("a 3\n"), T0, 0, NULL,
			    &x->report, &err),
		PM_ERR_NOSPACE, NULL);
}

/* ---- warm and cold agree ------------------------------------------------------------------------ */

static void make_page(struct test_rng *r, struct pm_buf *out, uint64_t names)
{
	static const char *const formats[] = {
		"m%d %d\n",
		"m%d{a=\"%d\"} 1\n",
		"m%d{le=\"1\",b=\"\\\"%d\"} 2.5\n",
		"# TYPE m%d histogram\n",
		"# HELP m%d h%d\n",
		"m%d %d 1700000000001\n",
		"# TYPE m%d gauge\n",
		"\n",
		"{\"m.%d\",q=\"%d\"} NaN\n",
		"m%d{x=\"\n%d\"} 1\n",
	};

	pm_buf_reset(out);
	for (uint64_t n = test_below(r, 30); n > 0; n--) {
		const char *f = formats[test_below(r, 10)];
		char line[128];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(line, sizeof line, f, (int)test_below(r, names), (int)test_below(r, 3));
#pragma GCC diagnostic pop
		pm_buf_cstr(out, line);
	}
	if (test_below(r, 20) == 0)
		pm_buf_cstr(out, "m1 x\n");
}

static void strip_stale(char *text)
{
	char *stale = strncmp(text, "stale ", 6) == 0 ? text : strstr(text, "\nstale ");

	if (stale)
		stale[stale != text] = '\0';
}

/* A page gives the same samples whatever its target showed before. */
static void test_memory_changes_nothing(void **state)
{
	struct test_rng rng = test_rng(3);
	struct fixture *x = *state;
	struct pm_buf page = { 0 };
	size_t warm = 0;

	for (int round = 0; round < 3000; round++) {
		struct fixture fresh = { .fake = fake_appender_new(), .target = x->target, .t_ms = x->t_ms };
		char *with_memory;

		if (!page.len || test_below(&rng, 4))
			make_page(&rng, &page, 1 + test_below(&rng, 12));
		with_memory = strdup(scrape_text(x, page.ptr ? page.ptr : ""));
		strip_stale(with_memory);
		assert_string_equal(scrape_text(&fresh, page.ptr ? page.ptr : ""), with_memory);
		assert_string_equal(fresh.report.error, x->report.error);
		assert_int_equal(fresh.report.samples_scraped, x->report.samples_scraped);
		assert_int_equal(fresh.report.samples_post_relabel, x->report.samples_post_relabel);
		warm = x->fake->warm_pages;
		free(with_memory);
		fake_appender_free(fresh.fake);
	}
	assert_true(warm > 100);
	pm_buf_release(&page);
}

/* Every failed allocation is an error or a failed scrape, nothing worse. */

static int with_faults(void *arg)
{
	struct fixture *x = arg;
	struct scrape_report r;

	/* the fake store's own allocations must not fail: it is refused before */
	x->fake->refuse = PM_ERR_NOSPACE;
	int rc = scrape_store_page(&x->fake->app, &x->target, SCRAPE_FORMAT_TEXT,
		PM_STR("# TYPE h histogram\nh{le=\"1\",job=\"own\"} 1\na{x=\"\\\\\"} 1\n"), T0, 0, NULL, &r, NULL);
	return rc == PM_ERR_NOSPACE ? 0 : rc;
}

static void test_out_of_memory(void **state)
{
	assert_true(test_mem_faults(with_faults, *state) > 5);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

TEST_MAIN(T(test_first_then_warm), T(test_reordered_page_keeps_its_series), T(test_lines_that_come_and_go),
	T(test_prefix_is_no_match), T(test_prefix_is_no_match_without_timestamps), T(test_dropped_lines),
	T(test_layout_ends_with_report), T(test_first_of_duplicates_wins), T(test_malformed_page_is_a_failed_scrape),
	T(test_failed_fetch), T(test_empty_page_is_up), T(test_explicit_timestamps), T(test_samples_of_the_future),
	T(test_exposed_labels_move_aside), T(test_honor_labels), T(test_private_target_labels_reach_no_sample),
	T(test_limits), T(test_type_line_changes), T(test_openmetrics), T(test_exemplars), T(test_metadata),
	T(test_layout_changed_under_us), T(test_memory_changes_nothing), T(test_out_of_memory))
