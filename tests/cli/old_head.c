/* Make a store whose head is three hours old, for the tests of what commands do then: old_head DIR. */
#include "libtsdb/base/clock.h"
#include "libtsdb/tsdb.h"

#include <stdio.h>

static int append(struct tsdb *db, struct pm_error *err)
{
	const struct pm_label name = { PM_NAME_LABEL, PM_STR("old") };
	struct tsdb_txn *txn;
	int rc = tsdb_txn_begin(db, &txn, err);

	if (rc < 0)
		return rc;
	rc = tsdb_txn_append(txn, (struct pm_labels){ &name, 1 }, pm_now_ms(), 1, NULL, err);
	if (rc == 0)
		return tsdb_txn_commit(txn, err);
	tsdb_txn_abort(txn);
	return rc;
}

int main(int argc, char **argv)
{
	const struct tsdb_opts opts = { .flags = TSDB_WRITE | TSDB_CREATE, .fsync_ms = TSDB_FSYNC_NEVER };
	struct pm_error err = { 0 };
	struct tsdb *db = NULL;

	if (argc != 2)
		return 2;
	pm_clock_freeze(pm_now_ms() - 3 * 3600 * 1000);
	int rc = tsdb_open(argv[1], &opts, &db, &err);
	if (rc == 0)
		rc = append(db, &err);
	if (rc < 0)
		fprintf(stderr, "old_head: %s\n", err.msg);
	if (db)
		tsdb_close(db);
	return rc < 0;
}
