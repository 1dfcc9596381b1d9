/* walk.h - the records of an append-only file one after the other, each with its checksum looked at: for verification,
 * listings and the scan after a machine crash. Nothing is trusted but that bytes [0, end) may be read. */
#ifndef TSDB_HEAD_WALK_H
#define TSDB_HEAD_WALK_H

#include "libtsdb/head/format.h"
#include "libtsdb/pm.h"

struct tsdb__walk {
	const uint8_t *map;
	enum tsdb_file_kind kind;
	uint64_t generation;
	uint64_t
		base; /* what checksums count offsets from: in the log, the position of the file's first byte; else 0 */
	uint64_t off; /* of the next record */
	uint64_t end; /* behind the last byte that is looked at */
	uint64_t at;  /* of the record that next() spoke of last */
};

/* From behind the file's head; `number` is that of a log file, else 0. */
void tsdb__walk_begin(struct tsdb__walk *w, const uint8_t *map, uint64_t end, enum tsdb_file_kind kind,
	uint64_t generation, uint64_t number);
/* 1: *ret is a sound record at w->at; the body is as long as its head says, what it holds was not looked at. 0: no
 * more. PM_ERR_CORRUPT: `*ret_what` says what is wrong at w->at; the walk goes on behind the record when its length
 * makes sense, and ends otherwise. */
int tsdb__walk_next(struct tsdb__walk *w, const struct tsdb_rec **ret, const char **ret_what);

#endif
