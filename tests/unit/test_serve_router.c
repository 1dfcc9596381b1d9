/* test_serve_router.c - routes, methods, workers, the memory of quick requests, and whether gzip is wanted. */
#include "tests/support/test.h"

#include "cmd/serve/gzip.h"
#include "cmd/serve/request.h"
#include "cmd/serve/workers.h"

#include <pthread.h>
#include <stdatomic.h>
#include <zlib.h>

static const struct pm_route routes[] = {
	{ "/", PM_METHOD_GET, 0, NULL },
	{ "/api/v1/query", PM_METHOD_POST | PM_METHOD_GET | PM_METHOD_OPTIONS, 0, NULL },
	{ "/api/v1/query_range", PM_METHOD_GET, 0, NULL },
	{ "/api/v1/label/:name/values", PM_METHOD_GET, 0, NULL },
	{ "/last/:x", PM_METHOD_GET, 0, NULL },
	{ 0 },
};

static void test_find(void **state)
{
	static const struct {
		const char *path, *route, *arg;
	} cases[] = {
		{ "/", "/", "" },
		{ "/api/v1/query", "/api/v1/query", "" },
		{ "/api/v1/query_range", "/api/v1/query_range", "" },
		{ "/api/v1/label/job/values", "/api/v1/label/:name/values", "job" },
		{ "/api/v1/label/a%2Fb/values", "/api/v1/label/:name/values", "a%2Fb" },
		{ "/last/x", "/last/:x", "x" },
		{ "/api/v1/label//values", NULL, NULL },
		{ "/api/v1/label/a/b/values", NULL, NULL },
		{ "/api/v1/label/values", NULL, NULL },
		{ "/api/v1/label/job/valuesx", NULL, NULL },
		{ "/last/", NULL, NULL },
		{ "/last", NULL, NULL },
		{ "/api/v1/quer", NULL, NULL },
		{ "/api/v1/query/", NULL, NULL },
		{ "", NULL, NULL },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct pm_str arg;
		const struct pm_route *r = pm_route_find(routes, pm_str(cases[i].path), &arg);
		if (!cases[i].route) {
			assert_null(r);
			continue;
		}
		assert_non_null(r);
		assert_string_equal(r->path, cases[i].route);
		assert_str(arg, cases[i].arg);
	}
}

static void test_allow(void **state)
{
	char out[64];
	assert_string_equal(pm_route_allow(&routes[1], out), "GET, OPTIONS, POST");
	assert_string_equal(pm_route_allow(&routes[2], out), "GET");
	struct pm_route all = { "/", 0xff, 0, NULL };
	assert_string_equal(pm_route_allow(&all, out), "DELETE, GET, HEAD, OPTIONS, POST, PUT");
}

static void test_methods(void **state)
{
	assert_int_equal(pm_method_parse("GET"), PM_METHOD_GET);
	assert_int_equal(pm_method_parse("DELETE"), PM_METHOD_DELETE);
	assert_int_equal(pm_method_parse("get"), PM_METHOD_OTHER);
	assert_int_equal(pm_method_parse("PATCH"), PM_METHOD_OTHER);
}

static void test_gzip_accepted(void **state)
{
	assert_false(pm_gzip_accepted(NULL));
	assert_false(pm_gzip_accepted(""));
	assert_true(pm_gzip_accepted("gzip"));
	assert_true(pm_gzip_accepted("deflate, gzip"));
	assert_true(pm_gzip_accepted("br;q=1.0, GZIP ;q=0.8, *;q=0.1"));
	assert_false(pm_gzip_accepted("gzip;q=0"));
	assert_false(pm_gzip_accepted("x-gzip, identity"));
	assert_false(pm_gzip_accepted("gzipped"));
}

static void test_gzip_round_trip(void **state)
{
	struct pm_buf in = { 0 }, out = { 0 };
	for (int i = 0; i < 5000; i++)
		pm_buf_fmt(&in, "[%d,\"%d\"],", i, i * 7);
	assert_ok(pm_gzip(&out, pm_buf_view(&in)), NULL);
	assert_true(out.len < in.len / 2);

	char *back = pm_malloc(in.len + 1);
	z_stream z = { .next_in = (Bytef *)out.ptr, .avail_in = (uInt)out.len, .next_out = (Bytef *)back,
		.avail_out = (uInt)in.len + 1 };
	assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
	assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
	assert_int_equal(z.total_out, in.len);
	assert_memory_equal(back, in.ptr, in.len);
	inflateEnd(&z);
	pm_free(back);
	pm_buf_release(&in);
	pm_buf_release(&out);
}

static void test_quick(void **state)
{
	static struct pm_quick q;
	assert_false(pm_quick_has(&q, 5));
	pm_quick_note(&q, 5, PM_QUICK_NS - 1);
	assert_true(pm_quick_has(&q, 5));
	pm_quick_note(&q, 5 + PM_QUICK_SLOTS, PM_QUICK_NS); /* slow, of the same slot: changes nothing */
	assert_true(pm_quick_has(&q, 5));
	pm_quick_note(&q, 5 + PM_QUICK_SLOTS, 1); /* pushes it out */
	assert_false(pm_quick_has(&q, 5));
	pm_quick_note(&q, 5 + PM_QUICK_SLOTS, PM_QUICK_NS);
	assert_false(pm_quick_has(&q, 5 + PM_QUICK_SLOTS));
}

/* Work that waits at a gate, so that how much runs at once is known and not guessed. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned inside, inside_max, done;
	bool open;
} gate = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0, 0, false };

static void gate_run(struct pm_work *w)
{
	pthread_mutex_lock(&gate.lock);
	gate.inside++;
	if (gate.inside > gate.inside_max)
		gate.inside_max = gate.inside;
	pthread_cond_broadcast(&gate.changed);
	while (!gate.open)
		pthread_cond_wait(&gate.changed, &gate.lock);
	gate.inside--;
	gate.done++;
	pthread_mutex_unlock(&gate.lock);
}

static void test_workers(void **state)
{
	enum { THREADS = 3, QUEUE = 4 };
	struct pm_workers *w;
	struct pm_work work[THREADS + QUEUE + 1];
	unsigned running, waiting;
	assert_ok(pm_workers_new(THREADS, QUEUE, &w, NULL), NULL);
	for (int i = 0; i < THREADS; i++) {
		work[i].run = gate_run;
		assert_ok(pm_workers_submit(w, &work[i]), NULL);
		pthread_mutex_lock(&gate.lock); /* until it was taken, so that the queue is empty again */
		while (gate.inside < (unsigned)i + 1)
			pthread_cond_wait(&gate.changed, &gate.lock);
		pthread_mutex_unlock(&gate.lock);
	}
	for (int i = THREADS; i < THREADS + QUEUE; i++) {
		work[i].run = gate_run;
		assert_ok(pm_workers_submit(w, &work[i]), NULL);
	}
	work[THREADS + QUEUE].run = gate_run;
	assert_code(pm_workers_submit(w, &work[THREADS + QUEUE]), PM_ERR_LIMIT, NULL);
	pm_workers_load(w, &running, &waiting);
	assert_int_equal(running, THREADS);
	assert_int_equal(waiting, QUEUE);

	pthread_mutex_lock(&gate.lock);
	gate.open = true;
	pthread_cond_broadcast(&gate.changed);
	pthread_mutex_unlock(&gate.lock);
	pm_workers_stop(w); /* runs what waits */
	assert_int_equal(gate.done, THREADS + QUEUE);
	assert_int_equal(gate.inside_max, THREADS);
	assert_code(pm_workers_submit(w, &work[0]), PM_ERR_CANCELED, NULL);
	pm_workers_free(w);
}

TEST_MAIN(TEST(test_find), TEST(test_allow), TEST(test_methods), TEST(test_gzip_accepted), TEST(test_gzip_round_trip),
	TEST(test_quick), TEST(test_workers))
