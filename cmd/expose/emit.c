/* emit.c - samples in, a page grouped by family out. Families stand in a hash table by name, each with the text of its
 * samples so far; writing sorts the families. */
#include "cmd/expose/emit.h"

#include "libscrape/scrape.h"
#include "libtsdb/base/hash.h"
#include "libtsdb/base/mem.h"
#include "libtsdb/base/utf8.h"

#include <stdlib.h>

struct pm_emit_family {
	struct pm_emit_family *next; /* in the same bucket */
	struct pm_str name, help;
	const char *type;
	struct pm_buf samples;
};

void pm_emit_init(struct pm_emit *e)
{
	*e = (struct pm_emit){ 0 };
	pm_arena_init(&e->arena, PM_EMIT_PAGE_MAX);
}

void pm_emit_release(struct pm_emit *e)
{
	for (size_t i = 0; i < PM_EMIT_BUCKETS; i++)
		for (struct pm_emit_family *f = e->buckets[i]; f; f = f->next)
			pm_buf_release(&f->samples);
	pm_arena_release(&e->arena);
	*e = (struct pm_emit){ 0 };
}

static void *fail(struct pm_emit *e, int code)
{
	if (!e->error)
		e->error = code;
	return NULL;
}

/* `s` itself when it is valid UTF-8 without NUL, else a copy with U+FFFD for each byte that is not. */
static struct pm_str clean_utf8(struct pm_emit *e, struct pm_str s)
{
	size_t n, o = 0;
	if (pm_utf8_valid(s) && !(s.len && memchr(s.ptr, 0, s.len)))
		return s;
	char *copy = pm_arena_array(&e->arena, s.len, 3); /* U+FFFD has three bytes */
	if (!copy) {
		fail(e, PM_ERR_NOMEM);
		return PM_STR("");
	}
	for (; s.len; s = (struct pm_str){ s.ptr + n, s.len - n }) {
		uint32_t rune = pm_utf8_decode(s, &n);
		o += pm_utf8_encode(copy + o, rune ? rune : PM_RUNE_ERROR);
	}
	return (struct pm_str){ copy, o };
}

static struct pm_emit_family *family_new(struct pm_emit *e, const struct pm_metric *m, struct pm_str name)
{
	struct pm_emit_family *f;
	if (e->family_count >= PM_EMIT_FAMILY_MAX)
		return fail(e, PM_ERR_LIMIT);
	f = pm_arena_zalloc(&e->arena, sizeof *f);
	if (!f)
		return fail(e, PM_ERR_NOMEM);
	f->name = pm_arena_str(&e->arena, name);
	f->help = pm_arena_str(&e->arena, clean_utf8(e, pm_str(m->help)));
	f->type = m->type;
	if (!f->name.ptr || !f->help.ptr)
		return fail(e, PM_ERR_NOMEM);
	pm_buf_init(&f->samples, PM_EMIT_PAGE_MAX);
	e->family_count++;
	return f;
}

static struct pm_emit_family *family_get(struct pm_emit *e, const struct pm_metric *m)
{
	struct pm_str name = pm_str(m->name);
	struct pm_emit_family **slot = &e->buckets[pm_hash(name.ptr, name.len) % PM_EMIT_BUCKETS];
	for (struct pm_emit_family *f = *slot; f; f = f->next)
		if (pm_str_eq(f->name, name))
			return f;
	struct pm_emit_family *f = family_new(e, m, name);
	if (!f)
		return NULL;
	f->next = *slot;
	*slot = f;
	return f;
}

void pm_emit_labels(struct pm_emit *e, const struct pm_metric *m, double v, const struct pm_label *labels, size_t count)
{
	struct pm_label all[PM_EMIT_LABEL_MAX];
	size_t n = 0;
	struct pm_emit_family *f = e->error ? NULL : family_get(e, m);
	if (!f)
		return;
	all[n++] = (struct pm_label){ PM_NAME_LABEL, f->name };
	for (size_t i = 0; i < count && n < PM_EMIT_LABEL_MAX; i++)
		all[n++] = (struct pm_label){ labels[i].name, clean_utf8(e, labels[i].value) };
	if (pm_labels_normalize(all, &n, NULL) != 0)
		return;
	size_t before = f->samples.len;
	scrape_write_sample(&f->samples, (struct pm_labels){ all, n }, v, PM_NO_TIME);
	e->bytes += f->samples.len - before;
	if (pm_buf_error(&f->samples))
		fail(e, pm_buf_error(&f->samples));
	else if (e->bytes > PM_EMIT_PAGE_MAX)
		fail(e, PM_ERR_LIMIT);
}

static bool name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == ':';
}

const char *pm_emit_name(struct pm_emit *e, const char *prefix, struct pm_str middle, const char *suffix)
{
	char *name = pm_arena_printf(&e->arena, "%s%.*s%s", prefix, PM_STR_ARG(middle), suffix);
	if (!name) {
		fail(e, PM_ERR_NOMEM);
		return "_";
	}
	for (char *p = name; *p; p++)
		if (!name_char(*p))
			*p = '_';
	return name;
}

static int by_name(const void *a, const void *b)
{
	const struct pm_emit_family *const *fa = a, *const *fb = b;
	return pm_str_cmp((*fa)->name, (*fb)->name);
}

int pm_emit_write(const struct pm_emit *e, struct pm_buf *out)
{
	size_t n = 0;
	if (e->error)
		return e->error;
	const struct pm_emit_family **v = pm_calloc(e->family_count + 1, sizeof *v);
	if (!v)
		return PM_ERR_NOMEM;
	for (size_t i = 0; i < PM_EMIT_BUCKETS; i++)
		for (const struct pm_emit_family *f = e->buckets[i]; f; f = f->next)
			v[n++] = f;
	qsort(v, n, sizeof *v, by_name);
	for (size_t i = 0; i < n; i++) {
		scrape_write_family(out, v[i]->name, v[i]->type, v[i]->help);
		pm_buf_str(out, pm_buf_view(&v[i]->samples));
	}
	pm_free(v);
	return pm_buf_error(out);
}
