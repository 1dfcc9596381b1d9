/* pager.h - inside libscrape: the state of one page on its way from bytes to the store (page.c, report.c, store.c). */
#ifndef SCRAPE_TARGET_PAGER_H
#define SCRAPE_TARGET_PAGER_H

#include "libscrape/expo/fast.h"
#include "libscrape/target/target.h"

struct scrape__pager {
	/* memory, kept from page to page */
	struct scrape_parser *parser;
	struct pm_arena arena;
	struct scrape__known known;
	struct pm_page_entry *entries;
	size_t entry_count, entry_cap;
	double *values;
	size_t value_cap;
	struct pm_page_exemplar *exemplars;
	size_t exemplar_count, exemplar_cap;
	struct pm_page_metadata *metadata;
	size_t metadata_count, metadata_cap;
	struct pm_buf key;

	/* the page at hand */
	const struct scrape_target *target;
	const struct scrape__fetched *fetched;
	const struct pm_layout *layout; /* of the last page, or NULL */
	int64_t start_ns;
	bool text_known;             /* the layout has the text of the line that was lexed last */
	uint64_t type_hash;          /* of the last TYPE line, 0: none */
	size_t samples, kept, added; /* sample lines; those not dropped; those whose text is new */
	int notes_error;             /* out of memory while exemplars or metadata were kept */
};

/* What the page has beside samples (notes.c). Nothing of it is reason to refuse a page but lack of memory. */
void scrape__note_exemplar(void *pager, size_t at, const struct scrape_line *line);
void scrape__note_metadata(struct scrape__pager *g, const struct scrape_line *line);

int scrape__add_entry(struct scrape__pager *g, const struct pm_page_entry *e, struct pm_error *err);

/* Parse the page in the form that fits, with the scrape's own series behind. An error means that the page is no good;
 * what was counted until then stays. */
int scrape__parse_page(struct scrape__pager *g, struct pm_page *ret, struct pm_error *err);

/* The scrape's own series (report.c): as entries, or as the last values of a warm page. */
enum { SCRAPE__REPORT_COUNT = 5 };
int scrape__add_report(struct scrape__pager *g, bool up, struct pm_error *err);
void scrape__report_values(const struct scrape__pager *g, bool up, double *ret);
/* Do exactly these series, in order, stand behind `from` entries of the layout, and nothing else? */
bool scrape__ends_with_report(const struct pm_layout *l, size_t from);

#endif
