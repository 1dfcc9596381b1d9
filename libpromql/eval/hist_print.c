/* hist_print.c - a native histogram as text, as count_values() puts it into a label. */
#include "libpromql/eval/hist.h"

#include "libtsdb/base/hist.h"
#include "libtsdb/base/num.h"

static void put_double(struct pm_buf *b, double v)
{
	char text[PM_DOUBLE_TEXT_MAX];

	pm_buf_add(b, text, pm_double_format_g(text, v));
}

struct pm_str promql__hist_print(struct promql__query *q, const struct pm_histogram *h)
{
	struct pm_buf b = { 0 };
	struct pm_bucket_iter it;
	struct pm_bucket bucket;
	struct pm_str copy = { 0 };

	pm_buf_cstr(&b, "{count:");
	put_double(&b, h->count);
	pm_buf_cstr(&b, ", sum:");
	put_double(&b, h->sum);
	pm_bucket_begin(&it, h);
	while (pm_bucket_next(&it, &bucket)) {
		if (bucket.count == 0)
			continue;
		pm_buf_cstr(&b, bucket.lower_inclusive ? ", [" : ", (");
		put_double(&b, bucket.lower);
		pm_buf_char(&b, ',');
		put_double(&b, bucket.upper);
		pm_buf_cstr(&b, bucket.upper_inclusive ? "]:" : "):");
		put_double(&b, bucket.count);
	}
	pm_buf_char(&b, '}');
	if (pm_buf_error(&b) == 0)
		copy = pm_arena_str(&q->arena, pm_buf_view(&b));
	pm_buf_release(&b);
	return copy;
}
