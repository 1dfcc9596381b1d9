/* yaml.c - from libyaml's events to a tree (the only includer of libyaml).
 *
 * No recursion: `frames` is the stack of open containers, `pending` holds the finished children of all of them, one
 * after the other, the innermost container's last. When a container ends, its children are moved into the arena:
 *
 *	frames    [ map, first 0 ] [ seq, first 3 ]
 *	pending     key  value  key  item  item
 *
 * An anchor is known from where its node begins; an alias to a node that is not finished yet contains itself. */
#include "libtsdb/base/yaml.h"

#include "libtsdb/base/arena.h"
#include "libtsdb/base/hash.h"
#include "libtsdb/base/mem.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <yaml.h>

struct pm_yaml {
	struct pm_arena arena;
	const struct pm_yaml_node *root;
};

struct anchor {
	struct anchor *next;
	struct pm_str name;
	const struct pm_yaml_node *node;
};

struct frame {
	struct pm_yaml_node *node;
	size_t first; /* of its children in `pending` */
};

enum { ANCHOR_BUCKETS = 256 };

struct loader {
	struct pm_yaml *doc;
	const char *file;
	struct pm_error *err;
	yaml_parser_t parser;
	struct frame *frames;
	size_t frame_count, frame_cap;
	const struct pm_yaml_node **pending;
	size_t pending_count, pending_cap;
	struct anchor *anchors[ANCHOR_BUCKETS];
	uint64_t nodes, aliased; /* all that a reader sees so far, and what of it comes through aliases */
};

static int no_memory(struct loader *l)
{
	return pm_fail(l->err, PM_ERR_NOMEM, "%s", pm_strerror(PM_ERR_NOMEM));
}

/* ---- limits ------------------------------------------------------------------------------------- */

/* yaml.v2's bound: of a small document 99 % may come from aliases, of one with millions of nodes 10 %. */
static double aliased_share_max(double nodes)
{
	const double small = 400000, large = 4000000;

	if (nodes <= small)
		return 0.99;
	return nodes >= large ? 0.10 : 0.99 - 0.89 * ((nodes - small) / (large - small));
}

static int count_nodes(struct loader *l, const struct pm_yaml_node *at, uint64_t nodes, bool aliased)
{
	l->nodes += nodes;
	l->aliased += aliased ? nodes : 0;
	if (l->aliased <= 100 || l->nodes <= 1000)
		return 0;
	if ((double)l->aliased / (double)l->nodes <= aliased_share_max((double)l->nodes))
		return 0;
	pm_yaml_fail(at, l->err, "too much comes from aliases");
	return l->err ? l->err->code = PM_ERR_LIMIT : PM_ERR_LIMIT;
}

static uint32_t add_saturating(uint32_t a, uint32_t b)
{
	return a > UINT32_MAX - b ? UINT32_MAX : a + b;
}

static void count_child(struct pm_yaml_node *n, const struct pm_yaml_node *child)
{
	n->expanded = add_saturating(n->expanded, child->expanded);
	if (n->height <= child->height)
		n->height = child->height + 1;
}

static int too_deep(struct loader *l, const struct pm_yaml_node *at)
{
	pm_yaml_fail(at, l->err, "deeper than %d levels", PM_YAML_DEPTH_MAX);
	return l->err ? l->err->code = PM_ERR_LIMIT : PM_ERR_LIMIT;
}

/* ---- nodes -------------------------------------------------------------------------------------- */

static int add_pending(struct loader *l, const struct pm_yaml_node *n)
{
	if (pm_grow(&l->pending, &l->pending_cap, l->pending_count + 1) < 0)
		return no_memory(l);
	l->pending[l->pending_count++] = n;
	return 0;
}

static int new_node(
	struct loader *l, enum pm_yaml_kind kind, yaml_mark_t mark, const unsigned char *tag, struct pm_yaml_node **ret)
{
	struct pm_yaml_node *n = pm_arena_zalloc(&l->doc->arena, sizeof *n);

	if (!n)
		return no_memory(l);
	n->kind = kind;
	n->line = (int)mark.line + 1;
	n->column = (int)mark.column + 1;
	n->file = l->file;
	n->height = n->expanded = 1;
	if (tag) {
		n->tag = pm_arena_str(&l->doc->arena, pm_str((const char *)tag));
		if (!n->tag.ptr)
			return no_memory(l);
	}
	*ret = n;
	return count_nodes(l, n, 1, false);
}

static struct anchor **anchor_bucket(struct loader *l, struct pm_str name)
{
	return &l->anchors[pm_hash(name.ptr, name.len) % ANCHOR_BUCKETS];
}

/* A later anchor of the same name hides the earlier one. */
static int add_anchor(struct loader *l, const unsigned char *name, const struct pm_yaml_node *n)
{
	struct anchor *a, **bucket;

	if (!name)
		return 0;
	a = pm_arena_alloc(&l->doc->arena, sizeof *a);
	if (!a)
		return no_memory(l);
	a->name = pm_arena_str(&l->doc->arena, pm_str((const char *)name));
	if (!a->name.ptr)
		return no_memory(l);
	bucket = anchor_bucket(l, a->name);
	a->node = n;
	a->next = *bucket;
	*bucket = a;
	return 0;
}

static bool is_open(const struct loader *l, const struct pm_yaml_node *n)
{
	for (size_t i = 0; i < l->frame_count; i++)
		if (l->frames[i].node == n)
			return true;
	return false;
}

static int on_alias(struct loader *l, const yaml_event_t *e)
{
	struct pm_str name = pm_str((const char *)e->data.alias.anchor);
	struct pm_yaml_node here = {
		.line = (int)e->start_mark.line + 1, .column = (int)e->start_mark.column + 1, .file = l->file
	};
	const struct anchor *a = *anchor_bucket(l, name);
	int rc;

	while (a && !pm_str_eq(a->name, name))
		a = a->next;
	if (!a)
		return pm_yaml_fail(&here, l->err, "unknown anchor \"%.*s\"", PM_STR_ARG(name));
	if (is_open(l, a->node))
		return pm_yaml_fail(&here, l->err, "anchor \"%.*s\" contains itself", PM_STR_ARG(name));
	if (a->node->height + l->frame_count > PM_YAML_DEPTH_MAX)
		return too_deep(l, &here);
	rc = count_nodes(l, &here, a->node->expanded, true);
	return rc < 0 ? rc : add_pending(l, a->node);
}

static enum pm_yaml_style style_of(yaml_scalar_style_t style)
{
	switch (style) {
	case YAML_SINGLE_QUOTED_SCALAR_STYLE:
		return PM_YAML_SINGLE_QUOTED;
	case YAML_DOUBLE_QUOTED_SCALAR_STYLE:
		return PM_YAML_DOUBLE_QUOTED;
	case YAML_LITERAL_SCALAR_STYLE:
		return PM_YAML_LITERAL;
	case YAML_FOLDED_SCALAR_STYLE:
		return PM_YAML_FOLDED;
	default:
		return PM_YAML_PLAIN;
	}
}

static int base64_digit(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* Puts the bytes in place of the text, which is longer and the arena's. Line ends do not count, padding must be there.
 */
static int decode_base64(struct loader *l, struct pm_yaml_node *n)
{
	char *out = pm_arena_alloc(&l->doc->arena, n->text.len + 1);
	size_t len = 0, digits = 0, padding = 0;
	unsigned bits = 0;

	if (!out)
		return no_memory(l);
	for (size_t i = 0; i < n->text.len; i++) {
		char c = n->text.ptr[i];
		int digit = base64_digit(c);

		if (c == '\n' || c == '\r')
			continue;
		if (c == '=' && digits % 4 >= 2 && digits % 4 + padding < 4) {
			padding++;
			continue;
		}
		if (digit < 0 || padding)
			return pm_yaml_fail(n, l->err, "not base64");
		bits = bits << 6 | (unsigned)digit;
		if (digits++ % 4)
			out[len++] = (char)(bits >> (4 - digits % 4) % 4 * 2);
	}
	if ((digits + padding) % 4)
		return pm_yaml_fail(n, l->err, "not base64");
	out[len] = '\0';
	n->text = (struct pm_str){ out, len };
	return 0;
}

static int on_scalar(struct loader *l, const yaml_event_t *e)
{
	struct pm_yaml_value v;
	struct pm_yaml_node *n;
	int rc = new_node(l, PM_YAML_SCALAR, e->start_mark, e->data.scalar.tag, &n);

	if (rc < 0)
		return rc;
	n->style = style_of(e->data.scalar.style);
	n->text = pm_arena_str(
		&l->doc->arena, (struct pm_str){ (const char *)e->data.scalar.value, e->data.scalar.length });
	if (!n->text.ptr)
		return no_memory(l);
	rc = pm_str_eq(n->tag, PM_STR("tag:yaml.org,2002:binary")) ? decode_base64(l, n) : 0;
	if (rc < 0)
		return rc;
	rc = pm_yaml_resolve(n, &v, l->err);
	if (rc < 0)
		return rc;
	if (v.type == PM_YAML_T_NULL)
		n->kind = PM_YAML_NULL;
	rc = add_anchor(l, e->data.scalar.anchor, n);
	return rc < 0 ? rc : add_pending(l, n);
}

static int on_start(struct loader *l, enum pm_yaml_kind kind, const yaml_event_t *e, const unsigned char *anchor,
	const unsigned char *tag)
{
	struct pm_yaml_node *n;
	int rc = new_node(l, kind, e->start_mark, tag, &n);

	if (rc < 0)
		return rc;
	if (l->frame_count + 1 >= PM_YAML_DEPTH_MAX)
		return too_deep(l, n);
	if (pm_grow(&l->frames, &l->frame_cap, l->frame_count + 1) < 0)
		return no_memory(l);
	l->frames[l->frame_count++] = (struct frame){ n, l->pending_count };
	return add_anchor(l, anchor, n);
}

static int end_sequence(struct loader *l, struct pm_yaml_node *n, const struct pm_yaml_node **children, size_t count)
{
	const struct pm_yaml_node **items = pm_arena_array(&l->doc->arena, count, sizeof *items);

	if (!items)
		return no_memory(l);
	for (size_t i = 0; i < count; i++) {
		items[i] = children[i];
		count_child(n, children[i]);
	}
	n->items = items;
	n->count = count;
	return 0;
}

/* ---- mappings ----------------------------------------------------------------------------------- */

static bool is_merge_key(const struct pm_yaml_node *key)
{
	return key->kind == PM_YAML_SCALAR && key->style == PM_YAML_PLAIN && pm_str_eq(key->text, PM_STR("<<")) &&
	       (key->tag.len == 0 || pm_str_eq(key->tag, PM_STR("tag:yaml.org,2002:merge")));
}

/* Pairs sorted by key and then by rank: the first of equal keys is the one that counts. */
struct ranked {
	struct pm_yaml_pair pair;
	size_t rank;
};

static int by_key(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;
	int c = pm_str_cmp(x->pair.key, y->pair.key);

	return c ? c : (x->rank > y->rank) - (x->rank < y->rank);
}

static int by_rank(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	return (x->rank > y->rank) - (x->rank < y->rank);
}

/* The pairs of a mapping while it is put together; the first `own` ones stand in it, the others are merged. */
struct pairs {
	struct ranked *v;
	size_t count, cap, own;
};

static int add_pair(struct loader *l, struct pairs *p, struct pm_yaml_pair pair)
{
	if (pm_grow(&p->v, &p->cap, p->count + 1) < 0)
		return no_memory(l);
	p->v[p->count] = (struct ranked){ pair, p->count };
	p->count++;
	return 0;
}

static int add_own_pairs(struct loader *l, struct pairs *p, const struct pm_yaml_node **children, size_t count)
{
	struct pm_str key;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < count; i += 2) {
		if (is_merge_key(children[i]))
			continue;
		rc = pm_yaml_str(children[i], &key, l->err);
		if (rc == 0)
			rc = add_pair(l, p, (struct pm_yaml_pair){ key, children[i], children[i + 1] });
	}
	p->own = p->count;
	return rc;
}

static int merge_map(struct loader *l, struct pairs *p, const struct pm_yaml_node *key, const struct pm_yaml_node *from)
{
	int rc = 0;

	if (from->kind != PM_YAML_MAP)
		return pm_yaml_fail(key, l->err, "\"<<\" needs a mapping or a sequence of mappings");
	for (size_t i = 0; rc == 0 && i < from->count; i++)
		rc = add_pair(l, p, from->pairs[i]);
	return rc;
}

/* The earlier mapping wins, as its pairs get the lower rank. */
static int add_merged_pairs(struct loader *l, struct pairs *p, const struct pm_yaml_node **children, size_t count)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < count; i += 2) {
		const struct pm_yaml_node *from = children[i + 1];

		if (!is_merge_key(children[i]))
			continue;
		if (from->kind != PM_YAML_SEQ)
			rc = merge_map(l, p, children[i], from);
		for (size_t k = 0; rc == 0 && from->kind == PM_YAML_SEQ && k < from->count; k++)
			rc = merge_map(l, p, children[i], from->items[k]);
	}
	return rc;
}

/* Refuses own keys that stand twice, drops merged ones that are there already, and restores the order. */
static int settle_pairs(struct loader *l, struct pairs *p)
{
	size_t kept = 0;

	if (p->count == 0)
		return 0;
	qsort(p->v, p->count, sizeof *p->v, by_key);
	for (size_t i = 0; i < p->count; i++) {
		const struct ranked *r = &p->v[i];

		if (kept == 0 || !pm_str_eq(p->v[kept - 1].pair.key, r->pair.key))
			p->v[kept++] = *r;
		else if (r->rank < p->own)
			return pm_yaml_fail(r->pair.key_node, l->err, "key \"%.*s\" stands twice, first in line %d",
				PM_STR_ARG(r->pair.key), p->v[kept - 1].pair.key_node->line);
	}
	p->count = kept;
	qsort(p->v, p->count, sizeof *p->v, by_rank);
	return 0;
}

static int end_mapping(struct loader *l, struct pm_yaml_node *n, const struct pm_yaml_node **children, size_t count)
{
	struct pm_yaml_pair *out;
	struct pairs p = { 0 };
	int rc = add_own_pairs(l, &p, children, count);

	if (rc == 0)
		rc = add_merged_pairs(l, &p, children, count);
	if (rc == 0)
		rc = settle_pairs(l, &p);
	if (rc < 0)
		goto done;
	out = pm_arena_array(&l->doc->arena, p.count, sizeof *out);
	if (!out) {
		rc = no_memory(l);
		goto done;
	}
	for (size_t i = 0; i < p.count; i++) {
		out[i] = p.v[i].pair;
		count_child(n, out[i].value);
		n->expanded = add_saturating(n->expanded, 1);
	}
	n->pairs = out;
	n->count = p.count;
done:
	pm_free(p.v);
	return rc;
}

static int on_end(struct loader *l)
{
	struct frame f = l->frames[l->frame_count - 1];
	const struct pm_yaml_node **children = l->pending ? l->pending + f.first : NULL;
	size_t count = l->pending_count - f.first;
	int rc = f.node->kind == PM_YAML_SEQ ? end_sequence(l, f.node, children, count)
					     : end_mapping(l, f.node, children, count);

	if (rc < 0)
		return rc;
	l->frame_count--;
	l->pending_count = f.first;
	return add_pending(l, f.node);
}

/* ---- the document ------------------------------------------------------------------------------- */

static int parser_failed(struct loader *l)
{
	const yaml_parser_t *p = &l->parser;
	yaml_mark_t mark = p->problem_mark.line || p->problem_mark.column ? p->problem_mark : p->context_mark;
	struct pm_yaml_node at = { .line = (int)mark.line + 1, .column = (int)mark.column + 1, .file = l->file };

	if (p->error == YAML_MEMORY_ERROR)
		return no_memory(l);
	if (p->error == YAML_READER_ERROR)
		return pm_fail(l->err, PM_ERR_INVALID, "%s%s%s at byte %zu", l->file, *l->file ? ": " : "", p->problem,
			p->problem_offset);
	return pm_yaml_fail(&at, l->err, "%s%s%s", p->context ? p->context : "", p->context ? ": " : "",
		p->problem ? p->problem : "not YAML");
}

/* 1: the document goes on, 0: it is read, or an error. */
static int on_event(struct loader *l, const yaml_event_t *e)
{
	int rc = 0;

	switch (e->type) {
	case YAML_ALIAS_EVENT:
		rc = on_alias(l, e);
		break;
	case YAML_SCALAR_EVENT:
		rc = on_scalar(l, e);
		break;
	case YAML_SEQUENCE_START_EVENT:
		rc = on_start(l, PM_YAML_SEQ, e, e->data.sequence_start.anchor, e->data.sequence_start.tag);
		break;
	case YAML_MAPPING_START_EVENT:
		rc = on_start(l, PM_YAML_MAP, e, e->data.mapping_start.anchor, e->data.mapping_start.tag);
		break;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		rc = on_end(l);
		break;
	case YAML_DOCUMENT_END_EVENT:
	case YAML_STREAM_END_EVENT:
		return 0;
	default:
		break;
	}
	return rc < 0 ? rc : 1;
}

static int read_document(struct loader *l)
{
	struct pm_yaml_node *null;
	yaml_event_t e;
	int rc = 1;

	while (rc > 0) {
		if (!yaml_parser_parse(&l->parser, &e))
			return parser_failed(l);
		rc = on_event(l, &e);
		yaml_event_delete(&e);
	}
	if (rc == 0 && l->pending_count == 0) {
		rc = new_node(l, PM_YAML_NULL, (yaml_mark_t){ 0 }, NULL, &null);
		if (rc < 0)
			return rc;
		null->text = PM_STR("");
		rc = add_pending(l, null);
	}
	if (rc == 0)
		l->doc->root = l->pending[0];
	return rc;
}

int pm_yaml_load(struct pm_str text, const char *file, struct pm_yaml **ret, struct pm_error *err)
{
	struct loader l = { .err = err };
	int rc = PM_ERR_NOMEM;

	if (text.len > PM_YAML_BYTES_MAX)
		return pm_fail(err, PM_ERR_LIMIT, "%s: longer than %d bytes", file, PM_YAML_BYTES_MAX);
	l.doc = pm_calloc(1, sizeof *l.doc);
	if (!l.doc)
		return no_memory(&l);
	l.file = pm_arena_str(&l.doc->arena, pm_str(file)).ptr;
	if (!l.file || !yaml_parser_initialize(&l.parser)) {
		no_memory(&l);
		goto done;
	}
	yaml_parser_set_input_string(&l.parser, (const unsigned char *)(text.ptr ? text.ptr : ""), text.len);
	rc = read_document(&l);
	yaml_parser_delete(&l.parser);
done:
	pm_free(l.frames);
	pm_free(l.pending);
	if (rc < 0)
		pm_yaml_free(l.doc);
	else
		*ret = l.doc;
	return rc;
}

void pm_yaml_free(struct pm_yaml *y)
{
	if (!y)
		return;
	pm_arena_release(&y->arena);
	pm_free(y);
}

const struct pm_yaml_node *pm_yaml_root(const struct pm_yaml *y)
{
	return y->root;
}
