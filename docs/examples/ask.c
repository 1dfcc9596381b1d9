/* ask.c - PromQL over a data directory, from a program of one's own.
 *
 *     cc ask.c $(pkg-config --cflags --static --libs libpromql) -o ask && ./ask DIR EXPR SECONDS */
#include <libpromql/promql.h>
#include <libtsdb/tsdb.h>

#include <stdio.h>
#include <stdlib.h>

static void print_result(const struct promql_result *r)
{
	for (size_t s = 0; s < r->series_count; s++) {
		const struct promql_series *series = &r->series[s];
		for (size_t i = 0; i < series->labels.count; i++)
			printf("%.*s=%.*s ", PM_STR_ARG(series->labels.v[i].name),
				PM_STR_ARG(series->labels.v[i].value));
		printf("%g\n", series->points[0].v);
	}
}

int main(int argc, char **argv)
{
	struct promql_expr *expr = NULL;
	struct promql_result *result = NULL;
	struct pm_querier *q = NULL;
	struct tsdb *db = NULL;
	struct pm_error err;
	int rc;
	if (argc != 4) {
		fprintf(stderr, "usage: ask DIR EXPR SECONDS\n");
		return 2;
	}
	int64_t t_ms = (int64_t)(atof(argv[3]) * 1000);
	struct promql_opts opts = { .start_ms = t_ms, .end_ms = t_ms };
	/* An expression may be evaluated many times; a querier shows one moment of the store. */
	if ((rc = promql_parse(pm_str(argv[2]), NULL, &expr, &err)) == 0 &&
		(rc = tsdb_open(argv[1], NULL, &db, &err)) == 0 && (rc = tsdb_querier(db, &q, &err)) == 0 &&
		(rc = promql_query(expr, q, &opts, &result, &err)) == 0)
		print_result(result);
	else
		fprintf(stderr, "ask: %s\n", err.msg);
	promql_result_free(result);
	if (q)
		q->free(q);
	tsdb_close(db);
	promql_expr_free(expr);
	return rc < 0;
}
