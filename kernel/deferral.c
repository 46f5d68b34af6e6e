// SPDX-License-Identifier: GPL-2.0-only
/* What waits to be sent by a thread: see deferral.h. */
#include <linux/atomic.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/llist.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/skbuff.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include "bindings.h"
#include "deferral.h"
#include "version.h"

/* Datagrams that wait at most. */
#define MOST 4096

static_assert(sizeof(struct cnx_k_deferred) <= sizeof_field(struct sk_buff, cb));

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

bool cnx_k_defer(struct sk_buff *skb, const struct cnx_k_deferred *what)
{
	if (atomic_inc_return(&cnx_deferrals) > MOST) {
		atomic_dec(&cnx_deferrals);
		return false;
	}
	memcpy(skb->cb, what, sizeof(*what));
	if (llist_add(&skb->ll_node, &cnx_deferred))
		kthread_queue_work(cnx_deferral_worker, &cnx_deferral_work);
	return true;
}

static void cnx_send_deferred(struct sk_buff *skb)
{
	struct cnx_k_deferred what;

	memcpy(&what, skb->cb, sizeof(what));
	/* As netlink expects it. */
	memset(skb->cb, 0, sizeof(skb->cb));
	skb_mark_not_on_list(skb);
	cnx_core_send_deferred(skb, &what);
}

void cnx_k_settle(void)
{
	struct llist_node *first;
	struct sk_buff *skb, *next;

	/* Pairs with the release below: what was sent before is sent. */
	if (likely(!atomic_read_acquire(&cnx_deferrals)))
		return;
	/* Whoever comes meanwhile waits for the turn, so that nothing overtakes anything. */
	spin_lock(&cnx_deferral_turn);
	first = llist_reverse_order(llist_del_all(&cnx_deferred));
	llist_for_each_entry_safe(skb, next, first, ll_node)
	{
		cnx_send_deferred(skb);
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
