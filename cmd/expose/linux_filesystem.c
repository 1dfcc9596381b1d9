/* linux_filesystem.c - size and free space of mounted file systems.
 *
 * Mounts come from init's /proc/1/mountinfo, which sees the host when we sit in a container; ours is second choice.
 * Kernel file systems and container layers are left out. Network file systems are asked like all others, but with a
 * limit on the time (see statfs.h): one that does not answer has node_filesystem_device_error 1 and no other series. */
#include "cmd/expose/linux.h"
#include "cmd/expose/statfs.h"

#include "libtsdb/base/re.h"

#define EXCLUDED_MOUNTS "/(dev|proc|run/credentials/.+|sys|var/lib/docker/.+|var/lib/containers/storage/.+)(/.*)?"
#define EXCLUDED_TYPES                                                                                                 \
	"autofs|binfmt_misc|bpf|cgroup2?|configfs|debugfs|devpts|devtmpfs|fusectl|hugetlbfs|iso9660|mqueue|nsfs|"      \
	"overlay|proc|"                                                                                                \
	"procfs|pstore|rpc_pipefs|securityfs|selinuxfs|squashfs|sysfs|tracefs"

static const struct pm_metric device_error =
	PM_GAUGE("node_filesystem_device_error", "1 when the file system refused to tell, or did not answer in time.");
static const struct pm_metric mount_info =
	PM_GAUGE("node_filesystem_mount_info", "Where a file system is mounted, and its device's numbers; always 1.");
static const struct pm_metric readonly = PM_GAUGE("node_filesystem_readonly", "1 when mounted read-only.");
static const struct pm_metric size_bytes = PM_GAUGE("node_filesystem_size_bytes", "Size, in bytes.");
static const struct pm_metric free_bytes =
	PM_GAUGE("node_filesystem_free_bytes", "Free space, root's reserve included.");
static const struct pm_metric avail_bytes = PM_GAUGE("node_filesystem_avail_bytes", "Free space for users, in bytes.");
static const struct pm_metric files = PM_GAUGE("node_filesystem_files", "Inodes, used and free.");
static const struct pm_metric files_free = PM_GAUGE("node_filesystem_files_free", "Free inodes.");

enum { MOUNTS_MAX = 4096 };

struct mount {
	struct pm_str device, type, path, major, minor;
	bool readonly;
};

/* Spaces and the like are written as \040. In place: the result is never longer. */
static struct pm_str unescape(struct pm_arena *a, struct pm_str s)
{
	size_t o = 0;
	char *p = pm_arena_alloc(a, s.len + 1);
	if (!p)
		return s;
	for (size_t i = 0; i < s.len; i++) {
		const char *c = s.ptr + i;
		bool octal = *c == '\\' && s.len - i > 3 && c[1] >= '0' && c[1] <= '3' && c[2] >= '0' && c[2] <= '7' &&
			     c[3] >= '0' && c[3] <= '7';
		p[o++] = octal ? (char)((c[1] - '0') << 6 | (c[2] - '0') << 3 | (c[3] - '0')) : *c;
		i += octal ? 3 : 0;
	}
	return (struct pm_str){ p, o };
}

static bool option_ro(struct pm_str options)
{
	struct pm_str one;
	while (pm_proc_cut(options, ',', &one, &options))
		if (pm_str_eq(one, PM_STR("ro")))
			return true;
	return pm_str_eq(options, PM_STR("ro"));
}

/* "36 35 98:0 /root /mount/point rw,noatime shared:1 - ext3 /dev/root rw,errors=continue", where any number of fields
 * may stand before the "-". False when the line is not of that kind. */
static bool parse_mount(struct pm_linux *x, struct pm_str line, struct mount *ret)
{
	struct pm_str head[6], field, tail[3], major, minor;
	for (int i = 0; i < 6; i++)
		if (!pm_proc_field(&line, &head[i]))
			return false;
	do {
		if (!pm_proc_field(&line, &field))
			return false;
	} while (!pm_str_eq(field, PM_STR("-")));
	if (pm_proc_fields(line, tail, 3) < 3 || !pm_proc_cut(head[2], ':', &major, &minor))
		return false;
	*ret = (struct mount){ .device = unescape(&x->arena, tail[1]),
		.type = tail[0],
		.path = unescape(&x->arena, head[4]),
		.major = major,
		.minor = minor,
		.readonly = option_ro(head[5]) || option_ro(tail[2]) };
	return true;
}

/* The path as the host sees it; the same when it is not below rootfs. */
static struct pm_str strip_rootfs(const struct pm_linux *x, struct pm_str path)
{
	struct pm_str rest;
	if (!x->rootfs[0] || !pm_proc_prefix(path, x->rootfs, &rest))
		return path;
	return rest.len == 0 ? PM_STR("/") : rest.ptr[0] == '/' ? rest : path;
}

static bool listed(const struct mount *v, size_t n, const struct mount *m)
{
	for (size_t i = 0; i < n; i++)
		if (pm_str_eq(v[i].path, m->path) && pm_str_eq(v[i].device, m->device) && pm_str_eq(v[i].type, m->type))
			return true;
	return false;
}

/* The mounts to show, each once: a path that is mounted over shows what is on top, whatever its line. */
static int read_mounts(struct pm_linux *x, struct mount *v, size_t *ret_count, struct pm_error *err)
{
	struct pm_re *paths = NULL, *types = NULL;
	struct pm_str text = { "", 0 }, line;
	size_t n = 0;
	int rc = pm_re_new(PM_STR(EXCLUDED_MOUNTS), &paths, err);
	if (rc == 0)
		rc = pm_re_new(PM_STR(EXCLUDED_TYPES), &types, err);
	if (rc == 0 && pm_proc_read(&x->arena, &text, NULL, "%s/1/mountinfo", x->procfs) != 0)
		rc = pm_proc_read(&x->arena, &text, err, "%s/self/mountinfo", x->procfs);
	while (rc == 0 && n < MOUNTS_MAX && pm_proc_line(&text, &line)) {
		struct mount m;
		if (!parse_mount(x, line, &m)) {
			rc = pm_fail(err, PM_ERR_INVALID, "mountinfo: malformed line");
			break;
		}
		m.path = strip_rootfs(x, m.path);
		if (!pm_re_match(paths, m.path) && !pm_re_match(types, m.type) && !listed(v, n, &m))
			v[n++] = m;
	}
	pm_re_free(paths);
	pm_re_free(types);
	*ret_count = n;
	return rc;
}

static void emit_mount(struct pm_linux *x, const struct mount *m, const struct pm_statfs *s)
{
	const struct pm_label labels[] = { PM_LABEL("device", m->device), PM_LABEL("fstype", m->type),
		PM_LABEL("mountpoint", m->path), PM_LABEL("device_error", pm_str(s->reason)) };
	const size_t n = sizeof labels / sizeof labels[0];
	const double block = (double)s->stat.f_frsize;
	pm_emit_labels(x->emit, &device_error, s->reason != NULL, labels, n);
	pm_emit(x->emit, &mount_info, 1, PM_LABEL("device", m->device), PM_LABEL("major", m->major),
		PM_LABEL("minor", m->minor), PM_LABEL("mountpoint", m->path));
	if (s->reason)
		return;
	pm_emit_labels(x->emit, &size_bytes, (double)s->stat.f_blocks * block, labels, n);
	pm_emit_labels(x->emit, &free_bytes, (double)s->stat.f_bfree * block, labels, n);
	pm_emit_labels(x->emit, &avail_bytes, (double)s->stat.f_bavail * block, labels, n);
	pm_emit_labels(x->emit, &files, (double)s->stat.f_files, labels, n);
	pm_emit_labels(x->emit, &files_free, (double)s->stat.f_ffree, labels, n);
	pm_emit_labels(x->emit, &readonly, m->readonly, labels, n);
}

int pm_linux_filesystem(struct pm_linux *x, struct pm_error *err)
{
	size_t n;
	struct mount *mounts = pm_arena_array(&x->arena, MOUNTS_MAX, sizeof *mounts);
	if (!mounts)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	int rc = read_mounts(x, mounts, &n, err);
	if (rc != 0)
		return rc;
	struct pm_statfs *stats = pm_arena_array(&x->arena, n + 1, sizeof *stats);
	for (size_t i = 0; stats && i < n; i++) {
		stats[i].path = pm_arena_printf(&x->arena, "%s%.*s", x->rootfs, PM_STR_ARG(mounts[i].path));
		if (!stats[i].path)
			stats = NULL;
	}
	if (!stats || pm_statfs_all(stats, n, PM_STATFS_TIMEOUT_MS) != 0)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	for (size_t i = 0; i < n; i++)
		emit_mount(x, &mounts[i], &stats[i]);
	return 0;
}
