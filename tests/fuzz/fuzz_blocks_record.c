/* fuzz_blocks_record.c - any bytes as a record of Prometheus's write-ahead log: items or a reason. */
#include "libtsdb/blocks/chunk.h"
#include "libtsdb/blocks/record.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static double use_labels(struct pm_labels l)
{
	double sum = 0;

	for (size_t i = 0; i < l.count; i++) {
		if (i && pm_str_cmp(l.v[i - 1].name, l.v[i].name) >= 0)
			abort();
		sum += (double)(l.v[i].name.len + l.v[i].value.len);
	}
	return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pm_arena arena = { 0 };
	struct prom__record r;
	struct tsdb_log_item item;
	volatile double sum = 0;
	int rc;

	prom__record_begin(&r, (struct pm_str){ (const char *)data, size }, &arena);
	while ((rc = prom__record_next(&r, &item)) > 0) {
		sum += use_labels(item.labels) + use_labels(item.exemplar) + (double)(item.help.len + item.unit.len);
		if (item.h && prom__hist_check(item.h))
			abort();
		for (uint32_t i = 0; item.h && i < item.h->pos_count; i++)
			sum += item.h->pos[i];
		for (uint32_t i = 0; item.h && i < item.h->neg_count; i++)
			sum += item.h->neg[i];
	}
	if (rc < 0 && !r.why)
		abort();
	(void)sum;
	pm_arena_release(&arena);
	return 0;
}
