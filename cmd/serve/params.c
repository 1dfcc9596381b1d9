/* params.c - decoding of query strings and form bodies, in place. See params.h. */
#include "cmd/serve/params.h"

#include "libtsdb/base/mem.h"

#include <stdio.h>

void pm_params_release(struct pm_params *p)
{
	pm_free(p->v);
	*p = (struct pm_params){ 0 };
}

void pm_params_reset(struct pm_params *p)
{
	p->count = 0;
	p->error[0] = '\0';
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int pm_url_decode(char *p, size_t len, bool plus, size_t *ret_len)
{
	size_t out = 0;
	for (size_t i = 0; i < len; i++) {
		char c = p[i];
		if (c == '%') {
			int hi = i + 2 < len ? hex(p[i + 1]) : -1;
			int lo = i + 2 < len ? hex(p[i + 2]) : -1;
			if (hi < 0 || lo < 0) {
				*ret_len = i;
				return PM_ERR_INVALID;
			}
			c = (char)(hi << 4 | lo);
			i += 2;
		} else if (c == '+' && plus) {
			c = ' ';
		}
		p[out++] = c;
	}
	*ret_len = out;
	return 0;
}

static void note_error(struct pm_params *p, const char *what, struct pm_str at)
{
	if (p->error[0])
		return;
	if (at.len)
		snprintf(p->error, sizeof p->error, "%s \"%.*s\"", what, PM_STR_ARG(at));
	else
		snprintf(p->error, sizeof p->error, "%s", what);
}

/* Decode one half of a pair. False: its escape is broken, and noted. */
static bool decode(struct pm_params *p, char *text, size_t len, struct pm_str *ret)
{
	size_t n;
	if (pm_url_decode(text, len, true, &n)) {
		size_t shown = len - n < 3 ? len - n : 3;
		note_error(p, "invalid URL escape", (struct pm_str){ text + n, shown });
		return false;
	}
	*ret = (struct pm_str){ text, n };
	return true;
}

static int add_pair(struct pm_params *p, char *text, size_t len)
{
	if (len == 0)
		return 0;
	if (memchr(text, ';', len)) {
		note_error(p, "invalid semicolon separator in query", (struct pm_str){ 0 });
		return 0;
	}
	char *eq = memchr(text, '=', len);
	size_t name_len = eq ? (size_t)(eq - text) : len;
	struct pm_param param = { 0 };
	if (!decode(p, text, name_len, &param.name))
		return 0;
	if (eq && !decode(p, eq + 1, len - name_len - 1, &param.value))
		return 0;
	if (p->count == PM_PARAMS_MAX)
		return PM_ERR_LIMIT;
	int rc = pm_grow(&p->v, &p->cap, p->count + 1);
	if (rc)
		return rc;
	p->v[p->count++] = param;
	return 0;
}

int pm_params_parse(struct pm_params *p, char *text, size_t len)
{
	while (len > 0) {
		char *amp = memchr(text, '&', len);
		size_t n = amp ? (size_t)(amp - text) : len;
		int rc = add_pair(p, text, n);
		if (rc)
			return rc;
		if (!amp)
			break;
		text += n + 1;
		len -= n + 1;
	}
	return 0;
}

struct pm_str pm_params_get(const struct pm_params *p, struct pm_str name)
{
	for (size_t i = 0; i < p->count; i++)
		if (pm_str_eq(p->v[i].name, name))
			return p->v[i].value;
	return (struct pm_str){ 0 };
}
