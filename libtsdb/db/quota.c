/* quota.c - the limit on bytes of a store; that on series is in libtsdb/head/quota.c. */
#include "libtsdb/db/db.h"

#include <inttypes.h>

int tsdb__bytes_check(struct tsdb *db, struct pm_error *err)
{
	struct tsdb__snap *snap;
	uint64_t bytes;
	int rc;
	if (!db->bytes_max)
		return 0;
	if ((rc = tsdb__snap_get(db, &snap, err)) < 0)
		return rc;
	bytes = tsdb__snap_size(snap);
	tsdb__snap_unref(snap);
	if (bytes < db->bytes_max)
		return 0;
	return pm_fail(err, PM_ERR_NOSPACE,
		"the store has %" PRIu64 " bytes, and may have %" PRIu64 ": no samples are taken", bytes,
		db->bytes_max);
}
