/* inspect.c - pm inspect: what a data directory holds, whether it is sound, and its files as text. Takes no lock: the
 * store may be written meanwhile. */
#include "cmd/cmd.h"
#include "cmd/inspect.h"

#include "libtsdb/base/json_out.h"
#include "libtsdb/base/mem.h"
#include "libtsdb/base/num.h"

#include <inttypes.h>

enum { TOP_DEFAULT = 10 };

enum { OPT_CARDINALITY = PM_OPT_ID, OPT_TOP, OPT_VERIFY, OPT_FILES, OPT_DIGEST, OPT_QUICK };

static const struct pm_opt inspect_opts[] = {
	{ "quick", OPT_QUICK, NULL,
		"neither read the columns of segments for their encodings, nor count series in all parts" },
	{ "cardinality", OPT_CARDINALITY, NULL, "count series by metric, label and value" },
	{ "top", OPT_TOP, "N", "with --cardinality: lines of each list (10)" },
	{ "digest", OPT_DIGEST, NULL, "one hash over all series and samples, whatever files they are in" },
	{ "verify", OPT_VERIFY, NULL, "check every checksum, and that the files fit together" },
	{ "files", OPT_FILES, NULL, "the store's files as text, record by record: all, or those named" },
	{ "output", 'o', "FORMAT", "table or json (table)" },
	{ 0 },
};

struct inspect {
	struct pm_ctx *ctx;
	int mode; /* OPT_CARDINALITY ... OPT_DIGEST, 0: the parts */
	size_t top;
	bool json, quick;
	struct pm_buf out;
};

static int finish(struct inspect *in)
{
	struct pm_error err = { .code = pm_buf_error(&in->out) };

	return err.code ? pm_report(in->ctx, &err) : pm_print(pm_buf_view(&in->out));
}

/* ---- parts -------------------------------------------------------------------------------------- */

static void add_sort(struct tsdb_part *total, const struct tsdb_sort *s)
{
	size_t i = 0;

	while (i < total->sort_count && strcmp(total->sorts[i].name, s->name) != 0)
		i++;
	if (i == TSDB_SORTS_MAX)
		return;
	if (i == total->sort_count)
		total->sorts[total->sort_count++] = (struct tsdb_sort){ .name = s->name };
	total->sorts[i].bytes += s->bytes;
	total->sorts[i].count += s->count;
	total->sorts[i].samples += s->samples;
}

static int add_part(void *arg, const struct tsdb_part *part)
{
	struct pm_parts *p = arg;

	if (pm_grow(&p->v, &p->cap, p->count + 1) < 0)
		return PM_ERR_NOMEM;
	p->v[p->count++] = *part;
	p->total.sample_count += part->sample_count;
	p->total.bytes += part->bytes;
	p->total.min_ms = part->min_ms < p->total.min_ms ? part->min_ms : p->total.min_ms;
	p->total.max_ms = part->max_ms > p->total.max_ms ? part->max_ms : p->total.max_ms;
	for (size_t i = 0; i < part->sort_count; i++)
		add_sort(&p->total, &part->sorts[i]);
	return 0;
}

/* A series may be in many parts: the total is of different ones. */
static int count_series(struct pm_querier *q, void *arg, struct pm_error *err)
{
	struct pm_select all = { .min_ms = PM_TIME_MIN, .max_ms = PM_TIME_MAX, .labels_only = true };
	struct pm_parts *p = arg;
	struct pm_series_set *set;
	struct pm_series series;
	int rc = q->select(q, &all, &set, err);

	if (rc < 0)
		return rc;
	for (p->total.series_count = 0; (rc = set->next(set, &series, err)) > 0;)
		p->total.series_count++;
	set->free(set);
	return rc;
}

static int inspect_parts(struct inspect *in)
{
	struct pm_parts p = { .total = { .min_ms = PM_TIME_MAX, .max_ms = PM_TIME_MIN } };
	struct pm_error err = { 0 };
	int rc = tsdb_parts(in->ctx->db, !in->quick, add_part, &p, &err);

	if (rc == 0 && p.count == 1)
		p.total.series_count = p.v[0].series_count;
	else if (rc == 0 && in->quick)
		p.total.series_count = PM_SERIES_UNKNOWN;
	else if (rc == 0)
		rc = pm_with_querier(in->ctx->db, count_series, &p, &err);
	if (rc == 0)
		pm_inspect_parts(&in->out, &p, in->json);
	pm_free(p.v);
	err.code = rc;
	return rc < 0 ? pm_report(in->ctx, &err) : finish(in);
}

/* ---- cardinality and digest --------------------------------------------------------------------- */

static int print_cardinality(struct pm_querier *q, void *arg, struct pm_error *err)
{
	struct pm_select all = { .min_ms = PM_TIME_MIN, .max_ms = PM_TIME_MAX };
	struct inspect *in = arg;
	struct tsdb_cardinality *c;
	int rc = tsdb_cardinality(q, &all, in->top, &c, err);

	if (rc == 0) {
		pm_inspect_cardinality(&in->out, c, in->json);
		tsdb_cardinality_free(c);
	}
	return rc;
}

static int inspect_cardinality(struct inspect *in)
{
	struct pm_error err = { 0 };
	int rc = pm_with_querier(in->ctx->db, print_cardinality, in, &err);

	return rc < 0 ? pm_report(in->ctx, &err) : finish(in);
}

static int inspect_digest(struct inspect *in)
{
	struct pm_error err = { 0 };
	struct tsdb_digest d;

	if (tsdb_digest(in->ctx->db, &d, &err) < 0)
		return pm_report(in->ctx, &err);
	pm_inspect_digest(&in->out, &d, in->json);
	return finish(in);
}

/* ---- verify ------------------------------------------------------------------------------------- */

static int print_damage(void *arg, const struct tsdb_damage *d)
{
	(void)arg;
	printf("%s: damaged at offset %" PRIu64 ": %s\n", d->file, d->off, d->what);
	return 0;
}

static int json_damage(void *arg, const struct tsdb_damage *d)
{
	struct pm_json *j = arg;

	pm_json_object(j);
	pm_json_key(j, PM_STR("file"));
	pm_json_cstr(j, d->file);
	pm_json_key(j, PM_STR("offset"));
	pm_json_uint(j, d->off);
	pm_json_key(j, PM_STR("what"));
	pm_json_cstr(j, d->what);
	pm_json_object_end(j);
	return 0;
}

static void finish_json(struct pm_json *j, const struct tsdb_verified *v)
{
	const struct {
		const char *name;
		uint64_t value;
	} counts[] = { { "files", v->files }, { "records", v->records }, { "bytes", v->bytes } };

	pm_json_array_end(j);
	for (size_t i = 0; i < 3; i++) {
		pm_json_key(j, pm_str(counts[i].name));
		pm_json_uint(j, counts[i].value);
	}
	pm_json_object_end(j);
	pm_buf_char(j->buf, '\n');
}

static int no_store(struct inspect *in, int rc, struct pm_error *err)
{
	if (rc == PM_ERR_NOTFOUND)
		pm_fail(err, rc, "%s: no data here; -d DIR names another directory", in->ctx->data_dir);
	return pm_report(in->ctx, err);
}

static int inspect_verify(struct inspect *in)
{
	struct tsdb_verified v = { 0 };
	struct pm_error err = { 0 };
	struct pm_json j;
	int rc, code;

	pm_json_init(&j, &in->out);
	if (in->json) {
		pm_json_object(&j);
		pm_json_key(&j, PM_STR("damage"));
		pm_json_array(&j);
		rc = tsdb_verify(in->ctx->data_dir, json_damage, &j, &v, &err);
		finish_json(&j, &v);
	} else {
		rc = tsdb_verify(in->ctx->data_dir, print_damage, NULL, &v, &err);
		pm_buf_fmt(&in->out, "%" PRIu64 " files, %" PRIu64 " records, %" PRIu64 " bytes: ", v.files, v.records,
			v.bytes);
		if (v.damages)
			pm_buf_fmt(&in->out, "damaged in %" PRIu64 " place%s\n", v.damages, v.damages == 1 ? "" : "s");
		else
			pm_buf_cstr(&in->out, "sound\n");
	}
	if (rc < 0)
		return no_store(in, rc, &err);
	code = finish(in);
	return code == PM_EXIT_OK && v.damages ? PM_EXIT_FAIL : code;
}

/* ---- files -------------------------------------------------------------------------------------- */

static int print_text(void *arg, struct pm_str text)
{
	(void)arg;
	pm_print(text);
	return ferror(stdout);
}

static int inspect_files(struct inspect *in)
{
	struct pm_ctx *ctx = in->ctx;
	struct pm_error err = { 0 };
	int rc = 0;

	if (ctx->argc == 0)
		rc = tsdb_files_text(ctx->data_dir, NULL, print_text, NULL, &err);
	for (int i = 0; i < ctx->argc && rc == 0; i++)
		rc = tsdb_files_text(ctx->data_dir, ctx->argv[i], print_text, NULL, &err);
	if (rc == PM_ERR_NOTFOUND && ctx->argc)
		return pm_report(ctx, &err);
	return rc < 0 ? no_store(in, rc, &err) : PM_EXIT_OK;
}

/* ---- the command -------------------------------------------------------------------------------- */

static int set_option(struct inspect *in, int id, const char *value)
{
	uint64_t n;

	switch (id) {
	case 'o':
		in->json = strcmp(value, "json") == 0;
		if (!in->json && strcmp(value, "table") != 0)
			return pm_usage(in->ctx, "unknown format \"%s\": want table or json", value);
		return PM_EXIT_OK;
	case OPT_TOP:
		if (pm_uint_parse(pm_str(value), &n) != 0 || n == 0 || n > SIZE_MAX)
			return pm_usage(in->ctx, "bad value of --top: \"%s\" is no number above 0", value);
		in->top = (size_t)n;
		return PM_EXIT_OK;
	case OPT_QUICK:
		in->quick = true;
		return PM_EXIT_OK;
	default:
		if (in->mode && in->mode != id)
			return pm_usage(in->ctx, "one of --cardinality, --digest, --verify and --files at a time");
		in->mode = id;
		return PM_EXIT_OK;
	}
}

static int parse_options(struct inspect *in)
{
	const char *value;
	int id, code = PM_EXIT_OK;

	while (code == PM_EXIT_OK && (id = pm_opt_next(in->ctx, &value)) > 0)
		code = set_option(in, id, value);
	if (code != PM_EXIT_OK || id < 0)
		return PM_EXIT_USAGE;
	if (in->ctx->argc && in->mode != OPT_FILES)
		return pm_usage(in->ctx, "unexpected argument \"%s\"", in->ctx->argv[0]);
	if (in->json && in->mode == OPT_FILES)
		return pm_usage(in->ctx, "--files is text, there is no JSON of it");
	return PM_EXIT_OK;
}

static int run_mode(struct inspect *in)
{
	struct pm_error err = { 0 };

	/* Damage may keep a store from opening: these two do without. */
	if (in->mode == OPT_VERIFY)
		return inspect_verify(in);
	if (in->mode == OPT_FILES)
		return inspect_files(in);
	if (pm_data_open(in->ctx, TSDB_READ, &err) < 0)
		return pm_report(in->ctx, &err);
	if (in->mode == OPT_CARDINALITY)
		return inspect_cardinality(in);
	return in->mode == OPT_DIGEST ? inspect_digest(in) : inspect_parts(in);
}

static int inspect_run(struct pm_ctx *ctx)
{
	struct inspect in = { .ctx = ctx, .top = TOP_DEFAULT };
	int code = parse_options(&in);

	if (code == PM_EXIT_OK)
		code = run_mode(&in);
	pm_buf_release(&in.out);
	return code;
}

const struct pm_cmd pm_cmd_inspect = {
	.name = "inspect",
	.group = PM_GROUP_STORE,
	.flags = PM_CMD_DATA_NAMED,
	.summary = "tell what a data directory holds",
	.usage = "[--quick | --cardinality [--top N] | --digest | --verify | --files [FILE...]] [-o FORMAT]",
	.opts = inspect_opts,
	.help = "Without an option: each part of the store with its series, samples, bytes and times. Nothing is "
		"locked or\n"
		"changed, so a store may be looked at while it is written.\n"
		"--verify names file and offset of all damage, and exits 1 when there is any.",
	.example = "pm inspect\n"
		   "pm inspect --cardinality --top 20\n"
		   "pm -d /mnt/copy inspect --verify\n"
		   "pm inspect --files meta head.00000001/catalog",
	.run = inspect_run,
};
