/* fuzz_blocks_chunk.c - any bytes as a chunk of a Prometheus block, the first one its encoding: samples or an error;
 * and what was read is written and read again as the same. */
#include "libtsdb/blocks/chunk.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "%s\n", what);
	abort();
}

static bool same_double(double a, double b)
{
	return pm_double_bits(a) == pm_double_bits(b);
}

static bool same_histogram(const struct pm_histogram *a, const struct pm_histogram *b)
{
	bool same = a->schema == b->schema && a->pos_count == b->pos_count && a->neg_count == b->neg_count &&
		    a->custom_count == b->custom_count && same_double(a->count, b->count) &&
		    same_double(a->zero_count, b->zero_count) && same_double(a->sum, b->sum);

	for (uint32_t i = 0; same && i < a->pos_count; i++)
		same = same_double(a->pos[i], b->pos[i]);
	for (uint32_t i = 0; same && i < a->neg_count; i++)
		same = same_double(a->neg[i], b->neg[i]);
	for (uint32_t i = 0; same && i < a->custom_count; i++)
		same = same_double(a->custom[i], b->custom[i]);
	return same;
}

static void check_again(const struct pm_samples *s)
{
	const struct pm_histogram *previous = NULL;
	struct prom__samples again;
	struct pm_buf buf = { 0 };
	const char *why;

	prom__samples_init(&again);
	for (size_t done = 0; done < s->count;) {
		struct pm_samples rest = { .count = s->count - done, .t_ms = s->t_ms + done, .v = s->v + done,
			.h = s->h ? s->h + done : NULL };
		struct prom__chunk cut;

		pm_buf_reset(&buf);
		cut = prom__chunk_write(&rest, 120, previous, &buf);
		check(prom__chunk_read(cut.encoding, (uint8_t *)buf.ptr, buf.len, &again, &why) == 0, "not read again");
		previous = rest.h ? rest.h[cut.count - 1] : NULL;
		done += cut.count;
	}
	check(again.count == s->count, "another count");
	for (size_t i = 0; i < s->count; i++) {
		const struct pm_histogram *h = s->h ? s->h[i] : NULL;

		check(again.t[i] == s->t_ms[i] && !again.h[i] == !h, "another time or kind");
		check(h ? same_histogram(h, again.h[i]) : same_double(s->v[i], again.v[i]), "another value");
	}
	prom__samples_release(&again);
	pm_buf_release(&buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct prom__samples s;
	const char *why = NULL;
	int rc;

	if (size < 1 || size > 1 << 14)
		return 0;
	prom__samples_init(&s);
	rc = prom__chunk_read(data[0], data + 1, size - 1, &s, &why);
	check(rc == 0 || why, "no reason");
	if (rc == 0) {
		struct pm_samples view = prom__samples_view(&s);

		check_again(&view);
	}
	prom__samples_release(&s);
	return 0;
}
