/* notes.h - what a writer remembers of exemplars and metadata from transaction to transaction, so that it need not read
 * the store to see that nothing is new (notes.c). Under the writers' lock. */
#ifndef TSDB_DB_NOTES_H
#define TSDB_DB_NOTES_H

#include "libtsdb/db/db.h"
#include "libtsdb/head/exemplars.h"
#include "libtsdb/head/metadata.h"

struct tsdb__notes {
	uint64_t generation; /* of the head that it is about */
	bool dirty;          /* by the transaction under way */
	struct tsdb__metadata_map metadata;
	/* the newest exemplar of each series, by open addressing */
	struct tsdb__newest {
		uint32_t sid_1; /* series id + 1; 0: empty */
		uint32_t pad;
		int64_t t_ms;
		double v;
		uint64_t labels_hash;
	} * newest;
	size_t newest_cap, newest_count;
	uint64_t seen; /* position of the last record that `newest` knows */
};

/* The transaction ends; when it was given up, what it noted did not happen. */
void tsdb__notes_end(struct tsdb *db, bool committed);
void tsdb__notes_free(struct tsdb *db);

/* Check an exemplar and put it into `out`. 0 also for one that the series has already; PM_ERR_INVALID: too long, or
 * older than the newest of its series. */
int tsdb__note_exemplar(struct tsdb *db, struct tsdb__exemplars_out *out, uint32_t sid, const struct tsdb_exemplar *e,
	struct pm_error *err);
int tsdb__note_metadata(struct tsdb *db, const struct tsdb_metadata *m, struct pm_error *err);

#endif
