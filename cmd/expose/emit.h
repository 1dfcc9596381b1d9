/* emit.h - collects samples in any order and writes them as a page grouped by family, HELP and TYPE once each.
 *
 * What a collector hands over may come from a file: label values are made valid UTF-8 without NUL, names get
 * underscores for what a metric name can't have. Not thread-safe: one struct pm_emit a page. */
#ifndef PM_EXPOSE_EMIT_H
#define PM_EXPOSE_EMIT_H

#include "libtsdb/base/arena.h"
#include "libtsdb/base/buf.h"
#include "libtsdb/pm.h"

/* A family. Tables of these are static; names built at run time come from pm_emit_name. */
struct pm_metric {
	const char *name;
	const char *type; /* "gauge", "counter", "untyped" */
	const char *help;
};

#define PM_GAUGE(metric_name, text)                                                                                    \
	{                                                                                                              \
		.name = metric_name, .type = "gauge", .help = text                                                     \
	}
#define PM_COUNTER(metric_name, text)                                                                                  \
	{                                                                                                              \
		.name = metric_name, .type = "counter", .help = text                                                   \
	}
#define PM_UNTYPED(metric_name, text)                                                                                  \
	{                                                                                                              \
		.name = metric_name, .type = "untyped", .help = text                                                   \
	}

enum {
	PM_EMIT_BUCKETS = 512,
	PM_EMIT_PAGE_MAX = 64 << 20, /* bytes of samples in one page */
	PM_EMIT_FAMILY_MAX = 20000,
	PM_EMIT_LABEL_MAX = 32, /* labels of one sample, the metric name included */
};

struct pm_emit_family;

struct pm_emit {
	struct pm_arena arena;
	struct pm_emit_family *buckets[PM_EMIT_BUCKETS];
	size_t family_count;
	size_t bytes;
	int error; /* sticks: the first of PM_ERR_NOMEM, PM_ERR_LIMIT */
};

void pm_emit_init(struct pm_emit *e);
void pm_emit_release(struct pm_emit *e);

/* One sample. `m` is copied when its family is new; of two that share a name the first decides type and help.
 * Labels come in any order, borrowed for the call; those with empty values are left out. */
void pm_emit_labels(
	struct pm_emit *e, const struct pm_metric *m, double v, const struct pm_label *labels, size_t count);

/* pm_emit(e, &m, v, PM_LABEL("cpu", cpu), ...) with at least one label, pm_emit_value(e, &m, v) without. */
#define PM_LABEL(label_name, label_value)                                                                              \
	{                                                                                                              \
		PM_STR(label_name), (label_value)                                                                      \
	}
#define pm_emit(e, m, v, ...)                                                                                          \
	pm_emit_labels((e), (m), (v), (const struct pm_label[]){ __VA_ARGS__ },                                        \
		sizeof((const struct pm_label[]){ __VA_ARGS__ }) / sizeof(struct pm_label))
#define pm_emit_value(e, m, v) pm_emit_labels((e), (m), (v), NULL, 0)

/* A valid metric name of the three parts, good until pm_emit_release; never NULL ("_" when out of memory, and
 * e->error says so). */
const char *pm_emit_name(struct pm_emit *e, const char *prefix, struct pm_str middle, const char *suffix);

/* Append the page, families sorted by name, samples in the order they came. Returns e->error or out's. */
int pm_emit_write(const struct pm_emit *e, struct pm_buf *out);

#endif
