/* hold_lock.c - holds the writers' lock of a store, in the middle of a transaction, until its standard input ends.
 * The stress test asks queries meanwhile: readers must not wait. */
#include "libtsdb/base/clock.h"
#include "libtsdb/tsdb.h"

#include <stdio.h>

static int hold(struct tsdb *db, struct pm_error *err)
{
	const struct pm_label name = { PM_NAME_LABEL, PM_STR("held") };
	struct tsdb_txn *txn;
	int rc = tsdb_txn_begin(db, &txn, err);

	if (rc < 0)
		return rc;
	rc = tsdb_txn_append(txn, (struct pm_labels){ &name, 1 }, pm_now_ms(), 1, NULL, err);
	if (rc == 0) {
		puts("held");
		fflush(stdout);
		while (getchar() != EOF)
			;
	}
	tsdb_txn_abort(txn);
	return rc;
}

int main(int argc, char **argv)
{
	const struct tsdb_opts opts = { .flags = TSDB_WRITE, .fsync_ms = TSDB_FSYNC_DEFAULT_MS };
	struct pm_error err = { 0 };
	struct tsdb *db = NULL;

	if (argc != 2)
		return 2;
	int rc = tsdb_open(argv[1], &opts, &db, &err);
	if (rc == 0)
		rc = hold(db, &err);
	if (rc < 0)
		fprintf(stderr, "hold_lock: %s\n", err.msg);
	if (db)
		tsdb_close(db);
	return rc < 0;
}
