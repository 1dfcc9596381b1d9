/* yaml_value.c - what scalars mean, by YAML 1.1 as Go's yaml.v2 reads it, and access to trees. */
#include "libtsdb/base/yaml.h"

#include "libtsdb/base/num.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#define TAG(name) "tag:yaml.org,2002:" name

const struct pm_yaml_node *pm_yaml_get(const struct pm_yaml_node *map, const char *key)
{
	struct pm_str name = pm_str(key);

	for (size_t i = 0; map->kind == PM_YAML_MAP && i < map->count; i++)
		if (pm_str_eq(map->pairs[i].key, name))
			return map->pairs[i].value;
	return NULL;
}

int pm_yaml_fail(const struct pm_yaml_node *n, struct pm_error *err, const char *fmt, ...)
{
	va_list ap;

	if (!err)
		return PM_ERR_INVALID;
	va_start(ap, fmt);
	vsnprintf(err->msg, sizeof err->msg, fmt, ap);
	va_end(ap);
	err->code = PM_ERR_INVALID;
	err->line = n->line;
	err->column = n->column;
	snprintf(err->file, sizeof err->file, "%s", n->file);
	return PM_ERR_INVALID;
}

static bool is_listed(struct pm_str key, const char *const *keys)
{
	for (; *keys; keys++)
		if (pm_str_eq(key, pm_str(*keys)))
			return true;
	return false;
}

int pm_yaml_check_keys(const struct pm_yaml_node *map, const char *const *keys, struct pm_error *err)
{
	if (map->kind == PM_YAML_NULL)
		return 0;
	if (map->kind != PM_YAML_MAP)
		return pm_yaml_fail(map, err, "expected a mapping");
	for (size_t i = 0; i < map->count; i++)
		if (!is_listed(map->pairs[i].key, keys))
			return pm_yaml_fail(
				map->pairs[i].key_node, err, "unknown key \"%.*s\"", PM_STR_ARG(map->pairs[i].key));
	return 0;
}

/* ---- plain scalars ------------------------------------------------------------------------------ */

/* `words` in lower case; allowed are these, capitalized or all capitals. */
static bool is_word(struct pm_str s, const char *const *words)
{
	for (; *words; words++) {
		bool lower = true, upper = true, capital = true;

		if (s.len != strlen(*words))
			continue;
		for (size_t i = 0; i < s.len; i++) {
			char l = (*words)[i], u = l >= 'a' && l <= 'z' ? (char)(l - 32) : l;

			lower &= s.ptr[i] == l;
			upper &= s.ptr[i] == u;
			capital &= s.ptr[i] == (i == 0 ? u : l);
		}
		if (lower || upper || capital)
			return true;
	}
	return false;
}

/* As is_word, where ".NaN" and ".Inf" are the capitalized forms. */
static bool is_special(struct pm_str s, const char *lower, const char *mixed, const char *upper)
{
	return pm_str_eq(s, pm_str(lower)) || pm_str_eq(s, pm_str(mixed)) || pm_str_eq(s, pm_str(upper));
}

static bool resolve_word(struct pm_str s, struct pm_yaml_value *v)
{
	static const char *const yes[] = { "y", "yes", "true", "on", NULL }, *const no[] = { "n", "no", "false", "off",
		NULL };
	static const char *const null[] = { "", "~", "null", NULL };
	bool sign = s.len > 0 && (s.ptr[0] == '-' || s.ptr[0] == '+');
	struct pm_str bare = { s.ptr + sign, s.len - sign };

	if (is_word(s, null))
		v->type = PM_YAML_T_NULL;
	else if ((v->b = is_word(s, yes)) || is_word(s, no))
		v->type = PM_YAML_T_BOOL;
	else if (is_special(bare, ".inf", ".Inf", ".INF"))
		*v = (struct pm_yaml_value){ PM_YAML_T_FLOAT, .f = sign && s.ptr[0] == '-' ? -HUGE_VAL : HUGE_VAL };
	else if (is_special(s, ".nan", ".NaN", ".NAN"))
		*v = (struct pm_yaml_value){ PM_YAML_T_FLOAT, .f = pm_bits_double(PM_NORMAL_NAN_BITS) };
	else
		return false;
	return true;
}

static unsigned digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10) : 99;
}

/* Go's ParseInt and ParseUint with base 0: "0x", "0o", "0b" and a leading zero choose the base. */
static bool resolve_int(struct pm_str s, struct pm_yaml_value *v)
{
	bool sign = s.len > 0 && (s.ptr[0] == '-' || s.ptr[0] == '+'), neg = sign && s.ptr[0] == '-';
	size_t at = sign;
	unsigned base = 10;
	uint64_t u = 0;

	if (s.len - at > 1 && s.ptr[at] == '0') {
		char c = s.ptr[at + 1] | 0x20;

		base = c == 'x' ? 16 : c == 'b' ? 2 : 8;
		at += c == 'x' || c == 'b' || c == 'o' ? 2 : 1;
	}
	if (at == s.len)
		return false;
	for (; at < s.len; at++)
		if (digit_of(s.ptr[at]) >= base || __builtin_mul_overflow(u, (uint64_t)base, &u) ||
			__builtin_add_overflow(u, (uint64_t)digit_of(s.ptr[at]), &u))
			return false;
	if (u <= (uint64_t)INT64_MAX + neg)
		*v = (struct pm_yaml_value){ PM_YAML_T_INT, .i = neg ? (int64_t)(0 - u) : (int64_t)u };
	else if (!sign)
		*v = (struct pm_yaml_value){ PM_YAML_T_UINT, .u = u };
	else
		return false;
	return true;
}

/* Digits, one point, an exponent: no hexadecimal, no words. */
static bool resolve_float(struct pm_str s, struct pm_yaml_value *v)
{
	double f;

	for (size_t i = 0; i < s.len; i++)
		if (!strchr("0123456789.eE+-", s.ptr[i]) || s.ptr[i] == '\0')
			return false;
	if (pm_double_parse(s, &f) != 0)
		return false;
	*v = (struct pm_yaml_value){ PM_YAML_T_FLOAT, .f = f };
	return true;
}

static void resolve_plain(struct pm_str s, struct pm_yaml_value *v)
{
	char buf[512] = "";
	struct pm_str bare = { buf, 0 };

	*v = (struct pm_yaml_value){ .type = PM_YAML_T_STR };
	if (resolve_word(s, v) || !memchr("+-.0123456789", s.ptr[0], 13) || s.len > sizeof buf)
		return;
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] != '_')
			buf[bare.len++] = s.ptr[i];
	if (s.ptr[0] == '.' || !resolve_int(bare, v))
		resolve_float(bare, v);
}

int pm_yaml_resolve(const struct pm_yaml_node *n, struct pm_yaml_value *ret, struct pm_error *err)
{
	static const struct {
		const char *tag;
		enum pm_yaml_type type;
	} tags[] = { { TAG("null"), PM_YAML_T_NULL }, { TAG("bool"), PM_YAML_T_BOOL }, { TAG("int"), PM_YAML_T_INT },
		{ TAG("float"), PM_YAML_T_FLOAT } };
	struct pm_yaml_value v = { .type = PM_YAML_T_STR };
	size_t t = 0;

	if (n->kind != PM_YAML_SCALAR && n->kind != PM_YAML_NULL)
		return pm_yaml_fail(n, err, "expected a scalar");
	if (n->tag.len == 0) {
		if (n->style == PM_YAML_PLAIN)
			resolve_plain(n->text, &v);
		*ret = v;
		return 0;
	}
	while (t < sizeof tags / sizeof tags[0] && !pm_str_eq(n->tag, pm_str(tags[t].tag)))
		t++;
	if (t < sizeof tags / sizeof tags[0]) {
		resolve_plain(n->text, &v);
		if (v.type == PM_YAML_T_INT && tags[t].type == PM_YAML_T_FLOAT)
			v = (struct pm_yaml_value){ PM_YAML_T_FLOAT, .f = (double)v.i };
		if (v.type != tags[t].type && !(v.type == PM_YAML_T_UINT && tags[t].type == PM_YAML_T_INT))
			return pm_yaml_fail(n, err, "\"%.*s\" does not fit its tag", PM_STR_ARG(n->text));
	}
	*ret = v;
	return 0;
}

/* ---- scalars as a type -------------------------------------------------------------------------- */

/* Resolves what must be a scalar that is `wanted`, as the message says. */
static int resolve_for(const struct pm_yaml_node *n, struct pm_yaml_value *v, const char *wanted, struct pm_error *err)
{
	if (n->kind == PM_YAML_SEQ || n->kind == PM_YAML_MAP)
		return pm_yaml_fail(
			n, err, "expected %s, not a %s", wanted, n->kind == PM_YAML_SEQ ? "sequence" : "mapping");
	return pm_yaml_resolve(n, v, err);
}

static int wrong_type(const struct pm_yaml_node *n, const char *wanted, struct pm_error *err)
{
	return pm_yaml_fail(
		n, err, "expected %s, not \"%.*s\"", wanted, n->text.len > 200 ? 200 : (int)n->text.len, n->text.ptr);
}

int pm_yaml_str(const struct pm_yaml_node *n, struct pm_str *ret, struct pm_error *err)
{
	struct pm_yaml_value v;
	int rc = resolve_for(n, &v, "a string", err);

	if (rc < 0)
		return rc;
	*ret = v.type == PM_YAML_T_NULL ? PM_STR("") : n->text;
	return 0;
}

int pm_yaml_bool(const struct pm_yaml_node *n, bool *ret, struct pm_error *err)
{
	static const char wanted[] = "true or false";
	struct pm_yaml_value v;
	int rc = resolve_for(n, &v, wanted, err);

	if (rc < 0 || v.type == PM_YAML_T_NULL)
		return rc;
	if (v.type != PM_YAML_T_BOOL)
		return wrong_type(n, wanted, err);
	*ret = v.b;
	return 0;
}

int pm_yaml_int(const struct pm_yaml_node *n, int64_t *ret, struct pm_error *err)
{
	static const char wanted[] = "an integer";
	struct pm_yaml_value v;
	int rc = resolve_for(n, &v, wanted, err);

	if (rc < 0 || v.type == PM_YAML_T_NULL)
		return rc;
	if (v.type == PM_YAML_T_INT)
		*ret = v.i;
	else if (v.type == PM_YAML_T_FLOAT && v.f >= -0x1p63 && v.f < 0x1p63)
		*ret = (int64_t)v.f;
	else
		return wrong_type(n, wanted, err);
	return 0;
}

int pm_yaml_uint(const struct pm_yaml_node *n, uint64_t *ret, struct pm_error *err)
{
	static const char wanted[] = "an integer that is not negative";
	struct pm_yaml_value v;
	int rc = resolve_for(n, &v, wanted, err);

	if (rc < 0 || v.type == PM_YAML_T_NULL)
		return rc;
	if (v.type == PM_YAML_T_INT && v.i >= 0)
		*ret = (uint64_t)v.i;
	else if (v.type == PM_YAML_T_UINT)
		*ret = v.u;
	else if (v.type == PM_YAML_T_FLOAT && v.f >= 0 && v.f < 0x1p64)
		*ret = (uint64_t)v.f;
	else
		return wrong_type(n, wanted, err);
	return 0;
}

int pm_yaml_double(const struct pm_yaml_node *n, double *ret, struct pm_error *err)
{
	static const char wanted[] = "a number";
	struct pm_yaml_value v;
	int rc = resolve_for(n, &v, wanted, err);

	if (rc < 0 || v.type == PM_YAML_T_NULL)
		return rc;
	if (v.type == PM_YAML_T_INT)
		*ret = (double)v.i;
	else if (v.type == PM_YAML_T_UINT)
		*ret = (double)v.u;
	else if (v.type == PM_YAML_T_FLOAT)
		*ret = v.f;
	else
		return wrong_type(n, wanted, err);
	return 0;
}
