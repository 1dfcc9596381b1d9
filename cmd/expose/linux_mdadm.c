/* linux_mdadm.c - software RAID, from /proc/mdstat:
 *
 *     md0 : active raid1 sdb1[1] sda1[0](F)
 *           1048576 blocks super 1.2 [2/1] [U_]
 *           bitmap: 0/1 pages [0KB], 65536KB chunk
 *           [==>......]  recovery = 12.6% (132096/1048576) finish=0.1min speed=132096K/sec
 *
 * The last two lines may be absent. Arrays begin at the margin. */
#include "cmd/expose/linux.h"

static const struct pm_metric blocks = PM_GAUGE("node_md_blocks", "Size of an array, in blocks of 1 KiB.");
static const struct pm_metric blocks_synced = PM_GAUGE("node_md_blocks_synced", "Blocks in sync.");
static const struct pm_metric disks = PM_GAUGE("node_md_disks", "Disks of an array, by state.");
static const struct pm_metric disks_required = PM_GAUGE("node_md_disks_required", "Disks an array should have.");
static const struct pm_metric state = PM_GAUGE("node_md_state", "1 for the state an array is in.");

/* Label values, and what of a sync line's words means them. */
static const struct {
	const char *label, *word;
} states[] = { { "active", NULL }, { "inactive", NULL }, { "recovering", "recovery" }, { "check", "check" },
	{ "resync", "resync" } };

enum { ACTIVE, INACTIVE, RECOVERING, CHECK, RESYNC, STATES };

struct array {
	struct pm_str name;
	int state;
	double disks_active, disks_total, disks_failed, disks_spare, disks_down, blocks, blocks_synced;
};

static bool has(struct pm_str s, const char *word)
{
	return memmem(s.ptr, s.len, word, strlen(word)) != NULL;
}

static size_t count(struct pm_str s, const char *word)
{
	size_t n = 0, len = strlen(word);
	const char *p;
	while ((p = memmem(s.ptr, s.len, word, len)) != NULL) {
		n++;
		s = (struct pm_str){ p + len, s.len - (size_t)(p + len - s.ptr) };
	}
	return n;
}

/* "OPEN A/B CLOSE": two numbers between brackets, the last of the line for which that holds. */
static bool fraction(struct pm_str line, char open, char close, double *ret_a, double *ret_b)
{
	struct pm_str before, inside, a, b;
	bool found = false;
	while (pm_proc_cut(line, open, &before, &line))
		if (pm_proc_cut(line, close, &inside, &before) && pm_proc_cut(inside, '/', &a, &b) &&
			pm_proc_number(a, ret_a, NULL) == 0 && pm_proc_number(b, ret_b, NULL) == 0)
			found = true;
	return found;
}

static int parse_status(struct array *m, struct pm_str device, struct pm_str line, struct pm_error *err)
{
	struct pm_str word, rest = line;
	double total, active;
	if (!pm_proc_field(&rest, &word) || pm_proc_number(word, &m->blocks, NULL) != 0)
		return pm_fail(err, PM_ERR_INVALID, "mdstat: %.*s without a size", PM_STR_ARG(m->name));
	if (m->state == INACTIVE)
		return 0;
	if (has(device, "raid0") || has(device, "linear")) { /* has no spare parts: all disks or nothing */
		m->disks_total = m->disks_active = (double)count(device, "[");
		return 0;
	}
	if (!fraction(line, '[', ']', &total, &active))
		return pm_fail(err, PM_ERR_INVALID, "mdstat: %.*s without a count of disks", PM_STR_ARG(m->name));
	m->disks_total = total;
	m->disks_active = active;
	m->disks_down = (double)count(line, "_");
	return 0;
}

static int parse_sync(struct array *m, struct pm_str line, struct pm_error *err)
{
	double done, of;
	for (int i = RECOVERING; i < STATES; i++) {
		if (!has(line, states[i].word))
			continue;
		m->state = i;
		m->blocks_synced = 0;
		if (has(line, "PENDING") || has(line, "DELAYED"))
			return 0;
		if (!fraction(line, '(', ')', &done, &of))
			return pm_fail(err, PM_ERR_INVALID, "mdstat: %.*s without its progress", PM_STR_ARG(m->name));
		m->blocks_synced = done;
		return 0;
	}
	return 0;
}

static void emit_array(struct pm_linux *x, const struct array *m)
{
	const struct pm_label device = PM_LABEL("device", m->name);
	pm_emit(x->emit, &disks_required, m->disks_total, device);
	pm_emit(x->emit, &disks, m->disks_active, device, PM_LABEL("state", PM_STR("active")));
	pm_emit(x->emit, &disks, m->disks_failed, device, PM_LABEL("state", PM_STR("failed")));
	pm_emit(x->emit, &disks, m->disks_spare, device, PM_LABEL("state", PM_STR("spare")));
	pm_emit(x->emit, &disks, m->disks_down, device, PM_LABEL("state", PM_STR("down")));
	pm_emit(x->emit, &blocks, m->blocks, device);
	pm_emit(x->emit, &blocks_synced, m->blocks_synced, device);
	for (int i = 0; i < STATES; i++)
		pm_emit(x->emit, &state, i == m->state, device, PM_LABEL("state", pm_str(states[i].label)));
}

static bool at_margin(struct pm_str text)
{
	return text.len && text.ptr[0] != ' ' && text.ptr[0] != '\t' && text.ptr[0] != '\n';
}

/* `device`: the first line of an array; its further lines are taken off `text`. */
static int array(struct pm_linux *x, struct pm_str device, struct pm_str *text, struct pm_error *err)
{
	struct pm_str field[3], line;
	struct array m = { 0 };
	if (pm_proc_fields(device, field, 3) < 3 || at_margin(*text) || !pm_proc_line(text, &line))
		return pm_fail(err, PM_ERR_INVALID, "mdstat: an array cut short");
	m.name = field[0];
	m.state = pm_str_eq(field[2], PM_STR("active")) ? ACTIVE : INACTIVE;
	m.disks_failed = (double)count(device, "(F)");
	m.disks_spare = (double)count(device, "(S)");
	int rc = parse_status(&m, device, line, err);
	m.blocks_synced = m.blocks;
	while (rc == 0 && text->len && !at_margin(*text) && pm_proc_line(text, &line))
		if (!has(line, "bitmap"))
			rc = parse_sync(&m, line, err);
	if (rc == 0)
		emit_array(x, &m);
	return rc;
}

int pm_linux_mdadm(struct pm_linux *x, struct pm_error *err)
{
	struct pm_str text, line;
	int rc = pm_proc_read(&x->arena, &text, err, "%s/mdstat", x->procfs);
	while (rc == 0 && pm_proc_line(&text, &line))
		if (at_margin(line) && !pm_proc_prefix(line, "Personalities", NULL) &&
			!pm_proc_prefix(line, "unused", NULL))
			rc = array(x, line, &text, err);
	return rc;
}
