/* fast.h - inside libscrape: reading a page with the layout of the target's last page beside it.
 *
 * Warm: the page has the lines that the layout has, in its order; each is hashed, and only its number is parsed. The
 * walk ends where that stops being so, and never judges a line: what it does not take is for the cold path. Known: the
 * same layout laid flat, for finding lines again behind a difference. */
#ifndef SCRAPE_EXPO_FAST_H
#define SCRAPE_EXPO_FAST_H

#include "libscrape/expo/parser.h"

/* What names a line in a layout. The format is part of it: a line may be allowed in one only. */
uint64_t scrape__text_hash(const struct scrape_parser *p, const char *text, size_t len);

/* Told of the exemplar of the line that was lexed last, whose value is `values[at]`. */
typedef void scrape__exemplar_fn(void *arg, size_t at, const struct scrape_line *line);

/* How far a warm walk came. */
struct scrape__warm {
	scrape__exemplar_fn *exemplar; /* NULL: nobody wants to know */
	void *arg;
	double *values; /* one a series entry that was passed */
	size_t value_count;
	size_t entry_count;    /* entries passed, comments and dropped samples too */
	size_t samples;        /* sample lines passed, dropped ones and doubles too */
	size_t doubles;        /* lines of series that stood before */
	const char *type_line; /* the last TYPE line, NULL: none */
};

/* Walk from p->pos, which is the start of the page; afterwards it is the start of the first line that was not taken.
 * w->values has room for l->series_count. Lines with a timestamp are taken only when `ignore_times`. True: the page is
 * at its end and so is the layout, but for entries without text, which are the scrape's own series. */
bool scrape__warm_walk(struct scrape_parser *p, const struct pm_layout *l, bool ignore_times, struct scrape__warm *w);

/* A layout laid flat. Zeroed is valid and empty. */
struct scrape__known {
	struct pm_layout_entry *entries;
	uint32_t *type;    /* of each: 1 + index of the last TYPE line before it, 0: none */
	uint32_t *slots;   /* hash table: 1 + index, 0: free */
	size_t count, cap, type_cap, slot_cap;
	size_t slot_count; /* a power of two; 0: not built yet */
	size_t next;       /* the entry that the next line is expected to be */
	bool lost;         /* the last line was not found: do not look around again */
};

#define SCRAPE__UNKNOWN SIZE_MAX

int scrape__known_load(struct scrape__known *k, const struct pm_layout *l);
void scrape__known_release(struct scrape__known *k);

/* The sample entry that the line at `s` begins with: the expected one or one shortly behind it. SCRAPE__UNKNOWN: none.
 * The match is of the bytes: what follows must be judged. */
size_t scrape__known_near(const struct scrape__known *k, const struct scrape_parser *p, const char *s);
/* The entry of these bytes wherever it stands, SCRAPE__UNKNOWN, or SCRAPE__NOMEM. */
#define SCRAPE__NOMEM (SIZE_MAX - 1)
size_t scrape__known_find(struct scrape__known *k, uint64_t text_hash, size_t text_len);

#endif
