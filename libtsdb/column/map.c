/* map.c - from the integers of a column to its elements. The writer uses the very same function to see which elements
 * come back to the last bit, so that the others are kept as they are. */
#include "libtsdb/column/form.h"
#include "libtsdb/column/kernels.h"

const double tsdb__power_of_ten[TSDB_EXPONENT_MAX + 1] = { 1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18 };

void tsdb__column_map(unsigned map, double scale, uint64_t *x, size_t n)
{
	const struct tsdb__kernels *k = tsdb__kernels();
	switch (map) {
	case TSDB_MAP_INTEGER:
		k->to_double(x, n);
		break;
	case TSDB_MAP_MULTIPLE:
		k->to_double(x, n);
		k->multiply(x, n, scale);
		break;
	case TSDB_MAP_DECIMAL:
		k->to_double(x, n);
		k->divide(x, n, scale);
		break;
	case TSDB_MAP_ROTATED:
		k->unrotate(x, n);
		break;
	default: /* times and bits are what they are */
		break;
	}
}
