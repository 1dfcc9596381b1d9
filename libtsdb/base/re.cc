/* re.cc - regular expressions: simple ones by re_simple.c, the others by RE2 (the only includer).
 *
 * A simple pattern has no capture group or one around all of it, so that RE2 is not needed for expansion either. */
#include "libtsdb/base/re.h"

#include "libtsdb/base/buf.h"
#include "libtsdb/base/mem.h"
#include "libtsdb/base/re_simple.h"
#include "libtsdb/base/utf8.h"

#include <new>
#include <re2/re2.h>

struct pm_re {
	struct pm_re_simple simple; /* when `full` is NULL */
	RE2 *full;
};

namespace
{

/* What a whole match captured: group 0 is the text, groups that took no part are NULL. */
struct match {
	const struct pm_re *re;
	re2::StringPiece few[10], *groups;
	int count;
};

re2::StringPiece piece(struct pm_str s)
{
	return re2::StringPiece(s.ptr, s.len);
}

int compile(struct pm_re *re, struct pm_str pattern, struct pm_error *err)
{
	RE2::Options options;

	options.set_dot_nl(true);
	options.set_log_errors(false);
	re->full = new (std::nothrow) RE2(piece(pattern), options);
	if (!re->full)
		return pm_fail(err, PM_ERR_NOMEM, "%s", pm_strerror(PM_ERR_NOMEM));
	if (!re->full->ok())
		return pm_fail(err, PM_ERR_INVALID, "invalid regular expression: %s", re->full->error().c_str());
	/* Go refuses two groups of one name; RE2 lets the first have it. */
	if (re->full->NamedCapturingGroups().size() != re->full->CapturingGroupNames().size())
		return pm_fail(err, PM_ERR_INVALID, "invalid regular expression: duplicate group name");
	return 0;
}

/* 1, 0, or PM_ERR_NOMEM. Whatever it returns, match_release() is due. */
int match_groups(const struct pm_re *re, struct pm_str s, struct match *m)
{
	m->re = re;
	m->groups = m->few;
	m->count = pm_re_group_count(re) + 1;
	if (!re->full) {
		m->few[0] = m->few[1] = piece(s);
		return pm_re_simple_match(&re->simple, s);
	}
	if (m->count > (int)(sizeof m->few / sizeof m->few[0])) {
		m->groups = (re2::StringPiece *)pm_calloc((size_t)m->count, sizeof *m->groups);
		if (!m->groups)
			return PM_ERR_NOMEM;
	}
	return re->full->Match(piece(s), 0, s.len, RE2::ANCHOR_BOTH, m->groups, m->count);
}

void match_release(struct match *m)
{
	if (m->groups != m->few)
		pm_free(m->groups);
}

/* ---- templates ---------------------------------------------------------------------------------- */

/* Go's names in templates are letters, digits and underscores of all scripts. Few are not ASCII: only those ask RE2. */
bool is_name_rune(struct pm_str s, size_t *ret_len)
{
	unsigned char c = (unsigned char)s.ptr[0];

	if (c < 0x80) {
		*ret_len = 1;
		return c == '_' || (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
	}
	static const RE2 letter("[\\pL\\p{Nd}]");

	pm_utf8_decode(s, ret_len);
	return RE2::FullMatch(re2::StringPiece(s.ptr, *ret_len), letter);
}

/* The name at the front of `s`, in braces or bare, and how many bytes all of it takes. False: "$" means itself. */
bool take_name(struct pm_str s, struct pm_str *ret_name, size_t *ret_taken)
{
	size_t brace = s.len > 0 && s.ptr[0] == '{', at = brace, len;

	while (at < s.len && is_name_rune({ s.ptr + at, s.len - at }, &len))
		at += len;
	*ret_name = { s.ptr + brace, at - brace };
	*ret_taken = at + brace;
	return at > brace && (!brace || (at < s.len && s.ptr[at] == '}'));
}

/* The group's number, or -1. A name of digits is a number unless it is long or begins with a zero. */
int group_of(const struct match *m, struct pm_str name)
{
	int n = 0;

	for (size_t i = 0; i < name.len && n >= 0; i++) {
		unsigned digit = (unsigned char)name.ptr[i] - (unsigned)'0';

		n = digit > 9 || n >= 100000000 ? -1 : n * 10 + (int)digit;
	}
	if (name.ptr[0] == '0' && name.len > 1)
		n = -1;
	if (n >= 0 || !m->re->full)
		return n;
	for (const auto &group : m->re->full->NamedCapturingGroups())
		if (pm_str_eq({ group.first.data(), group.first.size() }, name))
			return group.second;
	return -1;
}

/* What follows a '$' at the front of `*t`. */
void expand_dollar(const struct match *m, struct pm_str *t, struct pm_buf *out)
{
	struct pm_str name;
	size_t taken = 0;
	int group;

	if (t->len > 0 && t->ptr[0] == '$') {
		pm_buf_char(out, '$');
		taken = 1;
	} else if (!take_name(*t, &name, &taken)) {
		pm_buf_char(out, '$');
		taken = 0;
	} else {
		group = group_of(m, name);
		if (group >= 0 && group < m->count)
			pm_buf_add(out, m->groups[group].data(), m->groups[group].size());
	}
	*t = { t->ptr + taken, t->len - taken };
}

} /* namespace */

int pm_re_new(struct pm_str pattern, struct pm_re **ret, struct pm_error *err)
{
	struct pm_re *re = (struct pm_re *)pm_calloc(1, sizeof *re);
	int rc;

	if (!re)
		return pm_fail(err, PM_ERR_NOMEM, "%s", pm_strerror(PM_ERR_NOMEM));
	rc = pm_re_simple_read(pattern, &re->simple);
	if (rc < 0)
		pm_fail(err, rc, "%s", pm_strerror(rc));
	if (rc == 0)
		rc = compile(re, pattern, err);
	if (rc < 0) {
		pm_re_free(re);
		return rc;
	}
	*ret = re;
	return 0;
}

void pm_re_free(struct pm_re *re)
{
	if (!re)
		return;
	pm_re_simple_release(&re->simple);
	delete re->full;
	pm_free(re);
}

bool pm_re_match(const struct pm_re *re, struct pm_str s)
{
	if (!re->full)
		return pm_re_simple_match(&re->simple, s);
	return re->full->Match(piece(s), 0, s.len, RE2::ANCHOR_BOTH, NULL, 0);
}

size_t pm_re_literals(const struct pm_re *re, const struct pm_str **ret)
{
	if (re->simple.literal_count)
		*ret = re->simple.literals;
	return re->simple.literal_count;
}

int pm_re_expand(const struct pm_re *re, struct pm_str s, struct pm_str tmpl, struct pm_buf *out)
{
	struct match m;
	int rc = match_groups(re, s, &m);

	while (rc > 0 && tmpl.len > 0) {
		const char *dollar = (const char *)memchr(tmpl.ptr, '$', tmpl.len);
		size_t plain = dollar ? (size_t)(dollar - tmpl.ptr) : tmpl.len;

		pm_buf_add(out, tmpl.ptr, plain);
		tmpl = { tmpl.ptr + plain, tmpl.len - plain };
		if (dollar) {
			tmpl = { tmpl.ptr + 1, tmpl.len - 1 };
			expand_dollar(&m, &tmpl, out);
		}
	}
	match_release(&m);
	return rc > 0 && pm_buf_error(out) ? pm_buf_error(out) : rc;
}

int pm_re_group_count(const struct pm_re *re)
{
	return re->full ? re->full->NumberOfCapturingGroups() : re->simple.group;
}
