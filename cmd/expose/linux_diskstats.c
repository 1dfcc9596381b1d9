/* linux_diskstats.c - I/O of each block device from /proc/diskstats, and what udev knows of it (model, serial, ...).
 *
 * Partitions and RAM disks are left out. Columns came with kernels 2.6, 4.18 (discards) and 5.5 (flushes): a device
 * has as many series as its line has columns. */
#include "cmd/expose/linux.h"

#include "libtsdb/base/re.h"

#define EXCLUDED "(z?ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\\d+n\\d+p)\\d+"
#define SECTOR 512.0 /* bytes, whatever the device's own sectors are */
#define MILLI 0.001

static const struct {
	struct pm_metric metric;
	double scale;
} columns[] = {
	{ PM_COUNTER("node_disk_reads_completed_total", "Reads that succeeded."), 1 },
	{ PM_COUNTER("node_disk_reads_merged_total", "Reads merged with a neighbour before they were queued."), 1 },
	{ PM_COUNTER("node_disk_read_bytes_total", "Bytes read."), SECTOR },
	{ PM_COUNTER("node_disk_read_time_seconds_total", "Time all reads took together, in seconds."), MILLI },
	{ PM_COUNTER("node_disk_writes_completed_total", "Writes that succeeded."), 1 },
	{ PM_COUNTER("node_disk_writes_merged_total", "Writes merged with a neighbour before they were queued."), 1 },
	{ PM_COUNTER("node_disk_written_bytes_total", "Bytes written."), SECTOR },
	{ PM_COUNTER("node_disk_write_time_seconds_total", "Time all writes took together, in seconds."), MILLI },
	{ PM_GAUGE("node_disk_io_now", "Requests in progress."), 1 },
	{ PM_COUNTER("node_disk_io_time_seconds_total", "Time with at least one request in progress, in seconds."),
		MILLI },
	{ PM_COUNTER("node_disk_io_time_weighted_seconds_total", "Time times requests in progress, in seconds."),
		MILLI },
	{ PM_COUNTER("node_disk_discards_completed_total", "Discards that succeeded."), 1 },
	{ PM_COUNTER("node_disk_discards_merged_total", "Discards merged with a neighbour before they were queued."),
		1 },
	{ PM_COUNTER("node_disk_discarded_sectors_total", "Sectors of 512 bytes discarded."), 1 },
	{ PM_COUNTER("node_disk_discard_time_seconds_total", "Time all discards took together, in seconds."), MILLI },
	{ PM_COUNTER("node_disk_flush_requests_total", "Flushes that succeeded."), 1 },
	{ PM_COUNTER("node_disk_flush_requests_time_seconds_total", "Time all flushes took together, in seconds."),
		MILLI },
};

static const struct pm_metric info = PM_GAUGE("node_disk_info", "What a block device is; always 1.");
static const struct pm_metric fs_info =
	PM_GAUGE("node_disk_filesystem_info", "File system on a block device; always 1.");
static const struct pm_metric dm_info =
	PM_GAUGE("node_disk_device_mapper_info", "Device mapper's name of a device; always 1.");

static const struct pm_metric dm_backing =
	PM_GAUGE("node_disk_device_mapper_backing_device_info", "A device below one of the device mapper; always 1.");

static const struct {
	const char *property;
	struct pm_metric metric;
} ata[] = {
	{ "ID_ATA_WRITE_CACHE", PM_GAUGE("node_disk_ata_write_cache", "1 when the disk has a write cache.") },
	{ "ID_ATA_WRITE_CACHE_ENABLED",
		PM_GAUGE("node_disk_ata_write_cache_enabled", "1 when the write cache is on.") },
	{ "ID_ATA_ROTATION_RATE_RPM",
		PM_GAUGE("node_disk_ata_rotation_rate_rpm", "Rotations per minute, 0 for an SSD.") },
};

/* KEYS: major, minor and name stand before the columns. */
enum { KEYS = 3, COLUMNS_LEAST = 11, COLUMNS = sizeof columns / sizeof columns[0] };

/* Property `key` in udev's file of a device ("E:KEY=value" lines), or nothing. */
static struct pm_str property(struct pm_str udev, const char *key)
{
	struct pm_str line, name, value;
	while (pm_proc_line(&udev, &line))
		if (pm_proc_prefix(line, "E:", &line) && pm_proc_cut(line, '=', &name, &value) &&
			pm_str_eq(name, pm_str(key)))
			return value;
	return PM_STR("");
}

static struct pm_str serial(struct pm_str udev)
{
	static const char *const keys[] = { "SCSI_IDENT_SERIAL", "ID_SERIAL_SHORT", "ID_SERIAL" };
	struct pm_str s = { "", 0 };
	for (size_t i = 0; i < sizeof keys / sizeof keys[0] && s.len == 0; i++)
		s = property(udev, keys[i]);
	return s;
}

static void emit_backing(struct pm_linux *x, struct pm_str device)
{
	struct pm_strings names;
	if (pm_proc_list(&x->arena, &names, NULL, "%s/block/%.*s/slaves", x->sysfs, PM_STR_ARG(device)) != 0)
		return;
	for (size_t i = 0; i < names.count; i++)
		pm_emit(x->emit, &dm_backing, 1, PM_LABEL("device", device), PM_LABEL("backing_device", names.v[i]));
}

static void emit_mapper(struct pm_linux *x, struct pm_str device, struct pm_str udev, struct pm_str name)
{
	pm_emit(x->emit, &dm_info, 1, PM_LABEL("device", device), PM_LABEL("name", name),
		PM_LABEL("uuid", property(udev, "DM_UUID")), PM_LABEL("vg_name", property(udev, "DM_VG_NAME")),
		PM_LABEL("lv_name", property(udev, "DM_LV_NAME")), PM_LABEL("lv_layer", property(udev, "DM_LV_LAYER")));
	emit_backing(x, device);
}

static void emit_udev(struct pm_linux *x, const struct pm_str key[KEYS])
{
	struct pm_str udev = { "", 0 }, device = key[2], value, rotational;
	double v;
	pm_proc_word(&x->arena, &rotational, "%s/block/%.*s/queue/rotational", x->sysfs, PM_STR_ARG(device));
	(void)pm_proc_read(&x->arena, &udev, NULL, "%s/run/udev/data/b%.*s:%.*s", x->rootfs, PM_STR_ARG(key[0]),
		PM_STR_ARG(key[1]));
	pm_emit(x->emit, &info, 1, PM_LABEL("device", device), PM_LABEL("major", key[0]), PM_LABEL("minor", key[1]),
		PM_LABEL("path", property(udev, "ID_PATH")), PM_LABEL("wwn", property(udev, "ID_WWN")),
		PM_LABEL("model", property(udev, "ID_MODEL")), PM_LABEL("serial", serial(udev)),
		PM_LABEL("revision", property(udev, "ID_REVISION")),
		PM_LABEL("rotational", rotational.len ? rotational : PM_STR("0")));
	if ((value = property(udev, "ID_FS_TYPE")).len)
		pm_emit(x->emit, &fs_info, 1, PM_LABEL("device", device), PM_LABEL("type", value),
			PM_LABEL("usage", property(udev, "ID_FS_USAGE")),
			PM_LABEL("uuid", property(udev, "ID_FS_UUID")),
			PM_LABEL("version", property(udev, "ID_FS_VERSION")));
	if ((value = property(udev, "DM_NAME")).len)
		emit_mapper(x, device, udev, value);
	for (size_t i = 0; property(udev, "ID_ATA").len && i < sizeof ata / sizeof ata[0]; i++)
		if (pm_proc_number(property(udev, ata[i].property), &v, NULL) == 0)
			pm_emit(x->emit, &ata[i].metric, v, PM_LABEL("device", device));
}

static int emit_device(struct pm_linux *x, const struct pm_str *field, size_t count, struct pm_error *err)
{
	double v[COLUMNS];
	for (size_t i = KEYS; i < count; i++) {
		int rc = pm_proc_number(field[i], &v[i - KEYS], err);
		if (rc != 0)
			return rc;
	}
	emit_udev(x, field);
	for (size_t i = 0; i < count - KEYS; i++)
		pm_emit(x->emit, &columns[i].metric, v[i] * columns[i].scale, PM_LABEL("device", field[2]));
	return 0;
}

int pm_linux_diskstats(struct pm_linux *x, struct pm_error *err)
{
	struct pm_str text, line, field[KEYS + COLUMNS];
	struct pm_re *excluded = NULL;
	int rc = pm_re_new(PM_STR(EXCLUDED), &excluded, err);
	if (rc == 0)
		rc = pm_proc_read(&x->arena, &text, err, "%s/diskstats", x->procfs);
	while (rc == 0 && pm_proc_line(&text, &line)) {
		size_t n = pm_proc_fields(line, field, KEYS + COLUMNS);
		if (n == 0)
			continue;
		if (n < KEYS + COLUMNS_LEAST)
			rc = pm_fail(err, PM_ERR_INVALID, "diskstats: a line with only %zu fields", n);
		else if (!pm_re_match(excluded, field[2]))
			rc = emit_device(x, field, n, err);
	}
	pm_re_free(excluded);
	return rc;
}
