/* target_arg.c - see target_arg.h. */
#include "cmd/target_arg.h"

#include "libtsdb/base/utf8.h"

/* ---- labels ------------------------------------------------------------------------------------- */

int pm_label_arg_set(struct pm_label_args *args, struct pm_str name, struct pm_str value, struct pm_error *err)
{
	size_t i = 0;

	while (i < args->count && !pm_str_eq(args->v[i].name, name))
		i++;
	if (i == PM_LABEL_ARGS_MAX)
		return pm_fail(err, PM_ERR_LIMIT, "more than %d labels", PM_LABEL_ARGS_MAX);
	args->v[i] = (struct pm_label){ name, value };
	args->count += i == args->count;
	return 0;
}

int pm_label_arg(struct pm_label_args *args, const char *text, struct pm_error *err)
{
	const char *equals = strchr(text, '=');
	struct pm_str name;

	if (!equals || equals == text)
		return pm_fail(err, PM_ERR_INVALID, "bad label \"%s\": want NAME=VALUE", text);
	name = (struct pm_str){ text, (size_t)(equals - text) };
	if (pm_str_eq(name, PM_NAME_LABEL))
		return pm_fail(err, PM_ERR_INVALID, "bad label \"%s\": the metric name is not a target's", text);
	if (!pm_utf8_valid(pm_str(text)))
		return pm_fail(err, PM_ERR_INVALID, "bad label: not UTF-8");
	return pm_label_arg_set(args, name, pm_str(equals + 1), err);
}

/* ---- addresses ---------------------------------------------------------------------------------- */

/* What a URL is made of, as far as labels need it. */
struct address {
	struct pm_str scheme, host_port, rest; /* rest: path and query, empty when there are none */
};

static bool split(const char *text, struct address *ret)
{
	const char *sep = strstr(text, "://");
	const char *start = sep ? sep + 3 : text;
	size_t len = strcspn(start, "/?#");
	const char *at = memrchr(start, '@', len);

	ret->scheme = sep ? (struct pm_str){ text, (size_t)(sep - text) } : PM_STR("http");
	ret->rest = pm_str(start + len);
	if (at)
		len -= (size_t)(at + 1 - start);
	ret->host_port = (struct pm_str){ at ? at + 1 : start, len };
	return len > 0 && strcspn(text, " \t\r\n") == strlen(text);
}

/* The port stands behind the last colon, unless that is inside an IPv6 address in brackets. */
static bool has_port(struct pm_str host_port)
{
	const char *colon = memrchr(host_port.ptr, ':', host_port.len);
	const char *bracket = memrchr(host_port.ptr, ']', host_port.len);

	return colon && (!bracket || colon > bracket);
}

static int set_address(struct pm_arena *arena, const char *text, struct scrape_target *t, struct pm_str *ret_instance,
	struct pm_error *err)
{
	struct address a;
	bool https;

	if (!split(text, &a))
		return pm_fail(err, PM_ERR_INVALID, "bad target \"%s\": want HOST:PORT or a URL", text);
	https = pm_str_eq(a.scheme, PM_STR("https"));
	if (!https && !pm_str_eq(a.scheme, PM_STR("http")))
		return pm_fail(err, PM_ERR_INVALID, "bad target \"%s\": only http and https are known", text);

	/* Everything up to the path as typed, user and password too; those stay out of the label. */
	size_t head = strlen(text) - a.rest.len;
	bool typed_scheme = strstr(text, "://") != NULL;
	const char *path = a.rest.len && a.rest.ptr[0] == '/' ? "" : "/metrics";

	t->url = pm_arena_printf(arena, "%s%.*s%s%.*s", typed_scheme ? "" : "http://", (int)head, text, path,
		PM_STR_ARG(a.rest));
	const char *instance = pm_arena_printf(arena, "%.*s%s", PM_STR_ARG(a.host_port),
		has_port(a.host_port) ? "" : https ? ":443" : ":80");

	if (!t->url || !instance)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	*ret_instance = pm_str(instance);
	return 0;
}

int pm_target_arg(struct pm_arena *arena, const char *text, const struct pm_label_args *args, struct scrape_target *t,
	struct pm_error *err)
{
	struct pm_label_args all = { .count = 1 };
	struct pm_str instance = PM_STR("localhost");
	struct pm_label *v;
	int rc = 0;

	if (strcmp(text, "-") == 0)
		t->url = "standard input";
	else
		rc = set_address(arena, text, t, &instance, err);
	all.v[0] = (struct pm_label){ PM_STR("instance"), instance };
	for (size_t i = 0; i < args->count && rc == 0; i++)
		rc = pm_label_arg_set(&all, args->v[i].name, args->v[i].value, err);
	if (rc < 0)
		return rc;
	v = pm_arena_array(arena, all.count, sizeof *v);
	if (!v)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	memcpy(v, all.v, all.count * sizeof *v);
	rc = pm_labels_normalize(v, &all.count, err);
	t->labels = (struct pm_labels){ v, all.count };
	return rc;
}
