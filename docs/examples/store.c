/* store.c - a data directory from a program of one's own: write, read back, look at it.
 *
 *     cc store.c $(pkg-config --cflags --static --libs libtsdb) -o store && ./store DIR
 *
 * Other processes (pm serve, pm query, another one of these) may use DIR at the same time. */
#include <libtsdb/tsdb.h>

#include <stdio.h>

static int fail(const struct pm_error *err)
{
	fprintf(stderr, "store: %s\n", err->msg);
	return 1;
}

/* Temperatures of two rooms, five minutes long, in one transaction: all of it is stored, or nothing. */
static int write_samples(struct tsdb *db, struct pm_error *err)
{
	static const char *const rooms[] = { "attic", "cellar" };
	struct tsdb_txn *txn;
	int rc = tsdb_txn_begin(db, &txn, err);
	if (rc < 0)
		return rc;
	for (int r = 0; r < 2; r++) {
		/* Labels are sorted by name; the metric's name is one of them. */
		struct pm_label labels[] = { { PM_NAME_LABEL, PM_STR("temperature_celsius") },
			{ PM_STR("room"), pm_str(rooms[r]) } };
		tsdb_sid sid;
		rc = tsdb_txn_series(txn, (struct pm_labels){ labels, 2 }, &sid, err);
		for (int minute = 0; minute < 5 && rc == 0; minute++)
			rc = tsdb_txn_append_sid(txn, sid, minute * 60000, 20 - r * 8 + minute * 0.5, err);
		if (rc < 0) {
			tsdb_txn_abort(txn);
			return rc;
		}
	}
	return tsdb_txn_commit(txn, err);
}

/* What is committed now, of all rooms but the cellar, from the second minute on. */
static int read_samples(struct tsdb *db, struct pm_error *err)
{
	struct pm_matcher matchers[] = { { PM_MATCH_EQ, PM_NAME_LABEL, PM_STR("temperature_celsius") },
		{ PM_MATCH_NE, PM_STR("room"), PM_STR("cellar") } };
	struct pm_select select = { .matchers = matchers, .matcher_count = 2, .min_ms = 120000, .max_ms = PM_TIME_MAX };
	struct pm_querier *q;
	struct pm_series_set *set;
	struct pm_series series;
	int rc = tsdb_querier(db, &q, err);
	if (rc < 0)
		return rc;
	rc = q->select(q, &select, &set, err);
	if (rc == 0) {
		while ((rc = set->next(set, &series, err)) > 0) {
			struct pm_str room = pm_labels_get(series.labels, PM_STR("room"));
			for (size_t i = 0; i < series.samples.count; i++)
				printf("%.*s at %lld s: %g\n", PM_STR_ARG(room),
					(long long)(series.samples.t_ms[i] / 1000), series.samples.v[i]);
		}
		set->free(set);
	}
	q->free(q);
	return rc;
}

int main(int argc, char **argv)
{
	struct tsdb_opts opts = { .flags = TSDB_WRITE | TSDB_CREATE, .fsync_ms = TSDB_FSYNC_DEFAULT_MS };
	struct tsdb_stats stats;
	struct pm_error err;
	struct tsdb *db;
	int rc;
	if (argc != 2) {
		fprintf(stderr, "usage: store DIR\n");
		return 2;
	}
	if (tsdb_open(argv[1], &opts, &db, &err) < 0)
		return fail(&err);
	if ((rc = write_samples(db, &err)) == 0 && (rc = read_samples(db, &err)) == 0 &&
		(rc = tsdb_stats(db, &stats, &err)) == 0)
		printf("%llu series, %llu samples\n", (unsigned long long)stats.series_count,
			(unsigned long long)stats.sample_count);
	tsdb_close(db);
	return rc < 0 ? fail(&err) : 0;
}
