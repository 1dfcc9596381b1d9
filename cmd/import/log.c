/* log.c - pm import of what no block of a data directory has yet: Prometheus's write-ahead log. */
#include "cmd/import/import.h"

#include "libtsdb/base/mem.h"
#include "libtsdb/blocks.h"

/* The id of a series in the transaction it was found in. */
struct found {
	tsdb_sid sid;
	uint64_t txn_number;
};

struct log {
	struct pm_import *im;
	struct found *found; /* by the log's number of a series */
	size_t found_cap, found_count;
	uint64_t exemplars_refused;
};

static int find_series(struct log *l, const struct tsdb_log_item *item, tsdb_sid *ret, struct pm_error *err)
{
	struct pm_import *im = l->im;
	struct found *f;
	int rc = pm_grow(&l->found, &l->found_cap, (size_t)item->series + 1);

	if (rc < 0)
		return pm_fail(err, rc, "out of memory");
	while (l->found_count <= item->series)
		l->found[l->found_count++] = (struct found){ 0 };
	f = &l->found[item->series];
	if (f->txn_number != im->txn_number) {
		rc = tsdb_txn_series(im->txn, item->labels, &f->sid, err);
		f->txn_number = rc == 0 ? im->txn_number : 0;
	}
	*ret = f->sid;
	return rc;
}

static int store_metadata(struct log *l, const struct tsdb_log_item *item, struct pm_error *err)
{
	struct tsdb_metadata m = { pm_labels_get(item->labels, PM_NAME_LABEL), item->type, item->help, item->unit };

	return m.metric.len ? tsdb_txn_append_metadata(l->im->txn, &m, err) : 0;
}

static int store_exemplar(struct log *l, tsdb_sid sid, const struct tsdb_log_item *item, struct pm_error *err)
{
	struct tsdb_exemplar e = { item->exemplar, item->v, item->t_ms };
	int rc = tsdb_txn_append_exemplar(l->im->txn, sid, &e, err);

	if (rc != PM_ERR_INVALID)
		return rc;
	l->exemplars_refused++;
	return 0;
}

static int store_item(struct log *l, const struct tsdb_log_item *item, struct pm_error *err)
{
	struct tsdb_sample sample = { item->t_ms, item->v, item->h, item->st_ms };
	tsdb_sid sid = 0;
	int rc = pm_import_begin(l->im, err);

	if (rc == 0 && item->kind == TSDB_LOG_METADATA)
		return store_metadata(l, item, err);
	if (rc == 0)
		rc = find_series(l, item, &sid, err);
	if (rc == 0 && item->kind == TSDB_LOG_EXEMPLAR)
		return store_exemplar(l, sid, item, err);
	if (rc == 0)
		rc = pm_import_sample(l->im, sid, &sample, err);
	return rc < 0 || l->im->pending < PM_IMPORT_TXN_SAMPLES ? rc : pm_import_commit(l->im, err);
}

static int store_all(struct log *l, struct tsdb_log *log, struct pm_error *err)
{
	struct pm_import *im = l->im;
	struct tsdb_log_item item;
	int rc;

	while ((rc = tsdb_log_next(log, &item, err)) > 0) {
		rc = store_item(l, &item, err);
		if (rc == 0)
			rc = pm_import_go_on(err);
		if (rc < 0)
			return rc;
		pm_progress_show(&im->progress, "log", 0, 0, im->committed + im->pending);
	}
	return rc < 0 ? rc : pm_import_commit(im, err);
}

int pm_import_log(struct pm_import *im, int64_t min_ms, uint64_t *ret_lost, struct pm_error *err)
{
	struct log l = { .im = im };
	struct tsdb_log *log;
	int rc = tsdb_log_open(im->path, min_ms, &log, err);

	if (rc < 0)
		return rc;
	rc = store_all(&l, log, err);
	*ret_lost = tsdb_log_lost(log);
	if (l.exemplars_refused)
		pm_warn("%s: exemplars left out, too long or older than others of their series: %" PRIu64,
			pm_import_name(im), l.exemplars_refused);
	tsdb_log_free(log);
	pm_free(l.found);
	return rc;
}
