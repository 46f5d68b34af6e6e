// SPDX-License-Identifier: GPL-2.0-only
/* The clock of nanoseconds. */
#include <linux/math64.h>
#include <linux/sched.h>

#include "bench.h"

#if IS_ENABLED(CONFIG_UML)

/*
 * The clock of user-mode Linux goes in steps of 256 ns. So its processor's counter is read, which it does not use
 * itself, and its clock tells once how fast that goes.
 */
#define SHIFT 32
#define CALIBRATION (100 * NSEC_PER_MSEC)

static u64 scale; /* nanoseconds in a cycle, times 2 to the SHIFT */

void bench_clock_init(void)
{
	const u64 time = ktime_get_mono_fast_ns(), cycles = __builtin_ia32_rdtsc();
	u64 elapsed;

	do {
		cond_resched();
		elapsed = ktime_get_mono_fast_ns() - time;
	} while (elapsed < CALIBRATION);
	scale = div64_u64(elapsed << SHIFT, __builtin_ia32_rdtsc() - cycles);
}

u64 bench_nanosecond(void)
{
	return mul_u64_u64_shr(__builtin_ia32_rdtsc(), scale, SHIFT);
}

#else

void bench_clock_init(void) {}

u64 bench_nanosecond(void)
{
	return ktime_get_mono_fast_ns();
}

#endif
