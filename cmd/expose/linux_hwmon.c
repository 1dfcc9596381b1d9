/* linux_hwmon.c - sensors of the hardware (temperatures, fans, voltages, ...), from /sys/class/hwmon.
 *
 * A file is called TYPE NUMBER [_ELEMENT]: temp1_input, fan2_min, pwm1. All files of a chip are read first, since the
 * name of one metric can depend on its neighbours. The chip's label comes from the path of its device, which is stable,
 * unlike the number of hwmonN. */
#include "cmd/expose/linux.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

static const struct pm_metric chip_names = PM_GAUGE("node_hwmon_chip_names", "The driver's name of a chip; always 1.");
static const struct pm_metric sensor_label = PM_GAUGE("node_hwmon_sensor_label", "What a sensor measures; always 1.");

/* What becomes of a value: the metric's name gets `suffix`, the value is multiplied and divided. The first entry that
 * fits counts; a NULL element fits all. */
static const struct unit {
	const char *type, *element, *suffix;
	double times, per;
	bool counter;
} units[] = {
	{ NULL, "fault", "", 1, 1, false },
	{ NULL, "alarm", "", 1, 1, false },
	{ NULL, "beep", "_enabled", 1, 1, false },
	{ "in", NULL, "_volts", 0.001, 1, false },
	{ "cpu", NULL, "_volts", 0.001, 1, false },
	{ "temp", "type", "", 1, 1, false },
	{ "temp", NULL, "_celsius", 0.001, 1, false },
	{ "curr", NULL, "_amps", 0.001, 1, false },
	{ "energy", NULL, "_joule_total", 1, 1e6, true },
	{ "power", "accuracy", "", 1, 1e6, false },
	{ "power", "average_interval", "_seconds", 0.001, 1, false },
	{ "power", "average_interval_min", "_seconds", 0.001, 1, false },
	{ "power", "average_interval_max", "_seconds", 0.001, 1, false },
	{ "power", NULL, "_watt", 1, 1e6, false },
	{ "humidity", NULL, "", 1, 1e6, false },
	{ "fan", "input", "_rpm", 1, 1, false },
	{ "fan", "min", "_rpm", 1, 1, false },
	{ "fan", "max", "_rpm", 1, 1, false },
	{ "fan", "target", "_rpm", 1, 1, false },
	{ NULL, NULL, "", 1, 1, false },
};

static const char *const types[] = { "vrm", "beep_enable", "update_interval", "in", "cpu", "fan", "pwm", "temp", "curr",
	"power", "energy", "humidity", "intrusion", "freq" };

enum { READINGS_MAX = 8192 };

struct reading {
	struct pm_str type, sensor, element, value; /* "temp", "temp1", "input", "42000" */
};

struct chip {
	struct pm_str name;
	struct reading *v;
	size_t count;
};

static bool known_type(struct pm_str type)
{
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
		if (pm_str_eq(type, pm_str(types[i])))
			return true;
	return false;
}

/* "temp1_input" into its parts; false when it is no sensor's. "update_interval" has no number, which is then 0. */
static bool split_name(struct pm_arena *a, struct pm_str file, struct reading *ret)
{
	size_t digits = 0, end;
	while (digits < file.len && (file.ptr[digits] < '0' || file.ptr[digits] > '9'))
		digits++;
	for (end = digits; end < file.len && file.ptr[end] >= '0' && file.ptr[end] <= '9';)
		end++;
	if (end - digits > 9 || (end < file.len && (file.ptr[end] != '_' || end + 1 == file.len)))
		return false;
	ret->type = (struct pm_str){ file.ptr, digits };
	ret->element = end < file.len ? (struct pm_str){ file.ptr + end + 1, file.len - end - 1 } : PM_STR("");
	if (!known_type(ret->type))
		return false;
	/* A number is printed again, so that a leading zero goes. */
	unsigned long number = end > digits ? strtoul(file.ptr + digits, NULL, 10) : 0;
	char *sensor = pm_arena_printf(a, "%.*s%lu", PM_STR_ARG(ret->type), number);
	ret->sensor = pm_str(sensor);
	return sensor != NULL;
}

static struct reading *find(const struct chip *c, struct pm_str sensor, struct pm_str element)
{
	for (size_t i = 0; i < c->count; i++)
		if (pm_str_eq(c->v[i].sensor, sensor) && pm_str_eq(c->v[i].element, element))
			return &c->v[i];
	return NULL;
}

/* Of two readings of one name the later counts. */
static void read_dir(struct pm_linux *x, const char *dir, struct chip *c)
{
	struct pm_strings names;
	if (pm_proc_list(&x->arena, &names, NULL, "%s", dir) != 0)
		return;
	for (size_t i = 0; i < names.count && c->count < READINGS_MAX; i++) {
		struct reading r;
		if (!split_name(&x->arena, names.v[i], &r) ||
			!pm_proc_word(&x->arena, &r.value, "%s/%s", dir, names.v[i].ptr))
			continue;
		struct reading *old = find(c, r.sensor, r.element);
		if (old)
			old->value = r.value;
		else
			c->v[c->count++] = r;
	}
}

/* Lower case, odd characters as underscores, none of these at the ends. */
static struct pm_str clean(struct pm_arena *a, struct pm_str s)
{
	struct pm_str copy = pm_arena_str(a, s);
	char *p = (char *)copy.ptr;
	for (size_t i = 0; p && i < s.len; i++) {
		if (p[i] >= 'A' && p[i] <= 'Z')
			p[i] += 'a' - 'A';
		else if (!((p[i] >= 'a' && p[i] <= 'z') || (p[i] >= '0' && p[i] <= '9') || p[i] == ':'))
			p[i] = '_';
	}
	while (copy.len && copy.ptr[0] == '_')
		copy = (struct pm_str){ copy.ptr + 1, copy.len - 1 };
	while (copy.len && copy.ptr[copy.len - 1] == '_')
		copy.len--;
	return copy;
}

/* The last component of a path, which is taken off. */
static struct pm_str pop_component(char *path)
{
	char *slash = strrchr(path, '/');
	if (!slash)
		return PM_STR("");
	*slash = 0;
	return pm_str(slash + 1);
}

/* "platform_coretemp_0" from the device's bus and name, else the driver's name, else hwmonN. */
static struct pm_str chip_name(struct pm_linux *x, const char *dir, struct pm_str driver)
{
	char path[PATH_MAX];
	const char *link = pm_arena_printf(&x->arena, "%s/device", dir);
	struct pm_str name = { "", 0 };
	if (link && realpath(link, path)) {
		struct pm_str device = clean(&x->arena, pop_component(path)),
			      bus = clean(&x->arena, pop_component(path));
		char *both = bus.len && device.len
				     ? pm_arena_printf(&x->arena, "%.*s_%.*s", PM_STR_ARG(bus), PM_STR_ARG(device))
				     : NULL;
		name = both ? pm_str(both) : device;
	}
	if (name.len == 0)
		name = clean(&x->arena, driver);
	if (name.len == 0 && realpath(dir, path))
		name = clean(&x->arena, pop_component(path));
	return name;
}

static bool is(struct pm_str s, const char *word)
{
	return pm_str_eq(s, pm_str(word));
}

/* Sensors of one value each that have a name of their own. */
static bool emit_special(struct pm_linux *x, const struct reading *r, double v, const struct pm_label labels[2])
{
	static const struct pm_metric beep = PM_GAUGE("node_hwmon_beep_enabled", "1 when the chip may beep."),
				      vrm = PM_GAUGE("node_hwmon_voltage_regulator_version",
					      "Version of the voltage regulator."),
				      interval = PM_GAUGE(
					      "node_hwmon_update_interval_seconds", "Time between two measurements.");
	const struct pm_metric *m = is(r->type, "beep_enable")       ? &beep
				    : is(r->type, "vrm")             ? &vrm
				    : is(r->type, "update_interval") ? &interval
								     : NULL;
	if (!m)
		return false;
	if (r->element.len == 0)
		pm_emit_labels(x->emit, m, m == &interval ? v * 0.001 : v, labels, 2);
	return true;
}

static void emit_reading(struct pm_linux *x, const struct chip *c, const struct reading *r)
{
	struct pm_label labels[3] = { PM_LABEL("chip", c->name), PM_LABEL("sensor", r->sensor),
		PM_LABEL("label", r->value) };
	char prefix[128], help[160];
	double v;
	if (is(r->element, "label")) {
		pm_emit_labels(x->emit, &sensor_label, 1, labels, 3);
		return;
	}
	if (pm_proc_number(r->value, &v, NULL) != 0 || emit_special(x, r, v, labels))
		return;
	/* The input is the value itself, unless there is a file without an element, as with pwm1. */
	struct pm_str element = clean(&x->arena, r->element);
	bool bare = r->element.len == 0 || (is(r->element, "input") && !find(c, r->sensor, PM_STR("")));
	const struct unit *u = units;
	while ((u->type && !is(r->type, u->type)) || (u->element && !is(r->element, u->element)))
		u++;
	snprintf(prefix, sizeof prefix, "node_hwmon_%.*s%s", PM_STR_ARG(r->type), bare ? "" : "_");
	snprintf(help, sizeof help, "Hardware monitor: %.*s %.*s.", PM_STR_ARG(r->type), PM_STR_ARG(r->element));
	struct pm_metric m = { pm_emit_name(x->emit, prefix, bare ? PM_STR("") : element, u->suffix),
		u->counter ? "counter" : "gauge", help };
	pm_emit_labels(x->emit, &m, v * u->times / u->per, labels, 2);
}

static void emit_chip(struct pm_linux *x, const char *dir, struct chip *c)
{
	struct pm_str driver;
	pm_proc_word(&x->arena, &driver, "%s/name", dir);
	c->name = chip_name(x, dir, driver);
	c->count = 0;
	read_dir(x, dir, c);
	const char *device = pm_arena_printf(&x->arena, "%s/device", dir);
	if (device)
		read_dir(x, device, c);
	if (driver.len)
		pm_emit(x->emit, &chip_names, 1, PM_LABEL("chip", c->name),
			PM_LABEL("chip_name", clean(&x->arena, driver)));
	for (size_t i = 0; i < c->count; i++)
		emit_reading(x, c, &c->v[i]);
}

int pm_linux_hwmon(struct pm_linux *x, struct pm_error *err)
{
	struct pm_strings names;
	struct chip c = { .v = pm_arena_array(&x->arena, READINGS_MAX, sizeof *c.v) };
	int rc = c.v ? pm_proc_list(&x->arena, &names, err, "%s/class/hwmon", x->sysfs) : PM_ERR_NOMEM;
	for (size_t i = 0; rc == 0 && i < names.count; i++) {
		const char *dir = pm_arena_printf(&x->arena, "%s/class/hwmon/%s", x->sysfs, names.v[i].ptr);
		if (!dir)
			return pm_fail(err, PM_ERR_NOMEM, "out of memory");
		emit_chip(x, dir, &c);
	}
	return rc;
}
