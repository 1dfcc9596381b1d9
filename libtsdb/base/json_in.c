/* json_in.c - see json_in.h. jansson's nodes are handed out under our name: a tree is read-only here. */
#include "libtsdb/base/json_in.h"

#include "libtsdb/base/mem.h"

#include <jansson.h>
#include <threads.h>

static once_flag allocator_set = ONCE_FLAG_INIT;

static void set_allocator(void)
{
	json_set_alloc_funcs(pm_malloc, pm_free);
}

int pm_json_parse(struct pm_str text, struct pm_json_doc **ret, struct pm_error *err)
{
	json_error_t why;
	json_t *root;

	call_once(&allocator_set, set_allocator);
	root = json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why);
	if (!root && json_error_code(&why) == json_error_out_of_memory)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	if (!root) {
		pm_fail(err, PM_ERR_INVALID, "%s", why.text);
		if (err) {
			err->line = why.line;
			err->column = why.column;
		}
		return PM_ERR_INVALID;
	}
	*ret = (struct pm_json_doc *)root;
	return 0;
}

void pm_json_free(struct pm_json_doc *doc)
{
	json_decref((json_t *)doc);
}

static const json_t *node(const struct pm_json_value *v)
{
	return (const json_t *)v;
}

const struct pm_json_value *pm_json_root(const struct pm_json_doc *doc)
{
	return (const struct pm_json_value *)doc;
}

const struct pm_json_value *pm_json_get(const struct pm_json_value *object, const char *key)
{
	return (const struct pm_json_value *)json_object_get(node(object), key);
}

const struct pm_json_value *pm_json_at(const struct pm_json_value *array, size_t i)
{
	return (const struct pm_json_value *)json_array_get(node(array), i);
}

size_t pm_json_count(const struct pm_json_value *array)
{
	return json_array_size(node(array));
}

struct pm_str pm_json_text(const struct pm_json_value *string)
{
	const char *text = json_string_value(node(string));

	return (struct pm_str){ text, text ? json_string_length(node(string)) : 0 };
}

struct pm_str pm_json_get_str(const struct pm_json_value *object, const char *key)
{
	return pm_json_text(pm_json_get(object, key));
}

int pm_json_get_int(const struct pm_json_value *object, const char *key, int64_t *ret)
{
	const struct pm_json_value *v = pm_json_get(object, key);

	if (!json_is_integer(node(v)))
		return PM_ERR_NOTFOUND;
	*ret = json_integer_value(node(v));
	return 0;
}
