/* fuzz_main.c - a fuzz target without the fuzzer: every file below the arguments goes through it once.
 * `make test` runs the seeds this way, under any compiler and sanitizer. */
#include "libtsdb/base/fs.h"
#include "libtsdb/base/mem.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int files, unread;

static int one_file(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	struct pm_error err;
	char *data;
	size_t len;

	if (type != FTW_F)
		return 0;
	if (pm_fs_read_file(AT_FDCWD, path, 64 << 20, &data, &len, &err) < 0) {
		fprintf(stderr, "%s\n", err.msg);
		unread++;
		return 0;
	}
	/* Exactly as long as the input, so that a read past its end is one past the allocation. */
	char *exact = pm_malloc(len ? len : 1);
	if (exact) {
		memcpy(exact, data, len);
		LLVMFuzzerTestOneInput((const uint8_t *)exact, len);
	}
	pm_free(exact);
	pm_free(data);
	files++;
	return 0;
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		nftw(argv[i], one_file, 16, FTW_PHYS);
	printf("%s: %d inputs\n", argv[0], files);
	return files == 0 || unread != 0;
}
