/* linux_time.c - the time of day, the time zone, and the kernel's clock sources. */
#include "cmd/expose/linux.h"

#include "libtsdb/base/clock.h"

#include <time.h>

static const struct pm_metric now = PM_GAUGE("node_time_seconds", "Time of day, Unix seconds.");
static const struct pm_metric zone =
	PM_GAUGE("node_time_zone_offset_seconds", "Seconds the time zone is ahead of UTC.");
static const struct pm_metric available =
	PM_GAUGE("node_time_clocksource_available_info", "A clock source that can be chosen; always 1.");
static const struct pm_metric current =
	PM_GAUGE("node_time_clocksource_current_info", "The clock source in use; always 1.");

static void clocksources(struct pm_linux *x)
{
	struct pm_strings names;
	struct pm_str number, list, one;
	if (pm_proc_list(&x->arena, &names, NULL, "%s/devices/system/clocksource", x->sysfs) != 0)
		return;
	for (size_t i = 0; i < names.count; i++) {
		const char *dir = names.v[i].ptr;
		if (!pm_proc_prefix(names.v[i], "clocksource", &number))
			continue;
		pm_proc_word(&x->arena, &list, "%s/devices/system/clocksource/%s/available_clocksource", x->sysfs, dir);
		while (pm_proc_field(&list, &one))
			pm_emit(x->emit, &available, 1, PM_LABEL("device", number), PM_LABEL("clocksource", one));
		if (pm_proc_word(
			    &x->arena, &one, "%s/devices/system/clocksource/%s/current_clocksource", x->sysfs, dir))
			pm_emit(x->emit, &current, 1, PM_LABEL("device", number), PM_LABEL("clocksource", one));
	}
}

int pm_linux_time(struct pm_linux *x, struct pm_error *err)
{
	int64_t ns = pm_now_ns();
	time_t seconds = (time_t)(ns / 1000000000);
	struct tm tm;
	pm_emit_value(x->emit, &now, (double)ns / 1e9);
	if (localtime_r(&seconds, &tm))
		pm_emit(x->emit, &zone, (double)tm.tm_gmtoff, PM_LABEL("time_zone", pm_str(tm.tm_zone)));
	clocksources(x);
	return 0;
}
