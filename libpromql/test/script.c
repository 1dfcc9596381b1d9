/* script.c - reads a script and runs one command after the other. A command's block ends at an empty line; a comment is
 * one. */
#include "libpromql/test/runner.h"

#include "libtsdb/base/mem.h"
#include "libtsdb/base/num.h"

#include <stdio.h>

enum { SCRIPT_MAX = 64 << 20, ARENA_MAX = 1 << 30 };

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

struct pm_str promql__trim(struct pm_str s)
{
	while (s.len && is_blank(*s.ptr)) {
		s.ptr++;
		s.len--;
	}
	while (s.len && is_blank(s.ptr[s.len - 1]))
		s.len--;
	return s;
}

struct pm_str promql__word(struct pm_str *text)
{
	struct pm_str w = { text->ptr, 0 };

	while (w.len < text->len && !is_blank(w.ptr[w.len]))
		w.len++;
	*text = promql__trim((struct pm_str){ text->ptr + w.len, text->len - w.len });
	return w;
}

const struct pm_str *promql__script_line(struct promql__script *s)
{
	if (s->at + 1 >= s->count || s->lines[s->at + 1].len == 0)
		return NULL;
	return &s->lines[++s->at];
}

int promql__script_duration(struct promql__script *s, struct pm_str text, const char *what, int64_t *ret_ms)
{
	if (pm_duration_parse(text, ret_ms) < 0)
		return pm_fail(
			s->err, PM_ERR_INVALID, "bad %s \"%.*s\": a duration is expected", what, PM_STR_ARG(text));
	return 0;
}

/* ---- commands ----------------------------------------------------------------------------------- */

static int eval(struct promql__script *s)
{
	struct promql__want w = { 0 };
	struct pm_buf report = { .max = 16 << 20 };
	int rc = promql__want_read(s, &w);

	if (rc == 0 && promql__want_run(s, &w, &report)) {
		s->counts.passed++;
	} else if (rc == 0) {
		s->counts.failed++;
		s->print(s->print_arg, pm_buf_view(&report));
	}
	promql__want_release(&w);
	pm_buf_release(&report);
	return rc;
}

static bool begins(struct pm_str s, const char *word)
{
	size_t n = strlen(word);

	return s.len >= n && memcmp(s.ptr, word, n) == 0;
}

static int command(struct promql__script *s)
{
	struct pm_str line = s->lines[s->at];

	pm_arena_reset(&s->arena);
	if (pm_str_eq(line, PM_STR("clear"))) {
		promql__mem_release(&s->mem);
		return 0;
	}
	if (begins(line, "load"))
		return promql__load(s);
	if (begins(line, "eval"))
		return eval(s);
	return pm_fail(s->err, PM_ERR_INVALID, "unknown command \"%.*s\"", PM_STR_ARG(line));
}

/* ---- the script --------------------------------------------------------------------------------- */

static struct pm_str *split_lines(struct pm_str text, size_t *ret_count)
{
	size_t count = 1, n = 0;
	struct pm_str *v;

	for (size_t i = 0; i < text.len; i++)
		count += text.ptr[i] == '\n';
	v = pm_calloc(count, sizeof *v);
	for (size_t i = 0, from = 0; v && i <= text.len; i++) {
		if (i < text.len && text.ptr[i] != '\n')
			continue;
		v[n] = promql__trim((struct pm_str){ text.ptr + from, i - from });
		if (v[n].len && *v[n].ptr == '#')
			v[n].len = 0;
		n++;
		from = i + 1;
	}
	*ret_count = count;
	return v;
}

static void set_place(const struct promql__script *s, struct pm_error *err)
{
	if (!err)
		return;
	err->line = (int)s->at + 1;
	err->column = 0;
	snprintf(err->file, sizeof err->file, "%.*s", PM_STR_ARG(s->name));
}

int promql_test_run(struct pm_str name, struct pm_str text, promql_test_print *print, void *arg,
	struct promql_test_counts *ret, struct pm_error *err)
{
	struct promql__script s = { .name = name, .print = print, .print_arg = arg, .err = err };
	struct pm_str *lines;
	int rc = 0;

	*ret = s.counts;
	if (text.len > SCRIPT_MAX)
		return pm_fail(err, PM_ERR_LIMIT, "the script is larger than %d bytes", SCRIPT_MAX);
	lines = split_lines(text, &s.count);
	if (!lines)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	s.lines = lines;
	promql__mem_init(&s.mem);
	pm_arena_init(&s.arena, ARENA_MAX);
	for (; rc == 0 && s.at < s.count; s.at += rc == 0)
		if (lines[s.at].len)
			rc = command(&s);
	if (rc < 0)
		set_place(&s, err);
	*ret = s.counts;
	promql__mem_release(&s.mem);
	pm_arena_release(&s.arena);
	pm_free(lines);
	return rc;
}
