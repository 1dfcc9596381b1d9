/* negotiate.c - formats in HTTP headers. */
#include "libscrape/target/negotiate.h"

#include <strings.h>

const char scrape__accept[] = "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=0.0.4;q=0.5,"
			      "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.4,application/"
			      "openmetrics-text;version=0.0.1;q=0.3,"
			      "*/*;q=0.1";

static bool is_type(struct pm_str type, const char *want)
{
	return type.len == strlen(want) && strncasecmp(type.ptr, want, type.len) == 0;
}

int scrape__format_of(const char *content_type, enum scrape_format *ret, struct pm_error *err)
{
	const char *s = content_type + strspn(content_type, " \t");
	struct pm_str type = { s, strcspn(s, "; \t") };

	if (is_type(type, "application/openmetrics-text"))
		*ret = SCRAPE_FORMAT_OPENMETRICS;
	else if (is_type(type, "text/plain") || type.len == 0)
		*ret = SCRAPE_FORMAT_TEXT;
	else
		return pm_fail(err, PM_ERR_UNSUPPORTED,
			"received unsupported Content-Type \"%s\" and no fallback_scrape_protocol specified for target",
			content_type);
	return 0;
}
