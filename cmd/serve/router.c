/* router.c - from path and method to a handler. The table is short and its busiest routes come first, so it is
 * walked. */
#include "cmd/serve/request.h"

#include <stdio.h>

static bool match(const char *pattern, struct pm_str path, struct pm_str *ret_arg)
{
	size_t len = strlen(pattern);
	const char *colon = memchr(pattern, ':', len);
	if (!colon)
		return len == path.len && memcmp(pattern, path.ptr, len) == 0;

	size_t head = (size_t)(colon - pattern);
	const char *tail = strchrnul(colon, '/');
	size_t tail_len = strlen(tail);
	if (path.len <= head + tail_len || memcmp(pattern, path.ptr, head) != 0)
		return false;
	struct pm_str arg = { path.ptr + head, path.len - head - tail_len };
	if (memcmp(arg.ptr + arg.len, tail, tail_len) != 0 || memchr(arg.ptr, '/', arg.len))
		return false;
	*ret_arg = arg;
	return true;
}

const struct pm_route *pm_route_find(const struct pm_route *table, struct pm_str path, struct pm_str *ret_arg)
{
	*ret_arg = (struct pm_str){ 0 };
	for (const struct pm_route *r = table; r->path; r++)
		if (match(r->path, path, ret_arg))
			return r;
	return NULL;
}

static const struct {
	const char *name;
	enum pm_method method;
} methods[] = { /* in the order of the header Allow */
	{ "DELETE", PM_METHOD_DELETE },   { "GET", PM_METHOD_GET },   { "HEAD", PM_METHOD_HEAD },
	{ "OPTIONS", PM_METHOD_OPTIONS }, { "POST", PM_METHOD_POST }, { "PUT", PM_METHOD_PUT },
};

enum pm_method pm_method_parse(const char *name)
{
	for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
		if (strcmp(name, methods[i].name) == 0)
			return methods[i].method;
	return PM_METHOD_OTHER;
}

const char *pm_route_allow(const struct pm_route *route, char out[64])
{
	size_t len = 0;
	out[0] = '\0';
	for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
		if (route->methods & methods[i].method)
			len += (size_t)snprintf(out + len, 64 - len, "%s%s", len ? ", " : "", methods[i].name);
	return out;
}

void pm_reply_text(struct pm_request *r, int status, const char *text)
{
	r->status = status;
	r->content_type = "text/plain; charset=utf-8";
	pm_buf_reset(&r->out);
	pm_buf_cstr(&r->out, text);
}
