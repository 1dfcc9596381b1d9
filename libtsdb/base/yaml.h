/* yaml.h - YAML files as trees, read by the rules of Go's yaml.v2, which Prometheus reads its files with: a key that
 * stands twice is refused, "<<" merges mappings, scalars are YAML 1.1's (yes, on, 0777, 0x1f, 1_000), of several
 * documents only the first counts. Every node knows its line and column, for messages.
 *
 * Anchors do not copy: a node may stand at several places of the tree. What an alias may blow up is bounded as in
 * yaml.v2, and so is the depth: a reader may recurse. Two differences: an explicit key always wins over a merged one,
 * wherever "<<" stands, and tags of one's own ("!foo") make no error where a string is read. */
#ifndef PM_BASE_YAML_H
#define PM_BASE_YAML_H

#include "libtsdb/pm.h"

enum { PM_YAML_DEPTH_MAX = 100, PM_YAML_BYTES_MAX = 64 << 20 };

enum pm_yaml_kind {
	PM_YAML_NULL, /* nothing, "~", "null"; also the root of an empty file */
	PM_YAML_SCALAR,
	PM_YAML_SEQ,
	PM_YAML_MAP,
};

enum pm_yaml_style { PM_YAML_PLAIN, PM_YAML_SINGLE_QUOTED, PM_YAML_DOUBLE_QUOTED, PM_YAML_LITERAL, PM_YAML_FOLDED };

struct pm_yaml_node;

struct pm_yaml_pair {
	struct pm_str key; /* "" for a null key */
	const struct pm_yaml_node *key_node, *value;
};

/* Read-only; all of it lives as long as the document. */
struct pm_yaml_node {
	enum pm_yaml_kind kind;
	enum pm_yaml_style style; /* of a scalar */
	int line, column;         /* from 1 */
	const char *file;         /* as given to pm_yaml_load */
	struct pm_str tag;        /* explicit, in its long form ("tag:yaml.org,2002:str"); empty when there is none */
	struct pm_str text;       /* of scalars and nulls, quotes and escapes resolved */
	size_t count;
	const struct pm_yaml_node *const *items; /* of a sequence: `count` */
	const struct pm_yaml_pair *pairs;        /* of a mapping: `count`, in the file's order, merged ones last */
	uint32_t height;                         /* 1 for a scalar, one more than its highest child */
	uint32_t expanded;                       /* nodes below and including this one, aliases followed; saturates */
};

struct pm_yaml;

/* `text` is not needed afterwards; `file` (for messages, copied) may be "". PM_ERR_INVALID with file, line and column,
 * PM_ERR_LIMIT when too deep, too large or too often aliased, PM_ERR_NOMEM. */
int pm_yaml_load(struct pm_str text, const char *file, struct pm_yaml **ret, struct pm_error *err);
void pm_yaml_free(struct pm_yaml *y);
const struct pm_yaml_node *pm_yaml_root(const struct pm_yaml *y);

/* The value of a key, or NULL when it is not there or `map` is no mapping. A null value is a node. O(count). */
const struct pm_yaml_node *pm_yaml_get(const struct pm_yaml_node *map, const char *key);

/* Fill `err` with a message and the node's place, and return PM_ERR_INVALID. */
int pm_yaml_fail(const struct pm_yaml_node *n, struct pm_error *err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Fails unless the node is a mapping (or null, which is an empty one) with keys of this list only; NULL ends it. */
int pm_yaml_check_keys(const struct pm_yaml_node *map, const char *const *keys, struct pm_error *err);

/* Scalars as a type; PM_ERR_INVALID at the node's place otherwise. A null leaves `*ret` alone and gives 0, as upstream
 * keeps the default; for strings it is "". Strings take any scalar as it is written. Booleans, integers and floats must
 * be plain; integers take floats, cut towards zero, and floats take integers. */
int pm_yaml_str(const struct pm_yaml_node *n, struct pm_str *ret, struct pm_error *err);
int pm_yaml_bool(const struct pm_yaml_node *n, bool *ret, struct pm_error *err);
int pm_yaml_int(const struct pm_yaml_node *n, int64_t *ret, struct pm_error *err);
int pm_yaml_uint(const struct pm_yaml_node *n, uint64_t *ret, struct pm_error *err);
int pm_yaml_double(const struct pm_yaml_node *n, double *ret, struct pm_error *err);

/* What a plain scalar is. Timestamps are strings. */
enum pm_yaml_type { PM_YAML_T_NULL, PM_YAML_T_BOOL, PM_YAML_T_INT, PM_YAML_T_UINT, PM_YAML_T_FLOAT, PM_YAML_T_STR };

struct pm_yaml_value {
	enum pm_yaml_type type;
	union {
		bool b;
		int64_t i;
		uint64_t u; /* only above INT64_MAX */
		double f;
	};
};

/* The type and value of a scalar or null, its tag obeyed. PM_ERR_INVALID: it does not fit its tag. */
int pm_yaml_resolve(const struct pm_yaml_node *n, struct pm_yaml_value *ret, struct pm_error *err);

#endif
