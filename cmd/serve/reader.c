/* reader.c - see reader.h. */
#include "cmd/serve/reader.h"

#include "cmd/cmd.h"
#include "libtsdb/base/num.h"
#include "libtsdb/base/utf8.h"

#include <stdarg.h>
#include <stdio.h>

static int warn(struct pm_reader *r, int line, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static int warn(struct pm_reader *r, int line, const char *fmt, ...)
{
	char text[512];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	struct pm_config_warning *w = pm_arena_zalloc(&r->c->arena, sizeof *w), **end = &r->c->warnings;
	if (!w || !(w->text = pm_arena_printf(&r->c->arena, "%s", text)))
		return pm_fail(r->err, PM_ERR_NOMEM, "out of memory");
	w->line = line;
	while (*end)
		end = &(*end)->next;
	*end = w;
	return 0;
}

static const struct pm_key *find_key(const struct pm_section *s, struct pm_str name)
{
	for (const struct pm_key *k = s->keys; k->name; k++)
		if (pm_str_eq(pm_str(k->name), name))
			return k;
	return NULL;
}

static bool is_later(const struct pm_section *s, struct pm_str name)
{
	for (const char *const *k = s->later; k && *k; k++)
		if (pm_str_eq(pm_str(*k), name))
			return true;
	return false;
}

int pm_read_map(struct pm_reader *r, const struct pm_section *s, const struct pm_yaml_node *map)
{
	if (map->kind == PM_YAML_NULL)
		return 0;
	if (map->kind != PM_YAML_MAP)
		return pm_yaml_fail(map, r->err, "%s must be a mapping", s->name);
	for (size_t i = 0; i < map->count; i++) {
		const struct pm_yaml_pair *p = &map->pairs[i];
		const struct pm_key *k = find_key(s, p->key);
		int rc = 0;
		if (k)
			rc = k->read ? k->read(r, p->value) : 0;
		else if (is_later(s, p->key))
			rc = warn(r, p->key_node->line, "%.*s in %s is not implemented yet and has no effect",
				PM_STR_ARG(p->key), s->name);
		else
			rc = pm_yaml_fail(p->key_node, r->err, "unknown key %.*s in %s", PM_STR_ARG(p->key), s->name);
		if (rc)
			return rc;
	}
	return 0;
}

int pm_read_seq(struct pm_reader *r, const struct pm_yaml_node *seq, const char *name, pm_read_fn *item)
{
	if (seq->kind == PM_YAML_NULL)
		return 0;
	if (seq->kind != PM_YAML_SEQ)
		return pm_yaml_fail(seq, r->err, "%s must be a list", name);
	for (size_t i = 0; i < seq->count; i++) {
		int rc = item(r, seq->items[i]);
		if (rc)
			return rc;
	}
	return 0;
}

/* ---- values ------------------------------------------------------------------------------------- */

int pm_read_duration(struct pm_reader *r, const struct pm_yaml_node *n, int64_t *ret_ms)
{
	struct pm_str text;
	char quoted[128];
	int rc = pm_yaml_str(n, &text, r->err);
	if (rc || n->kind == PM_YAML_NULL)
		return rc;
	if (pm_duration_parse(text, ret_ms))
		return pm_yaml_fail(
			n, r->err, "not a valid duration string: %s", pm_quote_fixed(quoted, sizeof quoted, text));
	return 0;
}

int pm_read_size(struct pm_reader *r, const struct pm_yaml_node *n, size_t *ret)
{
	struct pm_str text;
	uint64_t v;
	int rc = pm_yaml_str(n, &text, r->err);
	if (rc || n->kind == PM_YAML_NULL)
		return rc;
	if (pm_size_parse(text, &v))
		return pm_yaml_fail(n, r->err, "\"%.*s\" is not a size such as 10MB", PM_STR_ARG(text));
	*ret = (size_t)v;
	return 0;
}

int pm_read_count(struct pm_reader *r, const struct pm_yaml_node *n, size_t *ret)
{
	uint64_t v = *ret;
	int rc = pm_yaml_uint(n, &v, r->err);
	*ret = v;
	return rc;
}

int pm_read_labels(struct pm_reader *r, const struct pm_yaml_node *map, struct pm_labels *ret)
{
	char quoted[128];
	size_t count = 0;
	if (map->kind == PM_YAML_NULL)
		return 0;
	if (map->kind != PM_YAML_MAP)
		return pm_yaml_fail(map, r->err, "labels must be a mapping");
	struct pm_label *v = pm_arena_array(&r->c->arena, map->count + 1, sizeof *v);
	if (!v)
		return pm_fail(r->err, PM_ERR_NOMEM, "out of memory");
	for (size_t i = 0; i < map->count; i++) {
		const struct pm_yaml_pair *p = &map->pairs[i];
		struct pm_str value;
		int rc = pm_yaml_str(p->value, &value, r->err);
		if (rc)
			return rc;
		if (p->key.len == 0 || !pm_utf8_valid(p->key))
			return pm_yaml_fail(p->key_node, r->err, "%s is not a valid label name",
				pm_quote_fixed(quoted, sizeof quoted, p->key));
		if (!pm_utf8_valid(value))
			return pm_yaml_fail(p->value, r->err, "%s is not a valid label value",
				pm_quote_fixed(quoted, sizeof quoted, value));
		if (value.len)
			v[count++] = (struct pm_label){ p->key, value };
	}
	int rc = pm_labels_normalize(v, &count, r->err);
	*ret = (struct pm_labels){ v, count };
	return rc;
}
