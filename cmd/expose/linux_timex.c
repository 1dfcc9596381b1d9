/* linux_timex.c - how well the clock is kept, from adjtimex(2), which reads without changing when asked so. */
#include "cmd/expose/linux.h"

#include <errno.h>
#include <sys/timex.h>

#define T(name, text) PM_GAUGE("node_timex_" name, text)
#define C(name, text) PM_COUNTER("node_timex_" name, text)
#define PPM (1e6 * 65536) /* frequencies are in 2^-16 parts per million */

static void emit(struct pm_linux *x, struct pm_metric m, double v)
{
	pm_emit_value(x->emit, &m, v);
}

#define EMIT(metric, v) emit(x, (struct pm_metric)metric, (double)(v))

int pm_linux_timex(struct pm_linux *x, struct pm_error *err)
{
	struct timex t = { 0 };
	int state = adjtimex(&t);
	if (state < 0)
		return pm_fail(err, errno == EPERM ? PM_ERR_NOTFOUND : PM_ERR_IO, "adjtimex: %s", strerror(errno));
	const double unit = t.status & STA_NANO ? 1e9 : 1e6;
	EMIT(T("sync_status", "1 when the clock is synchronized to a server."), state != TIME_ERROR);
	EMIT(T("offset_seconds", "Offset between the clock and its reference."), (double)t.offset / unit);
	EMIT(T("frequency_adjustment_ratio", "How much faster the clock is made to run."), 1 + (double)t.freq / PPM);
	EMIT(T("maxerror_seconds", "Largest possible error."), (double)t.maxerror / 1e6);
	EMIT(T("estimated_error_seconds", "Estimated error."), (double)t.esterror / 1e6);
	EMIT(T("status", "Status bits of the clock."), t.status);
	EMIT(T("loop_time_constant", "Time constant of the phase-locked loop."), t.constant);
	EMIT(T("tick_seconds", "Time between ticks."), (double)t.tick / 1e6);
	EMIT(T("pps_frequency_hertz", "Frequency of the pulse-per-second signal."), (double)t.ppsfreq / PPM);
	EMIT(T("pps_jitter_seconds", "Jitter of the pulse-per-second signal."), (double)t.jitter / unit);
	EMIT(T("pps_shift_seconds", "Length of a calibration interval."), t.shift);
	EMIT(T("pps_stability_hertz", "Average of recent changes of frequency."), (double)t.stabil / PPM);
	EMIT(C("pps_jitter_total", "Times the jitter was over its limit."), t.jitcnt);
	EMIT(C("pps_calibration_total", "Calibration intervals."), t.calcnt);
	EMIT(C("pps_error_total", "Calibration errors."), t.errcnt);
	EMIT(C("pps_stability_exceeded_total", "Times the stability was over its limit."), t.stbcnt);
	EMIT(T("tai_offset_seconds", "Offset of International Atomic Time."), t.tai);
	return 0;
}
