// SPDX-License-Identifier: GPL-2.0-only
/* The kernel's services for the core: each function is one the core cannot call itself, because it is inline. */
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/hrtimer.h>
#include <linux/ktime.h>
#include <linux/lockdep.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/netdevice.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/skbuff.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <net/sock.h>

#include "bindings.h"
#include "deferral.h"
#include "version.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

static_assert(sizeof(struct mutex) <= CNX_K_MUTEX_BYTES);
static_assert(sizeof(spinlock_t) <= CNX_K_SPINLOCK_BYTES);
static_assert(sizeof(wait_queue_head_t) <= CNX_K_WAITQUEUE_BYTES);
static_assert(sizeof(struct lock_class_key) <= CNX_K_LOCK_CLASS_BYTES);
struct cnx_k_timer {
	struct hrtimer timer;
	void (*expired)(void *context);
	void *context;
};

static_assert(sizeof(struct cnx_k_timer) <= CNX_K_TIMER_BYTES);
static_assert(sizeof(struct rcu_head) <= 2 * sizeof(void *));

void cnx_k_mutex_init(struct cnx_k_mutex *mutex, struct cnx_k_lock_class *lock_class)
{
	mutex_init((struct mutex *)mutex);
	lockdep_set_class((struct mutex *)mutex, (struct lock_class_key *)lock_class);
}

void cnx_k_mutex_lock(struct cnx_k_mutex *mutex)
{
	mutex_lock((struct mutex *)mutex);
}

void cnx_k_mutex_unlock(struct cnx_k_mutex *mutex)
{
	mutex_unlock((struct mutex *)mutex);
}

void cnx_k_spinlock_init(struct cnx_k_spinlock *lock, struct cnx_k_lock_class *lock_class)
{
	spin_lock_init((spinlock_t *)lock);
	lockdep_set_class((spinlock_t *)lock, (struct lock_class_key *)lock_class);
}

unsigned long cnx_k_spinlock_lock(struct cnx_k_spinlock *lock) __acquires(lock)
{
	unsigned long flags;

	spin_lock_irqsave((spinlock_t *)lock, flags);
	return flags;
}

void cnx_k_spinlock_unlock(struct cnx_k_spinlock *lock, unsigned long flags) __releases(lock)
{
	spin_unlock_irqrestore((spinlock_t *)lock, flags);
}

void cnx_k_waitqueue_init(struct cnx_k_waitqueue *queue)
{
	init_waitqueue_head((wait_queue_head_t *)queue);
}

void cnx_k_waitqueue_wait(struct cnx_k_waitqueue *queue, bool (*predicate)(void *), void *context)
{
	wait_event(*(wait_queue_head_t *)queue, predicate(context));
}

void cnx_k_waitqueue_wake(struct cnx_k_waitqueue *queue)
{
	wake_up_all((wait_queue_head_t *)queue);
}

static enum hrtimer_restart cnx_timer_expired(struct hrtimer *timer)
{
	struct cnx_k_timer *expired = container_of(timer, struct cnx_k_timer, timer);

	expired->expired(expired->context);
	/* It may have been armed again meanwhile, and that stands. */
	return HRTIMER_NORESTART;
}

void cnx_k_timer_init(struct cnx_k_timer *timer, void (*expired)(void *), void *context)
{
	hrtimer_setup(&timer->timer, cnx_timer_expired, CLOCK_MONOTONIC, HRTIMER_MODE_REL_SOFT);
	timer->expired = expired;
	timer->context = context;
}

void cnx_k_timer_arm(struct cnx_k_timer *timer, __u64 nanoseconds)
{
	hrtimer_start(&timer->timer, ns_to_ktime(nanoseconds), HRTIMER_MODE_REL_SOFT);
}

void cnx_k_timer_cancel(struct cnx_k_timer *timer)
{
	hrtimer_cancel(&timer->timer);
}

__u64 cnx_k_now(void)
{
	return ktime_get_ns();
}

void *cnx_k_allocate(__kernel_size_t bytes)
{
	/* Of kmalloc's sizes only the powers of two are aligned, and the core asks for whole cache lines. */
	return kvzalloc(bytes < PAGE_SIZE ? roundup_pow_of_two(bytes) : bytes, GFP_KERNEL);
}

void *cnx_k_allocate_now(__kernel_size_t bytes)
{
	return kzalloc(bytes, GFP_ATOMIC | __GFP_NOWARN);
}

void cnx_k_release(void *memory)
{
	kvfree(memory);
}

void cnx_k_rcu_read_lock(void) __acquires(RCU)
{
	rcu_read_lock();
}

void cnx_k_rcu_read_unlock(void) __releases(RCU)
{
	rcu_read_unlock();
}

void cnx_k_call_rcu(struct cnx_k_rcu_head *head, void (*reclaim)(struct cnx_k_rcu_head *))
{
	call_rcu((struct rcu_head *)head, (rcu_callback_t)reclaim);
}

void cnx_k_synchronize(void)
{
	synchronize_rcu();
}

void cnx_k_rcu_barrier(void)
{
	rcu_barrier();
}

unsigned int cnx_k_cpu(void)
{
	return raw_smp_processor_id();
}

unsigned int cnx_k_cpu_count(void)
{
	return nr_cpu_ids;
}

const void *cnx_k_task(void)
{
	return current;
}

bool cnx_k_may_sleep(void)
{
	return !in_atomic() && !irqs_disabled() && !rcu_preempt_depth();
}

bool cnx_k_permits(struct sk_buff *skb, struct net *net, int capability)
{
	return netlink_ns_capable(skb, net->user_ns, capability);
}

/* Counters cross the boundary under an opaque name, and without the address space that sparse knows them by. */
static inline u64 __percpu *cnx_percpu(struct cnx_k_counters *counters)
{
	return (u64 __percpu __force *)counters;
}

struct cnx_k_counters *cnx_k_counters_allocate(__kernel_size_t count)
{
	/* The same the other way. */
	return (struct cnx_k_counters __force *)__alloc_percpu(count * sizeof(u64), sizeof(u64));
}

void cnx_k_counters_release(struct cnx_k_counters *counters)
{
	free_percpu(cnx_percpu(counters));
}

void cnx_k_counter_add(struct cnx_k_counters *counters, __kernel_size_t index, __u64 n)
{
	cnx_this_cpu_add(cnx_percpu(counters)[index], n);
}

__u64 cnx_k_counter_read(struct cnx_k_counters *counters, __kernel_size_t index, unsigned int cpu)
{
	if (!cpu_possible(cpu))
		return 0;
	return READ_ONCE(per_cpu_ptr(cnx_percpu(counters), cpu)[index]);
}

/*
 * A sender that may sleep does so only where there is no memory otherwise: the first try neither reclaims nor lets
 * another task run in the middle of a send.
 */
#define CNX_TRY_FIRST (GFP_NOWAIT | __GFP_NOWARN)

struct sk_buff *cnx_k_skb_alloc(__kernel_size_t bytes, bool may_sleep, bool zeroes)
{
	const gfp_t content = zeroes ? __GFP_ZERO : 0;
	struct sk_buff *skb;

	if (cnx_k_must_defer())
		return NULL;
	skb = alloc_skb(bytes, CNX_TRY_FIRST | content);
	return likely(skb) ? skb : alloc_skb(bytes, (may_sleep ? GFP_KERNEL : GFP_ATOMIC) | content);
}

struct sk_buff *cnx_k_skb_clone(struct sk_buff *skb, bool may_sleep)
{
	struct sk_buff *clone = skb_clone(skb, CNX_TRY_FIRST);

	return likely(clone) ? clone : skb_clone(skb, may_sleep ? GFP_KERNEL : GFP_ATOMIC);
}

void cnx_k_skb_become_clone(struct sk_buff *ready, struct sk_buff *skb)
{
	skb_morph(ready, skb);
}

void cnx_k_skb_free(struct sk_buff *skb)
{
	if (cnx_k_must_defer())
		dev_kfree_skb_irq(skb);
	else
		kfree_skb(skb);
}

const void *cnx_k_skb_data(const struct sk_buff *skb, __kernel_size_t *size)
{
	*size = skb_headlen(skb);
	return skb->data;
}

void *cnx_k_skb_room_of(const struct sk_buff *skb, __kernel_size_t *size)
{
	*size = skb_tailroom(skb);
	return skb_tail_pointer(skb);
}

void *cnx_k_skb_extend(struct sk_buff *skb, __kernel_size_t bytes)
{
	return likely(bytes <= skb_tailroom(skb)) ? __skb_put(skb, bytes) : NULL;
}

bool cnx_k_skb_fit(struct sk_buff *skb, bool may_sleep)
{
	int unused = skb->end - skb->tail;

	if (unused * 2 < skb->truesize)
		return true;
	if (pskb_expand_head(skb, 0, -unused, may_sleep ? GFP_KERNEL : GFP_ATOMIC))
		return false;
	/* pskb_expand_head() accounts only for skbs that no socket owns, and rounds up to what the allocator gives. */
	skb->truesize = SKB_TRUESIZE(skb_end_offset(skb));
	return true;
}

int cnx_k_broadcast(struct sock *kernel, struct sk_buff *skb, __u32 except, __u32 group, bool may_sleep)
{
	NETLINK_CB(skb).dst_group = group;
	return netlink_broadcast(kernel, skb, except, group, GFP_ATOMIC);
}

int cnx_k_unicast(struct sock *kernel, struct sk_buff *skb, __u32 portid, __u32 group, bool wait)
{
	int delivered;

	NETLINK_CB(skb).dst_group = group;
	delivered = netlink_unicast(kernel, skb, portid, !wait);
	return delivered < 0 ? delivered : 0;
}

void cnx_k_answer(struct sk_buff *received, const void *message, int status, const char *sentence)
{
	struct netlink_ext_ack extack = {._msg = sentence};

	netlink_ack(received, (struct nlmsghdr *)message, status, &extack);
}

struct sock *cnx_k_sender_socket(const struct sk_buff *received)
{
	return NETLINK_CB(received).sk;
}

void cnx_k_socket_hold(struct sock *socket)
{
	sock_hold(socket);
}

void cnx_k_socket_put(struct sock *socket)
{
	sock_put(socket);
}

bool cnx_k_socket_is_closed(const struct sock *socket)
{
	return sock_flag(socket, SOCK_DEAD);
}

bool cnx_k_socket_has_read_all(const struct sock *socket)
{
	return skb_queue_empty_lockless(&socket->sk_receive_queue);
}

bool cnx_k_socket_is_to_be_told(const struct sock *socket)
{
	return READ_ONCE(socket->sk_err) == ENOBUFS;
}

void cnx_k_socket_count_drop(struct sock *socket)
{
	atomic_inc(&socket->sk_drops);
}

bool cnx_k_queue(struct sock *socket, struct sk_buff *skb, __u32 group, bool though_it_missed)
{
	if (unlikely((atomic_read(&socket->sk_drops) && !though_it_missed) ||
	             atomic_read(&socket->sk_rmem_alloc) > socket->sk_rcvbuf || sock_flag(socket, SOCK_DEAD)))
		return false;
	/* What a socket's own filter leaves out is no loss to it. */
	if (unlikely(sk_filter(socket, skb))) {
		kfree_skb(skb);
		return true;
	}
	NETLINK_CB(skb).dst_group = group;
	skb_set_owner_r(skb, socket);
	skb_queue_tail(&socket->sk_receive_queue, skb);
	socket->sk_data_ready(socket);
	return true;
}

int cnx_k_tracing;

/* Called by the tracing core, one at a time, under its mutex. */
int cnx_tracing_on(void)
{
	WRITE_ONCE(cnx_k_tracing, cnx_k_tracing + 1);
	return 0;
}

void cnx_tracing_off(void)
{
	WRITE_ONCE(cnx_k_tracing, cnx_k_tracing - 1);
}

void cnx_k_trace_register(struct cnx_id id, const char *name)
{
	trace_cnx_register(id, name);
}

void cnx_k_trace_unregister(struct cnx_id id, const char *name)
{
	trace_cnx_unregister(id, name);
}

void cnx_k_trace_receive(struct cnx_id id, __u32 portid, __u32 length, int status)
{
	trace_cnx_receive(id, portid, length, status);
}

void cnx_k_trace_send(struct cnx_id id, __u32 portid, __u32 group, __u32 messages, int status)
{
	trace_cnx_send(id, portid, group, messages, status);
}

void cnx_k_trace_drop(int reason)
{
	trace_cnx_drop(reason);
}
