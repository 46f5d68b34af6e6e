// SPDX-License-Identifier: GPL-2.0-only
/* What keeps the pool of ready skbs full, and empties it when a CPU goes or memory is short. */
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/sched.h>
#include <linux/shrinker.h>
#include <linux/skbuff.h>
#include <linux/timer.h>
#include <linux/topology.h>

#include "bindings.h"
#include "skb_pool.h"
#include "version.h"

static enum cpuhp_state cnx_pool_hotplug;
static struct shrinker *cnx_pool_shrinker;
/* Fills magazines, and may sleep for memory. */
static struct kthread_worker *cnx_pool_worker;

__kernel_size_t cnx_k_skb_room(__kernel_size_t head)
{
	return SKB_WITH_OVERHEAD(head);
}

/* Nobody waits for what is made ready, so nobody is to be killed or warned for it. */
#define CNX_GIVE_UP_EARLY (GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN)

struct sk_buff *cnx_k_skb_alloc_ready(__kernel_size_t bytes, unsigned int cpu)
{
	return __alloc_skb(bytes, CNX_GIVE_UP_EARLY | __GFP_ZERO, 0, cpu_to_node(cpu));
}

struct sk_buff *cnx_k_skb_clone_ready(struct sk_buff *skb)
{
	return skb_clone(skb, CNX_GIVE_UP_EARLY);
}

static void cnx_pool_refill(struct kthread_work *work)
{
	unsigned int cpu;

	cnx_core_pool_refill_begins();
	cpus_read_lock();
	for_each_online_cpu(cpu) {
		if (!cnx_core_pool_fill(cpu))
			break;
		cond_resched();
	}
	cpus_read_unlock();
}

static DEFINE_KTHREAD_WORK(cnx_pool_work, cnx_pool_refill);

static void cnx_pool_tick(struct timer_list *timer)
{
	cnx_k_pool_refill_now();
}

static DEFINE_TIMER(cnx_pool_timer, cnx_pool_tick);

void cnx_k_pool_refill_soon(void)
{
	mod_timer(&cnx_pool_timer, jiffies + 1);
}

void cnx_k_pool_refill_now(void)
{
	kthread_queue_work(cnx_pool_worker, &cnx_pool_work);
}

/* The CPU is online, or about to be; the lock on hotplug is held. */
static int cnx_pool_cpu_online(unsigned int cpu)
{
	cnx_core_pool_fill(cpu);
	return 0;
}

static int cnx_pool_cpu_offline(unsigned int cpu)
{
	cnx_core_pool_drain(cpu, UINT_MAX);
	return 0;
}

static unsigned long cnx_pool_count(struct shrinker *shrinker, struct shrink_control *control)
{
	return cnx_core_pool_size() ?: SHRINK_EMPTY;
}

static unsigned long cnx_pool_scan(struct shrinker *shrinker, struct shrink_control *control)
{
	unsigned long freed = 0;
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		if (freed >= control->nr_to_scan)
			break;
		freed += cnx_core_pool_drain(cpu, control->nr_to_scan - freed);
	}
	return freed ?: SHRINK_STOP;
}

int cnx_pool_start(void)
{
	int state;

	cnx_pool_worker = cnx_kthread_run_worker("cnx_pool");
	if (IS_ERR(cnx_pool_worker))
		return PTR_ERR(cnx_pool_worker);
	/*
	 * Busy programs must not keep it from filling what runs dry. Besides, a sender wakes a thread of this class
	 * with fewer instructions than one that shares its time with others.
	 */
	sched_set_fifo_low(cnx_pool_worker->task);
	cnx_pool_shrinker = cnx_shrinker_register("cnx", cnx_pool_count, cnx_pool_scan);
	if (!cnx_pool_shrinker) {
		state = -ENOMEM;
		goto end_worker;
	}
	state = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "cnx:online", cnx_pool_cpu_online, cnx_pool_cpu_offline);
	if (state < 0)
		goto end_shrinker;
	cnx_pool_hotplug = state;
	return 0;

end_shrinker:
	cnx_shrinker_unregister(cnx_pool_shrinker);
end_worker:
	kthread_destroy_worker(cnx_pool_worker);
	return state;
}

void cnx_pool_stop(void)
{
	cpuhp_remove_state_nocalls(cnx_pool_hotplug);
	cnx_shrinker_unregister(cnx_pool_shrinker);
	timer_delete_sync(&cnx_pool_timer);
	kthread_destroy_worker(cnx_pool_worker);
}
