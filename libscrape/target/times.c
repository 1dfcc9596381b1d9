/* times.c - when a target is due, and which time its samples bear. */
#include "libscrape/target/times.h"

#include "libtsdb/base/hash.h"

enum { TOLERANCE_MS = 2 };

int64_t scrape__offset(const struct scrape_target *t, int64_t interval_ms)
{
	uint64_t h = pm_hash_seed(t->url, strlen(t->url), pm_labels_hash(t->labels));

	return (int64_t)(h % (uint64_t)interval_ms);
}

int64_t scrape__due_after(int64_t after_ms, int64_t interval_ms, int64_t offset_ms)
{
	int64_t past = (after_ms - offset_ms) % interval_ms;

	past += past < 0 ? interval_ms : 0;
	return after_ms - past + interval_ms;
}

int64_t scrape__go_on_from(int64_t due_ms, int64_t now_ms, int64_t interval_ms)
{
	return due_ms > now_ms && due_ms < now_ms + interval_ms ? due_ms : now_ms;
}

int64_t scrape__timestamp(int64_t due_ms, int64_t now_ms, int64_t interval_ms)
{
	int64_t tolerance = interval_ms / 100 < TOLERANCE_MS ? interval_ms / 100 : TOLERANCE_MS;
	int64_t late = now_ms - due_ms;

	return late >= -tolerance && late <= tolerance ? due_ms : now_ms;
}
