/* fuzz_yaml.c - any bytes as a YAML file: no crash, and what is read keeps the promises of the tree (depth, places,
 * keys that stand once), so that readers may recurse and need not look again. */
#include "libtsdb/base/yaml.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(cond) ((cond) ? (void)0 : abort())

static void check_scalar(const struct pm_yaml_node *n)
{
	struct pm_yaml_value v;
	struct pm_str s;

	REQUIRE(pm_yaml_resolve(n, &v, NULL) == 0);
	REQUIRE((n->kind == PM_YAML_NULL) == (v.type == PM_YAML_T_NULL));
	REQUIRE(pm_yaml_str(n, &s, NULL) == 0);
}

/* Visits at most `*budget` nodes: a tree may be wide through aliases. */
static void check_tree(const struct pm_yaml_node *n, uint32_t height_max, int *budget)
{
	REQUIRE(n->line > 0 && n->column > 0);
	REQUIRE(n->height > 0 && n->height <= height_max && n->expanded > 0);
	if (--*budget < 0)
		return;
	if (n->kind == PM_YAML_SCALAR || n->kind == PM_YAML_NULL)
		check_scalar(n);
	for (size_t i = 0; n->kind == PM_YAML_SEQ && i < n->count; i++)
		check_tree(n->items[i], n->height - 1, budget);
	for (size_t i = 0; n->kind == PM_YAML_MAP && i < n->count; i++) {
		for (size_t k = 0; k < i && i < 50; k++)
			REQUIRE(!pm_str_eq(n->pairs[k].key, n->pairs[i].key));
		check_tree(n->pairs[i].value, n->height - 1, budget);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pm_error err = { 0 };
	struct pm_yaml *y = NULL;
	int budget = 10000;
	int rc = pm_yaml_load((struct pm_str){ (const char *)data, size }, "input", &y, &err);

	REQUIRE(rc == 0 || (rc == err.code && err.msg[0] && !y));
	if (rc == 0)
		check_tree(pm_yaml_root(y), PM_YAML_DEPTH_MAX, &budget);
	pm_yaml_free(y);
	return 0;
}
