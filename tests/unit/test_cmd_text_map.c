/* The table from texts to series: every text once, through growth, collisions and lack of memory. */
#include "tests/support/test.h"

#include "cmd/import/text_map.h"

enum { TEXTS = 6000 };

/* Hashes that share their low bits, so that probing has to walk. */
static uint64_t hash_of(size_t i)
{
	return (uint64_t)(i / 1024) << 32 | (i % 1024 * 8);
}

static int fill(struct pm_text_map *m)
{
	for (size_t i = 0; i < TEXTS; i++) {
		uint32_t index;

		assert_int_equal(pm_text_map_find(m, hash_of(i), i % 7 + 1), PM_TEXT_NONE);
		if (pm_text_map_add(m, hash_of(i), i % 7 + 1, (tsdb_sid)(3 * i), &index) < 0)
			return PM_ERR_NOMEM;
		assert_int_equal(index, i);
	}
	return 0;
}

static void test_every_text_once(void **state)
{
	struct pm_text_map m = { 0 };

	assert_int_equal(fill(&m), 0);
	for (size_t i = 0; i < TEXTS; i++) {
		assert_int_equal(pm_text_map_find(&m, hash_of(i), i % 7 + 1), i);
		assert_int_equal(m.entries[i].sid, 3 * i);
		assert_int_equal(m.entries[i].next, PM_TEXT_NONE);
		assert_int_equal(pm_text_map_find(&m, hash_of(i), 100), PM_TEXT_NONE);
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
