/* import.c - pm import: text with timestamps into the store, in transactions of about a million samples.
 *
 * The input is read in windows of whole lines, so memory does not grow with it. A transaction is never held while a
 * pipe may keep us waiting: other writers queue behind it. What stops an import stops it between transactions; the
 * message says up to which line samples are stored. */
#include "cmd/cmd.h"
#include "cmd/text_map.h"
#include "cmd/window.h"

#include "libscrape/scrape.h"
#include "libtsdb/base/clock.h"

#include <inttypes.h>
#include <unistd.h>

enum { WINDOW_SIZE = 8 << 20, TXN_SAMPLES = 1000000, PROGRESS_MS = 200, BAR_WIDTH = 30 };

enum { OPT_FORMAT = PM_OPT_ID };

static const struct pm_opt import_opts[] = {
	{ "format", OPT_FORMAT, "FORMAT", "openmetrics (times in seconds) or text (in milliseconds) (openmetrics)" },
	{ 0 },
};

struct import {
	struct pm_ctx *ctx;
	struct scrape_parser *parser;
	enum scrape_format format;
	bool quiet;                 /* no progress bar */
	int64_t shown_ms;           /* when the bar was drawn last */

	/* the file at hand */
	const char *path;
	struct pm_window window;
	uint64_t lines;             /* before the window at hand */
	uint64_t committed, committed_line, exemplars;
	bool ended;                 /* # EOF was seen */

	/* the transaction at hand */
	struct tsdb_txn *txn;
	size_t pending;
	struct pm_text_map texts;   /* of lines of this transaction, and their series */
	uint32_t last_text;         /* the entry of the last sample */
};

static const char *input_name(const struct import *im)
{
	return strcmp(im->path, "-") == 0 ? "standard input" : im->path;
}

/* ---- progress ----------------------------------------------------------------------------------- */

static void show_progress(struct import *im)
{
	int64_t now_ms = pm_monotonic_ns() / 1000000;
	const struct pm_window *w = &im->window;
	double millions = (double)(im->committed + im->pending) / 1e6;
	int done = w->size ? (int)(w->read * BAR_WIDTH / w->size) : 0;

	if (im->quiet || now_ms - im->shown_ms < PROGRESS_MS)
		return;
	im->shown_ms = now_ms;
	done = done > BAR_WIDTH ? BAR_WIDTH : done;
	fprintf(stderr, "\r\033[K%s ", input_name(im));
	if (w->size)
		fprintf(stderr, "[%.*s%*s] ", done, "##############################", BAR_WIDTH - done, "");
	fprintf(stderr, "%.1f M samples", millions);
}

static void clear_progress(struct import *im)
{
	if (!im->quiet && im->shown_ms)
		fprintf(stderr, "\r\033[K");
	im->shown_ms = 0;
}

/* ---- transactions ------------------------------------------------------------------------------- */

static void forget_txn(struct import *im)
{
	im->txn = NULL;
	im->last_text = PM_TEXT_NONE;
	pm_text_map_reset(&im->texts);
}

static int commit(struct import *im, uint64_t line, struct pm_error *err)
{
	struct tsdb_txn *txn = im->txn;
	int rc;

	if (!txn)
		return 0;
	forget_txn(im);
	rc = tsdb_txn_commit(txn, err);
	if (rc == 0) {
		im->committed += im->pending;
		im->committed_line = line;
	}
	im->pending = 0;
	return rc;
}

/* A text over several lines is not remembered: the parser counts known ones as one line. */
static int append_new(struct import *im, uint64_t hash, const struct scrape_line *l, uint32_t *ret_index,
	struct pm_error *err)
{
	struct pm_labels labels;
	tsdb_sid sid;
	int rc = scrape_parser_labels(im->parser, &labels, err);

	if (rc == 0)
		rc = tsdb_txn_append(im->txn, labels, l->t_ms, l->v, &sid, err);
	if (rc < 0 || memchr(l->text.ptr, '\n', l->text.len))
		return rc;
	rc = pm_text_map_add(&im->texts, hash, l->text.len, sid, ret_index);
	return rc < 0 ? pm_fail(err, rc, "out of memory") : 0;
}

/* A text that this transaction saw before names the same series: no labels to read, no series to look up. */
static int append(struct import *im, const struct scrape_line *l, struct pm_error *err)
{
	uint64_t hash = scrape_parser_text_hash(im->parser, l->text);
	uint32_t index = pm_text_map_find(&im->texts, hash, l->text.len);
	int rc;

	if (index == PM_TEXT_NONE)
		rc = append_new(im, hash, l, &index, err);
	else
		rc = tsdb_txn_append_sid(im->txn, im->texts.entries[index].sid, l->t_ms, l->v, err);
	if (im->last_text != PM_TEXT_NONE)
		im->texts.entries[im->last_text].next = index;
	im->last_text = index;
	return rc;
}

/* Read the line that followed the last one before, if it does so again. */
static int next_known(struct import *im, struct scrape_line *ret)
{
	const struct pm_text_entry *entries = im->texts.entries;
	uint32_t next = im->last_text == PM_TEXT_NONE ? PM_TEXT_NONE : entries[im->last_text].next;

	if (next == PM_TEXT_NONE || !scrape_parser_next_known(im->parser, entries[next].hash, entries[next].len, ret))
		return 0;
	im->last_text = next;
	return 1;
}

static int take_sample(struct import *im, const struct scrape_line *l, bool known, struct pm_error *err)
{
	int rc = 0;

	if (l->t_ms == PM_NO_TIME)
		return pm_fail(err, PM_ERR_INVALID, "the sample has no timestamp");
	if (!im->txn)
		rc = tsdb_txn_begin(im->ctx->db, &im->txn, err);
	if (rc == 0 && known)
		rc = tsdb_txn_append_sid(im->txn, im->texts.entries[im->last_text].sid, l->t_ms, l->v, err);
	else if (rc == 0)
		rc = append(im, l, err);
	if (rc < 0)
		return rc;
	im->pending++;
	im->exemplars += l->has_exemplar;
	return im->pending < TXN_SAMPLES ? 0 : commit(im, im->lines + (uint64_t)l->line, err);
}

static int take_line(struct import *im, const struct scrape_line *l, bool known, struct pm_error *err)
{
	int rc = 0;

	if (l->item == SCRAPE_ITEM_SAMPLE)
		rc = take_sample(im, l, known, err);
	else if (l->item == SCRAPE_ITEM_EOF)
		im->ended = true;
	if (rc == PM_ERR_INVALID && err->line == 0)
		err->line = l->line;
	return rc;
}

static uint64_t count_breaks(const char *from, const char *end)
{
	uint64_t n = 0;

	while ((from = memchr(from, '\n', (size_t)(end - from)))) {
		from++;
		n++;
	}
	return n;
}

/* Errors of the parser count lines from the start of the window. */
static int place_error(const struct import *im, int rc, struct pm_error *err)
{
	if (err->line > 0) {
		uint64_t line = im->lines + (uint64_t)err->line;

		err->line = line > INT32_MAX ? INT32_MAX : (int)line;
		snprintf(err->file, sizeof err->file, "%s", input_name(im));
	}
	return rc;
}

static int take_window(struct import *im, struct pm_str text, struct pm_error *err)
{
	struct scrape_line line = { .line = 1, .text = { text.ptr, 0 } };
	int rc;

	if (im->ended) {
		rc = pm_fail(err, PM_ERR_INVALID, "more lines after # EOF");
		err->line = 1;
		return place_error(im, rc, err);
	}
	if (im->lines == 0)
		scrape_parser_begin(im->parser, im->format, text);
	else
		scrape_parser_continue(im->parser, text);
	do {
		bool known = next_known(im, &line);

		rc = known ? 1 : scrape_parser_next_text(im->parser, &line, err);
		if (rc > 0) {
			int taken = take_line(im, &line, known, err);

			rc = taken < 0 ? taken : rc;
		}
	} while (rc > 0);
	if (rc < 0)
		return place_error(im, rc, err);
	im->lines += (uint64_t)line.line - 1 + count_breaks(line.text.ptr, text.ptr + text.len);
	return im->window.size ? 0 : commit(im, im->lines, err);
}

static int take_all(struct import *im, struct pm_error *err)
{
	struct pm_str text;
	int rc;

	while ((rc = pm_window_next(&im->window, &text, err)) > 0) {
		rc = take_window(im, text, err);
		if (rc < 0)
			return rc;
		show_progress(im);
	}
	if (rc < 0)
		return rc;
	if (!im->ended && im->format == SCRAPE_FORMAT_OPENMETRICS_PART)
		return pm_fail(err, PM_ERR_INVALID, "%s: ends without # EOF: part of it may be missing",
			input_name(im));
	return commit(im, im->lines, err);
}

/* ---- files -------------------------------------------------------------------------------------- */

static void tell_end(const struct import *im, bool failed)
{
	const char *plural = im->committed == 1 ? "" : "s";

	if (failed && im->committed)
		fprintf(stderr, "pm import: %s: %" PRIu64 " sample%s stored, up to line %" PRIu64 "\n", input_name(im),
			im->committed, plural, im->committed_line);
	else if (failed)
		fprintf(stderr, "pm import: %s: nothing stored\n", input_name(im));
	else
		printf("%s: %" PRIu64 " sample%s\n", input_name(im), im->committed, plural);
	if (im->exemplars)
		pm_warn("%s: exemplars left out, as they are not stored yet: %" PRIu64, input_name(im), im->exemplars);
}

static int import_file(struct import *im, const char *path)
{
	struct pm_error err = { 0 };
	int rc, code = PM_EXIT_OK;

	im->path = path;
	im->last_text = PM_TEXT_NONE;
	im->lines = im->committed = im->committed_line = im->exemplars = 0;
	im->ended = false;
	rc = pm_window_open(&im->window, path, WINDOW_SIZE, &err);
	if (rc < 0)
		return pm_report(im->ctx, &err);
	rc = take_all(im, &err);
	tsdb_txn_abort(im->txn);
	forget_txn(im);
	im->pending = 0;
	clear_progress(im);
	if (rc < 0)
		code = pm_report(im->ctx, &err);
	tell_end(im, rc < 0);
	pm_window_close(&im->window);
	return code;
}

static int parse_options(struct pm_ctx *ctx, struct import *im)
{
	const char *value;
	int id;

	while ((id = pm_opt_next(ctx, &value)) > 0) {
		if (strcmp(value, "openmetrics") == 0)
			im->format = SCRAPE_FORMAT_OPENMETRICS_PART;
		else if (strcmp(value, "text") == 0)
			im->format = SCRAPE_FORMAT_TEXT;
		else
			return pm_usage(ctx, "unknown format \"%s\": want openmetrics or text", value);
	}
	return id < 0 ? PM_EXIT_USAGE : PM_EXIT_OK;
}

static int import_run(struct pm_ctx *ctx)
{
	struct import im = { .ctx = ctx, .format = SCRAPE_FORMAT_OPENMETRICS_PART, .quiet = !pm_colour(stderr) };
	int code = parse_options(ctx, &im);

	if (code != PM_EXIT_OK)
		return code;
	if (scrape_parser_new(&im.parser) < 0)
		return pm_report(ctx, &(struct pm_error){ .code = PM_ERR_NOMEM });
	for (int i = 0; i < ctx->argc && code == PM_EXIT_OK; i++)
		code = import_file(&im, ctx->argv[i]);
	scrape_parser_free(im.parser);
	pm_text_map_release(&im.texts);
	return code;
}

const struct pm_cmd pm_cmd_import = {
	.name = "import",
	.group = PM_GROUP_STORE,
	.flags = PM_CMD_DATA_WRITE,
	.args_min = 1,
	.summary = "load samples with timestamps from OpenMetrics text",
	.usage = "[--format FORMAT] [--fsync WHEN] FILE|-...",
	.opts = import_opts,
	.help = "Every sample must have a timestamp; OpenMetrics must end with \"# EOF\". \"-\" is standard input.\n"
		"Samples are stored in transactions of about a million; when a line is refused the import stops, and\n"
		"says up to which line samples are stored. Of two samples of a series with the same time the first\n"
		"counts.",
	.example = "pm import history.om\n"
		   "zstdcat history.om.zst | pm -d /var/lib/pm import -\n"
		   "pm import --format text dump.prom",
	.run = import_run,
};
