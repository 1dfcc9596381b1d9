/* family.c - see family.h. */
#include "cmd/dump/family.h"

/* A suffix that metrics of families of some types have; their names come without it. */
struct suffix {
	const char *text;
	const char *types; /* each followed by a blank */
};

static const struct suffix suffixes[] = {
	{ "_total", "counter " },
	{ "_created", "counter histogram summary " },
	{ "_bucket", "histogram gaugehistogram " },
	{ "_count", "histogram summary " },
	{ "_sum", "histogram summary " },
	{ "_gcount", "gaugehistogram " },
	{ "_gsum", "gaugehistogram " },
	{ "_info", "info " },
};

/* What OpenMetrics says of the metric at hand. */
struct family {
	struct pm_str name;
	const struct tsdb_metadata *m; /* NULL: nothing is known */
	bool typed;                    /* its type may be told: the metric's name is one that the type allows */
};

int pm_families_load(struct pm_families *f, struct tsdb *db, struct pm_error *err)
{
	*f = (struct pm_families){ 0 };
	return tsdb_metadata(db, (struct pm_str){ 0 }, 0, &f->known, err);
}

void pm_families_release(struct pm_families *f)
{
	tsdb_metadata_free(&f->known);
	*f = (struct pm_families){ 0 };
}

static const struct tsdb_metadata *find(const struct pm_families *f, struct pm_str name)
{
	size_t low = 0, high = f->known.count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int c = pm_str_cmp(f->known.v[middle].metric, name);

		if (c == 0)
			return &f->known.v[middle];
		if (c < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static bool has_type(const struct suffix *s, struct pm_str type)
{
	const char *at = type.len ? memmem(s->types, strlen(s->types), type.ptr, type.len) : NULL;

	return at && (at == s->types || at[-1] == ' ') && at[type.len] == ' ';
}

/* `name` without the suffix; false when it has another end, or nothing before it. */
static bool strip(struct pm_str name, const char *suffix, struct pm_str *ret)
{
	size_t len = strlen(suffix);

	if (name.len <= len || memcmp(name.ptr + name.len - len, suffix, len) != 0)
		return false;
	*ret = (struct pm_str){ name.ptr, name.len - len };
	return true;
}

/* Whether metrics of the type stand under the name of the family itself. */
static bool stands_bare(struct pm_str type)
{
	return !pm_str_eq(type, PM_STR("counter")) && !pm_str_eq(type, PM_STR("info"));
}

/* Under its own name a metric may be known from Prometheus's text, where the counter x_total is not called x. */
static struct family family_of(const struct pm_families *f, struct pm_str metric)
{
	const struct tsdb_metadata *own = f->known.count ? find(f, metric) : NULL;
	struct family found = { metric, own, own && stands_bare(own->type) };

	if (f->known.count == 0 || found.typed)
		return found;
	for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
		struct pm_str base;
		const struct tsdb_metadata *m;

		if (!strip(metric, suffixes[i].text, &base))
			continue;
		m = own ? own : find(f, base);
		if (m && has_type(&suffixes[i], m->type))
			return (struct family){ base, m, true };
	}
	return found;
}

struct pm_str pm_family_of(const struct pm_families *f, struct pm_str metric)
{
	return family_of(f, metric).name;
}

static void put_line(struct pm_buf *out, const char *what, struct pm_str name, struct pm_str text)
{
	pm_buf_cstr(out, what);
	pm_buf_str(out, name);
	pm_buf_char(out, ' ');
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (c == '\\' || c == '\n' || c == '"')
			pm_buf_char(out, '\\');
		pm_buf_char(out, c == '\n' ? 'n' : c);
	}
	pm_buf_char(out, '\n');
}

static bool ends_with_unit(struct pm_str name, struct pm_str unit)
{
	return unit.len && name.len > unit.len + 1 && name.ptr[name.len - unit.len - 1] == '_' &&
	       memcmp(name.ptr + name.len - unit.len, unit.ptr, unit.len) == 0;
}

void pm_family_put(const struct pm_families *f, struct pm_str metric, struct pm_buf *out)
{
	struct family found = family_of(f, metric);

	if (!found.m)
		return;
	if (found.typed && found.m->type.len && !pm_str_eq(found.m->type, PM_STR("unknown")))
		put_line(out, "# TYPE ", found.name, found.m->type);
	if (ends_with_unit(found.name, found.m->unit))
		put_line(out, "# UNIT ", found.name, found.m->unit);
	if (found.m->help.len)
		put_line(out, "# HELP ", found.name, found.m->help);
}
