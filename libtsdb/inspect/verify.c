/* verify.c - tsdb_verify(): heads of files and the order of the checks; records are checked in verify_head.c and
 * verify_log.c.
 *
 * Everything is read through mappings of whole files, and only as far as they reach, so that a store cut at any length
 * is told of and not crashed upon. */
#include "libtsdb/inspect/verify.h"

#include "libtsdb/base/mem.h"
#include "libtsdb/head/walk.h"

#include <fcntl.h>

int tsdb__damaged(struct tsdb__verify *k, const struct tsdb__view_file *f, uint64_t off, const char *what)
{
	struct tsdb_damage d = { f->name, off, what };
	k->ret.damages++;
	return k->fn ? k->fn(k->arg, &d) : 0;
}

int tsdb__damaged_as(struct tsdb__verify *k, const struct tsdb__view_file *f, const struct pm_error *why)
{
	static const char mark[] = ": damaged at offset ";
	const char *what = strstr(why->msg, mark);
	uint64_t off = 0;
	if (!what)
		return tsdb__damaged(k, f, 0, why->msg);
	for (what += strlen(mark); *what >= '0' && *what <= '9'; what++)
		off = off * 10 + (uint64_t)(*what - '0');
	return tsdb__damaged(k, f, off, what + strspn(what, ": "));
}

int tsdb__verify_records(struct tsdb__verify *k, const struct tsdb__view_file *f, tsdb__verify_fn *fn)
{
	struct tsdb__walk w;
	const struct tsdb_rec *rec;
	const char *what;
	int rc, stop = 0;
	tsdb__walk_begin(&w, f->map, tsdb__view_readable(f), f->kind, k->view.rec.generation, f->number);
	while (stop == 0 && (rc = tsdb__walk_next(&w, &rec, &what)) != 0) {
		k->ret.records++;
		stop = rc < 0 ? tsdb__damaged(k, f, w.at, what) : fn(k, f, w.at, rec);
	}
	return stop;
}

/* ---- heads of files ---- */

static const char *head_damage(const struct tsdb__verify *k, const struct tsdb__view_file *f)
{
	struct tsdb_file_head head;
	memcpy(&head, f->map, sizeof head);
	uint64_t slots = head.slot_count;
	if (f->kind == TSDB_FILE_SLOTS)
		head.slot_count = 0; /* which the checksum does not cover */
	int rc = tsdb__file_head_check(&head, f->name, f->kind, k->view.rec.generation, NULL);
	if (rc < 0)
		return rc == PM_ERR_VERSION ? "the file has another format version" : "bad file head";
	if (head.number != f->number)
		return "head of another file";
	if (f->kind == TSDB_FILE_SLOTS && (slots < TSDB_SLOTS_MIN || (slots & (slots - 1)) ||
						  slots > (f->size - sizeof head) / (sizeof(uint64_t) + 1)))
		return "impossible number of slots";
	return NULL;
}

static bool is_derived(const struct tsdb__view_file *f)
{
	return f->kind == TSDB_FILE_IDS || f->kind == TSDB_FILE_POSTINGS || f->kind == TSDB_FILE_SLOTS;
}

/* `*ret_usable`: there is a head, so that the file's records may be looked at. */
static int check_head(struct tsdb__verify *k, const struct tsdb__view_file *f, bool *ret_usable)
{
	const char *what;
	int stop = 0;
	*ret_usable = false;
	if (k->view.recovered && is_derived(f))
		return 0;
	if (f->missing)
		return tsdb__damaged(k, f, 0, "the file is missing");
	k->ret.files++;
	k->ret.bytes += tsdb__view_readable(f);
	if (f->size < sizeof(struct tsdb_file_head))
		return tsdb__damaged(k, f, f->size, "the file ends within its head");
	/* Log files have their size from the start; readers map all of it. */
	if (f->size < f->end || (f->kind == TSDB_FILE_LOG && f->size < TSDB_LOG_FILE_SIZE))
		stop = tsdb__damaged(k, f, f->size, "the file ends early");
	if (stop == 0 && (what = head_damage(k, f)))
		return tsdb__damaged(k, f, 0, what);
	*ret_usable = true;
	return stop;
}

/* ---- what functions of the store read by ---- */

static int use_table(struct tsdb__verify *k, const struct tsdb__view_file *f)
{
	const struct tsdb_file_head *head = (const void *)f->map;
	struct tsdb__slots *t = &k->tables[f->table];
	int stop = 0;
	*t = (struct tsdb__slots){ .words = (uint64_t *)(uintptr_t)(head + 1), .count = head->slot_count };
	t->checks = (uint8_t *)(t->words + t->count);
	for (uint64_t at = 0; at < t->count && stop == 0; at++)
		if (!tsdb__slots_sound(t, at))
			stop = tsdb__damaged(
				k, f, sizeof *head + at * sizeof(uint64_t), "a slot that is not what was written");
	return stop;
}

/* Cut files of the log stay out: their records are walked, but not reached from elsewhere. */
static int use_logs(struct tsdb__verify *k, struct pm_error *err)
{
	struct tsdb__view *v = &k->view;
	k->logs.log_base = v->rec.log_first;
	if (!(k->logs.logs = pm_calloc(TSDB_LOG_FILES_MAX, sizeof k->logs.logs[0])))
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	for (size_t i = TSDB_VIEW_LOG; i < v->log_end; i++)
		if (v->files[i].size >= TSDB_LOG_FILE_SIZE)
			k->logs.logs[v->files[i].number - v->rec.log_first] = v->files[i].map;
	return 0;
}

static int check_files(struct tsdb__verify *k)
{
	struct tsdb__view_file *f = k->view.files;
	bool usable[TSDB_VIEW_LOG] = { false }, log_usable;
	int stop = 0;
	for (size_t i = 0; i < TSDB_VIEW_LOG && stop == 0; i++) {
		stop = check_head(k, &f[i], &usable[i]);
		if (stop == 0 && usable[i] && f[i].kind == TSDB_FILE_SLOTS)
			stop = use_table(k, &f[i]);
	}
	k->catalog = usable[TSDB_VIEW_CATALOG] ? tsdb__view_bytes(&f[TSDB_VIEW_CATALOG]) : (struct tsdb__bytes){ 0 };
	k->ids = usable[TSDB_VIEW_IDS] ? tsdb__view_bytes(&f[TSDB_VIEW_IDS]) : (struct tsdb__bytes){ 0 };
	k->layouts = usable[TSDB_VIEW_LAYOUTS] ? tsdb__view_bytes(&f[TSDB_VIEW_LAYOUTS]) : (struct tsdb__bytes){ 0 };
	k->postings = usable[TSDB_VIEW_POSTINGS] ? tsdb__view_bytes(&f[TSDB_VIEW_POSTINGS]) : (struct tsdb__bytes){ 0 };
	if (stop == 0 && usable[TSDB_VIEW_CATALOG])
		stop = tsdb__verify_catalog(k);
	if (stop == 0 && usable[TSDB_VIEW_LAYOUTS])
		stop = tsdb__verify_layouts(k);
	if (stop == 0 && usable[TSDB_VIEW_POSTINGS])
		stop = tsdb__verify_postings(k);
	for (size_t i = TSDB_VIEW_LOG; i < k->view.log_end && stop == 0; i++)
		if ((stop = check_head(k, &f[i], &log_usable)) == 0 && log_usable)
			stop = tsdb__verify_log(k, &f[i]);
	return stop ? stop : tsdb__verify_segments(k);
}

int tsdb_verify(const char *dir, tsdb_damage_fn *fn, void *arg, struct tsdb_verified *ret, struct pm_error *err)
{
	struct tsdb__verify k = { .fn = fn, .arg = arg, .ret = { .files = 1, .bytes = TSDB_META_SIZE } };
	static const struct tsdb__view_file meta = { .name = "meta" };
	struct pm_error why = { 0 };
	int rc = tsdb__view_open(&k.view, AT_FDCWD, dir, &why);
	if (rc == PM_ERR_CORRUPT)
		rc = tsdb__damaged_as(&k, &meta, &why); /* keeps everything else from being known */
	else if (rc < 0)
		pm_fail(err, rc, "%s", why.msg);
	else if ((rc = use_logs(&k, err)) == 0)
		rc = check_files(&k);
	tsdb__view_release(&k.view);
	pm_free(k.logs.logs);
	if (rc == 0)
		*ret = k.ret;
	return rc;
}
