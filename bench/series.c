/* series.c - reads lines of `name{labels} value seconds`, gathers the samples of each series, and weighs their columns.
 * A tool for those who work on columns: it holds all samples in memory and trusts its input. */
#include "bench/series.h"

#include "libtsdb/base/hash.h"
#include "libtsdb/base/num.h"
#include "libtsdb/column/column.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = 1 << 20, TALLIES = 256 };

struct series {
	uint64_t hash;
	char name[64];
	double *v;
	int64_t *t;
	size_t n, cap;
};

struct tally {
	char name[64];
	size_t samples, bytes, columns;
};

static struct series *slots[SLOTS];
static uint64_t seen_times[SLOTS];

static struct series *find(const char *key, size_t len)
{
	uint64_t hash = pm_hash(key, len);
	size_t i = hash % SLOTS;
	while (slots[i] && slots[i]->hash != hash)
		i = (i + 1) % SLOTS;
	if (!slots[i]) {
		slots[i] = calloc(1, sizeof *slots[i]);
		slots[i]->hash = hash;
		snprintf(slots[i]->name, sizeof slots[i]->name, "%.*s", (int)strcspn(key, "{ "), key);
	}
	return slots[i];
}

static void add_line(char *line)
{
	char *brace = strrchr(line, '}'), *value = strchr(brace ? brace : line, ' '), *end;
	if (line[0] == '#' || !value)
		return;
	struct series *s = find(line, (size_t)(value - line));
	if (s->n == s->cap) {
		s->cap = s->cap ? 2 * s->cap : 64;
		s->v = realloc(s->v, s->cap * sizeof *s->v);
		s->t = realloc(s->t, s->cap * sizeof *s->t);
	}
	s->v[s->n] = strtod(value + 1, &end);
	s->t[s->n++] = llround(strtod(end, NULL) * 1000);
}

static int read_files(char **files)
{
	char line[4096];
	for (; *files; files++) {
		FILE *f = fopen(*files, "r");
		if (!f) {
			perror(*files);
			return 1;
		}
		while (fgets(line, sizeof line, f))
			add_line(line);
		fclose(f);
	}
	return 0;
}

static void count(struct tally *tallies, const char *name, size_t samples, size_t bytes)
{
	size_t i = 0;
	while (i < TALLIES - 1 && tallies[i].name[0] && strcmp(tallies[i].name, name) != 0)
		i++;
	snprintf(tallies[i].name, sizeof tallies[i].name, "%s", name);
	tallies[i].samples += samples;
	tallies[i].bytes += bytes;
	tallies[i].columns++;
}

static bool seen(const int64_t *t, size_t n)
{
	uint64_t hash = pm_hash(t, n * sizeof *t);
	size_t i = hash % SLOTS;
	while (seen_times[i] && seen_times[i] != hash)
		i = (i + 1) % SLOTS;
	bool is = seen_times[i] == hash;
	seen_times[i] = hash;
	return is;
}

static void print(const char *title, const struct tally *t)
{
	printf("%s\n", title);
	for (size_t i = 0; i < TALLIES && t[i].name[0]; i++)
		printf("  %-40s %10zu samples %8zu columns %12zu bytes %8.4f a sample\n", t[i].name, t[i].samples,
			t[i].columns, t[i].bytes, (double)t[i].bytes / (double)t[i].samples);
}

static size_t weigh(struct pm_buf *b, struct tally *by_encoding, const char *kind, size_t n)
{
	struct tsdb__column c;
	char name[64];
	if (pm_buf_error(b) || tsdb__column_open(&c, (uint8_t *)b->ptr, b->len, NULL) < 0)
		exit(1);
	snprintf(name, sizeof name, "%s %s", kind, tsdb__column_encoding(&c));
	count(by_encoding, name, n, b->len);
	return b->len;
}

int bench_series_sizes(size_t per_column, char **files)
{
	static struct tally by_metric[TALLIES], by_encoding[TALLIES], all[TALLIES];
	struct pm_buf b = { 0 };
	if (read_files(files))
		return 1;
	for (size_t s = 0; s < SLOTS; s++)
		for (size_t i = 0, n; slots[s] && i < slots[s]->n; i += n) {
			n = slots[s]->n - i;
			n = per_column && n > per_column ? per_column : n;
			pm_buf_reset(&b);
			tsdb__column_put_values(&b, slots[s]->v + i, n);
			size_t bytes = weigh(&b, by_encoding, "values", n);
			count(by_metric, slots[s]->name, n, bytes);
			if (!seen(slots[s]->t + i, n)) {
				pm_buf_reset(&b);
				tsdb__column_put_times(&b, slots[s]->t + i, n);
				bytes += weigh(&b, by_encoding, "times", n);
			}
			count(all, "all", n, bytes);
		}
	print("by metric (values)", by_metric);
	print("by encoding", by_encoding);
	print("values and times", all);
	pm_buf_release(&b);
	return 0;
}
