/* chunk.c - what the encodings of chunks share: collecting samples, and choosing the encoding. */
#include "libtsdb/blocks/chunk.h"

#include "libtsdb/base/mem.h"

enum { COUNT_SIZE = 2 };

void prom__samples_init(struct prom__samples *s)
{
	*s = (struct prom__samples){ 0 };
	pm_arena_init(&s->arena, PROM__SAMPLES_BYTES_MAX);
}

void prom__samples_reset(struct prom__samples *s)
{
	s->count = 0;
	s->has_h = s->has_st = false;
	pm_arena_reset(&s->arena);
}

void prom__samples_release(struct prom__samples *s)
{
	pm_free(s->t);
	pm_free(s->st);
	pm_free(s->v);
	pm_free(s->h);
	pm_arena_release(&s->arena);
	*s = (struct prom__samples){ 0 };
}

int prom__samples_reserve(struct prom__samples *s, size_t more)
{
	size_t want = s->count + more;

	if (pm_grow(&s->t, &s->t_cap, want) < 0 || pm_grow(&s->st, &s->st_cap, want) < 0)
		return PM_ERR_NOMEM;
	if (pm_grow(&s->v, &s->v_cap, want) < 0 || pm_grow(&s->h, &s->h_cap, want) < 0)
		return PM_ERR_NOMEM;
	return 0;
}

void prom__samples_add(struct prom__samples *s, int64_t t_ms, double v, const struct pm_histogram *h, int64_t st_ms)
{
	size_t i = s->count++;

	s->t[i] = t_ms;
	s->v[i] = v;
	s->h[i] = h;
	s->st[i] = st_ms;
	s->has_h |= h != NULL;
	s->has_st |= st_ms != 0;
}

void prom__samples_delete(struct prom__samples *s, int64_t from_ms, int64_t to_ms)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->count; i++) {
		if (s->t[i] >= from_ms && s->t[i] <= to_ms)
			continue;
		s->t[kept] = s->t[i];
		s->v[kept] = s->v[i];
		s->h[kept] = s->h[i];
		s->st[kept++] = s->st[i];
	}
	s->count = kept;
}

struct pm_samples prom__samples_view(const struct prom__samples *s)
{
	return (struct pm_samples){
		.count = s->count,
		.t_ms = s->t,
		.v = s->v,
		.h = s->has_h ? s->h : NULL,
		.st_ms = s->has_st ? s->st : NULL,
	};
}

int prom__chunk_read(uint8_t encoding, const uint8_t *data, size_t len, struct prom__samples *out, const char **ret_why)
{
	size_t count = len < COUNT_SIZE ? 0 : (size_t)data[0] << 8 | data[1];

	*ret_why = "the chunk is cut short";
	if (len < COUNT_SIZE)
		return PM_ERR_CORRUPT;
	if (prom__samples_reserve(out, count) < 0) {
		*ret_why = "out of memory";
		return PM_ERR_NOMEM;
	}
	switch (encoding) {
	case PROM__CHUNK_XOR:
		return prom__xor_read(data, len, out, ret_why);
	case PROM__CHUNK_XOR2:
		return prom__xor2_read(data, len, out, ret_why);
	case PROM__CHUNK_HISTOGRAM:
	case PROM__CHUNK_FLOAT_HISTOGRAM:
		return prom__hist_read(data, len, encoding == PROM__CHUNK_HISTOGRAM, out, ret_why);
	default:
		*ret_why = "the chunk has an encoding that is not known";
		return PM_ERR_UNSUPPORTED;
	}
}

struct prom__chunk prom__chunk_write(
	const struct pm_samples *s, size_t max, const struct pm_histogram *previous, struct pm_buf *out)
{
	const struct pm_histogram *h = s->h ? s->h[0] : NULL;

	if (!h)
		return (struct prom__chunk){ PROM__CHUNK_XOR, prom__xor_write(s, max, out) };
	return (struct prom__chunk){
		prom__hist_is_integer(h) ? PROM__CHUNK_HISTOGRAM : PROM__CHUNK_FLOAT_HISTOGRAM,
		prom__hist_write(s, max, previous, out),
	};
}
