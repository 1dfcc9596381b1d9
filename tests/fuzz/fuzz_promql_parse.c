/* fuzz_promql_parse.c - any bytes as a query: no crash, and what parses is printed so that it reads back as itself. */
#include "libpromql/promql.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Printing makes text longer: escapes take four bytes a byte, durations some dozens. */
enum { SIZE_MAX_IN = 16 << 10 };

static void fail(const char *what, const char *first, const char *second)
{
	fprintf(stderr, "%s\n\t%s\n\t%s\n", what, first, second);
	abort();
}

/* What parsing `text` and printing gives. */
static char *reprint(const char *what, const char *text)
{
	struct pm_error err = { 0 };
	struct promql_expr *e;
	char *again;

	if (promql_parse(pm_str(text), NULL, &e, &err) < 0)
		fail(what, text, err.msg);
	again = promql_print(e);
	promql_expr_free(e);
	return again;
}

static void check_printed(const struct promql_expr *e)
{
	char *text = promql_print(e), *pretty = promql_prettify(e), *json = promql_ast_json(e), *again, *flat;

	if (!text || !pretty || !json)
		abort();
	again = reprint("printed text does not parse", text);
	if (strcmp(text, again) != 0)
		fail("printed twice, printed differently", text, again);
	flat = reprint("prettified text does not parse", pretty);
	if (strcmp(text, flat) != 0)
		fail("prettified, it is another query", text, flat);
	free(text);
	free(pretty);
	free(json);
	free(again);
	free(flat);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pm_str text = { (const char *)data, size };
	struct promql_matchers m = { 0 };
	struct promql_expr *e = NULL;
	struct pm_error err = { 0 };

	if (size > SIZE_MAX_IN)
		return 0;
	if (promql_parse_matchers(text, &m, &err) == 0)
		promql_matchers_free(&m);
	if (promql_parse(text, NULL, &e, &err) == 0) {
		check_printed(e);
		promql_expr_free(e);
	} else if (!err.msg[0]) {
		abort();
	}
	return 0;
}
