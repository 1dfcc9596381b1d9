/* walk.c - records one after the other; see walk.h. */
#include "libtsdb/head/walk.h"

#include "libtsdb/head/file.h"

void tsdb__walk_begin(struct tsdb__walk *w, const uint8_t *map, uint64_t end, enum tsdb_file_kind kind,
	uint64_t generation, uint64_t number)
{
	*w = (struct tsdb__walk){ .map = map,
		.kind = kind,
		.generation = generation,
		.base = number << TSDB_LOG_SHIFT,
		.off = sizeof(struct tsdb_file_head),
		.end = end };
}

/* The bytes behind a PAD's head were never written, so its checksum is over the head alone. */
static uint64_t checksum_of(const struct tsdb__walk *w, const struct tsdb_rec *rec)
{
	struct tsdb_rec pad = *rec;
	if (w->kind != TSDB_FILE_LOG || rec->kind != TSDB_REC_PAD)
		return tsdb__rec_checksum(rec, w->kind, w->generation, w->base + w->at);
	pad.len = sizeof pad;
	return tsdb__rec_checksum(&pad, w->kind, w->generation, w->base + w->at);
}

int tsdb__walk_next(struct tsdb__walk *w, const struct tsdb_rec **ret, const char **ret_what)
{
	const struct tsdb_rec *rec = (const void *)(w->map + w->off);
	if (w->off >= w->end)
		return 0;
	w->at = w->off;
	w->off = w->end;
	if (w->at % 8 || w->end - w->at < sizeof *rec) {
		*ret_what = "the last record is cut off";
		return PM_ERR_CORRUPT;
	}
	if (rec->len < sizeof *rec || rec->len % 8 || rec->len > w->end - w->at) {
		*ret_what = "a record of an impossible length; what follows can't be read";
		return PM_ERR_CORRUPT;
	}
	w->off = w->at + rec->len;
	if (rec->checksum != checksum_of(w, rec)) {
		*ret_what = "the record's checksum does not match";
		return PM_ERR_CORRUPT;
	}
	*ret = rec;
	return 1;
}
