/* writer.c - see writer.h.
 *
 *   head, chunk, times, chunk, chunk, ... | times | symbols | series | blocks | lists | pairs | checksums | footer */
#include "libtsdb/segment/writer.h"

#include "libtsdb/base/fs.h"
#include "libtsdb/base/hash.h"
#include "libtsdb/base/mem.h"
#include "libtsdb/head/file.h"
#include "libtsdb/segment/chunk.h"
#include "libtsdb/segment/index.h"
#include "libtsdb/segment/times.h"
#include "libtsdb/segment/varint.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

struct tsdb__segment_writer {
	int dirfd, fd;
	struct tsdb__segment_info info;
	uint64_t histogram_count;
	struct tsdb__out out;
	struct tsdb__times times;
	struct tsdb__index index;
	struct pm_buf values, chunks; /* of the series at hand */
	uint64_t chunks_end;          /* where its last chunk ends in the file; 0 before the first */
};

void tsdb__segment_name(char out[32], uint64_t number)
{
	snprintf(out, 32, "segment.%08llx", (unsigned long long)number);
}

static void temp_name(char out[32], uint64_t number)
{
	snprintf(out, 32, "segment.%08llx.tmp", (unsigned long long)number);
}

/* The data begins behind a head like that of other files. */
static int begin(struct tsdb__segment_writer *w, struct pm_error *err)
{
	struct tsdb_file_head head;
	char name[32];
	int rc;
	temp_name(name, w->info.number);
	/* A killed process may have left one. */
	if ((rc = pm_fs_unlinkat(w->dirfd, name, err)) < 0 && rc != PM_ERR_NOTFOUND)
		return rc;
	if ((rc = pm_fs_openat(w->dirfd, name, PM_FS_WRITE | PM_FS_CREATE | PM_FS_EXCL, &w->fd, err)) < 0)
		return rc;
	tsdb__out_init(&w->out, w->fd, w->info.number);
	tsdb__file_head_fill(&head, TSDB_FILE_SEGMENT, 0, w->info.number);
	return tsdb__out_add(&w->out, &head, sizeof head, err);
}

int tsdb__segment_writer_new(
	int dirfd, const struct tsdb__segment_info *info, struct tsdb__segment_writer **ret, struct pm_error *err)
{
	struct tsdb__segment_writer *w = pm_calloc(1, sizeof *w);
	int rc;
	if (!w)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	w->dirfd = dirfd;
	w->fd = -1;
	w->info = (struct tsdb__segment_info){ .number = info->number, .order = info->order, .level = info->level };
	w->info.min_ms = INT64_MAX;
	w->info.max_ms = INT64_MIN;
	if ((rc = begin(w, err)) < 0)
		tsdb__segment_writer_abort(w);
	else
		*ret = w;
	return rc;
}

static void writer_free(struct tsdb__segment_writer *w)
{
	if (w->fd >= 0)
		pm_fs_close(w->fd);
	tsdb__out_release(&w->out);
	tsdb__times_release(&w->times);
	tsdb__index_release(&w->index);
	pm_buf_release(&w->values);
	pm_buf_release(&w->chunks);
	pm_free(w);
}

void tsdb__segment_writer_abort(struct tsdb__segment_writer *w)
{
	char name[32];
	if (!w)
		return;
	temp_name(name, w->info.number);
	if (w->fd >= 0)
		pm_fs_unlinkat(w->dirfd, name, NULL);
	writer_free(w);
}

uint64_t tsdb__segment_writer_bytes(const struct tsdb__segment_writer *w)
{
	return w->out.end;
}

/* ---- a series ---- */

/* Long series are cut where the time passes a multiple of a power of two of milliseconds, so that series which were
 * scraped together are cut at the same places and share their time columns. 63: never. */
static int cut_shift(const struct pm_samples *s)
{
	if (s->count <= TSDB_CHUNK_SAMPLES)
		return 63;
	double interval = ((double)s->t_ms[s->count - 1] - (double)s->t_ms[0]) / (double)(s->count - 1);
	int shift = (int)log2(interval * TSDB_CHUNK_SAMPLES);
	return shift > 62 ? 62 : shift < 0 ? 0 : shift;
}

static size_t chunk_end(const struct pm_samples *s, size_t from, int shift)
{
	size_t to = s->count - from > TSDB_CHUNK_MAX ? from + TSDB_CHUNK_MAX : s->count;
	int64_t cell = s->t_ms[from] >> shift;
	if (s->t_ms[to - 1] >> shift != cell) {
		size_t lo = from + 1, hi = to - 1;
		while (lo < hi) {
			size_t mid = lo + (hi - lo) / 2;
			if (s->t_ms[mid] >> shift != cell)
				hi = mid;
			else
				lo = mid + 1;
		}
		to = lo;
	}
	return tsdb__chunk_run(s, from, to);
}

static bool has_starts(const struct pm_samples *s, size_t from, size_t to)
{
	for (size_t i = from; s->st_ms && i < to; i++)
		if (s->st_ms[i])
			return true;
	return false;
}

/* Smallest and largest; false when there is a NaN, of which no order is known. */
static bool extremes(const double *v, size_t n, double ret[2])
{
	double lo = v[0], hi = v[0];
	bool nan = false;
	for (size_t i = 0; i < n; i++) {
		nan |= v[i] != v[i];
		lo = v[i] < lo ? v[i] : lo;
		hi = v[i] > hi ? v[i] : hi;
	}
	ret[0] = lo;
	ret[1] = hi;
	return !nan;
}

/* One chunk into the file, and its line into the list of chunks. */
static int put_chunk(
	struct tsdb__segment_writer *w, const struct tsdb__chunk_ref *c, const void *values, struct pm_error *err)
{
	double stats[2] = { c->min, c->max };
	int rc;
	pm_buf_char(&w->chunks, (char)c->flags);
	tsdb__put_varint(&w->chunks, c->time);
	if (c->flags & TSDB_CHUNK_STARTS)
		tsdb__put_varint(&w->chunks, c->starts);
	tsdb__put_varint(&w->chunks, w->out.end - w->chunks_end);
	tsdb__put_varint(&w->chunks, c->len);
	if (c->flags & TSDB_CHUNK_STATS)
		pm_buf_add(&w->chunks, stats, sizeof stats);
	if ((rc = tsdb__out_add(&w->out, values, c->len, err)) < 0)
		return rc;
	w->chunks_end = w->out.end;
	return 0;
}

/* Encode samples [from, to) as a chunk. */
static int add_chunk(
	struct tsdb__segment_writer *w, const struct pm_samples *s, size_t from, size_t to, struct pm_error *err)
{
	bool histogram = s->h && s->h[from];
	struct tsdb__chunk_ref c = { .flags = histogram ? TSDB_CHUNK_HISTOGRAM : 0 };
	double stats[2];
	int rc;
	if ((rc = tsdb__times_put(&w->times, &w->out, s->t_ms + from, to - from, &c.time, err)) < 0)
		return rc;
	if (has_starts(s, from, to)) {
		c.flags |= TSDB_CHUNK_STARTS;
		if ((rc = tsdb__times_put(&w->times, &w->out, s->st_ms + from, to - from, &c.starts, err)) < 0)
			return rc;
	}
	if (!histogram && to - from >= TSDB_CHUNK_STATS_MIN && extremes(s->v + from, to - from, stats)) {
		c.flags |= TSDB_CHUNK_STATS;
		c.min = stats[0];
		c.max = stats[1];
	}
	pm_buf_reset(&w->values);
	if (tsdb__chunk_put(&w->values, s, from, to) < 0)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	c.len = (uint32_t)w->values.len;
	w->histogram_count += histogram ? to - from : 0;
	return put_chunk(w, &c, w->values.ptr, err);
}

static void begin_series(struct tsdb__segment_writer *w)
{
	pm_buf_reset(&w->chunks);
	w->chunks_end = 0;
}

static int add_chunks(struct tsdb__segment_writer *w, const struct pm_samples *s, struct pm_error *err)
{
	int shift = cut_shift(s), rc = 0;
	begin_series(w);
	for (size_t from = 0, to; from < s->count && rc == 0; from = to) {
		to = chunk_end(s, from, shift);
		rc = add_chunk(w, s, from, to, err);
	}
	return rc;
}

static int end_series(struct tsdb__segment_writer *w, struct pm_labels labels, uint64_t count, int64_t min_ms,
	int64_t max_ms, struct pm_error *err)
{
	int rc = pm_buf_error(&w->chunks);
	if (rc == 0)
		rc = tsdb__index_add(&w->index, labels, &w->chunks);
	if (rc == PM_ERR_LIMIT)
		return pm_fail(err, rc, "more series or labels than a segment can have");
	if (rc == PM_ERR_CORRUPT)
		return pm_fail(err, rc, "series for segment %" PRIu64 " come out of order", w->info.number);
	if (rc < 0)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	w->info.series_count++;
	w->info.sample_count += count;
	if (min_ms < w->info.min_ms)
		w->info.min_ms = min_ms;
	if (max_ms > w->info.max_ms)
		w->info.max_ms = max_ms;
	return 0;
}

int tsdb__segment_writer_add(
	struct tsdb__segment_writer *w, struct pm_labels labels, const struct pm_samples *s, struct pm_error *err)
{
	int rc;
	assert(s->count);
	if ((rc = add_chunks(w, s, err)) < 0)
		return rc;
	return end_series(w, labels, s->count, s->t_ms[0], s->t_ms[s->count - 1], err);
}

int tsdb__segment_writer_time(
	struct tsdb__segment_writer *w, const int64_t *t, size_t n, uint32_t *ret, struct pm_error *err)
{
	return tsdb__times_put(&w->times, &w->out, t, n, ret, err);
}

int tsdb__segment_writer_copy(struct tsdb__segment_writer *w, struct pm_labels labels,
	const struct tsdb__chunk_ref *chunks, const void *const *values, size_t count, struct pm_error *err)
{
	uint64_t samples = 0;
	int rc = 0;
	assert(count);
	begin_series(w);
	for (size_t i = 0; i < count && rc == 0; i++) {
		uint32_t n = w->times.columns[chunks[i].time].count;
		samples += n;
		w->histogram_count += chunks[i].flags & TSDB_CHUNK_HISTOGRAM ? n : 0;
		rc = put_chunk(w, &chunks[i], values[i], err);
	}
	if (rc < 0)
		return rc;
	return end_series(w, labels, samples, w->times.columns[chunks[0].time].min_ms,
		w->times.columns[chunks[count - 1].time].max_ms, err);
}

/* ---- the end ---- */

static int write_times(struct tsdb__segment_writer *w, struct tsdb_segment_footer *f, struct pm_error *err)
{
	int rc;
	f->section[TSDB_SECTION_DATA].off = sizeof(struct tsdb_file_head);
	f->section[TSDB_SECTION_DATA].len = w->out.end - sizeof(struct tsdb_file_head);
	if ((rc = tsdb__out_pad8(&w->out, err)) < 0)
		return rc;
	f->section[TSDB_SECTION_TIMES].off = w->out.end;
	f->section[TSDB_SECTION_TIMES].len = w->times.count * sizeof w->times.columns[0];
	return tsdb__out_add(&w->out, w->times.columns, w->times.count * sizeof w->times.columns[0], err);
}

/* Checksums and footer are not under block checksums: the footer has the hash of these, the manifest the footer's. */
static int write_footer(struct tsdb__segment_writer *w, struct tsdb_segment_footer *f, struct pm_error *err)
{
	uint64_t end;
	int rc;
	if ((rc = tsdb__out_flush(&w->out, err)) < 0)
		return rc;
	end = tsdb__pad8(w->out.end);
	f->section[TSDB_SECTION_CHECKSUMS].off = end;
	f->section[TSDB_SECTION_CHECKSUMS].len = w->out.sums.len;
	f->checksums_hash = pm_hash(w->out.sums.ptr, w->out.sums.len);
	if ((rc = pm_fs_pwrite(w->fd, w->out.sums.ptr, w->out.sums.len, end, err)) < 0)
		return rc;
	end = tsdb__pad8(end + w->out.sums.len);
	f->file_size = w->info.size = end + sizeof *f;
	f->checksum = w->info.footer_checksum = pm_hash(f, offsetof(struct tsdb_segment_footer, checksum));
	return pm_fs_pwrite(w->fd, f, sizeof *f, end, err);
}

static int finish(struct tsdb__segment_writer *w, struct pm_error *err)
{
	struct tsdb_segment_footer f = { .magic = TSDB_SEGMENT_MAGIC,
		.version = TSDB_FORMAT_VERSION,
		.block_size = TSDB_SEGMENT_BLOCK,
		.number = w->info.number,
		.order = w->info.order,
		.min_ms = w->info.min_ms,
		.max_ms = w->info.max_ms,
		.sample_count = w->info.sample_count,
		.series_count = w->info.series_count,
		.level = w->info.level,
		.histogram_count = w->histogram_count };
	char temp[32], name[32];
	int rc;
	if ((rc = write_times(w, &f, err)) < 0 || (rc = tsdb__index_write(&w->index, &w->out, &f, err)) < 0 ||
		(rc = write_footer(w, &f, err)) < 0 || (rc = pm_fs_sync(w->fd, err)) < 0)
		return rc;
	temp_name(temp, w->info.number);
	tsdb__segment_name(name, w->info.number);
	return pm_fs_renameat(w->dirfd, temp, name, err);
}

int tsdb__segment_writer_finish(struct tsdb__segment_writer *w, struct tsdb__segment_info *ret, struct pm_error *err)
{
	int rc = w->info.series_count ? finish(w, err) : 0;
	*ret = w->info;
	if (rc < 0 || w->info.series_count == 0)
		tsdb__segment_writer_abort(w);
	else
		writer_free(w);
	return rc;
}
