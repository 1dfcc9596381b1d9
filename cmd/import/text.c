/* text.c - pm import of text with timestamps. It is read in windows of whole lines, so memory does not grow with it. */
#include "cmd/import/import.h"
#include "cmd/import/text_map.h"
#include "cmd/import/window.h"

enum { WINDOW_SIZE = 1 << 20 }; /* what was read is still in the cache when it is parsed */

struct text {
	struct pm_import *im;
	struct scrape_parser *parser;
	struct pm_window window;
	uint64_t lines;           /* before the window at hand */
	uint64_t committed_line;
	uint64_t exemplars_refused;
	bool ended;               /* # EOF was seen */

	/* the transaction at hand */
	struct pm_text_map texts; /* of its lines, and their series */
	uint32_t last_text;       /* the entry of the last sample */
	tsdb_sid last_sid;        /* its series */
};

/* ---- samples ------------------------------------------------------------------------------------ */

static int commit(struct text *t, uint64_t line, struct pm_error *err)
{
	int rc;

	if (!t->im->txn)
		return 0;
	t->last_text = PM_TEXT_NONE;
	pm_text_map_reset(&t->texts);
	rc = pm_import_commit(t->im, err);
	if (rc == 0)
		t->committed_line = line;
	return rc;
}

/* A text over several lines is not remembered: the parser counts known ones as one line. */
static int append_new(struct text *t, uint64_t hash, const struct scrape_line *l, uint32_t *ret_index,
	struct pm_error *err)
{
	struct pm_labels labels;
	int rc = scrape_parser_labels(t->parser, &labels, err);

	if (rc == 0)
		rc = tsdb_txn_append(t->im->txn, labels, l->t_ms, l->v, &t->last_sid, err);
	if (rc < 0 || memchr(l->text.ptr, '\n', l->text.len))
		return rc;
	rc = pm_text_map_add(&t->texts, hash, l->text.len, t->last_sid, ret_index);
	return rc < 0 ? pm_fail(err, rc, "out of memory") : 0;
}

/* A text that this transaction saw before names the same series: no labels to read, no series to look up. */
static int append(struct text *t, const struct scrape_line *l, struct pm_error *err)
{
	uint64_t hash = scrape_parser_text_hash(t->parser, l->text);
	uint32_t index = pm_text_map_find(&t->texts, hash, l->text.len);
	int rc;

	if (index == PM_TEXT_NONE) {
		rc = append_new(t, hash, l, &index, err);
	} else {
		t->last_sid = t->texts.entries[index].sid;
		rc = tsdb_txn_append_sid(t->im->txn, t->last_sid, l->t_ms, l->v, err);
	}
	if (t->last_text != PM_TEXT_NONE)
		t->texts.entries[t->last_text].next = index;
	t->last_text = index;
	return rc;
}

/* Read the line that followed the last one before, if it does so again. */
static int next_known(struct text *t, struct scrape_line *ret)
{
	const struct pm_text_entry *entries = t->texts.entries;
	uint32_t next = t->last_text == PM_TEXT_NONE ? PM_TEXT_NONE : entries[t->last_text].next;

	if (next == PM_TEXT_NONE || !scrape_parser_next_known(t->parser, entries[next].hash, entries[next].len, ret))
		return 0;
	t->last_text = next;
	t->last_sid = entries[next].sid;
	return 1;
}

/* One that is too long, or older than the newest of its series, is left out. */
static int take_exemplar(struct text *t, const struct scrape_line *l, struct pm_error *err)
{
	struct tsdb_exemplar e = { .v = l->exemplar_v, .t_ms = l->exemplar_t_ms };
	int rc = scrape_parser_exemplar(t->parser, &e.labels, err);

	if (e.t_ms == PM_NO_TIME)
		e.t_ms = l->t_ms;
	if (rc == 0 && (rc = tsdb_txn_append_exemplar(t->im->txn, t->last_sid, &e, NULL)) == PM_ERR_INVALID) {
		t->exemplars_refused++;
		return 0;
	}
	return rc < 0 ? pm_fail(err, rc, "an exemplar was not stored: %s", pm_strerror(rc)) : 0;
}

static int take_metadata(struct text *t, struct scrape_line *l, struct pm_error *err)
{
	int rc = scrape_parser_comment(t->parser, l, err);
	struct tsdb_metadata m = { .metric = l->name };

	if (rc == 0)
		rc = pm_import_begin(t->im, err);
	if (l->item == SCRAPE_ITEM_HELP)
		m.help = l->value;
	else if (l->item == SCRAPE_ITEM_TYPE)
		m.type = l->value;
	else
		m.unit = l->value;
	return rc < 0 || m.metric.len == 0 ? rc : tsdb_txn_append_metadata(t->im->txn, &m, err);
}

static int take_sample(struct text *t, const struct scrape_line *l, bool known, struct pm_error *err)
{
	int rc = 0;

	if (l->t_ms == PM_NO_TIME)
		return pm_fail(err, PM_ERR_INVALID, "the sample has no timestamp");
	rc = pm_import_begin(t->im, err);
	if (rc == 0 && known)
		rc = tsdb_txn_append_sid(t->im->txn, t->last_sid, l->t_ms, l->v, err);
	else if (rc == 0)
		rc = append(t, l, err);
	if (rc == 0 && l->has_exemplar)
		rc = take_exemplar(t, l, err);
	if (rc < 0)
		return rc;
	t->im->pending++;
	return t->im->pending < PM_IMPORT_TXN_SAMPLES ? 0 : commit(t, t->lines + (uint64_t)l->line, err);
}

static int take_line(struct text *t, struct scrape_line *l, bool known, struct pm_error *err)
{
	int rc = 0;

	if (l->item == SCRAPE_ITEM_SAMPLE)
		rc = take_sample(t, l, known, err);
	else if (l->item == SCRAPE_ITEM_EOF)
		t->ended = true;
	else if (l->item != SCRAPE_ITEM_COMMENT)
		rc = take_metadata(t, l, err);
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
static int place_error(const struct text *t, int rc, struct pm_error *err)
{
	if (err->line > 0) {
		uint64_t line = t->lines + (uint64_t)err->line;

		err->line = line > INT32_MAX ? INT32_MAX : (int)line;
		snprintf(err->file, sizeof err->file, "%s", pm_import_name(t->im));
	}
	return rc;
}

static int take_window(struct text *t, struct pm_str text, struct pm_error *err)
{
	struct scrape_line line = { .line = 1, .text = { text.ptr, 0 } };
	int rc;

	if (t->ended) {
		rc = pm_fail(err, PM_ERR_INVALID, "more lines after # EOF");
		err->line = 1;
		return place_error(t, rc, err);
	}
	if (t->lines == 0)
		scrape_parser_begin(t->parser, t->im->format, text);
	else
		scrape_parser_continue(t->parser, text);
	do {
		bool known = next_known(t, &line);

		rc = known ? 1 : scrape_parser_next_text(t->parser, &line, err);
		if (rc > 0) {
			int taken = take_line(t, &line, known, err);

			rc = taken < 0 ? taken : rc;
		}
	} while (rc > 0);
	if (rc < 0)
		return place_error(t, rc, err);
	t->lines += (uint64_t)line.line - 1 + count_breaks(line.text.ptr, text.ptr + text.len);
	return t->window.size ? 0 : commit(t, t->lines, err);
}

static int take_all(struct text *t, struct pm_error *err)
{
	struct pm_import *im = t->im;
	struct pm_str text;
	int rc;

	while ((rc = pm_window_next(&t->window, &text, err)) > 0) {
		rc = take_window(t, text, err);
		if (rc == 0)
			rc = pm_import_go_on(err);
		if (rc < 0)
			return rc;
		pm_progress_show(&im->progress, pm_import_name(im), t->window.read, t->window.size,
			im->committed + im->pending);
	}
	if (rc < 0)
		return rc;
	if (!t->ended && im->format == SCRAPE_FORMAT_OPENMETRICS_PART)
		return pm_fail(err, PM_ERR_INVALID, "%s: ends without # EOF: part of it may be missing",
			pm_import_name(im));
	return commit(t, t->lines, err);
}

/* ---- files -------------------------------------------------------------------------------------- */

static void tell_end(const struct text *t, bool failed)
{
	const char *name = pm_import_name(t->im), *plural = t->im->committed == 1 ? "" : "s";
	uint64_t count = t->im->committed;

	if (failed && count)
		fprintf(stderr, "pm import: %s: %" PRIu64 " sample%s stored, up to line %" PRIu64 "\n", name, count,
			plural, t->committed_line);
	else if (failed)
		fprintf(stderr, "pm import: %s: nothing stored\n", name);
	else
		printf("%s: %" PRIu64 " sample%s\n", name, count, plural);
	if (t->exemplars_refused)
		pm_warn("%s: exemplars left out, too long or older than others of their series: %" PRIu64, name,
			t->exemplars_refused);
}

int pm_import_text(struct pm_import *im)
{
	struct text t = { .im = im, .last_text = PM_TEXT_NONE };
	struct pm_error err = { 0 };
	int code = PM_EXIT_OK, rc = scrape_parser_new(&t.parser);

	if (rc < 0)
		return pm_report(im->ctx, &(struct pm_error){ .code = rc });
	rc = pm_window_open(&t.window, im->path, WINDOW_SIZE, &err);
	if (rc < 0) {
		scrape_parser_free(t.parser);
		return pm_report(im->ctx, &err);
	}
	rc = take_all(&t, &err);
	pm_progress_clear(&im->progress);
	if (rc < 0)
		code = pm_report(im->ctx, &err);
	tell_end(&t, rc < 0);
	pm_window_close(&t.window);
	pm_text_map_release(&t.texts);
	scrape_parser_free(t.parser);
	return code;
}
