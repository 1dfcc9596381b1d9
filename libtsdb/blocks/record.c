/* record.c - see record.h. Three forms: of version 1, with the first reference and time in front and differences to
 * them; of version 2, with differences to the item before and start timestamps; and lists of whole items. */
#include "libtsdb/blocks/record.h"

#include "libtsdb/blocks/chunk.h"

enum { START_NONE, START_SAME, START_OWN, ITEM_BYTES_MAX = 64 << 20 };

void prom__record_begin(struct prom__record *r, struct pm_str bytes, struct pm_arena *arena)
{
	*r = (struct prom__record){ .c = prom__cursor(bytes.ptr, bytes.len), .arena = arena };
	arena->max = ITEM_BYTES_MAX;
	r->type = prom__take_u8(&r->c);
}

/* Memory for `count` things that take at least `size_min` bytes each in the record. NULL: the record says why. */
static void *room(struct prom__record *r, uint64_t count, size_t size_min, size_t size)
{
	void *p;

	if (count > prom__left(&r->c) / size_min) {
		r->c.bad = true;
		return NULL;
	}
	p = pm_arena_array(r->arena, count, size);
	if (!p)
		r->why = "out of memory";
	return p;
}

static bool take_labels(struct prom__record *r, struct pm_labels *ret)
{
	uint64_t count = prom__take_uvarint(&r->c);
	struct pm_label *v = room(r, count, 2, sizeof *v);
	size_t n = count;

	if (!v)
		return false;
	for (uint64_t i = 0; i < count; i++) {
		v[i].name = prom__take_str(&r->c);
		v[i].value = prom__take_str(&r->c);
	}
	if (r->c.bad)
		return false;
	if (pm_labels_normalize(v, &n, NULL) < 0) {
		r->why = "a label stands twice";
		return false;
	}
	*ret = (struct pm_labels){ v, n };
	return true;
}

/* ---- histograms --------------------------------------------------------------------------------- */

static double take_double(struct prom__record *r)
{
	return pm_bits_double(prom__take_be64(&r->c));
}

static const struct pm_span *take_spans(struct prom__record *r, uint32_t *ret_count)
{
	uint64_t count = prom__take_uvarint(&r->c);
	struct pm_span *v = room(r, count, 2, sizeof *v);

	for (uint64_t i = 0; v && i < count; i++) {
		int64_t offset = prom__take_varint(&r->c);
		uint64_t length = prom__take_uvarint(&r->c);

		if (offset < INT32_MIN || offset > INT32_MAX || length > UINT32_MAX)
			r->c.bad = true;
		v[i] = (struct pm_span){ (int32_t)offset, (uint32_t)length };
	}
	*ret_count = (uint32_t)count;
	return v;
}

static const double *take_doubles(struct prom__record *r, uint32_t *ret_count)
{
	uint64_t count = prom__take_uvarint(&r->c);
	double *v = room(r, count, 8, sizeof *v);

	for (uint64_t i = 0; v && i < count; i++)
		v[i] = take_double(r);
	*ret_count = (uint32_t)count;
	return v;
}

/* Integers are differences to the bucket before. */
static const double *take_integers(struct prom__record *r, uint32_t *ret_count)
{
	uint64_t count = prom__take_uvarint(&r->c), sum = 0;
	double *v = room(r, count, 1, sizeof *v);

	for (uint64_t i = 0; v && i < count; i++) {
		sum += (uint64_t)prom__take_varint(&r->c);
		v[i] = (double)(int64_t)sum;
	}
	*ret_count = (uint32_t)count;
	return v;
}

static bool take_fields(struct prom__record *r, struct pm_histogram *h)
{
	int64_t schema;

	h->reset_hint = prom__take_u8(&r->c) & 3;
	schema = prom__take_varint(&r->c);
	h->schema = schema < INT32_MIN || schema > INT32_MAX ? INT32_MAX : (int32_t)schema;
	h->zero_threshold = take_double(r);
	h->zero_count = h->integer ? (double)prom__take_uvarint(&r->c) : take_double(r);
	h->count = h->integer ? (double)prom__take_uvarint(&r->c) : take_double(r);
	h->sum = take_double(r);
	h->pos_spans = take_spans(r, &h->pos_span_count);
	if (h->pos_spans)
		h->neg_spans = take_spans(r, &h->neg_span_count);
	if (h->neg_spans)
		h->pos = h->integer ? take_integers(r, &h->pos_count) : take_doubles(r, &h->pos_count);
	if (h->pos)
		h->neg = h->integer ? take_integers(r, &h->neg_count) : take_doubles(r, &h->neg_count);
	if (h->neg && h->schema == PM_SCHEMA_CUSTOM)
		h->custom = take_doubles(r, &h->custom_count);
	return h->neg && (h->schema != PM_SCHEMA_CUSTOM || h->custom) && !r->c.bad;
}

static bool take_histogram(struct prom__record *r, bool integer, struct tsdb_log_item *ret)
{
	struct pm_histogram *h = pm_arena_zalloc(r->arena, sizeof *h);

	if (!h) {
		r->why = "out of memory";
		return false;
	}
	h->integer = integer;
	if (!take_fields(r, h))
		return false;
	if (pm_double_bits(h->sum) == PM_STALE_NAN_BITS) {
		ret->v = pm_stale_nan();
		return true;
	}
	r->why = prom__hist_check(h);
	ret->h = h;
	return !r->why;
}

/* ---- items -------------------------------------------------------------------------------------- */

/* Reference and time of an item of version 1. */
static void take_place(struct prom__record *r, struct tsdb_log_item *ret)
{
	if (!r->begun) {
		r->first_ref = prom__take_be64(&r->c);
		r->first_t = (int64_t)prom__take_be64(&r->c);
		r->begun = true;
	}
	r->ref = r->first_ref + (uint64_t)prom__take_varint(&r->c);
	ret->t_ms = (int64_t)((uint64_t)r->first_t + (uint64_t)prom__take_varint(&r->c));
}

/* And of version 2. */
static void take_place_v2(struct prom__record *r, struct tsdb_log_item *ret)
{
	if (!r->begun) {
		r->begun = true;
		r->ref = (uint64_t)prom__take_varint(&r->c);
		r->first_t = prom__take_varint(&r->c);
		r->first_st = r->st = prom__take_varint(&r->c);
		ret->t_ms = r->first_t;
		ret->st_ms = r->st;
		return;
	}
	r->ref += (uint64_t)prom__take_varint(&r->c);
	ret->t_ms = (int64_t)((uint64_t)r->first_t + (uint64_t)prom__take_varint(&r->c));
	switch (prom__take_u8(&r->c)) {
	case START_NONE:
		r->st = 0;
		break;
	case START_SAME:
		break;
	default:
		r->st = (int64_t)((uint64_t)r->first_st + (uint64_t)prom__take_varint(&r->c));
	}
	ret->st_ms = r->st;
}

/* A reference, a type, and fields by name: UNIT and HELP are known. */
static void take_metadata(struct prom__record *r, struct tsdb_log_item *ret)
{
	static const char *const types[] = { "unknown", "counter", "gauge", "histogram", "gaugehistogram", "summary",
		"info", "stateset" };
	uint64_t fields;
	uint8_t type;

	ret->kind = TSDB_LOG_METADATA;
	r->ref = prom__take_uvarint(&r->c);
	type = prom__take_u8(&r->c);
	ret->type = pm_str(types[type < sizeof types / sizeof *types ? type : 0]);
	fields = prom__take_uvarint(&r->c);
	for (uint64_t i = 0; i < fields && !r->c.bad; i++) {
		struct pm_str name = prom__take_str(&r->c), value = prom__take_str(&r->c);

		if (pm_str_eq(name, PM_STR("UNIT")))
			ret->unit = value;
		else if (pm_str_eq(name, PM_STR("HELP")))
			ret->help = value;
	}
}

/* false: r->why, or the record is too short. */
static bool take_item(struct prom__record *r, struct tsdb_log_item *ret)
{
	switch (r->type) {
	case PROM__RECORD_SERIES:
		r->ref = prom__take_be64(&r->c);
		return take_labels(r, &ret->labels);
	case PROM__RECORD_SAMPLES:
		take_place(r, ret);
		ret->v = take_double(r);
		return true;
	case PROM__RECORD_SAMPLES_V2:
		take_place_v2(r, ret);
		ret->v = take_double(r);
		return true;
	case PROM__RECORD_TOMBSTONES:
		r->ref = prom__take_be64(&r->c);
		ret->t_ms = prom__take_varint(&r->c);
		ret->st_ms = prom__take_varint(&r->c);
		return true;
	case PROM__RECORD_EXEMPLARS:
		ret->kind = TSDB_LOG_EXEMPLAR;
		take_place(r, ret);
		ret->v = take_double(r);
		return take_labels(r, &ret->exemplar);
	case PROM__RECORD_METADATA:
		take_metadata(r, ret);
		return true;
	case PROM__RECORD_HISTOGRAMS:
	case PROM__RECORD_CUSTOM_HISTOGRAMS:
	case PROM__RECORD_FLOAT_HISTOGRAMS:
	case PROM__RECORD_CUSTOM_FLOAT_HISTOGRAMS:
		take_place(r, ret);
		return take_histogram(
			r, r->type == PROM__RECORD_HISTOGRAMS || r->type == PROM__RECORD_CUSTOM_HISTOGRAMS, ret);
	case PROM__RECORD_HISTOGRAMS_V2:
	case PROM__RECORD_FLOAT_HISTOGRAMS_V2:
		take_place_v2(r, ret);
		return take_histogram(r, r->type == PROM__RECORD_HISTOGRAMS_V2, ret);
	default:
		r->why = "a record is of a type that is not known";
		return false;
	}
}

int prom__record_next(struct prom__record *r, struct tsdb_log_item *ret)
{
	bool taken;

	if (r->type == PROM__RECORD_MMAP_MARKERS || r->type == PROM__RECORD_MIN_VALID_TIME || prom__left(&r->c) == 0)
		return 0;
	pm_arena_reset(r->arena);
	*ret = (struct tsdb_log_item){ .kind = TSDB_LOG_SAMPLE };
	taken = take_item(r, ret);
	if (taken && !r->c.bad)
		return 1;
	if (!r->why)
		r->why = "a record is cut short";
	return strcmp(r->why, "out of memory") == 0 ? PM_ERR_NOMEM : PM_ERR_CORRUPT;
}
