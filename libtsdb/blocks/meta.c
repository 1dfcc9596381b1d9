/* meta.c - see meta.h. */
#include "libtsdb/blocks/meta.h"

#include "libtsdb/base/fs.h"
#include "libtsdb/base/json_in.h"
#include "libtsdb/base/mem.h"
#include "libtsdb/blocks/file.h"

#include <fcntl.h>
#include <stdio.h>

enum { META_SIZE_MAX = 16 << 20, VERSION = 1, ULID_LEN = 26 };

/* Crockford's base 32. */
static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

bool prom__ulid_valid(struct pm_str s)
{
	if (s.len != ULID_LEN)
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (!s.ptr[i] || !strchr(digits, s.ptr[i]))
			return false;
	return true;
}

/* Ten digits of time, sixteen of chance. */
void prom__ulid_make(char out[TSDB_ULID_SIZE], int64_t now_ms, const uint8_t random[10])
{
	uint64_t time = (uint64_t)now_ms & ((UINT64_C(1) << 48) - 1);

	for (int i = 9; i >= 0; i--, time >>= 5)
		out[i] = digits[time & 31];
	for (int i = 0; i < 16; i++) {
		unsigned bit = (unsigned)i * 5, two = (unsigned)random[bit / 8] << 8;

		two |= bit / 8 + 1 < 10 ? random[bit / 8 + 1] : 0;
		out[10 + i] = digits[two >> (11 - bit % 8) & 31];
	}
	out[ULID_LEN] = '\0';
}

static uint64_t count_of(const struct pm_json_value *stats, const char *key)
{
	int64_t n;

	return pm_json_get_int(stats, key, &n) == 0 && n > 0 ? (uint64_t)n : 0;
}

static int read_parents(const struct pm_json_value *compaction, struct prom__parents *parents, struct pm_error *err)
{
	const struct pm_json_value *list = pm_json_get(compaction, "parents");
	const struct pm_json_value *hints = pm_json_get(compaction, "hints");

	parents->out_of_order = false;
	for (size_t i = 0; i < pm_json_count(hints); i++)
		parents->out_of_order |= pm_str_eq(pm_json_text(pm_json_at(hints, i)), PM_STR("from-out-of-order"));
	for (size_t i = 0; i < pm_json_count(list); i++) {
		struct pm_str ulid = pm_json_get_str(pm_json_at(list, i), "ulid");

		if (!prom__ulid_valid(ulid))
			continue;
		if (pm_grow(&parents->v, &parents->cap, parents->count + 1) < 0)
			return pm_fail(err, PM_ERR_NOMEM, "out of memory");
		memcpy(parents->v[parents->count], ulid.ptr, ULID_LEN);
		parents->v[parents->count++][ULID_LEN] = '\0';
	}
	return 0;
}

static int read_root(const char *path, const struct pm_json_value *root, struct tsdb_block_info *ret,
	struct prom__parents *parents, struct pm_error *err)
{
	const struct pm_json_value *stats = pm_json_get(root, "stats");
	struct pm_str ulid = pm_json_get_str(root, "ulid");
	int64_t version = 0;

	pm_json_get_int(root, "version", &version);
	if (version != VERSION)
		return pm_fail(err, PM_ERR_UNSUPPORTED, "%s: version %lld is not known", path, (long long)version);
	if (!prom__ulid_valid(ulid))
		return pm_fail(err, PM_ERR_CORRUPT, "%s: \"ulid\" is missing or no ULID", path);
	if (pm_json_get_int(root, "minTime", &ret->min_ms) < 0 || pm_json_get_int(root, "maxTime", &ret->max_ms) < 0)
		return pm_fail(err, PM_ERR_CORRUPT, "%s: \"minTime\" or \"maxTime\" is missing", path);
	snprintf(ret->ulid, sizeof ret->ulid, "%.*s", PM_STR_ARG(ulid));
	ret->series_count = count_of(stats, "numSeries");
	ret->sample_count = count_of(stats, "numSamples");
	if (!parents)
		return 0;
	return read_parents(pm_json_get(root, "compaction"), parents, err);
}

int prom__meta_read(const char *dir, struct tsdb_block_info *ret, struct prom__parents *parents, struct pm_error *err)
{
	char *path = prom__path(dir, "meta.json"), *text = NULL;
	struct pm_error why = { 0 };
	struct pm_json_doc *doc = NULL;
	size_t len;
	int rc;

	if (!path)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	rc = pm_fs_read_file(AT_FDCWD, path, META_SIZE_MAX, &text, &len, err);
	if (rc == 0) {
		rc = pm_json_parse((struct pm_str){ text, len }, &doc, &why);
		if (rc < 0)
			rc = pm_fail(err, rc == PM_ERR_INVALID ? PM_ERR_CORRUPT : rc, "%s:%d: %s", path, why.line,
				why.msg);
	}
	if (rc == 0)
		rc = read_root(path, pm_json_root(doc), ret, parents, err);
	pm_json_free(doc);
	pm_free(text);
	pm_free(path);
	return rc;
}
