/* blocks.c - pm import of directories: a block of Prometheus, or all that its data directory holds. */
#include "cmd/import/import.h"

#include "libtsdb/blocks.h"

struct blocks {
	struct pm_import *im;
	const struct tsdb_block_info *info; /* of the block at hand */
	uint64_t total;  /* samples of all blocks by their own account */
	uint64_t series; /* of this block, so far */
	uint64_t committed_series;
	size_t done;       /* blocks stored whole */
	uint64_t of_log;   /* samples of the log that are stored */
	uint64_t lost;     /* of it that no series is known for */
};

static int store_series(struct blocks *b, const struct pm_series *series, struct pm_error *err)
{
	const struct pm_samples *s = &series->samples;
	tsdb_sid sid;
	int rc = pm_import_begin(b->im, err);

	if (rc == 0)
		rc = tsdb_txn_series(b->im->txn, series->labels, &sid, err);
	for (size_t i = 0; i < s->count && rc == 0; i++) {
		struct tsdb_sample sample = { s->t_ms[i], s->v[i], s->h ? s->h[i] : NULL, s->st_ms ? s->st_ms[i] : 0 };

		rc = pm_import_sample(b->im, sid, &sample, err);
	}
	b->series++;
	if (rc == 0 && b->im->pending >= PM_IMPORT_TXN_SAMPLES) {
		rc = pm_import_commit(b->im, err);
		b->committed_series = rc == 0 ? b->series : b->committed_series;
	}
	return rc;
}

static int store_block(struct blocks *b, struct pm_error *err)
{
	struct tsdb_block *block;
	struct pm_series series;
	int rc = tsdb_block_open(b->info->path, &block, err);

	if (rc < 0)
		return rc;
	b->series = b->committed_series = 0;
	while ((rc = tsdb_block_next(block, &series, err)) > 0) {
		rc = store_series(b, &series, err);
		if (rc == 0)
			rc = pm_import_go_on(err);
		if (rc < 0)
			break;
		pm_progress_show(&b->im->progress, pm_import_name(b->im), b->im->committed + b->im->pending, b->total,
			b->im->committed + b->im->pending);
	}
	tsdb_block_free(block);
	/* A block ends a transaction, so that what is stored can be told in whole blocks. */
	return rc < 0 ? rc : pm_import_commit(b->im, err);
}

static const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

static void tell_stop(const struct blocks *b, size_t count)
{
	fprintf(stderr, "pm import: %s: %" PRIu64 " sample%s stored: %zu of %zu block%s", pm_import_name(b->im),
		b->im->committed, plural(b->im->committed), b->done, count, plural(count));
	if (b->done < count && b->committed_series)
		fprintf(stderr, ", and %" PRIu64 " series of %s", b->committed_series, b->info->ulid);
	if (b->of_log)
		fprintf(stderr, ", and %" PRIu64 " samples of the log", b->of_log);
	fputc('\n', stderr);
}

static void tell_end(const struct blocks *b, const struct tsdb_block_list *list)
{
	printf("%s: %" PRIu64 " sample%s of %zu block%s", pm_import_name(b->im), b->im->committed,
		plural(b->im->committed), list->count, plural(list->count));
	if (list->has_log)
		printf(" and the log");
	putchar('\n');
	if (b->lost)
		pm_warn("%s: samples of the log left out, as it does not name their series: %" PRIu64,
			pm_import_name(b->im), b->lost);
}

static int store_log(struct blocks *b, int64_t min_ms, struct pm_error *err)
{
	uint64_t before = b->im->committed;
	int rc = pm_import_log(b->im, min_ms, &b->lost, err);

	b->of_log = b->im->committed - before;
	return rc;
}

int pm_import_dir(struct pm_import *im)
{
	struct blocks b = { .im = im };
	struct tsdb_block_list list;
	struct pm_error err = { 0 };
	int rc = tsdb_block_list(im->path, &list, &err);
	int code = PM_EXIT_OK;

	if (rc < 0)
		return pm_report(im->ctx, &err);
	for (size_t i = 0; i < list.count; i++)
		b.total += list.v[i].sample_count;
	while (b.done < list.count && rc == 0) {
		b.info = &list.v[b.done];
		rc = store_block(&b, &err);
		b.done += rc == 0;
	}
	if (rc == 0 && list.has_log)
		rc = store_log(&b, list.max_ms, &err);
	pm_progress_clear(&im->progress);
	if (rc < 0) {
		code = pm_report(im->ctx, &err);
		tell_stop(&b, list.count);
	} else {
		tell_end(&b, &list);
	}
	tsdb_block_list_free(&list);
	return code;
}
