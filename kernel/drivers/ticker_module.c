// SPDX-License-Identifier: GPL-2.0-only
/* The ticker's module and timer: what only C can include. */
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/timer.h>

#include "../version.h"
#include "ticker.h"

static unsigned int period_ms = 100;
module_param(period_ms, uint, 0444);
MODULE_PARM_DESC(period_ms, "milliseconds between two datagrams, 1 to 60000 (default 100)");

static unsigned int batch = 1;
module_param(batch, uint, 0444);
MODULE_PARM_DESC(batch, "ticks in one datagram, 1 to 64 (default 1)");

static unsigned int wait_us;
module_param(wait_us, uint, 0444);
MODULE_PARM_DESC(wait_us,
                 "microseconds that a tick may wait for others where a listener asked for batches, 0 to 1000000 "
                 "(default 0: not at all)");

static void ticker_expired(struct timer_list *timer);
static DEFINE_TIMER(ticker_timer, ticker_expired);

static void ticker_expired(struct timer_list *timer)
{
	ticker_tick(ktime_get_ns(), batch);
	mod_timer(timer, jiffies + msecs_to_jiffies(period_ms));
}

static int __init ticker_init(void)
{
	int status;

	if (period_ms < 1 || period_ms > 60000 || batch < 1 || batch > 64 || wait_us > 1000000) {
		pr_err("cnx_ticker: period_ms must be 1 to 60000, batch 1 to 64 and wait_us 0 to 1000000\n");
		return -EINVAL;
	}
	status = ticker_start(wait_us);
	if (!status)
		mod_timer(&ticker_timer, jiffies + msecs_to_jiffies(period_ms));
	return status;
}

static void __exit ticker_exit(void)
{
	/* The timer rearms itself; deletion waits for a running one and wins against the rearming. */
	timer_delete_sync(&ticker_timer);
	ticker_stop();
}

module_init(ticker_init);
module_exit(ticker_exit);
MODULE_LICENSE("GPL v2");
MODULE_AUTHOR("The cnx authors");
MODULE_DESCRIPTION("cnx example: multicasts ticks from a timer");
