// SPDX-License-Identifier: GPL-2.0-only
/*
 * Takers of ready skbs on every CPU at once: a thread, a timer that fires in softirq and one that fires in hardirq,
 * which interrupt each other anywhere. Reading /proc/cnx_test_pool lets them send for a second and tells how often each
 * did.
 */
#include <linux/cpu.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/hrtimer.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/preempt.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include <cnx/driver.h>

#include "../../version.h"

#define NOBODY 0x7fffff01 /* a portid that no socket has: an skb is made for it, and netlink sends it back */
#define PERIOD_NS 300000
#define RUN_MS 1000

static atomic_t by_thread, by_softirq, by_hardirq, elsewhere, crowded_out, wrong;

static void send(atomic_t *sent, enum cnx_context context)
{
	const struct cnx_message message = {.id = {0x31, 1}, .length = 5, .payload = "hello"};
	const struct cnx_destination to = {.portid = NOBODY};

	/* Where locks sleep, what a hardirq sends is sent later, unless too much waits already. */
	const bool later = IS_ENABLED(CONFIG_PREEMPT_RT) && !preemptible();
	const int status = cnx_send(&message, &to, context);

	if (later && status == -ENOBUFS)
		atomic_inc(&crowded_out);
	else if (status != (later ? 0 : -ECONNREFUSED))
		atomic_inc(&wrong);
	atomic_inc(sent);
}

static enum hrtimer_restart fired(struct hrtimer *timer)
{
	atomic_t *sent = in_hardirq() ? &by_hardirq : in_serving_softirq() ? &by_softirq : &elsewhere;
	int i;

	for (i = 0; i < 3; i++)
		send(sent, CNX_NO_SLEEP);
	hrtimer_forward_now(timer, ns_to_ktime(PERIOD_NS));
	return HRTIMER_RESTART;
}

static int hammer(void *unused)
{
	struct hrtimer soft, hard;

	hrtimer_setup_on_stack(&soft, fired, CLOCK_MONOTONIC, HRTIMER_MODE_REL_PINNED_SOFT);
	hrtimer_setup_on_stack(&hard, fired, CLOCK_MONOTONIC, HRTIMER_MODE_REL_PINNED_HARD);
	hrtimer_start(&soft, ns_to_ktime(PERIOD_NS), HRTIMER_MODE_REL_PINNED_SOFT);
	hrtimer_start(&hard, ns_to_ktime(PERIOD_NS), HRTIMER_MODE_REL_PINNED_HARD);
	while (!kthread_should_stop()) {
		send(&by_thread, CNX_MAY_SLEEP);
		cond_resched();
	}
	hrtimer_cancel(&hard);
	hrtimer_cancel(&soft);
	destroy_hrtimer_on_stack(&hard);
	destroy_hrtimer_on_stack(&soft);
	return 0;
}

static int show(struct seq_file *out, void *unused)
{
	struct task_struct **hammers = kcalloc(nr_cpu_ids, sizeof(*hammers), GFP_KERNEL);
	unsigned int cpu;

	if (!hammers)
		return -ENOMEM;
	atomic_set(&by_thread, 0);
	atomic_set(&by_softirq, 0);
	atomic_set(&by_hardirq, 0);
	atomic_set(&elsewhere, 0);
	atomic_set(&crowded_out, 0);
	atomic_set(&wrong, 0);
	cpus_read_lock();
	for_each_online_cpu(cpu) {
		hammers[cpu] = kthread_create_on_cpu(hammer, NULL, cpu, "cnx_hammer/%u");
		if (!IS_ERR(hammers[cpu]))
			wake_up_process(hammers[cpu]);
	}
	cpus_read_unlock();
	msleep(RUN_MS);
	for (cpu = 0; cpu < nr_cpu_ids; cpu++) {
		if (hammers[cpu] && !IS_ERR(hammers[cpu]))
			kthread_stop(hammers[cpu]);
	}
	kfree(hammers);
	seq_printf(out, "thread %d\nsoftirq %d\nhardirq %d\nelsewhere %d\ncrowded_out %d\nwrong %d\n",
	           atomic_read(&by_thread), atomic_read(&by_softirq), atomic_read(&by_hardirq), atomic_read(&elsewhere),
	           atomic_read(&crowded_out), atomic_read(&wrong));
	return 0;
}

static int __init pool_init(void)
{
	return proc_create_single("cnx_test_pool", 0400, NULL, show) ? 0 : -ENOMEM;
}

static void __exit pool_exit(void)
{
	remove_proc_entry("cnx_test_pool", NULL);
}

module_init(pool_init);
module_exit(pool_exit);
MODULE_LICENSE("GPL v2");
MODULE_AUTHOR("The cnx authors");
MODULE_DESCRIPTION("Takers of cnx's ready skbs in every context at once");
