/* dump.h - what the forms of pm dump share. */
#ifndef PM_CMD_DUMP_H
#define PM_CMD_DUMP_H

#include "cmd/dump/exemplars.h"
#include "cmd/dump/output.h"
#include "cmd/dump/source.h"
#include "cmd/progress.h"

struct pm_dump {
	struct pm_ctx *ctx;
	struct pm_dump_wanted wanted;
	const char *output; /* a path; NULL: standard output */
	bool blocks;        /* not text */
	struct pm_progress progress;
	uint64_t total;     /* samples in the store, about; 0: not known */

	uint64_t samples;                   /* written */
	struct pm_dump_exemplars exemplars; /* of text; zeroed: there are none */
	uint64_t stale, histograms, starts; /* left out, as the form has no place for them */
};

/* Each writes the whole dump. */
int pm_dump_text(struct pm_dump *d, struct pm_error *err);
int pm_dump_blocks(struct pm_dump *d, struct pm_error *err); /* into the directory d->output */

/* text.c, for tests: a series as OpenMetrics lines; counts go to `d`. */
void pm_dump_lines(struct pm_dump *d, const struct pm_series *series, struct pm_buf *out);

#endif
