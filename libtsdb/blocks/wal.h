/* wal.h - records out of the segments of Prometheus's write-ahead log. Private to libtsdb/blocks.
 *
 * A segment is pages of 32 KiB. A record is one fragment, or a first, middle ones and a last one, none of which crosses
 * a page; zeros fill a page up. A record never crosses segments.
 *
 *     type u8 (low bits; 8: snappy, 16: zstd) | length u16 | CRC-32C u32 | data
 */
#ifndef TSDB_BLOCKS_WAL_H
#define TSDB_BLOCKS_WAL_H

#include "libtsdb/base/buf.h"
#include "libtsdb/blocks/file.h"

enum { PROM__RECORD_SIZE_MAX = 64 << 20 };

struct prom__wal {
	char *dir;
	struct pm_strings names; /* of the segments, in order */
	size_t next;             /* of them, to open */
	struct prom__file file;  /* at hand */
	uint64_t at, record_at;  /* in it: the next fragment, and where the record began */
	struct pm_buf raw, plain; /* the record's fragments, and uncompressed */
};

/* The segments of `dir` whose number is at least `from`. A directory that is not there has none. */
int prom__wal_open(struct prom__wal *w, const char *dir, uint64_t from, struct pm_error *err);
void prom__wal_close(struct prom__wal *w); /* a zeroed one is fine */
/* The next record: 1, 0 at the end, or an error. Good until the next call. */
int prom__wal_next(struct prom__wal *w, struct pm_str *ret, struct pm_error *err);

#endif
