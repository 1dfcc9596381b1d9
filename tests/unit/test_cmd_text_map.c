/* The table from texts to series: every text once, through growth, collisions and lack of memory. */
#include "tests/support/test.h"

#include "cmd/text_map.h"

enum { TEXTS = 6000 };

/* Hashes that share their low bits, so that probing has to walk. */
static uint64_t hash_of(size_t i)
{
	return (uint64_t)(i / 1024) << 32 | (i % 1024 * 8);
}

static int fill(struct pm_text_map *m)
{
	for (size_t i = 0; i < TEXTS; i++) {
		struct pm_text_slot *s = pm_text_map_at(m, hash_of(i), i % 7 + 1);

		if (!s)
			return PM_ERR_NOMEM;
		assert_int_equal(s->len, 0);
		*s = (struct pm_text_slot){ hash_of(i), (uint32_t)(i % 7 + 1), (tsdb_sid)i };
		pm_text_map_added(m);
	}
	return 0;
}

static void test_every_text_once(void **state)
{
	struct pm_text_map m = { 0 };

	assert_int_equal(fill(&m), 0);
	for (size_t i = 0; i < TEXTS; i++) {
		struct pm_text_slot *s = pm_text_map_at(&m, hash_of(i), i % 7 + 1);

		assert_int_equal(s->sid, i);
		assert_int_equal(pm_text_map_at(&m, hash_of(i), 100)->len, 0);
	}
	pm_text_map_release(&m);
}

static void test_reset(void **state)
{
	struct pm_text_map m = { 0 };

	pm_text_map_reset(&m);
	assert_int_equal(fill(&m), 0);
	pm_text_map_reset(&m);
	assert_int_equal(m.count, 0);
	assert_int_equal(fill(&m), 0);
	pm_text_map_release(&m);
}

static int faulty(void *arg)
{
	struct pm_text_map m = { 0 };
	int rc = fill(&m);

	pm_text_map_release(&m);
	return rc;
}

static void test_no_memory(void **state)
{
	assert_true(test_mem_faults(faulty, NULL) > 3);
}

TEST_MAIN(TEST(test_every_text_once), TEST(test_reset), TEST(test_no_memory))
