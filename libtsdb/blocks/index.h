/* index.h - the index of a block: which series there are, and where their chunks. Private to libtsdb/blocks.
 *
 *     magic, version | symbols | series, each at a multiple of 16 | label indices | postings | tables | contents
 *
 * A reader of whole blocks needs the symbols and the series only; postings are checked by nobody here. */
#ifndef TSDB_BLOCKS_INDEX_H
#define TSDB_BLOCKS_INDEX_H

#include "libtsdb/blocks/file.h"

enum {
	PROM__INDEX_HEADER_SIZE = 5,
	PROM__INDEX_CONTENTS_SIZE = 6 * 8 + 4,
	PROM__INDEX_ALIGN = 16, /* of a series; its number is its offset in units of this */
	PROM__CRC_SIZE = 4,
};
#define PROM__INDEX_MAGIC 0xbaaad700u

/* Where a chunk is, and the times of its first and last sample. */
struct prom__chunk_ref {
	int64_t min_ms, max_ms;
	uint64_t ref; /* number of the file << 32 | offset in it */
};

struct prom__index {
	struct prom__file file;
	uint32_t *symbols; /* offsets in the file's section of symbols */
	size_t symbol_count, symbols_cap;
	uint64_t symbols_at, symbols_end; /* of the section's content */
	uint64_t at, series_end;          /* the next series */

	/* the series at hand */
	uint64_t number;
	struct pm_label *labels;
	struct prom__chunk_ref *chunks;
	size_t label_count, labels_cap, chunk_count, chunks_cap;
};

int prom__index_open(struct prom__index *x, const char *dir, struct pm_error *err);
void prom__index_close(struct prom__index *x); /* a zeroed one is fine */
/* The next series: 1, 0 at the end, or an error. Labels point into the file. */
int prom__index_next(struct prom__index *x, struct pm_error *err);

#endif
