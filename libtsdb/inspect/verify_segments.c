/* verify_segments.c - the manifest, and segments: the checksum of every block, then every series and sample. */
#include "libtsdb/inspect/segments.h"
#include "libtsdb/inspect/verify.h"

struct blocks {
	struct tsdb__verify *k;
	const struct tsdb__view_file *f;
	int stop;
};

static void tell_block(void *arg, uint64_t off, const char *what)
{
	struct blocks *b = arg;
	if (b->stop == 0)
		b->stop = tsdb__damaged(b->k, b->f, off, what);
}

static bool is_damage(int rc)
{
	return rc == PM_ERR_CORRUPT || rc == PM_ERR_VERSION || rc == PM_ERR_STALE;
}

/* Blocks that are damaged have been told of: only what hides below sound checksums is left to the walk. */
static int check_open(struct tsdb__verify *k, const struct tsdb__view_file *f, struct tsdb__segment *s)
{
	struct blocks b = { k, f, 0 };
	struct pm_error why = { 0 };
	uint64_t damaged = tsdb__segment_verify(s, tell_block, &b);
	k->ret.records += s->footer->series_count;
	if (b.stop || damaged)
		return b.stop;
	int rc = tsdb__segment_walk(s, &why);
	return is_damage(rc) ? tsdb__damaged_as(k, f, &why) : rc;
}

static int check_segment(struct tsdb__verify *k, const struct tsdb__view_file *f, size_t i)
{
	struct pm_error why = { 0 };
	struct tsdb__segment *s;
	int rc;
	if (f->missing)
		return tsdb__damaged(k, f, 0, "the file is missing");
	k->ret.files++;
	k->ret.bytes += f->size;
	rc = tsdb__manifest_segment(k->view.manifest, i, &s, &why);
	if (rc == PM_ERR_STALE)
		return 0; /* merged away since the view was opened */
	if (rc < 0)
		return is_damage(rc) ? tsdb__damaged_as(k, f, &why) : rc;
	rc = check_open(k, f, s);
	tsdb__segment_unref(s);
	return rc;
}

int tsdb__verify_segments(struct tsdb__verify *k)
{
	const struct tsdb__view *v = &k->view;
	const struct tsdb__view_file *f = &v->files[v->log_end];
	int stop = 0;
	if (!v->rec.manifest)
		return 0;
	if (!v->manifest)
		return f->missing ? tsdb__damaged(k, f, 0, "the file is missing")
				  : tsdb__damaged_as(k, f, &v->manifest_error);
	k->ret.files++;
	k->ret.records++;
	k->ret.bytes += f->size;
	for (size_t i = 0; i < v->manifest->count && stop == 0; i++)
		stop = check_segment(k, f + 1 + i, i);
	return stop;
}
