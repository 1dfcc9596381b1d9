/* sizearg.c - sizes as people write them: "512MB", "1GiB", "4096". Units are powers of 1024, whatever their spelling,
 * as Prometheus has it. */
#include "cmd/cmd.h"

#include "libtsdb/base/num.h"

static const char units[] = "KMGTPE";

int pm_size_parse(struct pm_str text, uint64_t *ret)
{
	struct pm_str number = text;
	int shift = 0;
	double v;

	if (number.len && number.ptr[number.len - 1] == 'B')
		number.len--;
	if (number.len && number.len < text.len && number.ptr[number.len - 1] == 'i')
		number.len--;
	const char *unit = number.len ? memchr(units, number.ptr[number.len - 1], sizeof units - 1) : NULL;

	if (unit && number.len < text.len) {
		number.len--;
		shift = 10 * (int)(unit - units + 1);
	}
	if (pm_double_parse(number, &v) || !(v >= 0) || v * (double)(UINT64_C(1) << shift) >= 0x1p62)
		return PM_ERR_INVALID;
	*ret = (uint64_t)(v * (double)(UINT64_C(1) << shift));
	return 0;
}

int pm_size_arg(const char *text, uint64_t *ret, struct pm_error *err)
{
	if (pm_size_parse(pm_str(text), ret) == 0)
		return 0;
	return pm_fail(err, PM_ERR_INVALID, "bad size \"%s\": want 512MB, 20GB or a number of bytes", text);
}

char *pm_size_format(char out[64], uint64_t bytes)
{
	int n = 0;

	out[0] = '\0';
	for (int i = 5; i >= 0; i--) {
		uint64_t count = bytes >> 10 * (i + 1);

		bytes -= count << 10 * (i + 1);
		if (count)
			n += snprintf(out + n, 64 - (size_t)n, "%llu%ciB", (unsigned long long)count, units[i]);
	}
	if (bytes || n == 0)
		snprintf(out + n, 64 - (size_t)n, "%lluB", (unsigned long long)bytes);
	return out;
}
