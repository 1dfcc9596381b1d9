/* gzip.c - the only includer of zlib.
 *
 * Output goes straight into the caller's buffer in small steps, so that a bomb is met at the buffer's maximum and never
 * later. Members that follow each other are one stream, as gzip has it. */
#include "libscrape/gzip.h"

#include "libtsdb/base/mem.h"

#include <zlib.h>

enum { STEP = 64 * 1024 };

struct scrape__gunzip {
	z_stream z;
	bool member_ended; /* between members: a good place for the stream to end */
};

static void *zlib_alloc(void *arg, unsigned count, unsigned size)
{
	return pm_calloc(count, size);
}

static void zlib_free(void *arg, void *p)
{
	pm_free(p);
}

int scrape__gunzip_new(struct scrape__gunzip **ret)
{
	struct scrape__gunzip *z = pm_calloc(1, sizeof *z);

	if (!z)
		return PM_ERR_NOMEM;
	z->z.zalloc = zlib_alloc;
	z->z.zfree = zlib_free;
	if (inflateInit2(&z->z, 16 + MAX_WBITS) != Z_OK) {
		pm_free(z);
		return PM_ERR_NOMEM;
	}
	*ret = z;
	return 0;
}

void scrape__gunzip_free(struct scrape__gunzip *z)
{
	if (!z)
		return;
	inflateEnd(&z->z);
	pm_free(z);
}

void scrape__gunzip_reset(struct scrape__gunzip *z)
{
	inflateReset(&z->z);
	z->member_ended = false;
}

/* Room for the next step, never past the maximum; one byte more than that is asked for, to learn whether it is needed.
 */
static int make_room(struct pm_buf *out, size_t *ret_room)
{
	size_t left = out->max ? out->max - out->len : STEP;

	*ret_room = left < STEP ? left : STEP;
	return *ret_room ? pm_buf_reserve(out, *ret_room) : 0;
}

/* One call of inflate. At the maximum the output goes to `spill`, to tell the end of the stream from more. */
static int step(struct scrape__gunzip *z, struct pm_buf *out)
{
	unsigned char spill;
	size_t room;
	int rc = make_room(out, &room);

	if (rc)
		return rc;
	z->z.next_out = room ? (unsigned char *)out->ptr + out->len : &spill;
	z->z.avail_out = room ? (unsigned)room : 1;
	rc = inflate(&z->z, Z_NO_FLUSH);
	if (room) {
		out->len += room - z->z.avail_out;
		out->ptr[out->len] = '\0';
	} else if (z->z.avail_out == 0) {
		return PM_ERR_LIMIT;
	}
	if (rc == Z_MEM_ERROR)
		return PM_ERR_NOMEM;
	if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR)
		return PM_ERR_CORRUPT;
	z->member_ended = rc == Z_STREAM_END;
	return 0;
}

int scrape__gunzip_add(struct scrape__gunzip *z, const void *p, size_t n, struct pm_buf *out)
{
	int rc = 0;

	z->z.next_in = (unsigned char *)(uintptr_t)p;
	z->z.avail_in = (unsigned)n;
	do {
		if (z->member_ended && z->z.avail_in)
			inflateReset(&z->z);
		if (!z->member_ended || z->z.avail_in)
			rc = step(z, out);
	} while (!rc && (z->z.avail_in || (z->z.avail_out == 0 && !z->member_ended)));
	return rc;
}

bool scrape__gunzip_ended(const struct scrape__gunzip *z)
{
	return z->member_ended;
}
