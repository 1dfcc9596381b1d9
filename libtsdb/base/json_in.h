/* json_in.h - JSON documents as trees: the only includer of jansson. Numbers are kept as int64 or double; a key that
 * stands twice is refused; nesting is limited. */
#ifndef PM_BASE_JSON_IN_H
#define PM_BASE_JSON_IN_H

#include "libtsdb/pm.h"

struct pm_json_doc;   /* owns the tree */
struct pm_json_value; /* a part of it, good as long as the document */

/* `text` is not needed afterwards. PM_ERR_INVALID with line and column, PM_ERR_NOMEM. */
int pm_json_parse(struct pm_str text, struct pm_json_doc **ret, struct pm_error *err);
void pm_json_free(struct pm_json_doc *doc); /* NULL allowed */
const struct pm_json_value *pm_json_root(const struct pm_json_doc *doc);

/* What is asked of a value of another kind, or of NULL, is NULL, 0 or empty: chains need no checks in between. */
const struct pm_json_value *pm_json_get(const struct pm_json_value *object, const char *key);
const struct pm_json_value *pm_json_at(const struct pm_json_value *array, size_t i);
size_t pm_json_count(const struct pm_json_value *array);
struct pm_str pm_json_get_str(const struct pm_json_value *object, const char *key);
/* 0, or PM_ERR_NOTFOUND when there is no such key or it is no integer. */
int pm_json_get_int(const struct pm_json_value *object, const char *key, int64_t *ret);
struct pm_str pm_json_text(const struct pm_json_value *string);

#endif
