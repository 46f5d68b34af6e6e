/* SPDX-License-Identifier: GPL-2.0-only */
/* What the parts of the in-kernel half of the benchmark share. main.c says what each command does. */
#ifndef CNX_BENCH_H
#define CNX_BENCH_H

#include <linux/timekeeping.h>
#include <linux/timex.h>
#include <linux/types.h>

#define BENCH_IDX 0x40
#define BENCH_PAYLOAD 64
#define BENCH_MOST_TICKS 65536u
#define BENCH_MOST_CALLBACKS 4096u
#define BENCH_MOST_BATCH 64u
#define BENCH_MOST_NUMBERS 5

enum bus { CNX, CONNECTOR };

/* So many steps, each a round of so many repetitions between two looks at the clock. */
struct plan {
	unsigned int steps;
	unsigned int round;
};

/* What each step took, and how many there are. One command runs at a time. */
extern u64 *bench_ticks;
extern unsigned int bench_steps;

/* Whether the clock shows nanoseconds. Otherwise it is the processor's own counter. */
extern bool bench_nanoseconds;

void bench_clock_init(void);
u64 bench_nanosecond(void);

static inline u64 bench_now(void)
{
	return bench_nanoseconds ? bench_nanosecond() : get_cycles();
}

/*
 * Does the work by the plan, and writes to `ticks` what each step took. Work returns 0 or a negative errno, which ends
 * it. Inline, so that the work is as well, and no indirect call is measured with it.
 */
static __always_inline int bench_measure(u64 *ticks, struct plan plan, int (*work)(void *context), void *context)
{
	unsigned int step, i;
	int status = 0;

	for (step = 0; step < plan.steps; step++) {
		const u64 start = bench_now();

		for (i = 0; !status && i < plan.round; i++)
			status = work(context);
		if (status)
			return status;
		ticks[step] = bench_now() - start;
	}
	return 0;
}

/* The commands, with their numbers. 0 or a negative errno. */
int bench_register(enum bus bus, const unsigned int *numbers);
int bench_send(enum bus bus, const unsigned int *numbers);
int bench_local(enum bus bus, const unsigned int *numbers);
int bench_receive(enum bus bus, const unsigned int *numbers);

/* How many callbacks the bus has here: they are those of the ids BENCH_IDX:0 and onwards. */
unsigned int bench_registered(enum bus bus);
void bench_unregister(enum bus bus);

#endif /* CNX_BENCH_H */
