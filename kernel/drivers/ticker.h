/* SPDX-License-Identifier: GPL-2.0-only */
/* Between ticker_module.c, which owns the timer, and ticker.cpp, which owns all else. */
#ifndef CNX_DRIVERS_TICKER_H
#define CNX_DRIVERS_TICKER_H

#include <linux/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Process context. `wait_us`: how long a tick may wait for others, for listeners that asked for batches; 0: not at all.
 * 0 or a negative errno. */
int ticker_start(unsigned int wait_us);
/* Process context. The timer is stopped. */
void ticker_stop(void);
/* Softirq context. `now`: nanoseconds since boot; `batch`: how many ticks to send in one datagram, 1 or more. */
void ticker_tick(__u64 now, unsigned int batch);

#ifdef __cplusplus
}
#endif

#endif /* CNX_DRIVERS_TICKER_H */
