/* known.c - finding lines again in a layout that a page differs from.
 *
 * Pages mostly differ by a few lines that came or went, so the entries just behind the expected one are tried first, by
 * the length and hash that each has; only then is the line lexed and looked up by its hash in a table over all entries,
 * which is built when it is first asked. */
#include "libscrape/expo/fast.h"
#include "libtsdb/base/mem.h"

enum { LOOK_AHEAD = 4 };

void scrape__known_release(struct scrape__known *k)
{
	pm_free(k->entries);
	pm_free(k->type);
	pm_free(k->slots);
	*k = (struct scrape__known){ 0 };
}

int scrape__known_load(struct scrape__known *k, const struct pm_layout *l)
{
	size_t n = l ? l->entry_count : 0;
	uint32_t type = 0;

	k->count = k->next = k->slot_count = 0;
	k->lost = false;
	if (pm_grow(&k->entries, &k->cap, n) || pm_grow(&k->type, &k->type_cap, n))
		return PM_ERR_NOMEM;
	for (uint32_t b = 0; l && b < l->block_count; b++) {
		for (uint32_t i = 0; i < l->blocks[b].entry_count && k->count < n; i++) {
			k->entries[k->count] = l->blocks[b].entries[i];
			k->type[k->count++] = type;
			if (l->blocks[b].entries[i].ref == PM_REF_TYPE)
				type = (uint32_t)k->count;
		}
	}
	return 0;
}

size_t scrape__known_near(const struct scrape__known *k, const struct scrape_parser *p, const char *s)
{
	size_t left = (size_t)(p->end - s);
	size_t end = k->next + (k->lost ? 0 : LOOK_AHEAD);

	for (size_t i = k->next; i < k->count && i < end; i++) {
		const struct pm_layout_entry *e = &k->entries[i];

		if (e->text_len == 0 || e->text_len > left || pm_ref_is_comment(e->ref))
			continue;
		if (scrape__text_hash(p, s, e->text_len) == e->text_hash)
			return i;
	}
	return SCRAPE__UNKNOWN;
}

static int build_table(struct scrape__known *k)
{
	size_t slots = 16;

	while (slots < k->count * 2)
		slots *= 2;
	if (pm_grow(&k->slots, &k->slot_cap, slots))
		return PM_ERR_NOMEM;
	memset(k->slots, 0, slots * sizeof *k->slots);
	k->slot_count = slots;
	for (size_t i = 0; i < k->count; i++) {
		size_t at = k->entries[i].text_hash & (slots - 1);

		while (k->slots[at] && k->entries[k->slots[at] - 1].text_hash != k->entries[i].text_hash)
			at = (at + 1) & (slots - 1);
		if (!k->slots[at]) /* of lines that are equal the first counts */
			k->slots[at] = (uint32_t)i + 1;
	}
	return 0;
}

size_t scrape__known_find(struct scrape__known *k, uint64_t text_hash, size_t text_len)
{
	const struct pm_layout_entry *e = k->next < k->count ? &k->entries[k->next] : NULL;

	if (e && e->text_hash == text_hash && e->text_len == text_len)
		return k->next;
	if (!k->slot_count && build_table(k))
		return SCRAPE__NOMEM;
	for (size_t at = text_hash & (k->slot_count - 1); k->slots[at]; at = (at + 1) & (k->slot_count - 1)) {
		e = &k->entries[k->slots[at] - 1];
		if (e->text_hash == text_hash)
			return e->text_len == text_len ? k->slots[at] - 1 : SCRAPE__UNKNOWN;
	}
	return SCRAPE__UNKNOWN;
}
