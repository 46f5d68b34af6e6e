// SPDX-License-Identifier: GPL-2.0-only
/* What waits to be sent by a thread: see deferral.h. */
#include <linux/atomic.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/llist.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/spinlock.h>

#include "bindings.h"
#include "deferral.h"
#include "version.h"

static_assert(sizeof(struct llist_node) == sizeof_field(struct cnx_k_note, next));

/* One list for all CPUs, so that what a task puts off keeps its order wherever the task goes. */
static LLIST_HEAD(cnx_deferred);
/* Those that are not sent yet, whether in the list or taken out of it. */
static atomic_t cnx_deferrals = ATOMIC_INIT(0);
/* Of who sends what waits. It lends its holder the priority of who waits for it. */
static DEFINE_SPINLOCK(cnx_deferral_turn);
static struct kthread_worker *cnx_deferral_worker;

bool cnx_k_must_defer(void)
{
	return !preemptible();
}

static void cnx_deferral_work_of(struct kthread_work *work)
{
	cnx_k_settle();
}

static DEFINE_KTHREAD_WORK(cnx_deferral_work, cnx_deferral_work_of);

void cnx_k_defer(struct cnx_k_note *note)
{
	atomic_inc(&cnx_deferrals);
	if (llist_add((struct llist_node *)&note->next, &cnx_deferred))
		kthread_queue_work(cnx_deferral_worker, &cnx_deferral_work);
}

void cnx_k_settle(void)
{
	struct llist_node *node, *next;

	/* Pairs with the release below: what was sent before is sent. */
	if (likely(!atomic_read_acquire(&cnx_deferrals)))
		return;
	/*
	 * Whoever comes meanwhile waits for the turn, so that nothing overtakes anything. Softirqs come, too, so
	 * nothing that is done here may wait for softirqs to be off: no send does.
	 */
	spin_lock(&cnx_deferral_turn);
	llist_for_each_safe(node, next, llist_reverse_order(llist_del_all(&cnx_deferred))) {
		cnx_core_send_deferred(container_of((void **)node, struct cnx_k_note, next));
		atomic_dec_return_release(&cnx_deferrals);
	}
	spin_unlock(&cnx_deferral_turn);
}

int cnx_deferral_start(void)
{
	cnx_deferral_worker = cnx_kthread_run_worker("cnx_deferral");
	if (IS_ERR(cnx_deferral_worker))
		return PTR_ERR(cnx_deferral_worker);
	/* What was sent in a hardirq is not to wait for programs that share their time. */
	sched_set_fifo_low(cnx_deferral_worker->task);
	return 0;
}

void cnx_deferral_stop(void)
{
	kthread_destroy_worker(cnx_deferral_worker);
}
