/* YAML trees: the rules of Go's yaml.v2 that Prometheus's files rely on, the places in messages, the limits. The table
 * of scalars was checked against yaml.v2 itself. */
#include "tests/support/test.h"

#include "libtsdb/base/buf.h"
#include "libtsdb/base/yaml.h"

#include <fcntl.h>

static struct pm_yaml *load(const char *text)
{
	struct pm_error err = { 0 };
	struct pm_yaml *y = NULL;

	assert_ok(pm_yaml_load(pm_str(text), "f.yml", &y, &err), &err);
	return y;
}

/* The load must fail here, for a reason that contains this. */
static void check_refused(const char *text, int code, int line, const char *reason)
{
	struct pm_error err = { 0 };
	struct pm_yaml *y = NULL;
	int rc = pm_yaml_load(pm_str(text), "f.yml", &y, &err);

	if (rc != code || err.code != code || err.line != line || !strstr(err.msg, reason) || y)
		fail_msg("%s\n\tgave %d, line %d: %s", text, rc, err.line, err.msg);
	assert_string_equal(err.file, "f.yml");
	assert_int_equal(pm_yaml_load(pm_str(text), "f.yml", &y, NULL), code);
}

/* A tree as one line: scalars in quotes, "~" for null. */
static void render(struct pm_buf *b, const struct pm_yaml_node *n)
{
	switch (n->kind) {
	case PM_YAML_NULL:
		pm_buf_char(b, '~');
		break;
	case PM_YAML_SCALAR:
		pm_buf_fmt(b, "'%.*s'", PM_STR_ARG(n->text));
		break;
	case PM_YAML_SEQ:
		pm_buf_char(b, '[');
		for (size_t i = 0; i < n->count; i++) {
			pm_buf_cstr(b, i ? "," : "");
			render(b, n->items[i]);
		}
		pm_buf_char(b, ']');
		break;
	case PM_YAML_MAP:
		pm_buf_char(b, '{');
		for (size_t i = 0; i < n->count; i++) {
			pm_buf_fmt(b, "%s%.*s:", i ? "," : "", PM_STR_ARG(n->pairs[i].key));
			render(b, n->pairs[i].value);
		}
		pm_buf_char(b, '}');
		break;
	}
}

static void check_tree(const char *text, const char *want)
{
	struct pm_yaml *y = load(text);
	struct pm_buf b = { 0 };

	render(&b, pm_yaml_root(y));
	assert_str(pm_buf_view(&b), want);
	pm_buf_release(&b);
	pm_yaml_free(y);
}

static void test_trees(void **state)
{
	check_tree("", "~");
	check_tree("# only a comment\n", "~");
	check_tree("---\n", "~");
	check_tree("x", "'x'");
	check_tree("b: 1\na: [x, 'y z', \"q\\n\"]\nc:\n", "{b:'1',a:['x','y z','q\n'],c:~}");
	check_tree("- 1\n- {a: b}\n-\n", "['1',{a:'b'},~]");
	check_tree("{\"json\": [true, null, \"a\"]}", "{json:['true',~,'a']}");
	check_tree("a: |\n  two\n  lines\nb: >\n  folded\n  text\n", "{a:'two\nlines\n',b:'folded text\n'}");
	check_tree("1: a\ntrue: b\n~: c\n", "{1:'a',true:'b',:'c'}");
	check_tree("a: 1\n---\nb: [\n", "{a:'1'}");
	check_tree("!!binary aGk=", "'hi'");
	check_tree("a: !!str 5\nb: !mine x\n", "{a:'5',b:'x'}");
}

static void test_places(void **state)
{
	struct pm_yaml *y = load("a: 1\nbb:\n  - x\n  - yy: \"z\"\n");
	const struct pm_yaml_node *root = pm_yaml_root(y), *seq = pm_yaml_get(root, "bb"), *map;

	assert_int_equal(root->line, 1);
	assert_int_equal(root->column, 1);
	assert_int_equal(root->pairs[1].key_node->line, 2);
	assert_int_equal(seq->line, 3);
	assert_int_equal(seq->column, 3);
	map = seq->items[1];
	assert_int_equal(pm_yaml_get(map, "yy")->line, 4);
	assert_int_equal(pm_yaml_get(map, "yy")->column, 9);
	assert_int_equal(pm_yaml_get(map, "yy")->style, PM_YAML_DOUBLE_QUOTED);
	assert_null(pm_yaml_get(map, "none"));
	assert_null(pm_yaml_get(seq, "yy"));
	assert_int_equal(root->height, 4);
	assert_int_equal(root->expanded, 9);
	pm_yaml_free(y);
	pm_yaml_free(NULL);
}

static void test_anchors_and_merges(void **state)
{
	check_tree("a: &x [1]\nb: *x\n", "{a:['1'],b:['1']}");
	check_tree("a: &x 1\nb: &x 2\nc: *x\n", "{a:'1',b:'2',c:'2'}");
	check_tree("a: &x {p: 1, q: 2}\nb: {<<: *x, q: 3}\n", "{a:{p:'1',q:'2'},b:{q:'3',p:'1'}}");
	check_tree("a: &x {p: 1}\nb: {q: 2, p: 3, <<: *x}\n", "{a:{p:'1'},b:{q:'2',p:'3'}}");
	check_tree("- &x {p: 1, q: 1}\n- &y {p: 2, r: 2}\n- <<: [*x, *y]\n  s: 3\n",
		"[{p:'1',q:'1'},{p:'2',r:'2'},{s:'3',p:'1',q:'1',r:'2'}]");
	check_tree("a: {<<: {p: 1}}\n", "{a:{p:'1'}}");
	check_tree("a: {'<<': 1}\n", "{a:{<<:'1'}}");
}

static void test_refused(void **state)
{
	check_refused("a: 1\nb: 2\na: 3\n", PM_ERR_INVALID, 3, "\"a\" stands twice, first in line 1");
	check_refused("x:\n  - {k: 1, 'k': 2}\n", PM_ERR_INVALID, 2, "\"k\" stands twice");
	check_refused("a: *none\n", PM_ERR_INVALID, 1, "unknown anchor \"none\"");
	check_refused("a: &x\n  b: *x\n", PM_ERR_INVALID, 2, "\"x\" contains itself");
	check_refused("a: 1\n<<: 5\n", PM_ERR_INVALID, 2, "needs a mapping");
	check_refused("<<: [{a: 1}, x]\n", PM_ERR_INVALID, 1, "needs a mapping");
	check_refused("[a]: 1\n", PM_ERR_INVALID, 1, "expected a string, not a sequence");
	check_refused("a: 1\n  b: 2\n", PM_ERR_INVALID, 2, "mapping values are not allowed in this context");
	check_refused("a:\n\t- b\n", PM_ERR_INVALID, 2, "cannot start any token");
	check_refused("a: [1, 2\n", PM_ERR_INVALID, 2, "did not find expected ',' or ']'");
	check_refused("a: 'x\n", PM_ERR_INVALID, 2, "unexpected end of stream");
	check_refused("a: !!int x\n", PM_ERR_INVALID, 1, "\"x\" does not fit its tag");
	check_refused("a: !!binary '*'\n", PM_ERR_INVALID, 1, "not base64");
	check_refused("a: !!binary 'aGk'\n", PM_ERR_INVALID, 1, "not base64");
	check_refused("a: !!binary 'aG=k'\n", PM_ERR_INVALID, 1, "not base64");
}

static void test_not_text(void **state)
{
	struct pm_error err = { 0 };
	struct pm_yaml *y = NULL;

	assert_code(pm_yaml_load(PM_STR("a: \x01\n"), "f.yml", &y, &err), PM_ERR_INVALID, &err);
	assert_contains(err.msg, "f.yml: control characters are not allowed at byte 3");
	assert_code(pm_yaml_load(PM_STR("a: \xff\n"), "", &y, &err), PM_ERR_INVALID, &err);
	assert_contains(err.msg, "invalid leading UTF-8 octet at byte 3");
	assert_ok(pm_yaml_load((struct pm_str){ NULL, 0 }, "", &y, &err), &err);
	pm_yaml_free(y);
}

/* ---- limits ------------------------------------------------------------------------------------- */

static void check_depth(int levels, int want)
{
	struct pm_yaml *y = NULL;
	struct pm_error err = { 0 };
	char text[PM_YAML_DEPTH_MAX * 4];

	memset(text, '[', (size_t)levels);
	memset(text + levels, ']', (size_t)levels);
	assert_code(pm_yaml_load((struct pm_str){ text, (size_t)levels * 2 }, "f.yml", &y, &err), want, &err);
	if (want)
		assert_contains(err.msg, "deeper than 100 levels");
	pm_yaml_free(y);
}

static void test_depth(void **state)
{
	check_depth(PM_YAML_DEPTH_MAX - 1, 0);
	check_depth(PM_YAML_DEPTH_MAX, PM_ERR_LIMIT);
	check_depth(PM_YAML_DEPTH_MAX * 2, PM_ERR_LIMIT);
}

/* Aliases inside aliases: what is flat as text is deep as a tree. */
static void test_depth_through_aliases(void **state)
{
	struct pm_buf b = { 0 };
	struct pm_yaml *y = NULL;
	struct pm_error err = { 0 };

	pm_buf_cstr(&b, "- &a0 [x]\n");
	for (int i = 1; i < 120; i++)
		pm_buf_fmt(&b, "- &a%d [*a%d]\n", i, i - 1);
	assert_code(pm_yaml_load(pm_buf_view(&b), "f.yml", &y, &err), PM_ERR_LIMIT, &err);
	assert_contains(err.msg, "deeper than");
	assert_int_equal(err.line, 99);
	pm_buf_release(&b);
}

static void test_bombs(void **state)
{
	struct pm_buf b = { 0 };
	struct pm_yaml *y = NULL;
	struct pm_error err = { 0 };

	pm_buf_cstr(&b, "- &a0 [x,x,x,x,x,x,x,x,x,x]\n");
	for (int i = 1; i < 12; i++)
		pm_buf_fmt(&b, "- &a%d [*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d]\n", i, i - 1, i - 1, i - 1, i - 1,
			i - 1, i - 1, i - 1, i - 1, i - 1);
	assert_code(pm_yaml_load(pm_buf_view(&b), "f.yml", &y, &err), PM_ERR_LIMIT, &err);
	assert_contains(err.msg, "too much comes from aliases");
	pm_buf_reset(&b);
	pm_buf_cstr(&b, "- &m {");
	for (int i = 0; i < 1000; i++)
		pm_buf_fmt(&b, "k%d: 1,", i);
	pm_buf_cstr(&b, "}\n");
	for (int i = 0; i < 1000; i++)
		pm_buf_cstr(&b, "- <<: *m\n");
	assert_code(pm_yaml_load(pm_buf_view(&b), "f.yml", &y, &err), PM_ERR_LIMIT, &err);
	assert_contains(err.msg, "too much comes from aliases");
	pm_buf_release(&b);
}

/* Ordinary use of aliases in an ordinary file is far from the bound. */
static void test_many_aliases(void **state)
{
	struct pm_buf b = { 0 };
	struct pm_yaml *y = NULL;
	struct pm_error err = { 0 };

	pm_buf_cstr(&b, "- &m {a: 1, b: 2}\n");
	for (int i = 0; i < 500; i++)
		pm_buf_fmt(&b, "- {<<: *m, c: %d}\n", i);
	assert_ok(pm_yaml_load(pm_buf_view(&b), "f.yml", &y, &err), &err);
	assert_int_equal(pm_yaml_root(y)->count, 501);
	pm_yaml_free(y);
	pm_buf_release(&b);
}

/* ---- scalars ------------------------------------------------------------------------------------ */

static const struct {
	const char *text;
	enum pm_yaml_type type;
	int64_t i; /* integers and booleans */
	double f;
} scalars[] = {
	{ "''", PM_YAML_T_STR, 0, 0 },
	{ "~", PM_YAML_T_NULL, 0, 0 },
	{ "null", PM_YAML_T_NULL, 0, 0 },
	{ "NULL", PM_YAML_T_NULL, 0, 0 },
	{ "nULL", PM_YAML_T_STR, 0, 0 },
	{ "'null'", PM_YAML_T_STR, 0, 0 },
	{ "y", PM_YAML_T_BOOL, 1, 0 },
	{ "Yes", PM_YAML_T_BOOL, 1, 0 },
	{ "TRUE", PM_YAML_T_BOOL, 1, 0 },
	{ "on", PM_YAML_T_BOOL, 1, 0 },
	{ "N", PM_YAML_T_BOOL, 0, 0 },
	{ "no", PM_YAML_T_BOOL, 0, 0 },
	{ "False", PM_YAML_T_BOOL, 0, 0 },
	{ "OFF", PM_YAML_T_BOOL, 0, 0 },
	{ "oN", PM_YAML_T_STR, 0, 0 },
	{ "truE", PM_YAML_T_STR, 0, 0 },
	{ "\"true\"", PM_YAML_T_STR, 0, 0 },
	{ "!!bool yes", PM_YAML_T_BOOL, 1, 0 },
	{ "0", PM_YAML_T_INT, 0, 0 },
	{ "-0", PM_YAML_T_INT, 0, 0 },
	{ "+12", PM_YAML_T_INT, 12, 0 },
	{ "0x1F", PM_YAML_T_INT, 31, 0 },
	{ "-0x10", PM_YAML_T_INT, -16, 0 },
	{ "0o17", PM_YAML_T_INT, 15, 0 },
	{ "017", PM_YAML_T_INT, 15, 0 },
	{ "-0b11", PM_YAML_T_INT, -3, 0 },
	{ "1_000", PM_YAML_T_INT, 1000, 0 },
	{ "9223372036854775807", PM_YAML_T_INT, INT64_MAX, 0 },
	{ "-9223372036854775808", PM_YAML_T_INT, INT64_MIN, 0 },
	{ "9223372036854775808", PM_YAML_T_UINT, 0, 0 },
	{ "18446744073709551616", PM_YAML_T_FLOAT, 0, 18446744073709551616.0 },
	{ "-9223372036854775809", PM_YAML_T_FLOAT, 0, -9223372036854775809.0 },
	{ "08", PM_YAML_T_FLOAT, 0, 8 },
	{ "1.5", PM_YAML_T_FLOAT, 0, 1.5 },
	{ "1.", PM_YAML_T_FLOAT, 0, 1 },
	{ ".5", PM_YAML_T_FLOAT, 0, .5 },
	{ "-.5e1", PM_YAML_T_FLOAT, 0, -5 },
	{ "1e3", PM_YAML_T_FLOAT, 0, 1000 },
	{ "!!float 3", PM_YAML_T_FLOAT, 0, 3 },
	{ ".inf", PM_YAML_T_FLOAT, 0, __builtin_inf() },
	{ "+.Inf", PM_YAML_T_FLOAT, 0, __builtin_inf() },
	{ "-.INF", PM_YAML_T_FLOAT, 0, -__builtin_inf() },
	{ "-.iNF", PM_YAML_T_STR, 0, 0 },
	{ "+.nan", PM_YAML_T_STR, 0, 0 },
	{ "0x", PM_YAML_T_STR, 0, 0 },
	{ "0x1p3", PM_YAML_T_STR, 0, 0 },
	{ "+", PM_YAML_T_STR, 0, 0 },
	{ "-", PM_YAML_T_STR, 0, 0 },
	{ "..", PM_YAML_T_STR, 0, 0 },
	{ "1e", PM_YAML_T_STR, 0, 0 },
	{ "1e999", PM_YAML_T_STR, 0, 0 },
	{ "2001-01-01", PM_YAML_T_STR, 0, 0 },
	{ "1:30", PM_YAML_T_STR, 0, 0 },
	{ "30s", PM_YAML_T_STR, 0, 0 },
	{ "!!str 5", PM_YAML_T_STR, 0, 0 },
	{ "|\n  5", PM_YAML_T_STR, 0, 0 },
};

static void test_scalars(void **state)
{
	for (size_t i = 0; i < sizeof scalars / sizeof scalars[0]; i++) {
		char text[64];
		struct pm_yaml *y;
		struct pm_yaml_value v;

		snprintf(text, sizeof text, "a: %s\n", strcmp(scalars[i].text, "-") ? scalars[i].text : "'-'");
		y = load(text);
		assert_ok(pm_yaml_resolve(pm_yaml_get(pm_yaml_root(y), "a"), &v, NULL), NULL);
		if (v.type != scalars[i].type)
			fail_msg("%s is of type %d", scalars[i].text, v.type);
		if (v.type == PM_YAML_T_INT)
			assert_int_equal(v.i, scalars[i].i);
		if (v.type == PM_YAML_T_BOOL)
			assert_int_equal(v.b, scalars[i].i);
		if (v.type == PM_YAML_T_FLOAT)
			assert_bits(v.f, scalars[i].f);
		pm_yaml_free(y);
	}
}

static void test_nan(void **state)
{
	struct pm_yaml *y = load(".NaN");
	double v = 0;

	assert_ok(pm_yaml_double(pm_yaml_root(y), &v, NULL), NULL);
	assert_bits(v, pm_bits_double(PM_NORMAL_NAN_BITS));
	pm_yaml_free(y);
}

/* What each accessor makes of a scalar: "-" refused, "=" left alone. */
static void check_types(const char *text, const char *as_str, const char *as_bool, const char *as_int,
	const char *as_uint, const char *as_double)
{
	struct pm_yaml *y = load(text);
	const struct pm_yaml_node *n = pm_yaml_root(y);
	struct pm_error err = { 0 };
	struct pm_str s = PM_STR("=");
	char out[5][64] = { "-", "-", "-", "-", "-" };
	bool b = true;
	int64_t i = -77;
	uint64_t u = 77;
	double f = 7.75;

	if (pm_yaml_str(n, &s, &err) == 0)
		snprintf(out[0], 64, "%.*s", PM_STR_ARG(s));
	if (pm_yaml_bool(n, &b, &err) == 0)
		snprintf(out[1], 64, "%s", b ? "true" : "false");
	if (pm_yaml_int(n, &i, &err) == 0)
		snprintf(out[2], 64, "%" PRId64, i);
	if (pm_yaml_uint(n, &u, &err) == 0)
		snprintf(out[3], 64, "%" PRIu64, u);
	if (pm_yaml_double(n, &f, &err) == 0)
		snprintf(out[4], 64, "%g", f);
	assert_string_equal(out[0], as_str);
	assert_string_equal(out[1], as_bool);
	assert_string_equal(out[2], as_int);
	assert_string_equal(out[3], as_uint);
	assert_string_equal(out[4], as_double);
	pm_yaml_free(y);
}

static void test_accessors(void **state)
{
	check_types("~", "", "true", "-77", "77", "7.75");
	check_types("no", "no", "false", "-", "-", "-");
	check_types("'no'", "no", "-", "-", "-", "-");
	check_types("12", "12", "-", "12", "12", "12");
	check_types("-12", "-12", "-", "-12", "-", "-12");
	check_types("1.9", "1.9", "-", "1", "1", "1.9");
	check_types("-1.9", "-1.9", "-", "-1", "-", "-1.9");
	check_types("1e30", "1e30", "-", "-", "-", "1e+30");
	check_types("9223372036854775808", "9223372036854775808", "-", "-", "9223372036854775808", "9.22337e+18");
	check_types(".inf", ".inf", "-", "-", "-", "inf");
	check_types("'5'", "5", "-", "-", "-", "-");
	check_types("[1]", "-", "-", "-", "-", "-");
	check_types("{a: 1}", "-", "-", "-", "-", "-");
}

static void test_messages(void **state)
{
	struct pm_yaml *y = load("a:\n  - x: [1]\n    y: 5m\n");
	const struct pm_yaml_node *map = pm_yaml_get(pm_yaml_root(y), "a")->items[0];
	static const char *const keys[] = { "x", "z", NULL };
	struct pm_error err = { 0 };
	struct pm_str s;
	int64_t i;

	assert_code(pm_yaml_str(pm_yaml_get(map, "x"), &s, &err), PM_ERR_INVALID, NULL);
	assert_string_equal(err.msg, "expected a string, not a sequence");
	assert_code(pm_yaml_int(pm_yaml_get(map, "y"), &i, &err), PM_ERR_INVALID, NULL);
	assert_string_equal(err.msg, "expected an integer, not \"5m\"");
	assert_int_equal(err.line, 3);
	assert_int_equal(err.column, 8);
	assert_string_equal(err.file, "f.yml");
	assert_code(pm_yaml_check_keys(map, keys, &err), PM_ERR_INVALID, NULL);
	assert_string_equal(err.msg, "unknown key \"y\"");
	assert_int_equal(err.column, 5);
	assert_code(pm_yaml_check_keys(pm_yaml_get(map, "x"), keys, &err), PM_ERR_INVALID, NULL);
	assert_string_equal(err.msg, "expected a mapping");
	pm_yaml_free(y);
	y = load("");
	assert_ok(pm_yaml_check_keys(pm_yaml_root(y), keys, &err), &err);
	pm_yaml_free(y);
}

/* ---- the rest ----------------------------------------------------------------------------------- */

static int load_all(void *arg)
{
	struct pm_error err = { 0 };
	struct pm_yaml *y = NULL;
	int rc = pm_yaml_load(
		PM_STR("a: &x {p: 1, q: [1, 2]}\nb: {<<: *x, q: !!str 3}\nc: !!binary aGk=\n"), "f.yml", &y, &err);

	assert_true(rc == 0 || (rc == PM_ERR_NOMEM && err.code == rc && !y));
	pm_yaml_free(y);
	return rc;
}

static void test_out_of_memory(void **state)
{
	assert_true(test_mem_faults(load_all, NULL) > 4);
}

/* Prometheus's own files: all that are not named "bad" are YAML that we read. */
static void test_prometheus_files(void **state)
{
	const char *dir = test_shared_or_skip("cases/prometheus-config");
	struct pm_strings names = { 0 };
	int fd, read = 0;

	assert_ok(pm_fs_openat(AT_FDCWD, dir, PM_FS_DIRECTORY, &fd, NULL), NULL);
	assert_ok(pm_fs_list(fd, &names, NULL), NULL);
	for (size_t i = 0; i < names.count; i++) {
		struct pm_error err = { 0 };
		struct pm_yaml *y = NULL;
		char *text;
		size_t len;

		if (!strstr(names.v[i].ptr, ".yml") || strstr(names.v[i].ptr, ".bad."))
			continue;
		assert_ok(pm_fs_read_file(fd, names.v[i].ptr, 1 << 20, &text, &len, &err), &err);
		assert_ok(pm_yaml_load((struct pm_str){ text, len }, names.v[i].ptr, &y, &err), &err);
		pm_yaml_free(y);
		pm_free(text);
		read++;
	}
	assert_true(read > 10);
	pm_strings_free(&names);
	pm_fs_close(fd);
}

TEST_MAIN(TEST(test_trees), TEST(test_places), TEST(test_anchors_and_merges), TEST(test_refused), TEST(test_not_text),
	TEST(test_depth), TEST(test_depth_through_aliases), TEST(test_bombs), TEST(test_many_aliases),
	TEST(test_scalars), TEST(test_nan), TEST(test_accessors), TEST(test_messages), TEST(test_out_of_memory),
	TEST(test_prometheus_files))
