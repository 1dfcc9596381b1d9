/* files.h - what the parts of tsdb_files_text() share: the store's files, and the text that gathers. */
#ifndef TSDB_INSPECT_FILES_H
#define TSDB_INSPECT_FILES_H

#include "libtsdb/base/buf.h"
#include "libtsdb/inspect/view.h"

struct tsdb__text {
	struct tsdb__view view;
	struct tsdb__bytes catalog, layouts, postings;
	struct pm_buf out;
	tsdb_text_fn *fn;
	void *arg;
};

/* Hand on the text when it is longer than that. PM_ERR_NOMEM, or what the caller's function gave to stop. */
int tsdb__text_flush(struct tsdb__text *t, size_t more_than);
/* A record of the log, whose checksum holds, without its line break. */
void tsdb__text_log(struct tsdb__text *t, const struct tsdb__view_file *f, uint64_t off, const struct tsdb_rec *rec);
/* The manifest of the view, and one of its segments. */
void tsdb__text_manifest(struct tsdb__text *t);
int tsdb__text_segment(struct tsdb__text *t, uint64_t number);

#endif
