/* gzip.h - inside libscrape: undoing gzip as it arrives, with a bound on what comes out. */
#ifndef SCRAPE_GZIP_H
#define SCRAPE_GZIP_H

#include "libtsdb/base/buf.h"

struct scrape__gunzip;

int scrape__gunzip_new(struct scrape__gunzip **ret);
void scrape__gunzip_free(struct scrape__gunzip *z);
/* Ready for another stream. */
void scrape__gunzip_reset(struct scrape__gunzip *z);
/* Take the next bytes and append what they unpack to. PM_ERR_LIMIT: more than out->max; PM_ERR_CORRUPT: not gzip;
 * PM_ERR_NOMEM. */
int scrape__gunzip_add(struct scrape__gunzip *z, const void *p, size_t n, struct pm_buf *out);
/* Was the last stream whole? */
bool scrape__gunzip_ended(const struct scrape__gunzip *z);

#endif
