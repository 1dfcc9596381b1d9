/* integers.h - which integers stand for a column of doubles. */
#ifndef TSDB_COLUMN_INTEGERS_H
#define TSDB_COLUMN_INTEGERS_H

#include "libtsdb/column/form.h"

/* A way from doubles to integers and back. */
struct tsdb__plan {
	unsigned map;     /* enum tsdb__column_map */
	uint64_t factor;  /* MULTIPLE: of all; DECIMAL: the exponent of ten */
	double scale;     /* the same as tsdb__column_map() wants it */
	size_t raw_count; /* elements the integers do not give back */
};

/* The best plan with integers or decimals for v, and the integers in x; elements that have none get a number between
 * their neighbours'. False when too few have one. */
bool tsdb__integers(struct tsdb__plan *plan, const double *v, size_t n, uint64_t *x);
/* The plan that always works, with the bits themselves. */
void tsdb__integers_bits(struct tsdb__plan *plan, const double *v, size_t n, uint64_t *x);

#endif
